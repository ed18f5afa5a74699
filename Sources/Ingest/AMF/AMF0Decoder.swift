import NIOCore

/// Reads the values of one message in Action Message Format 0.
struct AMF0Decoder {
    private var buffer: ByteBuffer
    private var budget: AMFBudget

    /// A decoder of a message's payload.
    init(_ buffer: ByteBuffer, limits: AMFLimits = AMFLimits()) {
        self.buffer = buffer
        budget = AMFBudget(limits)
    }

    /// Reads all values of a message.
    static func values(in buffer: ByteBuffer, limits: AMFLimits = AMFLimits()) throws(AMFError) -> [AMF0Value] {
        var decoder = AMF0Decoder(buffer, limits: limits)
        var values: [AMF0Value] = []
        while let value = try decoder.next() { values.append(value) }
        return values
    }

    /// Reads the next value, or returns `nil` at the end of the message.
    mutating func next() throws(AMFError) -> AMF0Value? {
        buffer.readableBytes == 0 ? nil : try readValue(depth: 0)
    }

    private mutating func readValue(depth: Int) throws(AMFError) -> AMF0Value {
        try budget.spend(depth: depth)
        switch try buffer.readAMF(UInt8.self) {
        case AMF0Value.Marker.number: return .number(Double(bitPattern: try buffer.readAMF(UInt64.self)))
        case AMF0Value.Marker.boolean: return .boolean(try buffer.readAMF(UInt8.self) != 0)
        case AMF0Value.Marker.string: return .string(try readShortString())
        case AMF0Value.Marker.object: return .object(try readProperties(depth: depth))
        case AMF0Value.Marker.null: return .null
        case AMF0Value.Marker.undefined: return .undefined
        case AMF0Value.Marker.reference: return .reference(try buffer.readAMF(UInt16.self))
        case AMF0Value.Marker.ecmaArray:
            // The count is a hint (§2.10), and wrong in the wild: the end marker decides.
            _ = try buffer.readAMF(UInt32.self)
            return .ecmaArray(try readProperties(depth: depth))
        case AMF0Value.Marker.strictArray: return .strictArray(try readElements(depth: depth))
        case AMF0Value.Marker.date:
            let milliseconds = Double(bitPattern: try buffer.readAMF(UInt64.self))
            return .date(milliseconds: milliseconds, timeZone: try buffer.readAMF(Int16.self))
        case AMF0Value.Marker.longString: return .string(try readLongString())
        case AMF0Value.Marker.unsupported: return .unsupported
        case AMF0Value.Marker.xmlDocument: return .xmlDocument(try readLongString())
        case AMF0Value.Marker.typedObject:
            return .typedObject(className: try readShortString(), properties: try readProperties(depth: depth))
        case AMF0Value.Marker.avmPlusObject:
            // One value only (§3.1; Enhanced RTMP v2, "Action Message Format"), with tables of its own.
            var decoder = AMF3Decoder()
            return try decoder.readValue(from: &buffer, budget: &budget, depth: depth)
        case let marker: throw .unknownMarker(marker)
        }
    }

    /// Reads names and values until the end marker, an empty name and 0x09 (§2.5), or the end of the message between two
    /// properties: some encoders leave the end marker out.
    private mutating func readProperties(depth: Int) throws(AMFError) -> [AMF0Property] {
        var properties: [AMF0Property] = []
        while buffer.readableBytes > 0 {
            let name = try readShortString()
            if name.isEmpty, buffer.getInteger(at: buffer.readerIndex) == AMF0Value.Marker.objectEnd {
                buffer.moveReaderIndex(forwardBy: 1)
                break
            }
            properties.append(AMF0Property(name, try readValue(depth: depth + 1)))
        }
        return properties
    }

    private mutating func readElements(depth: Int) throws(AMFError) -> [AMF0Value] {
        var elements: [AMF0Value] = []
        // Nothing is allocated for the count: it is up to 2^32 - 1 and the peer's word only.
        for _ in 0..<(try buffer.readAMF(UInt32.self)) { elements.append(try readValue(depth: depth + 1)) }
        return elements
    }

    private mutating func readShortString() throws(AMFError) -> String {
        try buffer.readAMFString(length: Int(try buffer.readAMF(UInt16.self)), budget)
    }

    private mutating func readLongString() throws(AMFError) -> String {
        try buffer.readAMFString(length: Int(try buffer.readAMF(UInt32.self)), budget)
    }
}

extension ByteBuffer {
    /// Reads a big-endian number of a value.
    mutating func readAMF<Number: FixedWidthInteger>(_: Number.Type) throws(AMFError) -> Number {
        guard let number = readInteger(as: Number.self) else { throw .truncated }
        return number
    }

    /// Reads a string whose length is known.
    ///
    /// Bytes that are not UTF-8 become replacement characters: older encoders send Latin-1 in metadata.
    mutating func readAMFString(length: Int, _ budget: AMFBudget) throws(AMFError) -> String {
        try budget.expectString(ofLength: length)
        guard let text = readString(length: length) else { throw .truncated }
        return text
    }
}
