/// Reads JSON that nobody vouches for (RFC 8259): bounded depth, each name once, valid UTF-8, finite numbers.
struct JSONParser {
    /// What keeps a text from being JSON.
    struct Fault: Error, Equatable {
        /// What is wrong, without what was sent.
        let reason: String
        /// The byte it was found at.
        let offset: Int
    }

    /// Arrays and objects inside each other.
    static let maximumDepth = 16
    /// Members of one object; each new name is compared with those before.
    static let maximumMembers = 256

    private let bytes: [UInt8]
    private var index = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads one value that is the whole of a text.
    static func parse(_ bytes: [UInt8]) throws(Fault) -> JSONValue {
        var parser = JSONParser(bytes)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.fault("something follows the value") }
        return value
    }

    private func fault(_ reason: String) -> Fault { Fault(reason: reason, offset: index) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(Fault) -> JSONValue {
        guard let byte = current else { throw fault("the text ends too early") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("no value begins like this")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Fault) -> JSONValue {
        guard bytes[index...].starts(with: word.utf8) else { throw fault("no value begins like this") }
        index += word.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(Fault) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels") }
        index += 1
        skipSpace()
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            skipSpace()
            values.append(try value(depth: depth))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw fault("an array goes on with a comma or ends") }
        }
    }

    private mutating func object(depth: Int) throws(Fault) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels") }
        index += 1
        skipSpace()
        var members: [JSONMember] = []
        var names: Set<String> = []
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw fault("a member begins with its name") }
            let name = try string()
            // Readers disagree on which of two members counts (RFC 8259 §4): neither does.
            guard names.insert(name).inserted else { throw fault("a name is given twice") }
            guard names.count <= Self.maximumMembers else { throw fault("more than \(Self.maximumMembers) members") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("a colon follows a name") }
            skipSpace()
            members.append(JSONMember(name, try value(depth: depth)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw fault("an object goes on with a comma or ends") }
        }
    }
}

extension JSONParser {
    private mutating func digits() -> Int {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    /// RFC 8259 §6.
    private mutating func number() throws(Fault) -> JSONValue {
        let start = index
        _ = take(UInt8(ascii: "-"))
        let startsWithZero = current == UInt8(ascii: "0")
        let count = digits()
        guard count > 0, count == 1 || !startsWithZero else { throw fault("a number has one form") }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard digits() > 0 else { throw fault("digits follow a point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw fault("digits follow an exponent") }
        }
        guard index - start <= 64 else { throw fault("a number of more than 64 characters") }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw fault("a number out of range") }
        return .number(value)
    }

    /// RFC 8259 §7.
    private mutating func string() throws(Fault) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("a string is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += try escape().utf8
            case 0..<0x20: throw fault("a control character stands unescaped")
            default: text.append(byte)
            }
        }
        throw fault("a string does not end")
    }

    private mutating func escape() throws(Fault) -> String {
        guard let byte = current else { throw fault("a string does not end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw fault("no escape is written like this")
        }
    }

    private mutating func escapedScalar() throws(Fault) -> String {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return String(Character(scalar)) }
        // Half of a pair: alone it stands for no character, and nothing could write it down again.
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw fault("half of a surrogate pair")
        }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw fault("half of a surrogate pair") }
        return String(Character(scalar))
    }

    private mutating func codeUnit() throws(Fault) -> UInt16 {
        guard index + 4 <= bytes.count,
            bytes[index..<index + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw fault("four hexadecimal digits follow \\u") }
        index += 4
        return unit
    }
}
