import HTTPTypes
import Testing

@testable import Kernel

@Suite("Forms that people send")
struct FormTests {
    let platform: SamplePlatform

    init() throws { platform = try SamplePlatform() }

    private func send(_ body: String) async -> Answer {
        let token = await platform.csrfToken([("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")])
        let fields = SamplePlatform.browser(csrf: token) + [SamplePlatform.form]
        return await platform.send(.post, "/form", fields, body: body)
    }

    @Test("a form that is right leads on with 303")
    func right() async {
        let answer = await send("title=a+b%26c&stars=5&agree=on")
        #expect(answer.status == 303)
        #expect(answer.field("Location") == "/form")
    }

    @Test("a form that is wrong comes back with its input, without its passwords")
    func wrong() async {
        let answer = await send("title=&stars=9&agree=on&password=short")
        #expect(answer.status == 422)
        #expect(answer.text.contains("stars=9"))
        #expect(!answer.text.contains("short"))
        #expect(answer.text.hasSuffix(#"["title", "stars", "password"]"#))
    }

    @Test(
        "hostile fields are refused, never run",
        arguments: [
            ("title=a&title=b&agree=on", 422), ("title=a%00b&agree=on", 422), ("title=a&agree=on&admin=1", 422),
            ("title=%FF&agree=on", 400), ("title=%&agree=on", 400), ("title=a&agree=maybe", 422),
            ("title=a&stars=1e400&agree=on", 422), ("title=a&stars=99999999999999999999&agree=on", 422),
            ("title=a&stars=-1&agree=on", 422), ("title=a&stars=%2B1&agree=on", 422),
            ("title=a&stars=0x1&agree=on", 422), ("title[]=a&agree=on", 422),
            (String(repeating: "a=b&", count: 300), 400),
        ]
    )
    func hostile(body: String, status: Int) async {
        #expect(await send(body).status == status)
    }

    @Test("an empty field that may be absent is absent, and a box that is not ticked is false")
    func absent() async {
        #expect(await send("title=a&stars=&agree=").status == 422)
        #expect(await send("title=a&stars=").status == 303)
    }

    @Test(
        "the fields become values of their schema",
        arguments: [
            ("", #"{"agree":false}"#), ("n=5&agree=1", #"{"n":5,"agree":true}"#),
            ("tags=a&tags=b", #"{"agree":false,"tags":["a","b"]}"#),
            ("note=a%0D%0Ab&x=1", #"{"agree":false,"note":"a\nb","x":"1"}"#),
            ("gone=", #"{"agree":false,"gone":null}"#),
        ]
    )
    func coercion(encoded: String, expected: String) throws {
        let schema = Schema.object([
            .optional("n", .integer(0...9)), .required("agree", .boolean), .optional("tags", .array(.text(), 0...2)),
            .optional("note", .text().multiline()), .optional("gone", .text().nullable()),
        ])
        let value = try FormFields(encoded: Array(encoded.utf8)).object(as: schema)
        #expect(String(decoding: value.bytes, as: UTF8.self) == expected)
    }
}
