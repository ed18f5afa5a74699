import MediaCore
import Testing

@testable import lyceum

@Suite("The publish webhook")
struct PublishWebhookTests {
    private func answer(_ status: Int, _ body: String) -> PublishWebhook.Answer {
        PublishWebhook.answer(status: status, body: Array(body.utf8))
    }

    private func refusal(_ words: String) -> PublishWebhook.Answer {
        .decision(.deny(PublishRefusal(reason: words)))
    }

    @Test("an answer allows a stream, perhaps for a time")
    func allowed() throws {
        let stream = try #require(StreamID("class-7"))
        #expect(answer(200, #"{"allow":true,"stream":"class-7"}"#) == .decision(.allow(PublishGrant(stream))))
        #expect(
            answer(200, #"{"allow":true,"stream":"class-7","timeLimit":1.5,"more":[1]}"#)
                == .decision(.allow(PublishGrant(stream, timeLimit: .milliseconds(1500))))
        )
    }

    @Test("an answer refuses in its own words, on one line")
    func refused() {
        #expect(answer(200, #"{"allow":false,"reason":"the class is over"}"#) == refusal("the class is over"))
        #expect(answer(200, #"{"allow":false}"#) == refusal("the stream key was refused"))
        #expect(answer(403, #"{"detail":"no such\nkey","status":403}"#) == refusal("no such key"))
        #expect(answer(401, "<html>") == refusal("the stream key was refused"))
        #expect(answer(404, #"{"reason":7}"#) == refusal("the stream key was refused"))
        guard case .decision(.deny(let long)) = answer(403, #"{"reason":"\#(String(repeating: "x", count: 9999))"}"#)
        else {
            Issue.record("not refused")
            return
        }
        #expect(long.reason.count == 200)
    }

    @Test(
        "what is no answer is a fault, which nobody gets in by",
        arguments: [
            (200, ""), (200, "yes"), (200, "[]"), (200, "{}"), (200, #"{"allow":"true"}"#), (200, #"{"allow":true}"#),
            (200, #"{"allow":true,"stream":""}"#), (200, #"{"allow":true,"stream":"../x"}"#),
            (200, #"{"allow":true,"stream":"x","timeLimit":0}"#),
            (200, #"{"allow":true,"stream":"x","timeLimit":1e300}"#),
            (204, ""), (301, ""), (418, ""),
        ]
    )
    func faults(status: Int, body: String) {
        guard case .fault = answer(status, body) else {
            Issue.record("\(answer(status, body))")
            return
        }
    }

    @Test("what may pass is tried again", arguments: [408, 425, 429, 500, 502, 503, 504])
    func retried(status: Int) {
        #expect(answer(status, "") == .retry("status \(status)"))
    }

    @Test("the signature is an HMAC-SHA256 over the time and the body")
    func signature() {
        // From Python: hmac.new(b"0123456789abcdef", b'1767225600.{"a":1}', "sha256").hexdigest()
        let webhook = PublishWebhook(secret: Secret("0123456789abcdef"))
        #expect(
            webhook.signature(of: #"{"a":1}"#, time: 1_767_225_600)
                == "t=1767225600,v1=539b0e21b535c5201ef7d1453c0a0de4ad132293226de9018be0cfbf0092faa6"
        )
    }

    @Test("the body tells what the encoder asks for")
    func body() {
        let request = PublishRequest(
            app: "live",
            streamKey: Secret("k\"ey"),
            query: Secret("t=1"),
            peerAddress: "192.0.2.1"
        )
        let expected =
            #"{"id":"i","event":"publish","app":"live","streamKey":"k\"ey","query":"t=1","peerAddress":"192.0.2.1"}"#
        #expect(PublishWebhook.body(request, id: "i") == expected)
    }
}
