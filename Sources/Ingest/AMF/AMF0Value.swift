import NIOCore

/// A value of Action Message Format 0, as its specification of 2007 defines it; clauses are of that document.
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
    /// §3.1: the value is in AMF 3. Everything behind the marker, since only an AMF 3 reader could tell where it ends.
    case amf3(ByteBuffer)

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
        static let amf3: UInt8 = 0x11
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

/// Why bytes are not AMF 0, or more of it than is taken.
enum AMF0Error: Error, Hashable, CustomStringConvertible {
    /// The message ends inside a value.
    case truncated
    /// A marker that is reserved (movie clip, record set) or that does not exist.
    case unknownMarker(UInt8)
    /// Objects or arrays lie deeper in each other than is taken.
    case tooDeep(allowed: Int)
    /// One message has more values than are taken.
    case tooManyValues(allowed: Int)
    /// A string is longer than is taken.
    case stringTooLong(length: Int, allowed: Int)

    var description: String {
        switch self {
        case .truncated: "AMF0 value ends too early"
        case .unknownMarker(let marker): "AMF0 marker \(marker), expected 0 to 17 without 4, 9 and 14"
        case .tooDeep(let allowed): "AMF0 values nested deeper than the \(allowed) levels allowed"
        case .tooManyValues(let allowed): "more than the \(allowed) AMF0 values allowed in a message"
        case .stringTooLong(let length, let allowed): "AMF0 string of \(length) bytes, allowed \(allowed)"
        }
    }
}
