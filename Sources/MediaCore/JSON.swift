/// A JSON value (RFC 8259), for what this server writes.
public enum JSON: Sendable {
    case string(String)
    case number(Int)
    /// A number that need not be whole; one that JSON has no form for is written as null.
    case decimal(Double)
    case boolean(Bool)
    case null
    case array([JSON])
    /// Members in the order in which they are written.
    case object([(name: String, value: JSON)])

    /// The value as text.
    public var text: String {
        switch self {
        case .string(let string): Self.quoted(string)
        case .number(let number): String(number)
        case .decimal(let number): Self.text(of: number)
        case .boolean(let flag): flag ? "true" : "false"
        case .null: "null"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    /// The shortest text that gives the same number again; whole ones without a fraction.
    private static func text(of number: Double) -> String {
        if let whole = Int64(exactly: number) { return String(whole) }
        return number.isFinite ? "\(number)" : "null"
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}": text += "\\u" + hexadecimal(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
