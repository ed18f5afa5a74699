extension PostgresValue where Self: FixedWidthInteger {
    /// The number in decimal.
    public var postgresParameter: PostgresParameter { PostgresParameter(Self.postgresType, .text(String(self))) }

    /// A whole number of any width that fits.
    public static func decode(_ field: PostgresField) -> Self? {
        guard field.isBinary else { return Self(field.text) }
        return switch field.type {
        case .int2: field.bigEndian(Int16.self).flatMap(Self.init(exactly:))
        case .int4: field.bigEndian(Int32.self).flatMap(Self.init(exactly:))
        case .int8: field.bigEndian(Int64.self).flatMap(Self.init(exactly:))
        default: nil
        }
    }
}

extension Int: PostgresValue {
    /// PostgreSQL's `bigint`.
    public static var postgresType: PostgresType { .int8 }
}

extension Int64: PostgresValue {
    /// PostgreSQL's `bigint`.
    public static var postgresType: PostgresType { .int8 }
}

extension Int32: PostgresValue {
    /// PostgreSQL's `integer`.
    public static var postgresType: PostgresType { .int4 }
}

extension Int16: PostgresValue {
    /// PostgreSQL's `smallint`.
    public static var postgresType: PostgresType { .int2 }
}

extension Bool: PostgresValue {
    /// PostgreSQL's `boolean`.
    public static var postgresType: PostgresType { .bool }
    /// The letter t or f.
    public var postgresParameter: PostgresParameter { PostgresParameter(.bool, .text(self ? "t" : "f")) }

    /// The value of a `boolean`.
    public static func decode(_ field: PostgresField) -> Bool? {
        guard field.bytes.count == 1, !field.isBinary || field.type == .bool else { return nil }
        switch field.bytes[0] {
        case UInt8(ascii: "t"), 1: return true
        case UInt8(ascii: "f"), 0: return false
        default: return nil
        }
    }
}

extension Double: PostgresValue {
    /// PostgreSQL's `double precision`.
    public static var postgresType: PostgresType { .float8 }

    /// The shortest decimal number that is read back as the same.
    public var postgresParameter: PostgresParameter {
        let text = isNaN ? "NaN" : isInfinite ? (self > 0 ? "Infinity" : "-Infinity") : description
        return PostgresParameter(.float8, .text(text))
    }

    /// A number of any of the numeric types.
    public static func decode(_ field: PostgresField) -> Double? {
        guard field.isBinary else { return Double(field.text) }
        return switch field.type {
        case .float8: field.bigEndian(UInt64.self).map(Double.init(bitPattern:))
        case .float4: field.bigEndian(UInt32.self).map { Double(Float(bitPattern: $0)) }
        default: Int64.decode(field).map(Double.init)
        }
    }
}
