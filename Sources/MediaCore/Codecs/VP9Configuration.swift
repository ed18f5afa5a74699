/// What a VP9 decoder and a player must know first: the record of VP-ISOBMFF, and the size, which only keyframes have.
public struct VP9Configuration: Hashable, Sendable {
    /// The record, ``VPCodecConfigurationRecord/bytes``.
    public let record: VPCodecConfigurationRecord
    /// Luma samples a row.
    public let width: Int
    /// Luma rows.
    public let height: Int

    /// The configuration of the frames that a keyframe begins.
    public init(_ record: VPCodecConfigurationRecord, keyframe: VP9KeyframeHeader) {
        self.record = record
        width = keyframe.width
        height = keyframe.height
    }

    /// `vp09.PP.LL.DD` (VP-ISOBMFF "Codecs Parameter String").
    public var codecString: String {
        let level = record.level == 0 ? smallestLevel : record.level
        return "vp09.\(record.profile.twoDecimalDigits).\(level.twoDecimalDigits).\(record.bitDepth.twoDecimalDigits)"
    }

    /// The smallest level that has room for a picture; encoders that do not know theirs write 0, which no player takes.
    private var smallestLevel: UInt8 {
        // Luma picture sizes of the levels (webmproject.org, "VP9 Levels and Decoder Testing").
        let levels: [(level: UInt8, samples: Int)] = [
            (10, 36_864), (11, 73_728), (20, 122_880), (21, 245_760), (30, 552_960), (31, 983_040), (40, 2_228_224),
            (50, 8_912_896),
        ]
        return levels.first { width * height <= $0.samples }?.level ?? 60
    }
}

/// The VPCodecConfigurationRecord (VP-ISOBMFF "VP Codec Configuration Box").
public struct VPCodecConfigurationRecord: Hashable, Sendable {
    /// The record without the version and flags of its box.
    public let bytes: [UInt8]
    /// 0 to 3.
    public let profile: UInt8
    /// Ten times the level, or 0 when the encoder does not know.
    public let level: UInt8
    /// Bits of a sample: 8, 10 or 12.
    public let bitDepth: UInt8

    /// Reads a record.
    ///
    /// - Parameter bytes: the record with the version and flags of its box, as ffmpeg sends it, or without.
    /// - Throws: ``CodecConfigurationError`` when it is cut short or states a profile or bit depth that does not exist.
    public init(_ bytes: [UInt8]) throws(CodecConfigurationError) {
        // Without them it is eight bytes: VP9 has no codecInitializationData.
        let record = bytes.count >= 12 ? Array(bytes[4..<12]) : bytes
        guard record.count == 8 else { throw .truncated }
        if bytes.count >= 12, bytes[0] != 1 { throw .malformed("vpcC version \(bytes[0]), expected 1") }
        profile = record[0]
        level = record[1]
        bitDepth = record[2] >> 4
        guard profile <= 3 else { throw .malformed("VP9 profile \(profile), expected 0 to 3") }
        guard [8, 10, 12].contains(bitDepth) else { throw .malformed("bit depth \(bitDepth), expected 8, 10 or 12") }
        guard record[6] == 0, record[7] == 0 else { throw .malformed("codecInitializationData, which VP9 has none of") }
        self.bytes = record
    }
}

/// The uncompressed header of a VP9 keyframe (VP9 §6.2), as far as its size.
public struct VP9KeyframeHeader: Hashable, Sendable {
    /// frame_width_minus_1 and one.
    public let width: Int
    /// frame_height_minus_1 and one.
    public let height: Int

    /// How many bytes of a frame are looked at.
    public static let length = 12

    /// Whether a frame that begins with this byte is a keyframe; `nil` when it is no VP9 frame.
    public static func isKeyframe(firstByte: UInt8) -> Bool? {
        guard firstByte >> 6 == 2 else { return nil }
        // frame_marker and two bits of the profile; a reserved bit for profile 3; show_existing_frame, frame_type.
        let isProfile3 = firstByte & 0x30 == 0x30
        return firstByte >> (isProfile3 ? 1 : 2) & 0b11 == 0
    }

    /// Reads the header of a keyframe.
    ///
    /// - Parameter bytes: the frame's first bytes, ``length`` of them if there are so many.
    /// - Throws: ``CodecConfigurationError`` when it ends too early or is no VP9 keyframe.
    public init(_ bytes: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(bytes)
        guard try reader.read(2) == 2 else { throw .malformed("no VP9 frame marker") }
        let low = try reader.read(1)
        let profile = try reader.read(1) << 1 | low
        if profile == 3 { try reader.skip(1) }
        // show_existing_frame, frame_type
        guard try reader.read(2) == 0 else { throw .malformed("no VP9 keyframe") }
        try reader.skip(2)  // show_frame, error_resilient_mode
        guard try reader.read(24) == 0x49_8342 else { throw .malformed("no VP9 frame_sync_code") }
        if profile >= 2 { try reader.skip(1) }  // ten_or_twelve_bit
        if try reader.read(3) != 7 {  // color_space
            try reader.skip(1)  // color_range
            if profile & 1 == 1 { try reader.skip(3) }
        } else if profile & 1 == 1 {
            try reader.skip(1)
        }
        width = Int(try reader.read(16)) + 1
        height = Int(try reader.read(16)) + 1
    }
}
