/// The `av1C` record that an AV1 decoder needs first (AV1-ISOBMFF §2.3).
public struct AV1CodecConfigurationRecord: Hashable, Sendable {
    /// The record: four bytes, and the sequence header OBU.
    public let bytes: [UInt8]
    /// The sequence header, decoded.
    public let sequenceHeader: AV1SequenceHeader

    /// Reads a record; fails with `nil` when it has no sequence header, which the first keyframe then brings (§2.3.4 allows
    /// that).
    ///
    /// - Parameter bytes: the record, beginning with its marker.
    /// - Throws: ``CodecConfigurationError`` when it is cut short or has another version.
    public init?(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        guard bytes.count >= 4 else { throw .truncated }
        guard bytes[0] == 0x81 else { throw .malformed("av1C marker and version \(bytes[0]), expected 129") }
        guard let header = AV1OpenBitstreamUnits(bytes[4...]).first(where: { $0.type == .sequenceHeader }) else {
            return nil
        }
        try self.init(sequenceHeaderPayload: bytes[header.payload])
    }

    /// Makes the record of a sequence header.
    ///
    /// - Parameter payload: the OBU without its header.
    /// - Throws: ``CodecConfigurationError`` when the sequence header ends too early or has a value that is reserved.
    public init(sequenceHeaderPayload payload: some Collection<UInt8>) throws(CodecConfigurationError) {
        guard payload.count < Self.maximumSequenceHeaderLength else {
            throw .malformed("sequence header of \(payload.count) bytes, allowed \(Self.maximumSequenceHeaderLength)")
        }
        let header = try AV1SequenceHeader(payload)
        // The fields once more, where readers of containers look for them (§2.3.3).
        let record: [UInt8] = [
            0x81,
            header.profile << 5 | header.level,
            header.tier << 7 | header.bitDepthFlags << 5 | header.chromaFlags,
            0,  // no initial_presentation_delay
        ]
        // OBU header: type 1, with a size, which is one byte because of the limit above.
        bytes = record + [0x0A, UInt8(payload.count)] + payload
        sequenceHeader = header
    }

    /// What a size of one byte can state; real ones are below 30 bytes.
    private static let maximumSequenceHeaderLength = 128

    /// The sequence header OBU's payload.
    public var sequenceHeaderPayload: ArraySlice<UInt8> { bytes[6...] }

    /// `av01.P.LLT.DD` (AV1-ISOBMFF §5).
    public var codecString: String {
        let level = sequenceHeader.level.twoDecimalDigits
        let tier = sequenceHeader.tier == 0 ? "M" : "H"
        return "av01.\(sequenceHeader.profile).\(level)\(tier).\(sequenceHeader.bitDepth.twoDecimalDigits)"
    }
}

/// Finds the open bitstream units of a temporal unit (AV1 §5.3): types and ranges, nothing copied.
///
/// The sequence ends before the first one that is broken; ``AV1OpenBitstreamUnits/Unit/end`` tells how far it came.
public struct AV1OpenBitstreamUnits<Bytes: Collection<UInt8>>: Sequence, IteratorProtocol
where Bytes.Index == Int {
    /// obu_type (AV1 §6.2.2), as far as a container cares.
    public enum UnitType: UInt8, Sendable {
        /// OBU_SEQUENCE_HEADER.
        case sequenceHeader = 1
        /// OBU_TEMPORAL_DELIMITER.
        case temporalDelimiter = 2
        /// OBU_FRAME_HEADER.
        case frameHeader = 3
        /// OBU_FRAME.
        case frame = 6
        /// OBU_TILE_LIST.
        case tileList = 8
        /// OBU_PADDING.
        case padding = 15
        /// Any other one.
        case other = 0
    }

    /// One unit.
    public struct Unit: Sendable {
        /// What it is.
        public let type: UnitType
        /// Where its header begins.
        public let start: Int
        /// Where its content lies.
        public let payload: Range<Int>
        /// Where it ends.
        public var end: Int { payload.upperBound }
    }

    private let bytes: Bytes
    private var position: Int

    /// The units in these bytes.
    public init(_ bytes: Bytes) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Whether everything was read.
    public var isAtEnd: Bool { position == bytes.endIndex }

    /// The next unit; `nil` at the end, and where a unit is broken.
    public mutating func next() -> Unit? {
        guard position < bytes.endIndex else { return nil }
        let header = bytes[position]
        // obu_forbidden_bit is 0.
        guard header & 0x80 == 0 else { return nil }
        var cursor = position + (header & 0x04 == 0 ? 1 : 2)
        guard cursor <= bytes.endIndex else { return nil }
        var end = bytes.endIndex
        if header & 0x02 != 0 {
            guard let size = readSize(at: &cursor), size <= bytes.endIndex - cursor else { return nil }
            end = cursor + size
        }
        let unit = Unit(type: UnitType(rawValue: header >> 3 & 0x0F) ?? .other, start: position, payload: cursor..<end)
        position = end
        return unit
    }

    /// leb128() (AV1 §4.10.5): at most eight bytes, and no more than 32 bits.
    private func readSize(at cursor: inout Int) -> Int? {
        var size = 0
        for shift in 0..<8 {
            guard cursor < bytes.endIndex else { return nil }
            let byte = bytes[cursor]
            cursor += 1
            size |= Int(byte & 0x7F) << (7 * shift)
            if byte & 0x80 == 0 { return size <= Int(UInt32.max) ? size : nil }
        }
        return nil
    }
}
