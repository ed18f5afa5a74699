/// An e-mail address somebody may be written to: a `Mailbox` of RFC 5321 §4.1.2 with a dot-string before the `@` and a
/// domain of two labels or more after it.
///
/// Quoted local parts, address literals and non-ASCII addresses are refused: no mailbox that people have is lost, and
/// nothing of a header, a shell or a page can hide in what is left.
public struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    /// The longest address (RFC 5321 §4.5.3.1.3: a path of 256 octets with its brackets).
    public static let maximumLength = 254
    /// The longest local part (RFC 5321 §4.5.3.1.1).
    public static let maximumLocalLength = 64

    /// The address as it was typed, without the white space around it; compared without case (`citext`).
    public let text: String

    /// The address in small letters: what counters and comparisons are keyed by.
    public var folded: String { text.lowercased() }

    /// What comes before the `@`.
    public var localPart: String { String(text.prefix { $0 != "@" }) }

    /// The address.
    public var description: String { text }

    /// Reads an address; `nil` when it is none.
    ///
    /// - Parameter text: as somebody typed it; white space around it is taken off.
    public init?(_ text: some StringProtocol) {
        let bytes = Self.trimmed(Array(text.utf8))
        guard bytes.count <= Self.maximumLength, let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        guard Self.isDotString(bytes[..<at]), Self.isDomain(bytes[(at + 1)...]) else { return nil }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return Array(bytes[first...last])
    }

    /// RFC 5321 §4.1.2: `Dot-string = Atom *("." Atom)`.
    private static func isDotString(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...maximumLocalLength).contains(bytes.count) else { return false }
        let others = Set("!#$%&'*+-/=?^_`{|}~".utf8)
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.allSatisfy { isLetterOrDigit($0) || others.contains($0) }
        }
    }

    /// RFC 5321 §4.1.2 `Domain` and RFC 1035 §2.3.4: labels of 63 octets; a last label that is not a number, as the
    /// digits of an address would be.
    private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let hyphen = UInt8(ascii: "-")
        guard labels.count >= 2, let top = labels.last, top.contains(where: { !(0x30...0x39).contains($0) }) else {
            return false
        }
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen }
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
