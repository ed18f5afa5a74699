/// A type whose values are parameters of statements and fields of rows.
///
/// An enumeration over `String` needs nothing but the conformance: `enum Role: String, PostgresValue`.
public protocol PostgresValue: Sendable {
    /// The type that parameters have, or ``PostgresType/inferred``.
    static var postgresType: PostgresType { get }
    /// The value as a parameter.
    var postgresParameter: PostgresParameter { get }
    /// The value of a field.
    ///
    /// - Parameter field: what the server sent, in text or binary.
    /// - Returns: the value; `nil` when the field holds something else.
    static func decode(_ field: PostgresField) -> Self?
}

/// The number that PostgreSQL has given to a type (`pg_type.oid`).
public struct PostgresType: Hashable, Sendable {
    /// The number.
    public let oid: UInt32

    /// The type with a number.
    public init(oid: UInt32) { self.oid = oid }

    /// The type that the place asks for.
    public static let inferred = PostgresType(oid: 0)
    /// PostgreSQL's `boolean`.
    public static let bool = PostgresType(oid: 16)
    /// PostgreSQL's `bytea`.
    public static let bytea = PostgresType(oid: 17)
    /// PostgreSQL's `bigint`.
    public static let int8 = PostgresType(oid: 20)
    /// PostgreSQL's `smallint`.
    public static let int2 = PostgresType(oid: 21)
    /// PostgreSQL's `integer`.
    public static let int4 = PostgresType(oid: 23)
    /// PostgreSQL's `real`.
    public static let float4 = PostgresType(oid: 700)
    /// PostgreSQL's `double precision`.
    public static let float8 = PostgresType(oid: 701)
    /// PostgreSQL's `bigint[]`.
    public static let int8Array = PostgresType(oid: 1016)
    /// PostgreSQL's `timestamptz`.
    public static let timestamptz = PostgresType(oid: 1184)
    /// PostgreSQL's `jsonb`.
    public static let jsonb = PostgresType(oid: 3802)
}

/// A value on its way to the server.
public struct PostgresParameter: Sendable {
    /// How the value is written.
    public enum Content: Sendable {
        /// NULL.
        case null
        /// In the type's text form.
        case text(String)
        /// In the type's binary form; only `bytea` has one here.
        case bytes([UInt8])
        /// The value has no form in PostgreSQL; says why.
        case invalid(String)
    }

    /// The type.
    public let type: PostgresType
    /// The value.
    public let content: Content

    /// A parameter.
    public init(_ type: PostgresType, _ content: Content) {
        self.type = type
        self.content = content
    }
}

/// A field that is not NULL, as the server sent it.
///
/// Its bytes are there only while it is decoded.
public struct PostgresField {
    /// The bytes.
    public let bytes: UnsafeBufferPointer<UInt8>
    /// The column's type.
    public let type: PostgresType
    /// Whether they are in the type's binary form; in its text form otherwise.
    public let isBinary: Bool

    /// The bytes as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// A whole number in network order, when there are exactly as many bytes.
    func bigEndian<Number: FixedWidthInteger>(_: Number.Type, at offset: Int = 0) -> Number? {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, bytes.count - offset >= size else { return nil }
        return UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: offset, as: Number.self).bigEndian
    }
}

extension Optional: PostgresValue where Wrapped: PostgresValue {
    /// The type of what may be there.
    public static var postgresType: PostgresType { Wrapped.postgresType }

    /// The value, or NULL.
    public var postgresParameter: PostgresParameter {
        self?.postgresParameter ?? PostgresParameter(Wrapped.postgresType, .null)
    }

    /// The value of a field that is not NULL.
    public static func decode(_ field: PostgresField) -> Wrapped?? {
        guard let value = Wrapped.decode(field) else { return nil }
        return .some(value)
    }
}

extension PostgresValue where Self: RawRepresentable, RawValue: PostgresValue {
    /// The type of the raw value.
    public static var postgresType: PostgresType { RawValue.postgresType }

    /// The raw value.
    public var postgresParameter: PostgresParameter { rawValue.postgresParameter }

    /// The case with the field's value.
    public static func decode(_ field: PostgresField) -> Self? { RawValue.decode(field).flatMap(Self.init(rawValue:)) }
}
