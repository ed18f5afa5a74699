/// The `avcC` record that an H.264 decoder needs first (ISO/IEC 14496-15 §5.3.3.1).
public struct AVCDecoderConfigurationRecord: Hashable, Sendable {
    /// The record as the encoder sent it.
    public let bytes: [UInt8]
    /// profile_idc, profile_compatibility and level_idc: the bytes 1 to 3 of the sequence parameter set.
    public let profileLevel: [UInt8]
    /// The size of the length in front of every NAL unit, in bytes: 1, 2 or 4.
    public let nalUnitLengthSize: Int
    /// The first sequence parameter set, decoded.
    public let sequenceParameterSet: AVCSequenceParameterSet
    /// The sequence parameter sets and behind them the picture parameter sets, each a NAL unit.
    public let parameterSets: [[UInt8]]

    /// Reads a record.
    ///
    /// - Parameter bytes: the record, beginning with configurationVersion.
    /// - Throws: ``CodecConfigurationError`` when it is cut short, has no usable parameter set, or a version or length
    ///   size that does not exist.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        guard bytes.count >= 7 else { throw .truncated }
        guard bytes[0] == 1 else { throw .malformed("avcC version \(bytes[0]), expected 1") }
        let lengthSize = Int(bytes[4] & 0b11) + 1
        guard lengthSize != 3 else { throw .malformed("NAL unit length size 3, expected 1, 2 or 4") }

        var position = 5
        let sequenceSets = try Self.readParameterSets(in: bytes, at: &position, countMask: 0x1F)
        let pictureSets = try Self.readParameterSets(in: bytes, at: &position, countMask: 0xFF)
        guard let first = sequenceSets.first, first.count >= 4 else {
            throw .malformed("no sequence parameter set")
        }
        guard !pictureSets.isEmpty else { throw .malformed("no picture parameter set") }

        self.bytes = bytes
        // The parameter set, not the record: encoders are known to leave zeros in the record's own copy.
        profileLevel = Array(first[first.startIndex + 1..<first.startIndex + 4])
        nalUnitLengthSize = lengthSize
        sequenceParameterSet = try AVCSequenceParameterSet(nalUnit: first)
        parameterSets = (sequenceSets + pictureSets).map(Array.init)
    }

    /// `avc1.PPCCLL` (RFC 6381 §3.3).
    public var codecString: String {
        "avc1." + profileLevel.map(\.twoHexadecimalDigits).joined()
    }

    private static func readParameterSets(
        in bytes: [UInt8],
        at position: inout Int,
        countMask: UInt8
    ) throws(CodecConfigurationError) -> [ArraySlice<UInt8>] {
        guard position < bytes.count else { throw .truncated }
        let count = Int(bytes[position] & countMask)
        position += 1
        var sets: [ArraySlice<UInt8>] = []
        for _ in 0..<count {
            guard position + 2 <= bytes.count else { throw .truncated }
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            position += 2
            guard position + length <= bytes.count else { throw .truncated }
            sets.append(bytes[position..<position + length])
            position += length
        }
        return sets
    }
}
