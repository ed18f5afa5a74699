/// What people call a recording, as it may be given by them.
public enum RecordingTitle {
    /// The longest title, in Unicode scalar values.
    public static let longest = 200

    /// Why a text is no title.
    public enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// Nothing is left of it.
        case empty
        /// It has so many Unicode scalar values.
        case tooLong(Int)
        /// It has a character that steers a terminal or a line's direction, or ends a line.
        case control

        /// What is wrong, for whoever gave it.
        public var description: String {
            switch self {
            case .empty: "expected at least one character"
            case .tooLong(let count): "expected at most \(RecordingTitle.longest) characters, found \(count)"
            case .control: "control characters and line ends are not allowed"
            }
        }
    }

    /// Judges a text, without the space around it.
    ///
    /// - Returns: the title.
    /// - Throws: ``Fault``.
    public static func title(_ text: String) throws(Fault) -> String {
        let scalars = text.unicodeScalars
        let isInk: (Unicode.Scalar) -> Bool = { !$0.properties.isWhitespace }
        guard let first = scalars.firstIndex(where: isInk), let last = scalars.lastIndex(where: isInk) else {
            throw .empty
        }
        let title = scalars[first...last]
        guard title.count <= longest else { throw .tooLong(title.count) }
        guard !title.contains(where: isControl) else { throw .control }
        return String(title)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: return true
        default: break
        }
        // Embeddings, overrides and isolates (Unicode UAX #9 §2): they reach beyond the title.
        return (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
}
