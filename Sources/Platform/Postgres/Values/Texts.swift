extension String: PostgresValue {
    /// What the place asks for: `text`, `citext`, `uuid`, `inet`, `numeric`, ...
    public static var postgresType: PostgresType { .inferred }
    /// The text.
    public var postgresParameter: PostgresParameter { PostgresParameter(.inferred, .text(self)) }

    /// The text form of any type; in binary only of those that are text.
    public static func decode(_ field: PostgresField) -> String? { String(validating: field.bytes, as: UTF8.self) }
}

/// A JSON text, for `jsonb` and `json`.
public struct JSONText: PostgresValue, Hashable {
    /// The text.
    public let text: String

    /// A JSON text; the server checks it.
    public init(_ text: String) { self.text = text }

    /// PostgreSQL's `jsonb`.
    public static var postgresType: PostgresType { .jsonb }
    /// The text.
    public var postgresParameter: PostgresParameter { PostgresParameter(.jsonb, .text(text)) }

    /// The text, without the version that stands before a `jsonb` in binary.
    public static func decode(_ field: PostgresField) -> JSONText? {
        guard field.isBinary, field.type == .jsonb else { return String.decode(field).map(JSONText.init) }
        guard field.bytes.first == 1 else { return nil }
        return String(validating: field.bytes.dropFirst(), as: UTF8.self).map(JSONText.init)
    }
}
