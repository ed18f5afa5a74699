/// The `hvcC` record that an HEVC decoder needs first (ISO/IEC 14496-15 §8.3.3.1).
public struct HEVCDecoderConfigurationRecord: Hashable, Sendable {
    /// The record as a sample entry `hvc1` has it.
    ///
    /// It is the encoder's but for array_completeness, which is set for all parameter sets: `hvc1` demands it (§8.4.1.1),
    /// and ffmpeg's encoders leave it out.
    public let bytes: [UInt8]
    /// The size of the length in front of every NAL unit, in bytes: 1, 2 or 4.
    public let nalUnitLengthSize: Int
    /// The first sequence parameter set, decoded.
    public let sequenceParameterSet: HEVCSequenceParameterSet
    /// The video, sequence and picture parameter sets, in this order, each a NAL unit.
    public let parameterSets: [[UInt8]]

    /// The NAL unit types of parameter sets (ISO/IEC 23008-2 table 7-1): video, sequence, picture.
    private static let parameterSetTypes: ClosedRange<UInt8> = 32...34
    private static let sequenceParameterSetType: UInt8 = 33
    private static let pictureParameterSetType: UInt8 = 34

    /// Reads a record.
    ///
    /// - Parameter bytes: the record, beginning with configurationVersion.
    /// - Throws: ``CodecConfigurationError`` when it is cut short, has no usable parameter set, or a version or length
    ///   size that does not exist.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        guard bytes.count >= 23 else { throw .truncated }
        guard bytes[0] == 1 else { throw .malformed("hvcC version \(bytes[0]), expected 1") }
        let lengthSize = Int(bytes[21] & 0b11) + 1
        guard lengthSize != 3 else { throw .malformed("NAL unit length size 3, expected 1, 2 or 4") }

        var record = bytes
        var sequenceSet: ArraySlice<UInt8>?
        var hasPictureSet = false
        var sets: [(type: UInt8, unit: [UInt8])] = []
        var position = 23
        for _ in 0..<bytes[22] {
            guard position + 3 <= bytes.count else { throw .truncated }
            let type = bytes[position] & 0x3F
            let count = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            if Self.parameterSetTypes.contains(type) { record[position] |= 0x80 }
            position += 3
            for _ in 0..<count {
                let unit = try Self.readNALUnit(in: bytes, at: &position)
                if type == Self.sequenceParameterSetType, sequenceSet == nil { sequenceSet = unit }
                if type == Self.pictureParameterSetType { hasPictureSet = true }
                if Self.parameterSetTypes.contains(type) { sets.append((type, Array(unit))) }
            }
        }
        guard let sequenceSet else { throw .malformed("no sequence parameter set") }
        guard hasPictureSet else { throw .malformed("no picture parameter set") }
        self.bytes = record
        nalUnitLengthSize = lengthSize
        sequenceParameterSet = try HEVCSequenceParameterSet(nalUnit: sequenceSet)
        parameterSets = Self.parameterSetTypes.flatMap { type in sets.filter { $0.type == type }.map(\.unit) }
    }

    /// `hvc1.` with profile, compatibility, tier and level, and constraints (ISO/IEC 14496-15 Annex E.3).
    public var codecString: String { "hvc1." + sequenceParameterSet.profileTierLevel.codecParameters }

    private static func readNALUnit(
        in bytes: [UInt8],
        at position: inout Int
    ) throws(CodecConfigurationError) -> ArraySlice<UInt8> {
        guard position + 2 <= bytes.count else { throw .truncated }
        let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
        position += 2
        guard position + length <= bytes.count else { throw .truncated }
        defer { position += length }
        return bytes[position..<position + length]
    }
}

/// general_profile_space to general_level_idc (ISO/IEC 23008-2 §7.3.3): what a decoder must be able to do.
public struct HEVCProfileTierLevel: Hashable, Sendable {
    /// general_profile_space, general_tier_flag and general_profile_idc.
    let profileByte: UInt8
    /// general_profile_compatibility_flag of 0 to 31, the first one in the highest bit.
    let compatibility: UInt32
    /// general_progressive_source_flag and the 47 bits behind it.
    let constraints: [UInt8]
    /// general_level_idc: thirty times the level.
    let level: UInt8

    init(from reader: inout BitReader) throws(CodecConfigurationError) {
        profileByte = UInt8(try reader.read(8))
        compatibility = try reader.read(32)
        var constraints: [UInt8] = []
        for _ in 0..<6 { constraints.append(UInt8(try reader.read(8))) }
        self.constraints = constraints
        level = UInt8(try reader.read(8))
    }

    /// The elements of a codec string behind the sample entry (ISO/IEC 14496-15 Annex E.3).
    var codecParameters: String {
        let space = ["", "A", "B", "C"][Int(profileByte >> 6)]
        let tier = profileByte & 0x20 == 0 ? "L" : "H"
        // Flag 0 is the lowest bit here, and the highest one on the wire.
        let flags = String(compatibility.bitReversed, radix: 16)
        var elements = ["\(space)\(profileByte & 0x1F)", flags, "\(tier)\(level)"]
        let used = constraints.lastIndex { $0 != 0 }.map { constraints[...$0] } ?? []
        elements += used.map { String($0, radix: 16) }
        return elements.joined(separator: ".")
    }
}

extension UInt32 {
    fileprivate var bitReversed: UInt32 {
        (0..<32).reduce(0) { $0 | (self >> UInt32($1) & 1) << UInt32(31 - $1) }
    }
}
