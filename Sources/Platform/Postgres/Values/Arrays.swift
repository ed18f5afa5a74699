/// What arrays are made of that are one value.
///
/// Bytes are a `bytea`; the others are one-dimensional arrays without NULL, in their text form (PostgreSQL 15, 8.15.2 and
/// 8.15.6).
public protocol PostgresArrayElement: Sendable {
    /// The type of an array of these.
    static var postgresArrayType: PostgresType { get }
    /// An array as a parameter.
    static func postgresParameter(_ values: [Self]) -> PostgresParameter
    /// The array in a field; `nil` when it holds something else.
    static func decodeArray(_ field: PostgresField) -> [Self]?
}

extension Array: PostgresValue where Element: PostgresArrayElement {
    /// The array's type.
    public static var postgresType: PostgresType { Element.postgresArrayType }
    /// The array as a parameter.
    public var postgresParameter: PostgresParameter { Element.postgresParameter(self) }
    /// The array in a field.
    public static func decode(_ field: PostgresField) -> [Element]? { Element.decodeArray(field) }
}

extension String: PostgresArrayElement {
    /// What the place asks for: `text[]`, `citext[]`, ...
    public static var postgresArrayType: PostgresType { .inferred }

    /// The array with every text in quotes.
    public static func postgresParameter(_ values: [String]) -> PostgresParameter {
        let quoted = values.map { value in
            var text = "\""
            for scalar in value.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
                text.unicodeScalars.append(scalar)
            }
            return text + "\""
        }
        return PostgresParameter(.inferred, .text("{\(quoted.joined(separator: ","))}"))
    }

    /// The texts of an array in text form.
    public static func decodeArray(_ field: PostgresField) -> [String]? {
        field.isBinary ? nil : arrayElements(field.bytes)
    }
}

extension Int64: PostgresArrayElement {
    /// PostgreSQL's `bigint[]`.
    public static var postgresArrayType: PostgresType { .int8Array }

    /// The array.
    public static func postgresParameter(_ values: [Int64]) -> PostgresParameter {
        PostgresParameter(.int8Array, .text("{\(values.map(String.init).joined(separator: ","))}"))
    }

    /// The numbers of an array in text form.
    public static func decodeArray(_ field: PostgresField) -> [Int64]? {
        guard !field.isBinary, let elements = arrayElements(field.bytes) else { return nil }
        let values = elements.compactMap { Int64($0) }
        return values.count == elements.count ? values : nil
    }
}

extension UInt8: PostgresArrayElement {
    /// PostgreSQL's `bytea`.
    public static var postgresArrayType: PostgresType { .bytea }

    /// The bytes as they are.
    public static func postgresParameter(_ values: [UInt8]) -> PostgresParameter {
        PostgresParameter(.bytea, .bytes(values))
    }

    /// The bytes of a `bytea`: `\x` and hexadecimal digits in text (PostgreSQL 15, 8.4.1).
    public static func decodeArray(_ field: PostgresField) -> [UInt8]? {
        if field.isBinary { return Array(field.bytes) }
        let digits = field.bytes.dropFirst(2)
        guard field.bytes.starts(with: [0x5C, 0x78]), digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var index = digits.startIndex
        while index < digits.endIndex {
            guard let high = digitValue(digits[index]), let low = digitValue(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func digitValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// The elements of a one-dimensional array without NULL; `nil` for anything else.
private func arrayElements(_ text: UnsafeBufferPointer<UInt8>) -> [String]? {
    guard text.count >= 2, text.first == UInt8(ascii: "{"), text.last == UInt8(ascii: "}") else { return nil }
    let content = text.dropFirst().dropLast()
    if content.isEmpty { return [] }
    var elements: [String] = []
    var element: [UInt8] = []
    var (isQuoted, wasQuoted, isEscaped) = (false, false, false)
    func finish() -> Bool {
        if !wasQuoted, element.isEmpty || element.elementsEqual("NULL".utf8) { return false }
        elements.append(String(decoding: element, as: UTF8.self))
        (element, wasQuoted) = ([], false)
        return true
    }
    for byte in content {
        switch byte {
        case _ where isEscaped:
            element.append(byte)
            isEscaped = false
        case UInt8(ascii: "\\"): isEscaped = true
        case UInt8(ascii: "\""): (isQuoted, wasQuoted) = (!isQuoted, true)
        case UInt8(ascii: ",") where !isQuoted: guard finish() else { return nil }
        case UInt8(ascii: "{") where !isQuoted, UInt8(ascii: "}") where !isQuoted: return nil
        default: element.append(byte)
        }
    }
    return !isQuoted && finish() ? elements : nil
}
