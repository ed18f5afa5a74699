import NIOCore

/// Reads one value of Action Message Format 3, as its specification of 2013 defines it; clauses are of that document.
///
/// The result is told in the values of AMF 0, which have a form for all that encoders send. Strings, objects and traits
/// that came before are referred to by number (§2.2); such a reference costs as many values as it stands for, so that
/// references to references cannot grow beyond the message's budget.
struct AMF3Decoder {
    /// The markers in front of each value (§3.1).
    private enum Marker {
        static let undefined: UInt8 = 0x00
        static let null: UInt8 = 0x01
        static let `false`: UInt8 = 0x02
        static let `true`: UInt8 = 0x03
        static let integer: UInt8 = 0x04
        static let double: UInt8 = 0x05
        static let string: UInt8 = 0x06
        static let xmlDocument: UInt8 = 0x07
        static let date: UInt8 = 0x08
        static let array: UInt8 = 0x09
        static let object: UInt8 = 0x0A
        static let xml: UInt8 = 0x0B
        static let byteArray: UInt8 = 0x0C
        static let vectorInt: UInt8 = 0x0D
        static let vectorUInt: UInt8 = 0x0E
        static let vectorDouble: UInt8 = 0x0F
        static let vectorObject: UInt8 = 0x10
        static let dictionary: UInt8 = 0x11
    }

    /// What an object is made of (§3.12).
    private struct Traits {
        let className: String
        let names: [String]
        let isDynamic: Bool
    }

    private struct KnownObject {
        /// `nil` while it is still being read: then it refers to itself.
        var value: AMF0Value?
        var cost = 1
    }

    private var strings: [String] = []
    private var objects: [KnownObject] = []
    private var traits: [Traits] = []
    private var spent = 0

    /// Reads a value.
    ///
    /// - Parameters:
    ///   - buffer: begins with the value's marker; the value is taken off.
    ///   - budget: pays for it.
    ///   - depth: how deep it lies in others.
    /// - Returns: the value in terms of AMF 0.
    /// - Throws: ``AMFError`` when it is none or too much.
    mutating func readValue(
        from buffer: inout ByteBuffer,
        budget: inout AMFBudget,
        depth: Int
    ) throws(AMFError) -> AMF0Value {
        try spend(1, &budget, depth)
        switch try buffer.readAMF(UInt8.self) {
        case Marker.undefined: return .undefined
        case Marker.null: return .null
        case Marker.false: return .boolean(false)
        case Marker.true: return .boolean(true)
        case Marker.integer:
            // §3.6: 29 bits, signed.
            let bits = try Self.readU29(from: &buffer)
            return .number(Double(Int32(bitPattern: bits << 3) >> 3))
        case Marker.double: return .number(Double(bitPattern: try buffer.readAMF(UInt64.self)))
        case Marker.string: return .string(try readString(from: &buffer, budget))
        case Marker.xmlDocument, Marker.xml:
            return try readObject(from: &buffer, &budget, depth) { _, length, buffer, budget throws(AMFError) in
                .xmlDocument(try buffer.readAMFString(length: Int(length), budget))
            }
        case Marker.date:
            return try readObject(from: &buffer, &budget, depth) { _, _, buffer, _ throws(AMFError) in
                .date(milliseconds: Double(bitPattern: try buffer.readAMF(UInt64.self)), timeZone: 0)
            }
        case Marker.array:
            return try readObject(from: &buffer, &budget, depth) { decoder, count, buffer, budget throws(AMFError) in
                try decoder.readArray(count: count, from: &buffer, &budget, depth)
            }
        case Marker.object:
            return try readObject(from: &buffer, &budget, depth) { decoder, bits, buffer, budget throws(AMFError) in
                try decoder.readProperties(traitBits: bits, from: &buffer, &budget, depth)
            }
        case Marker.byteArray:
            return try readObject(from: &buffer, &budget, depth) { _, length, buffer, _ throws(AMFError) in
                guard buffer.readSlice(length: Int(length)) != nil else { throw .truncated }
                return .unsupported
            }
        case Marker.vectorInt:
            return try readVector(from: &buffer, &budget, depth) { buffer throws(AMFError) in
                Double(try buffer.readAMF(Int32.self))
            }
        case Marker.vectorUInt:
            return try readVector(from: &buffer, &budget, depth) { buffer throws(AMFError) in
                Double(try buffer.readAMF(UInt32.self))
            }
        case Marker.vectorDouble:
            return try readVector(from: &buffer, &budget, depth) { buffer throws(AMFError) in
                Double(bitPattern: try buffer.readAMF(UInt64.self))
            }
        case Marker.vectorObject:
            return try readObject(from: &buffer, &budget, depth) { decoder, count, buffer, budget throws(AMFError) in
                _ = try buffer.readAMF(UInt8.self)  // fixed
                _ = try decoder.readString(from: &buffer, budget)  // the class of its members
                return .strictArray(try decoder.readElements(count, from: &buffer, &budget, depth))
            }
        case Marker.dictionary:
            return try readObject(from: &buffer, &budget, depth) { decoder, count, buffer, budget throws(AMFError) in
                try decoder.readDictionary(count: count, from: &buffer, &budget, depth)
            }
        case let marker: throw .unknownAMF3Marker(marker)
        }
    }

    // MARK: - References (§2.2)

    private typealias Read<Value> =
        (inout AMF3Decoder, UInt32, inout ByteBuffer, inout AMFBudget) throws(AMFError) -> Value

