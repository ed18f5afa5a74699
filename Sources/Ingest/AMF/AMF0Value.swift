/// A value of Action Message Format 0, as its specification of 2007 defines it; clauses are of that document.
///
/// A value that is in AMF 3 (§3.1) becomes the one of these that means the same, see ``AMF3Decoder``.
enum AMF0Value: Hashable, Sendable {
    /// §2.2.
    case number(Double)
    /// §2.3.
    case boolean(Bool)
    /// §2.4, and §2.14 for those longer than 65 535 bytes.
    case string(String)
    /// §2.5.
    case object([AMF0Property])
    /// §2.7.
    case null
    /// §2.8.
    case undefined
    /// §2.9: the index of an object that came before in the same message.
    case reference(UInt16)
    /// §2.10.
    case ecmaArray([AMF0Property])
    /// §2.12.
    case strictArray([AMF0Value])
    /// §2.13: milliseconds since 1970 in UTC, and a time zone in minutes that should be 0.
    case date(milliseconds: Double, timeZone: Int16)
    /// §2.15.
    case unsupported
    /// §2.17.
    case xmlDocument(String)
    /// §2.18.
    case typedObject(className: String, properties: [AMF0Property])

    /// The markers in front of each value (§2.1).
    enum Marker {
        static let number: UInt8 = 0x00
        static let boolean: UInt8 = 0x01
        static let string: UInt8 = 0x02
        static let object: UInt8 = 0x03
        static let null: UInt8 = 0x05
        static let undefined: UInt8 = 0x06
        static let reference: UInt8 = 0x07
        static let ecmaArray: UInt8 = 0x08
        static let objectEnd: UInt8 = 0x09
        static let strictArray: UInt8 = 0x0A
        static let date: UInt8 = 0x0B
        static let longString: UInt8 = 0x0C
        static let unsupported: UInt8 = 0x0D
        static let xmlDocument: UInt8 = 0x0F
        static let typedObject: UInt8 = 0x10
        /// §3.1: the next value is in AMF 3.
        static let avmPlusObject: UInt8 = 0x11
    }

    /// The number, if it is one.
    var number: Double? {
        if case .number(let number) = self { number } else { nil }
    }

    /// The text, if it is a string.
    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The properties of an object in any of its three forms: encoders send arrays where objects are meant.
    var properties: [AMF0Property]? {
        switch self {
        case .object(let properties), .ecmaArray(let properties), .typedObject(_, let properties): properties
        default: nil
        }
    }

    /// The value of the first property with this name.
    subscript(name: String) -> AMF0Value? {
        properties?.first { $0.name == name }?.value
    }
}

/// A name with its value, in the order of the wire.
struct AMF0Property: Hashable, Sendable {
    let name: String
    let value: AMF0Value

    init(_ name: String, _ value: AMF0Value) {
        self.name = name
        self.value = value
    }
}
