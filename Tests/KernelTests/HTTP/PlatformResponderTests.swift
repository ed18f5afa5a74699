import HTTPTypes
import Testing

@testable import Kernel

@Suite("The responder")
struct PlatformResponderTests {
    let platform: SamplePlatform

    init() throws { platform = try SamplePlatform() }

    @Test("what is not there is a problem below /api and a page elsewhere")
    func notFound() async {
        let program = await platform.send(.get, "/api/v1/nothing?x=1")
        #expect(program.status == 404)
        #expect(program.field("Content-Type") == "application/problem+json; charset=utf-8")
        #expect(program.json["instance"] == "/api/v1/nothing")
        #expect(program.json["request_id"]?.text == program.field("X-Request-Id"))
        let person = await platform.send(.get, "/nothing")
        #expect(person.status == 404)
        #expect(person.field("Content-Type") == "text/html; charset=utf-8")
        #expect(person.text.contains("<h1>Not Found</h1>"))
    }

    @Test(
        "a method that is not there is told which are",
        arguments: [HTTPRequest.Method.delete, .put, .trace, .connect, HTTPRequest.Method("FOO")!]
    )
    func methodNotAllowed(method: HTTPRequest.Method) async {
        let answer = await platform.send(method, "/api/v1/notes")
        #expect(answer.status == 405)
        #expect(answer.field("Allow") == "GET, HEAD, OPTIONS, POST")
    }

    @Test("OPTIONS tells the methods, and HEAD is GET without a body")
    func optionsAndHead() async {
        let options = await platform.send(.options, "/form")
        #expect(options.status == 204)
        #expect(options.field("Allow") == "GET, HEAD, OPTIONS, POST")
        let get = await platform.send(.get, "/api/v1/notes/1")
        let head = await platform.send(.head, "/api/v1/notes/1")
        #expect(head.bytes.isEmpty)
        #expect(head.field("Content-Length") == String(get.bytes.count))
        #expect(head.field("ETag") == get.field("ETag"))
    }

    @Test(
        "every answer carries the security fields, and HSTS only through TLS",
        arguments: ["/form", "/broken", "/x", "/api/v1/notes"]
    )
    func securityFields(path: String) async {
        let answer = await platform.send(.get, path)
        let policy = answer.field("Content-Security-Policy") ?? ""
        for directive in [
            "default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            #expect(policy.contains(directive))
        }
        #expect(!policy.contains("unsafe"))
        #expect(answer.field("X-Content-Type-Options") == "nosniff")
        #expect(answer.field("Referrer-Policy") == "same-origin")
        #expect(answer.field("Cross-Origin-Opener-Policy") == "same-origin")
        #expect(answer.field("Cross-Origin-Resource-Policy") == "same-origin")
        #expect(answer.field("Cache-Control") == "no-store")
        #expect(answer.field("Strict-Transport-Security") == "max-age=47304000; includeSubDomains")
        let plain = await platform.send(.get, path, isSecure: false)
        #expect(plain.field("Strict-Transport-Security") == nil)
    }

    @Test("only what stands under /embed/ may be shown in a frame elsewhere")
    func embed() async {
        let answer = await platform.send(.get, "/embed/1")
        #expect(answer.field("Content-Security-Policy")?.contains("frame-ancestors *") == true)
        #expect(answer.field("Cross-Origin-Opener-Policy") == nil)
    }

    @Test("each answer has a nonce of its own")
    func nonces() async {
        let first = await platform.send(.get, "/form").field("Content-Security-Policy")
        let second = await platform.send(.get, "/form").field("Content-Security-Policy")
        #expect(first != nil && first != second)
    }

    @Test(
        "a request id is echoed only when it is well-formed",
        arguments: [
            ("abcdef-123", true), ("short", false), ("has space in it", false),
            (String(repeating: "a", count: 65), false), ("<script>x</script>", false),
        ]
    )
    func requestID(value: String, isKept: Bool) async {
        let answer = await platform.send(.get, "/form", [("X-Request-Id", value)])
        #expect((answer.field("X-Request-Id") == value) == isKept)
        #expect((8...64).contains(answer.field("X-Request-Id")?.count ?? 0))
    }

    @Test("an unexpected error says nothing but the request's id, and the log does not say its values")
    func unexpected() async {
        let page = await platform.send(.get, "/broken", [("X-Request-Id", "request-1")])
        #expect(page.status == 500)
        #expect(page.text.contains("request-1"))
        #expect(!page.text.contains("secret value"))
        let line = platform.log.all.first { $0.contains("nobody expected") }
        #expect(line?.contains("request.id=request-1") == true)
        #expect(line?.contains("error.type=SampleError") == true)
        #expect(!platform.log.all.contains { $0.contains("secret value") })
    }

