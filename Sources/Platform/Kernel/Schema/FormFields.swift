/// The fields of a submitted form or of a query, in order (`application/x-www-form-urlencoded`, WHATWG URL §5.1).
public struct FormFields: Sendable, Hashable {
    /// More fields than any form of ours has.
    static let maximumCount = 256

    /// A name and its value.
    public struct Field: Sendable, Hashable {
        /// The name.
        public let name: String
        /// The value.
        public let value: String

        /// A name and its value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The fields, in the order they were sent in.
    public var fields: [Field]

    /// Fields in order.
    public init(_ fields: [Field] = []) { self.fields = fields }

    /// The first value of a name.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// All values of a name.
    public func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// Reads encoded fields.
    ///
    /// - Throws: ``Problem`` 400 when they are not UTF-8 or there are more than 256.
    init(encoded bytes: some Collection<UInt8>) throws(Problem) {
        fields = []
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            guard fields.count < Self.maximumCount else { throw .malformed("There are more than 256 fields.") }
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            guard let decodedName = PercentCoding.decoded(name, plusIsSpace: true),
                let value = PercentCoding.decoded(pair.dropFirst(name.count + 1), plusIsSpace: true)
            else { throw .malformed("The fields are not UTF-8 in the form's encoding.") }
            fields.append(Field(decodedName, value))
        }
    }
}

extension FormFields {
    /// The fields as a JSON object of this shape, as far as they can be.
    ///
    /// A form cannot leave a text field out or send a number: empty text stands for an absent value where the value may be
    /// absent or null, digits for numbers, `on`, `true` and `1` for true, an absent box for false, several fields of one name for
    /// a list. What does not fit stays as it is: the schema refuses it.
    func object(as schema: Schema) -> JSONValue {
        var members: [JSONMember] = []
        for property in schema.properties {
            let values = all(property.name)
            if let value = Self.value(of: values, as: property) { members.append(JSONMember(property.name, value)) }
        }
        var seen = Set(schema.properties.map(\.name))
        for field in fields where seen.insert(field.name).inserted {
            members.append(JSONMember(field.name, .string(field.value)))
        }
        return .object(members)
    }

    private static func value(of values: [String], as property: Schema.Property) -> JSONValue? {
        switch property.schema.kind {
        case .array(let element, _):
            return values.isEmpty && !property.isRequired ? nil : .array(values.map { scalar($0, as: element) })
        case .boolean where values.isEmpty: return property.isRequired ? .boolean(false) : nil
        default:
            guard let value = values.first else { return nil }
            // Which of two counts nobody can know.
            if values.count > 1 { return .array(values.map(JSONValue.string)) }
            if value.isEmpty, property.schema.isNullable { return .null }
            if value.isEmpty, !property.isRequired { return nil }
            return scalar(value, as: property.schema)
        }
    }

    /// A number as JSON writes it; Swift's own reading takes hexadecimal digits and infinity too.
    private static func number(_ text: String) -> JSONValue? {
        switch try? JSONParser.parse(Array(text.utf8)) {
        case .integer(let value)?: .integer(value)
        case .number(let value)?: .number(value)
        default: nil
        }
    }

    private static func scalar(_ text: String, as schema: Schema) -> JSONValue {
        switch schema.kind {
        case .boolean where ["on", "true", "1"].contains(text): .boolean(true)
        case .boolean where ["off", "false", "0"].contains(text): .boolean(false)
        case .integer where !text.hasPrefix("+"): Int64(text).map(JSONValue.integer) ?? .string(text)
        case .number: number(text) ?? .string(text)
        // Browsers send line ends as CR LF (HTML, form-data set); inside they are LF.
        case .text where schema.isMultiline:
            .string(text.split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n"))
        default: .string(text)
        }
    }
}

/// Percent-encoding of RFC 3986 §2.1.
enum PercentCoding {
    /// The text of encoded bytes; `nil` when an escape is broken or the text is not UTF-8.
    static func decoded(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        var result: [UInt8] = []
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                result.append(high << 4 | low)
            } else {
                result.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    /// Text with everything escaped but unreserved characters (RFC 3986 §2.3) and those given.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let keptBytes = Set("-._~".utf8).union(kept.utf8)
        var result = ""
        for byte in text.utf8 {
            if TextRules.isAlphanumeric(byte) || keptBytes.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
