import MediaCore
import NIOHTTP1
import Storage
import Testing

@testable import ObjectStorage

/// What S3 servers answer, as it is read.
@Suite("Answers of S3 servers")
struct S3AnswersTests {
    @Test("a document is read with its elements, text, references and CDATA")
    func document() throws {
        let text = """
            \u{FEFF}<?xml version="1.0" encoding="UTF-8"?><!-- x --><s3:List xmlns:s3="http://a/>"><Key a='>'>a &amp; b&#x20;&#99;</Key>
            <Empty/><Key><![CDATA[<d>]]>e<!-- no --></Key></s3:List>
            """
        let root = try #require(XMLReader.root(of: Array(text.utf8)))
        #expect(root.name == "List" && root["Empty"]?.text == "")
        #expect(root.all("Key").map(\.text) == ["a & b c", "<d>e"])
    }

    @Test(
        "what is no document, or more than a document, is none",
        arguments: [
            "", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a></a><b></b>", "<!DOCTYPE a><a></a>", "<a>&unknown;</a>",
            "<a>&#xD800;</a>",
            "<a", "<a b='", "<a><!--", "<?xml", "<a></a>text", "<a>&lt</a>", "<a b=<c></a>",
            String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100),
        ]
    )
    func noDocument(text: String) {
        #expect(XMLReader.root(of: Array(text.utf8)) == nil)
    }

    private func words(
        _ code: String,
        _ status: Int = 400,
        message: String = "m",
        more: String = "",
        date: Int64? = nil
    ) throws -> String {
        let configuration = S3Configuration(
            endpoint: try #require(S3Endpoint("https://s3.example.com")),
            region: "eu-central-1",
            bucket: "recordings",
            addressing: .path,
            credentials: .init(accessKey: "AKID", secretKey: Secret("secret"))
        )
        let body = "<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)</Error>"
        let problem = S3Problem(status: status, body: code.isEmpty ? [] : Array(body.utf8), serverTime: date)
        return problem.failure(nil, configuration: configuration, now: 1000).description
    }

    @Test("errors are told in words that say what to do")
    func words() throws {
        #expect(
            try words("RequestTimeTooSkewed", 403, date: 4600)
                == "the store refuses: the clock of this machine is behind the store's by 3600 seconds: set it, for example by NTP"
        )
        #expect(try words("SignatureDoesNotMatch", 403).contains("check LYCEUM_S3_SECRET_KEY"))
        #expect(try words("InvalidAccessKeyId", 403).contains("does not know the access key AKID"))
        #expect(try words("NoSuchBucket", 404).contains("there is no bucket recordings at https://s3.example.com"))
        #expect(
            try words("PermanentRedirect", 301, more: "<Region>us-west-2</Region>").contains("in the region us-west-2")
        )
        #expect(try words("AccessDenied", 403).contains("may not do that"))
        #expect(try words("ExpiredToken", 400).contains("LYCEUM_S3_SESSION_TOKEN"))
        #expect(try words("", 403).contains("status 403"))
        #expect(try words("SlowDown", 503).hasPrefix("the store is not available"))
        #expect(try words("InternalError", 200).hasPrefix("the store is not available"))
        #expect(try words("Odd", 400, message: "a\u{1B}[1m\nb") == "the store refuses: status 400, Odd, a [1m b")
        #expect(try words("Odd", 400, message: String(repeating: "x", count: 9000)).count < 400)
    }

    @Test("only what can succeed later is tried again, a bounded number of times with growing pauses")
    func retries() {
        for status in [408, 429, 500, 502, 503, 504] {
            #expect(RetryPolicy.isWorthRepeating(.status(status, code: "")))
        }
        for status in [301, 400, 403, 404, 409, 411, 501] {
            #expect(!RetryPolicy.isWorthRepeating(.status(status, code: "X")))
        }
        #expect(
            RetryPolicy.isWorthRepeating(.nothing) && RetryPolicy.isWorthRepeating(.status(400, code: "RequestTimeout"))
        )
        let policy = RetryPolicy()
        let pauses = (1...5).map { policy.pause(after: $0, jitter: 1) }
        #expect(pauses == [.milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600), nil])
        #expect(policy.pause(after: 1, jitter: 0) == .milliseconds(100))
    }

    @Test("the time of a server is read as HTTP writes it")
    func time() {
        #expect(S3Client.time("Wed, 21 Oct 2015 07:28:00 GMT") == 1_445_412_480)
        for text in [
            "", "yesterday", "Wed, 21 Oct 2015 07:28:00 PST", "Wed, 21 Okt 2015 07:28:00 GMT",
            "Wed, x Oct 2015 07:28:00 GMT",
        ] {
            #expect(S3Client.time(text) == nil)
        }
    }

    @Test("a range that is not the one that was asked for is refused")
    func ranges() throws {
        let key = try key("a")
        var transfer = ObjectTransfer(key: key, range: 10..<20)
        #expect(throws: ObjectStoreFailure.self) { try transfer.begin(status: 206, ["content-range": "bytes 0-9/100"]) }
        #expect(throws: ObjectStoreFailure.self) { try transfer.begin(status: 206, [:]) }
        #expect(throws: ObjectStoreFailure.self) { try transfer.begin(status: 200, ["content-length": "10"]) }
        try transfer.begin(status: 206, ["content-range": "bytes 10-19/100", "etag": "\"x\""])
        try transfer.received(4)
        #expect(transfer.request.fields.map(\.value) == ["bytes=14-19", "\"x\""])
        #expect(throws: ObjectStoreFailure.self) { try transfer.received(7) }
        var whole = ObjectTransfer(key: key, range: 0..<20)
        try whole.begin(status: 200, ["content-length": "20"])
        #expect(throws: ObjectStoreFailure.self) { try whole.begin(status: 200, ["content-length": "21"]) }
    }

    @Test(
        "names that a file system or a URL would not take as they are are no keys",
        arguments: [
            "", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.b", "a\u{0}b", "a\nb",
            String(repeating: "a", count: 201),
        ]
    )
    func keys(text: String) {
        #expect(ObjectKey(text) == nil)
    }
}