    @Test("a user agent cannot begin a line of the log")
    func logInjection() async {
        _ = await platform.send(.get, "/form", [("User-Agent", "x\u{2028}error forged\u{85}\u{1B}[2J\u{202E}")])
        let line = platform.log.all.first { $0.contains("forged") } ?? ""
        #expect(!line.isEmpty)
        for scalar in ["\u{2028}", "\u{85}", "\u{1B}", "\u{202E}", "\n"] { #expect(!line.contains(scalar)) }
    }

    @Test("what is sent too large, in another type or another coding is refused before it is read")
    func bodies() async {
        let token = SamplePlatform.bearer(SamplePlatform.adaWriter)
        let path = "/api/v1/notes"
        let large = await platform.send(
            .post,
            path,
            [token, SamplePlatform.json],
            body: String(repeating: " ", count: 65_537)
        )
        #expect(large.status == 413)
        let plain = await platform.send(.post, path, [token, ("Content-Type", "text/plain")], body: #"{"title":"a"}"#)
        #expect(plain.status == 415)
        let latin = await platform.send(
            .post,
            path,
            [token, ("Content-Type", "application/json; charset=iso-8859-1")],
            body: "{}"
        )
        #expect(latin.status == 415)
        let packed = await platform.send(
            .post,
            path,
            [token, SamplePlatform.json, ("Content-Encoding", "gzip")],
            body: "{}"
        )
        #expect(packed.status == 415)
        #expect(platform.responder.maximumBodySize(method: .post, path: path) == 65_536)
        #expect(platform.responder.maximumBodySize(method: .get, path: path) == 0)
        #expect(platform.runs["createNote"] == 0)
    }

    @Test(
        "malformed JSON is 400",
        arguments: [
            "", "{", "{\"title\":\"a\"} x", "{\"title\":\"a\",\"title\":\"b\"}", "{\"title\":\"\\ud800\"}",
            "{\"title\":1e999}",
            "{'title':1}", "[1,]", "nul", "{\"title\":\"\u{1}\"}", String(repeating: "[", count: 40_000),
            "{\"title\":01}",
        ]
    )
    func malformed(body: String) async {
        let answer = await platform.send(
            .post,
            "/api/v1/notes",
            [SamplePlatform.bearer(SamplePlatform.adaWriter), SamplePlatform.json],
            body: body
        )
        #expect(answer.status == 400)
        #expect(answer.code == "malformed")
    }

    @Test("JSON that is not UTF-8 is 400")
    func invalidUTF8() async {
        let bytes = Array("{\"title\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
        let answer = await platform.send(
            .post,
            "/api/v1/notes",
            [SamplePlatform.bearer(SamplePlatform.adaWriter), SamplePlatform.json],
            bytes: bytes
        )
        #expect(answer.status == 400)
    }

    @Test("everything wrong with a body is told at once, with pointers")
    func allErrors() async {
        let body = #"{"title":"","stars":6,"tags":["a","\u0000",3],"due":"yesterday","colour":"green","score":1}"#
        let answer = await platform.send(
            .post,
            "/api/v1/notes",
            [SamplePlatform.bearer(SamplePlatform.adaWriter), SamplePlatform.json],
            body: body
        )
        #expect(answer.status == 422)
        #expect(answer.places == ["/title", "/stars", "/tags/1", "/tags/2", "/due", "/colour", "/score"])
    }

    @Test(
        "unknown and impossible query fields are refused by the API",
        arguments: [
            "x=1", "limit=0", "limit=101", "limit=1e1", "limit=99999999999999999999", "limit=1&limit=2", "limit=%zz",
            "limit=%FF",
        ]
    )
    func query(query: String) async {
        let answer = await platform.send(
            .get,
            "/api/v1/notes?\(query)",
            [SamplePlatform.bearer(SamplePlatform.adaReader)]
        )
        #expect([400, 422].contains(answer.status))
    }

    @Test(
        "paths that cannot be decoded or have another shape are not found",
        arguments: [
            "/api/v1/notes/0", "/api/v1/notes/%00", "/api/v1/notes/%ff", "/api/v1/notes/1%2F2", "/api/v1/notes/",
            "/api/v1/notes/1/", "//api/v1/notes", "/api/v1/../v1/notes/1", "/%zz", "*",
        ]
    )
    func paths(path: String) async {
        #expect(await platform.send(.get, path).status == 404)
    }
}
