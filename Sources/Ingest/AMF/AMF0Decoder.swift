import NIOCore

/// Reads the values of one message in Action Message Format 0.
///
/// Every value costs at least one byte of a message that is capped itself; the caps here keep small messages from becoming
/// large structures (a value takes about 40 bytes) and recursion from reaching the end of the stack.
struct AMF0Decoder {
    /// Metadata of real encoders is two levels deep, a connect command with Enhanced RTMP's maps three.
    static let maximumDepth = 16
    /// The longest real metadata, a list of key frames written by file tools, has some thousands.
    static let maximumValues = 16_384
    /// A connect command's page and SWF addresses are the longest strings that mean anything.
    static let maximumStringLength = 64 << 10

    private var buffer: ByteBuffer
    private var remainingValues = Self.maximumValues

    /// A decoder of a message's payload.
    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    /// Reads all values of a message.
    static func values(in buffer: ByteBuffer) throws(AMF0Error) -> [AMF0Value] {
        var decoder = AMF0Decoder(buffer)
        var values: [AMF0Value] = []
        while let value = try decoder.next() { values.append(value) }
        return values
    }

    /// Reads the next value, or returns `nil` at the end of the message.
    mutating func next() throws(AMF0Error) -> AMF0Value? {
        buffer.readableBytes == 0 ? nil : try readValue(depth: 0)
    }

    private mutating func readValue(depth: Int) throws(AMF0Error) -> AMF0Value {
        guard depth <= Self.maximumDepth else { throw .tooDeep(allowed: Self.maximumDepth) }
        guard remainingValues > 0 else { throw .tooManyValues(allowed: Self.maximumValues) }
        remainingValues -= 1

        switch try read(UInt8.self) {
        case AMF0Value.Marker.number: return .number(Double(bitPattern: try read(UInt64.self)))
        case AMF0Value.Marker.boolean: return .boolean(try read(UInt8.self) != 0)
        case AMF0Value.Marker.string: return .string(try readString(length: Int(try read(UInt16.self))))
        case AMF0Value.Marker.object: return .object(try readProperties(depth: depth))
        case AMF0Value.Marker.null: return .null
        case AMF0Value.Marker.undefined: return .undefined
        case AMF0Value.Marker.reference: return .reference(try read(UInt16.self))
        case AMF0Value.Marker.ecmaArray:
            // The count is a hint (§2.10), and wrong in the wild: the end marker decides.
            _ = try read(UInt32.self)
            return .ecmaArray(try readProperties(depth: depth))
        case AMF0Value.Marker.strictArray: return .strictArray(try readElements(depth: depth))
        case AMF0Value.Marker.date:
            return .date(milliseconds: Double(bitPattern: try read(UInt64.self)), timeZone: try read(Int16.self))
        case AMF0Value.Marker.longString: return .string(try readLongString())
        case AMF0Value.Marker.unsupported: return .unsupported
        case AMF0Value.Marker.xmlDocument: return .xmlDocument(try readLongString())
        case AMF0Value.Marker.typedObject:
            let className = try readString(length: Int(try read(UInt16.self)))
            return .typedObject(className: className, properties: try readProperties(depth: depth))
        case AMF0Value.Marker.amf3:
            defer { buffer.moveReaderIndex(to: buffer.writerIndex) }
            return .amf3(buffer.slice())
        case let marker: throw .unknownMarker(marker)
        }
    }

    /// Reads names and values until the end marker, an empty name and 0x09 (§2.5), or the end of the message between two
    /// properties: some encoders leave the end marker out.
    private mutating func readProperties(depth: Int) throws(AMF0Error) -> [AMF0Property] {
        var properties: [AMF0Property] = []
        while buffer.readableBytes > 0 {
            let name = try readString(length: Int(try read(UInt16.self)))
            if name.isEmpty, buffer.getInteger(at: buffer.readerIndex) == AMF0Value.Marker.objectEnd {
                buffer.moveReaderIndex(forwardBy: 1)
                break
            }
            properties.append(AMF0Property(name, try readValue(depth: depth + 1)))
        }
        return properties
    }

    private mutating func readElements(depth: Int) throws(AMF0Error) -> [AMF0Value] {
        var elements: [AMF0Value] = []
        // Nothing is allocated for the count: it is up to 2^32 - 1 and the peer's word only.
        for _ in 0..<(try read(UInt32.self)) { elements.append(try readValue(depth: depth + 1)) }
        return elements
    }

    private mutating func readLongString() throws(AMF0Error) -> String {
        try readString(length: Int(try read(UInt32.self)))
    }

    private mutating func readString(length: Int) throws(AMF0Error) -> String {
        guard length <= Self.maximumStringLength else {
            throw .stringTooLong(length: length, allowed: Self.maximumStringLength)
        }
        // Bytes that are not UTF-8 become replacement characters: older encoders send Latin-1 in metadata.
        guard let text = buffer.readString(length: length) else { throw .truncated }
        return text
    }

    private mutating func read<Number: FixedWidthInteger>(_: Number.Type) throws(AMF0Error) -> Number {
        guard let number = buffer.readInteger(as: Number.self) else { throw .truncated }
        return number
    }
}