    /// Reads an object that may be a reference: the lowest bit of its first number tells, the others are handed on.
    private mutating func readObject(
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int,
        _ read: Read<AMF0Value>
    ) throws(AMFError) -> AMF0Value {
        let bits = try Self.readU29(from: &buffer)
        guard bits & 1 == 1 else { return try knownObject(Int(bits >> 1), &budget, depth) }
        let index = objects.count
        objects.append(KnownObject())
        let before = spent
        let value = try read(&self, bits >> 1, &buffer, &budget)
        objects[index] = KnownObject(value: value, cost: spent - before + 1)
        return value
    }

    private mutating func knownObject(
        _ index: Int,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> AMF0Value {
        guard index < objects.count else { throw .danglingReference(index) }
        try spend(objects[index].cost, &budget, depth)
        return objects[index].value ?? .reference(UInt16(clamping: index))
    }

    /// §3.8: a string, or the number of one that came before; the empty one is never referred to.
    private mutating func readString(from buffer: inout ByteBuffer, _ budget: AMFBudget) throws(AMFError) -> String {
        let bits = try Self.readU29(from: &buffer)
        let number = Int(bits >> 1)
        guard bits & 1 == 1 else {
            guard number < strings.count else { throw .danglingReference(number) }
            return strings[number]
        }
        let text = try buffer.readAMFString(length: number, budget)
        if !text.isEmpty { strings.append(text) }
        return text
    }

    private mutating func spend(_ count: Int, _ budget: inout AMFBudget, _ depth: Int) throws(AMFError) {
        try budget.spend(count, depth: depth)
        spent += count
    }

    // MARK: - Objects and arrays

    /// §3.11: named members until the empty name, then `count` members without names.
    private mutating func readArray(
        count: UInt32,
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> AMF0Value {
        let named = try readNamedMembers(from: &buffer, &budget, depth)
        let elements = try readElements(count, from: &buffer, &budget, depth)
        guard !named.isEmpty else { return .strictArray(elements) }
        return .ecmaArray(named + elements.enumerated().map { AMF0Property("\($0)", $1) })
    }

    /// §3.12.
    private mutating func readProperties(
        traitBits: UInt32,
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> AMF0Value {
        let traits = try readTraits(traitBits, from: &buffer, &budget, depth)
        var properties: [AMF0Property] = []
        for name in traits.names {
            properties.append(AMF0Property(name, try readValue(from: &buffer, budget: &budget, depth: depth + 1)))
        }
        if traits.isDynamic { properties += try readNamedMembers(from: &buffer, &budget, depth) }
        guard !traits.className.isEmpty else { return .object(properties) }
        return .typedObject(className: traits.className, properties: properties)
    }

    private mutating func readTraits(
        _ bits: UInt32,
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> Traits {
        guard bits & 1 == 1 else {
            let number = Int(bits >> 1)
            guard number < traits.count else { throw .danglingReference(number) }
            return traits[number]
        }
        let className = try readString(from: &buffer, budget)
        guard bits & 2 == 0 else { throw .externalizable(className: className) }
        var names: [String] = []
        for _ in 0..<(bits >> 3) {
            try spend(1, &budget, depth)
            names.append(try readString(from: &buffer, budget))
        }
        let new = Traits(className: className, names: names, isDynamic: bits & 4 != 0)
        traits.append(new)
        return new
    }

    private mutating func readNamedMembers(
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> [AMF0Property] {
        var members: [AMF0Property] = []
        while true {
            let name = try readString(from: &buffer, budget)
            guard !name.isEmpty else { return members }
            members.append(AMF0Property(name, try readValue(from: &buffer, budget: &budget, depth: depth + 1)))
        }
    }

    private mutating func readElements(
        _ count: UInt32,
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> [AMF0Value] {
        var elements: [AMF0Value] = []
        // Nothing is allocated for the count, which is the peer's word only.
        for _ in 0..<count { elements.append(try readValue(from: &buffer, budget: &budget, depth: depth + 1)) }
        return elements
    }

    /// §3.15: numbers of one kind without markers.
    private mutating func readVector(
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int,
        _ readNumber: (inout ByteBuffer) throws(AMFError) -> Double
    ) throws(AMFError) -> AMF0Value {
        try readObject(from: &buffer, &budget, depth) { decoder, count, buffer, budget throws(AMFError) in
            _ = try buffer.readAMF(UInt8.self)  // fixed
            var numbers: [AMF0Value] = []
            for _ in 0..<count {
                try decoder.spend(1, &budget, depth + 1)
                numbers.append(.number(try readNumber(&buffer)))
            }
            return .strictArray(numbers)
        }
    }

    /// §3.16: pairs of any values.
    ///
    /// Keys that are neither texts nor numbers are named by their place.
    private mutating func readDictionary(
        count: UInt32,
        from buffer: inout ByteBuffer,
        _ budget: inout AMFBudget,
        _ depth: Int
    ) throws(AMFError) -> AMF0Value {
        _ = try buffer.readAMF(UInt8.self)  // weak keys
        var members: [AMF0Property] = []
        for place in 0..<count {
            let key = try readValue(from: &buffer, budget: &budget, depth: depth + 1)
            let name = key.string ?? key.number.map { "\($0)" } ?? "\(place)"
            members.append(AMF0Property(name, try readValue(from: &buffer, budget: &budget, depth: depth + 1)))
        }
        return .ecmaArray(members)
    }

    /// §1.3.1: up to four bytes, the top bit of the first three saying that another follows.
    private static func readU29(from buffer: inout ByteBuffer) throws(AMFError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<3 {
            let byte = try buffer.readAMF(UInt8.self)
            value = value << 7 | UInt32(byte & 0x7F)
            if byte & 0x80 == 0 { return value }
        }
        return value << 8 | UInt32(try buffer.readAMF(UInt8.self))
    }
}
