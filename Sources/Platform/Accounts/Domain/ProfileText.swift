/// Text that people write about themselves: of bounded length, without what would turn the text around it.
enum ProfileText {
    /// The longest display name in Unicode scalars.
    static let maximumName = 80
    /// The longest text about oneself in Unicode scalars.
    static let maximumAbout = 1000

    /// A line of text.
    ///
    /// - Returns: the text without white space around it, `nil` when it is too long or has control characters in it.
    static func line(_ text: String, maximum: Int) -> String? {
        let scalars = text.unicodeScalars
        guard scalars.count <= maximum, !scalars.contains(where: { isHostile($0) || isLineBreak($0) }) else {
            return nil
        }
        return trimmed(text)
    }

    /// A text of several lines.
    static func lines(_ text: String, maximum: Int) -> String? {
        let unified = text.replacing("\r\n", with: "\n")
        let scalars = unified.unicodeScalars
        guard scalars.count <= maximum, !scalars.contains(where: isHostile) else { return nil }
        return trimmed(unified)
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }

    private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\t" || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    /// Control characters, and those that turn the direction of what follows (Unicode Technical Report 36 §2.8).
    private static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
