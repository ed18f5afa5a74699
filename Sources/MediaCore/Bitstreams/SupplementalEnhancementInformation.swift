/// The messages of supplemental enhancement information (ISO/IEC 14496-10 §7.3.2.3.1, ISO/IEC 23008-2 §7.3.2.4), read where
/// they lie: encoders send some with every picture, and hardly any of them is of interest.
public struct SupplementalEnhancementInformation {
    /// What a message says of itself.
    public struct Message {
        /// payloadType.
        public let type: Int
        /// payloadSize, in bytes; more may be announced than there are.
        public let size: Int
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var zeros = 0

    /// The messages in a NAL unit.
    ///
    /// - Parameter bytes: the NAL unit behind its header, which outlives this value.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Reads the beginning of the next message, whose payload the caller then reads or skips whole.
    ///
    /// - Returns: `nil` behind the last message; what comes there may also look like one that has no end.
    public mutating func next() -> Message? {
        guard let type = readExtensible(), let size = readExtensible() else { return nil }
        return Message(type: type, size: size)
    }

    /// Passes over bytes of a payload; `false` when there are not so many.
    public mutating func skip(_ count: Int) -> Bool {
        for _ in 0..<count { guard readByte() != nil else { return false } }
        return true
    }

    /// Reads bytes of a payload; `nil` when there are not so many.
    public mutating func read(_ count: Int) -> [UInt8]? {
        guard count <= bytes.count - position else { return nil }
        var read: [UInt8] = []
        read.reserveCapacity(count)
        for _ in 0..<count {
            guard let byte = readByte() else { return nil }
            read.append(byte)
        }
        return read
    }

    /// A payload type or size: as many times 255 as there are bytes 0xFF, and the byte after them.
    private mutating func readExtensible() -> Int? {
        var sum = 0
        while let byte = readByte() {
            sum += Int(byte)
            if byte != 0xFF { return sum }
        }
        return nil
    }

    /// The next byte that does not only prevent a start code (ISO/IEC 14496-10 §7.4.1).
    private mutating func readByte() -> UInt8? {
        guard position < bytes.count else { return nil }
        if zeros >= 2, bytes[position] == 3 {
            zeros = 0
            position += 1
            guard position < bytes.count else { return nil }
        }
        let byte = bytes[position]
        position += 1
        zeros = byte == 0 ? zeros + 1 : 0
        return byte
    }
}
