import MediaCore
import Testing

@Suite("StreamID")
struct StreamIDTests {
    @Test(
        "names that may go into a path, a file name and a log line are taken",
        arguments: ["a", "main", "Main-Stage_2", "v1.2", "-", "_", "a.", "0", String(repeating: "x", count: 64)]
    )
    func taken(_ name: String) throws {
        let id = try #require(StreamID(name))
        #expect(id.name == name && id.description == name)
        #expect(StreamID(name[...]) == id)
    }

    @Test(
        "every other name is refused",
        arguments: [
            "", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a~", "a%41", "a?b", "a#b", "a:b", "a\n", "a\0", "é",
            "e\u{301}",
            "日本", "🎥", "a\u{200B}", String(repeating: "x", count: 65),
        ]
    )
    func refused(_ name: String) {
        #expect(StreamID(name) == nil)
    }

    @Test("every ASCII character is judged by RFC 3986 §2.3 without the tilde")
    func alphabet() {
        for value in UInt8.min...127 {
            let character = Character(Unicode.Scalar(value))
            let isAllowed = character.isLetter || character.isNumber || "-_.".contains(character)
            #expect((StreamID("x\(character)") != nil) == isAllowed, "U+\(String(value, radix: 16))")
        }
    }

    @Test("names differ by case")
    func caseMatters() {
        #expect(StreamID("Main") != StreamID("main"))
    }
}
