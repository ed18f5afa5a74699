/// Why a text is no JSON.
public struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where, in bytes from the beginning.
    public let offset: Int
    /// What was expected there, or is wrong.
    public let reason: String

    /// Both, as a person reads it.
    public var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
    /// Reads a JSON text (RFC 8259).
    ///
    /// Nothing is let pass that the standard does not have, nor what it leaves open: a name that stands twice in an object, a
    /// byte order mark, half of a surrogate pair.
    ///
    /// - Parameter bytes: the text in UTF-8.
    /// - Throws: what is wrong and where.
    public init(parsing bytes: some Sequence<UInt8>) throws(JSONSyntaxError) {
        var parser = JSONParser(bytes: Array(bytes))
        self = try parser.document()
    }
}

/// Reads one JSON text, byte by byte.
private struct JSONParser {
    /// How deep arrays and objects may lie in each other: no document of ours has more than four.
    private static let largestDepth = 32

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONSyntaxError) -> JSON {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw fault("expected the end") }
        return value
    }

    private func fault(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(JSONSyntaxError) -> JSON {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONSyntaxError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONSyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
        default: return try word()
        }
    }

    private mutating func word() throws(JSONSyntaxError) -> JSON {
        let words: [(StaticString, JSON)] = [("true", .boolean(true)), ("false", .boolean(false)), ("null", .null)]
        for (word, value) in words where bytes[position...].starts(with: "\(word)".utf8) {
            position += word.utf8CodeUnitCount
            return value
        }
        throw fault("expected a value")
    }

    // MARK: - Arrays and objects

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONSyntaxError) -> JSON
    ) throws(JSONSyntaxError) -> JSON {
        guard depth < Self.largestDepth else { throw fault("nested too deep") }
        position += 1
        depth += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func array() throws(JSONSyntaxError) -> JSON {
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw fault("expected ',' or ']'") }
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSON {
        var members: [(name: String, value: JSON)] = []
        var names: Set<String> = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("expected a name in quotes") }
            let start = position
            let name = try string()
            guard names.insert(name).inserted else {
                throw JSONSyntaxError(offset: start, reason: "the name '\(name)' stands twice")
            }
            skipSpace()
            guard take(":") else { throw fault("expected ':'") }
            members.append((name, try value()))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw fault("expected ',' or '}'") }
        }
    }

    // MARK: - Strings

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("a string is no UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20: throw fault("a control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw fault("a string does not end")
    }

    private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
        position += 1
        guard let byte = next else { throw fault("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try scalar()).utf8)
        default: throw fault("an escape that JSON does not have")
        }
    }

    private mutating func scalar() throws(JSONSyntaxError) -> Character {
        let first = try fourDigits()
        var value = UInt32(first)
        if UTF16.isLeadSurrogate(first) {
            guard take("\\"), take("u") else { throw fault("half of a surrogate pair") }
            let second = try fourDigits()
            guard UTF16.isTrailSurrogate(second) else { throw fault("half of a surrogate pair") }
            value = 0x10000 + (UInt32(first) & 0x3FF) << 10 + UInt32(second) & 0x3FF
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("half of a surrogate pair") }
        return Character(scalar)
    }

    private mutating func fourDigits() throws(JSONSyntaxError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = next.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw fault("expected four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    // MARK: - Numbers

    private mutating func number() throws(JSONSyntaxError) -> JSON {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        var isWhole = true
        if take(".") {
            isWhole = false
            try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let whole = Int(text) { return .number(whole) }
        guard let decimal = Double(text), decimal.isFinite else { throw fault("a number that is too large") }
        return .decimal(decimal)
    }

    private mutating func digits() throws(JSONSyntaxError) {
        guard let first = next, isDigit(first) else { throw fault("expected a digit") }
        while let byte = next, isDigit(byte) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
