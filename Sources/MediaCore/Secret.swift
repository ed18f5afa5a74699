/// Text that must not be seen: a stream key, a password.
///
/// Whatever prints, interpolates, dumps or logs it gets `<redacted>`. It is deliberately not `Equatable`: `==` on text
/// stops at the first difference, and the time that takes tells a stranger how far a guess was right. Compare
/// ``revealed`` with a constant-time comparison.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the place that checks it.
    public let revealed: String

    /// Keeps a text from being shown.
    public init(_ text: String) {
        revealed = text
    }

    /// `<redacted>`.
    public var description: String { "<redacted>" }
    /// `<redacted>`.
    public var debugDescription: String { description }
    /// No children: `dump` and `String(reflecting:)` of a value that holds a secret show nothing of it.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
