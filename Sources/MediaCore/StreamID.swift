/// The name under which a live is published, stored and watched: the `NAME` of `/watch/NAME`.
///
/// One to 64 ASCII letters, digits, `-`, `_` and `.`, not beginning with `.`. The alphabet is the unreserved set of
/// RFC 3986 §2.3 without `~`, so a stream identifier goes into a path, a file name or a log line as it is.
public struct StreamID: Hashable, Sendable, CustomStringConvertible {
    /// The longest name taken, in bytes.
    public static let maximumLength = 64

    /// The name.
    public let name: String

    /// Takes a name, or returns `nil` when it has a character or a length that is not allowed.
    public init?(_ name: some StringProtocol) {
        let bytes = name.utf8
        guard (1...Self.maximumLength).contains(bytes.count), bytes.first != UInt8(ascii: "."),
            bytes.allSatisfy(Self.isAllowed)
        else { return nil }
        self.name = String(name)
    }

    /// The name.
    public var description: String { name }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default:
            false
        }
    }
}
