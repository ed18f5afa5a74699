/// What a server needs of an H.264 sequence parameter set (ISO/IEC 14496-10 §7.3.2.1.1).
public struct AVCSequenceParameterSet: Hashable, Sendable {
    /// The largest width or height believed, in luma samples: twice what level 6.2 allows.
    public static let maximumDimension = 16_384

    /// profile_idc.
    public let profile: UInt8
    /// level_idc: ten times the level.
    public let level: UInt8
    /// The width of the cropped picture in luma samples.
    public let width: Int
    /// The height of the cropped picture in luma samples.
    public let height: Int
    /// Pictures a second as the VUI states it, or `nil`: a claim, not a measurement.
    public let nominalFrameRate: Double?

    /// Reads a parameter set from its NAL unit, header byte included.
    ///
    /// - Throws: ``CodecConfigurationError`` when it ends too early or states a size that no decoder takes.
    public init(nalUnit: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(NALUnit.rawByteSequencePayload(of: nalUnit))
        let nalUnitType = try reader.read(8) & 0x1F
        guard nalUnitType == 7 else { throw .malformed("NAL unit type \(nalUnitType), expected 7") }
        profile = UInt8(try reader.read(8))
        try reader.skip(8)
        level = UInt8(try reader.read(8))
        _ = try reader.readUnsignedExpGolomb()  // seq_parameter_set_id

        let chroma = try Self.readChroma(profile: profile, from: &reader)
        _ = try reader.readUnsignedExpGolomb()  // log2_max_frame_num_minus4
        try Self.skipPictureOrderCount(in: &reader)
        _ = try reader.readUnsignedExpGolomb()  // max_num_ref_frames
        try reader.skip(1)  // gaps_in_frame_num_value_allowed_flag

        let widthInMacroblocks = Int(try reader.readUnsignedExpGolomb()) + 1
        let heightInMapUnits = Int(try reader.readUnsignedExpGolomb()) + 1
        let isFrameOnly = try reader.readFlag()
        let fieldFactor = isFrameOnly ? 1 : 2
        if !isFrameOnly { try reader.skip(1) }  // mb_adaptive_frame_field_flag
        try reader.skip(1)  // direct_8x8_inference_flag

        // §7.4.2.1.1: cropping is counted in chroma units, and in fields when pictures may be fields.
        var cropping = (horizontal: 0, vertical: 0)
        if try reader.readFlag() {
            let left = Int(try reader.readUnsignedExpGolomb())
            let right = Int(try reader.readUnsignedExpGolomb())
            let top = Int(try reader.readUnsignedExpGolomb())
            let bottom = Int(try reader.readUnsignedExpGolomb())
            cropping.horizontal = (left + right) * chroma.cropUnitX
            cropping.vertical = (top + bottom) * chroma.cropUnitY * fieldFactor
        }
        width = widthInMacroblocks * 16 - cropping.horizontal
        height = heightInMapUnits * 16 * fieldFactor - cropping.vertical
        guard (1...Self.maximumDimension).contains(width), (1...Self.maximumDimension).contains(height) else {
            throw .malformed("picture of \(width)x\(height), allowed up to \(Self.maximumDimension) each way")
        }
        // A VUI cut short costs the frame rate only: some encoders' parameter sets end inside it.
        nominalFrameRate = (try? Self.readFrameRate(from: &reader)) ?? nil
    }

    private static let profilesWithChromaFormat: Set<UInt8> = [
        100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
    ]

    private static func readChroma(
        profile: UInt8,
        from reader: inout BitReader
    ) throws(CodecConfigurationError) -> (cropUnitX: Int, cropUnitY: Int) {
        guard profilesWithChromaFormat.contains(profile) else { return (2, 2) }
        let format = try reader.readUnsignedExpGolomb()
        guard format <= 3 else { throw .malformed("chroma format \(format), expected 0 to 3") }
        if format == 3 { try reader.skip(1) }  // separate_colour_plane_flag
        _ = try reader.readUnsignedExpGolomb()  // bit_depth_luma_minus8
        _ = try reader.readUnsignedExpGolomb()  // bit_depth_chroma_minus8
        try reader.skip(1)  // qpprime_y_zero_transform_bypass_flag
        if try reader.readFlag() {
            for list in 0..<(format == 3 ? 12 : 8) where try reader.readFlag() {
                try skipScalingList(size: list < 6 ? 16 : 64, in: &reader)
            }
        }
        return switch format {
        case 1: (2, 2)
        case 2: (2, 1)
        default: (1, 1)
        }
    }

    /// §7.3.2.1.1.1.
    private static func skipScalingList(size: Int, in reader: inout BitReader) throws(CodecConfigurationError) {
        var lastScale: Int64 = 8
        var nextScale: Int64 = 8
        for _ in 0..<size {
            if nextScale != 0 {
                nextScale = (lastScale + (try reader.readSignedExpGolomb())) & 0xFF
            }
            lastScale = nextScale == 0 ? lastScale : nextScale
        }
    }

    private static func skipPictureOrderCount(in reader: inout BitReader) throws(CodecConfigurationError) {
        switch try reader.readUnsignedExpGolomb() {
        case 0:
            _ = try reader.readUnsignedExpGolomb()  // log2_max_pic_order_cnt_lsb_minus4
        case 1:
            try reader.skip(1)  // delta_pic_order_always_zero_flag
            _ = try reader.readSignedExpGolomb()  // offset_for_non_ref_pic
            _ = try reader.readSignedExpGolomb()  // offset_for_top_to_bottom_field
            let cycle = try reader.readUnsignedExpGolomb()
            guard cycle <= 255 else { throw .malformed("\(cycle) reference frames in a cycle, allowed 255") }
            for _ in 0..<cycle { _ = try reader.readSignedExpGolomb() }
        default:
            break
        }
    }

    /// The frame rate of the VUI (§E.1.1): time_scale counts fields, two of them to a frame.
    private static func readFrameRate(from reader: inout BitReader) throws(CodecConfigurationError) -> Double? {
        guard try reader.readFlag() else { return nil }
        if try reader.readFlag(), try reader.read(8) == 255 { try reader.skip(32) }  // aspect_ratio
        if try reader.readFlag() { try reader.skip(1) }  // overscan
        if try reader.readFlag() {  // video_signal_type
            try reader.skip(4)
            if try reader.readFlag() { try reader.skip(24) }
        }
        if try reader.readFlag() {  // chroma_loc
            _ = try reader.readUnsignedExpGolomb()
            _ = try reader.readUnsignedExpGolomb()
        }
        guard try reader.readFlag() else { return nil }
        let unitsInTick = try reader.read(32)
        let timescale = try reader.read(32)
        guard unitsInTick > 0, timescale > 0 else { return nil }
        return Double(timescale) / Double(unitsInTick) / 2
    }
}
