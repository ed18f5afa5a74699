/// The name of an object in a store: parts of any text, with `/` between them.
///
/// Every store takes it, a file system among them: no part is empty, begins with a full stop, or is longer than 200 bytes, and
/// there are no control characters.
public struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    /// The longest name in bytes; S3 takes 1024 with its prefix.
    public static let longest = 700
    private static let longestPart = 200

    /// The name.
    public let text: String

    /// The name.
    public var description: String { text }

    /// A name; `nil` for what can be none.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.longest).contains(bytes.count), !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            return nil
        }
        for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard (1...Self.longestPart).contains(part.count), part.first != UInt8(ascii: ".") else { return nil }
        }
        self.text = String(text)
    }
}
