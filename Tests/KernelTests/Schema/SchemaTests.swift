import FoundationEssentials
import Testing

@testable import Kernel

@Suite("Shapes of values")
struct SchemaTests {
    @Test(
        "text is counted in characters and has no control characters",
        arguments: [
            ("abc", true), ("", false), ("abcdef", false), ("👩‍👩‍👧", true), ("a\u{0}", false), ("a\nb", false),
            ("a\u{7F}", false), ("a\u{9F}", false), ("äöü", true),
        ]
    )
    func text(text: String, isFine: Bool) {
        #expect(Schema.text(1...5).errors(in: .string(text)).isEmpty == isFine)
    }

    @Test(
        "formats accept what they name and nothing near it",
        arguments: [
            ("email", "ada@example.org", true), ("email", "a.b+c@x.example.co", true),
            ("email", "ada@localhost", false),
            ("email", "ada@@example.org", false), ("email", ".ada@example.org", false), ("email", "ada@-x.org", false),
            ("email", "ada@example.org\n", false), ("email", "\"a b\"@example.org", false),
            ("email", "ada@exämple.org", false),
            ("handle", "ada_1", true), ("handle", "Ada", false), ("handle", "ad", false), ("handle", "a-b", false),
            ("slug", "first-steps", true), ("slug", "-first", false), ("slug", "a--b", false), ("slug", "", false),
            ("web", "https://example.org/a?b", true), ("web", "javascript:alert(1)", false),
            ("web", "https://user@example.org/", false),
            ("web", "https:///x", false), ("web", "https://example.org/ a", false),
            ("time", "2026-02-28T23:59:59.5+01:00", true), ("time", "2026-02-29T00:00:00Z", false),
            ("time", "2026-01-01 00:00:00", false),
            ("time", "2026-01-01T24:00:00Z", false), ("id", "ses_0123456789abcdefghijKL", true),
            ("id", "tok_0123456789abcdefghijKL", false),
            ("digits", "123456", true), ("digits", "12345", false), ("digits", "١٢٣٤٥٦", false),
        ]
    )
    func formats(name: String, text: String, isFine: Bool) {
        let formats: [String: TextFormat] = [
            "email": .email, "handle": .handle, "slug": .slug, "web": .webAddress, "time": .dateTime,
            "id": .publicID("ses_"),
            "digits": .digits(6),
        ]
        let format = formats[name] ?? .slug
        #expect(Schema.text(format: format).errors(in: .string(text)).isEmpty == isFine)
    }

    @Test(
        "numbers are whole where they must be, and in their range",
        arguments: [
            ("5", true), ("5.0", true), ("5.5", false), ("-1", false), ("101", false), ("9223372036854775808", false),
            ("1e2", true), ("\"5\"", false), ("null", false), ("true", false),
        ]
    )
    func integers(text: String, isFine: Bool) throws {
        let value = try JSONParser.parse(Array(text.utf8))
        #expect(Schema.integer(0...100).errors(in: value).isEmpty == isFine)
    }

    @Test("null, read-only members and lists are checked")
    func others() {
        #expect(Schema.boolean.nullable().errors(in: .null).isEmpty)
        #expect(Note.schema.errors(in: ["id": "1", "title": "a"]).map(\.code) == ["read_only"])
        #expect(Note.schema.errors(in: ["title": "a"]).isEmpty)
        #expect(Schema.array(.boolean, 1...2).errors(in: []).map(\.code) == ["wrong_count"])
        #expect(Schema.array(.boolean, 1...2).errors(in: [true, "x"]).map(\.place) == [.pointer("/1")])
        #expect(Note.input.errors(in: "text").map(\.place) == [.pointer("")])
    }

    @Test("a flood of errors stays small, and pointers are escaped and short")
    func flood() {
        let many = (0..<300).map { JSONMember("a/b~\($0)" + String(repeating: "x", count: 100), 1) }
        let errors = Note.input.errors(in: .object(many))
        #expect(errors.count == Schema.maximumErrors)
        #expect(
            errors.allSatisfy { if case .pointer(let pointer) = $0.place { pointer.utf8.count < 80 } else { false } }
        )
        #expect(errors.last?.field.hasPrefix("a/b~") == true)
    }

    @Test(
        "JSON is written as it was read",
        arguments: [
            #"{"b":1,"a":[true,null,-2.5,"\u003cé\"\\\n\u0000"],"":{}}"#, "[]", "0", #""\ud83d\ude00""#, "1e3", "-0",
        ]
    )
    func roundTrip(text: String) throws {
        let value = try JSONParser.parse(Array(text.utf8))
        #expect(try JSONParser.parse(value.bytes) == value)
        #expect(try JSONParser.parse(value.indentedBytes) == value)
    }

    @Test("JSON inside a page ends no element")
    func script() {
        let text = String(decoding: JSONValue.string("</script><!--&").bytes, as: UTF8.self)
        #expect(text == #""\u003c/script\u003e\u003c!--\u0026""#)
    }

    @Test(
        "moments are written and read to the millisecond",
        arguments: [
            (0.0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (1_767_225_599.125, "2025-12-31T23:59:59.125Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (-62_135_596_800, "0001-01-01T00:00:00Z"),
        ]
    )
    func timestamps(seconds: Double, text: String) {
        #expect(Timestamp.text(Date(timeIntervalSince1970: seconds)) == text)
        #expect(Timestamp.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test("base64 for addresses has one text for each value", arguments: 0..<9)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8($0 * 37 & 0xFF) }
        let text = Base64URL.text(bytes)
        #expect(Base64URL.bytes(text) == bytes)
        #expect(Base64URL.bytes(text + "=") == nil)
        #expect(Base64URL.bytes("A") == nil && Base64URL.bytes("AB") == nil)
    }
}
