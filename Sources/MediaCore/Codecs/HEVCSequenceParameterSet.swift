/// What a server needs of an HEVC sequence parameter set (ISO/IEC 23008-2 §7.3.2.2.1).
public struct HEVCSequenceParameterSet: Hashable, Sendable {
    /// The largest width or height believed, in luma samples: nearly twice what level 6.2 allows.
    public static let maximumDimension = 16_384

    /// Profile, tier and level.
    public let profileTierLevel: HEVCProfileTierLevel
    /// The width of the cropped picture in luma samples.
    public let width: Int
    /// The height of the cropped picture in luma samples.
    public let height: Int
    /// Pictures a second as the VUI states it, or `nil`: a claim, not a measurement.
    public let nominalFrameRate: Double?
    /// chroma_format_idc: 0 to 3.
    let chromaFormat: UInt8
    /// Bits of a luma sample, 8 to 16.
    let lumaDepth: UInt8
    /// Bits of a chroma sample, 8 to 16.
    let chromaDepth: UInt8

    /// Reads a parameter set from its NAL unit, header included.
    ///
    /// - Throws: ``CodecConfigurationError`` when it ends too early or states a size that no decoder takes.
    public init(nalUnit: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(NALUnit.rawByteSequencePayload(of: nalUnit))
        let nalUnitType = try reader.read(16) >> 9 & 0x3F
        guard nalUnitType == 33 else { throw .malformed("NAL unit type \(nalUnitType), expected 33") }
        try reader.skip(4)  // sps_video_parameter_set_id
        let subLayers = Int(try reader.read(3))  // sps_max_sub_layers_minus1
        guard subLayers < 7 else { throw .malformed("\(subLayers + 1) sub-layers, allowed 7") }
        try reader.skip(1)  // sps_temporal_id_nesting_flag
        profileTierLevel = try HEVCProfileTierLevel(from: &reader)
        try Self.skipSubLayerLevels(count: subLayers, in: &reader)
        _ = try reader.readUnsignedExpGolomb()  // sps_seq_parameter_set_id

        let chroma = try reader.readUnsignedExpGolomb()
        guard chroma <= 3 else { throw .malformed("chroma format \(chroma), expected 0 to 3") }
        if chroma == 3 { try reader.skip(1) }  // separate_colour_plane_flag
        let codedWidth = Int(try reader.readUnsignedExpGolomb())
        let codedHeight = Int(try reader.readUnsignedExpGolomb())
        var cropping = (horizontal: 0, vertical: 0)
        if try reader.readFlag() {
            // §7.4.3.2.1: counted in chroma units.
            cropping.horizontal = try Self.readPair(from: &reader) * (chroma == 1 || chroma == 2 ? 2 : 1)
            cropping.vertical = try Self.readPair(from: &reader) * (chroma == 1 ? 2 : 1)
        }
        width = codedWidth - cropping.horizontal
        height = codedHeight - cropping.vertical
        guard (1...Self.maximumDimension).contains(width), (1...Self.maximumDimension).contains(height) else {
            throw .malformed("picture of \(width)x\(height), allowed up to \(Self.maximumDimension) each way")
        }
        chromaFormat = UInt8(chroma)
        let depths = (try reader.readUnsignedExpGolomb(), try reader.readUnsignedExpGolomb())
        guard depths.0 <= 8, depths.1 <= 8 else {
            throw .malformed("\(max(depths.0, depths.1) + 8) bits a sample, allowed 16")
        }
        (lumaDepth, chromaDepth) = (UInt8(depths.0) + 8, UInt8(depths.1) + 8)
        // What follows costs the frame rate only when it cannot be read.
        nominalFrameRate = (try? Self.readFrameRate(from: &reader, subLayers: subLayers)) ?? nil
    }

    private static func readPair(from reader: inout BitReader) throws(CodecConfigurationError) -> Int {
        Int(try reader.readUnsignedExpGolomb()) + Int(try reader.readUnsignedExpGolomb())
    }

    /// profile_tier_level's part for the sub-layers (§7.3.3).
    private static func skipSubLayerLevels(
        count: Int,
        in reader: inout BitReader
    ) throws(CodecConfigurationError) {
        guard count > 0 else { return }
        var bits = 0
        for _ in 0..<count {
            if try reader.readFlag() { bits += 88 }  // sub_layer_profile_present_flag
            if try reader.readFlag() { bits += 8 }  // sub_layer_level_present_flag
        }
        try reader.skip(2 * (8 - count) + bits)
    }

    /// Goes on from the bit depths to vui_timing_info.
    private static func readFrameRate(
        from reader: inout BitReader,
        subLayers: Int
    ) throws(CodecConfigurationError) -> Double? {
        let orderCountBits = Int(try reader.readUnsignedExpGolomb()) + 4
        guard orderCountBits <= 16 else { throw .malformed("picture order count of \(orderCountBits) bits") }
        let orderings = try reader.readFlag() ? subLayers + 1 : 1
        for _ in 0..<3 * orderings { _ = try reader.readUnsignedExpGolomb() }
        for _ in 0..<6 { _ = try reader.readUnsignedExpGolomb() }  // block sizes and hierarchy depths
        // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        if try reader.readFlag(), try reader.readFlag() { try skipScalingLists(in: &reader) }
        try reader.skip(2)  // amp_enabled_flag, sample_adaptive_offset_enabled_flag
        if try reader.readFlag() {  // pcm_enabled_flag
            try reader.skip(8)
            _ = try readPair(from: &reader)
            try reader.skip(1)
        }
        try skipShortTermReferences(in: &reader)
        if try reader.readFlag() {  // long_term_ref_pics_present_flag
            let count = Int(try reader.readUnsignedExpGolomb())
            guard count <= 32 else { throw .malformed("\(count) long-term references, allowed 32") }
            try reader.skip(count * (orderCountBits + 1))
        }
        try reader.skip(2)  // temporal motion vectors, strong intra smoothing
        return try readTiming(from: &reader)
    }

    /// scaling_list_data (§7.3.4).
    private static func skipScalingLists(in reader: inout BitReader) throws(CodecConfigurationError) {
        for size in 0..<4 {
            for _ in 0..<(size == 3 ? 2 : 6) {
                guard try reader.readFlag() else {
                    _ = try reader.readUnsignedExpGolomb()  // scaling_list_pred_matrix_id_delta
                    continue
                }
                let coefficients = min(64, 1 << (4 + size * 2)) + (size > 1 ? 1 : 0)
                for _ in 0..<coefficients { _ = try reader.readSignedExpGolomb() }
            }
        }
    }

    /// st_ref_pic_set, as many as there are (§7.3.7).
    private static func skipShortTermReferences(in reader: inout BitReader) throws(CodecConfigurationError) {
        let count = Int(try reader.readUnsignedExpGolomb())
        guard count <= 64 else { throw .malformed("\(count) short-term reference sets, allowed 64") }
        var pictures = 0
        for index in 0..<count {
            if index > 0, try reader.readFlag() {
                // Predicted from the set before: it has as many pictures, or one more, as are used or kept.
                try reader.skip(1)
                _ = try reader.readUnsignedExpGolomb()
                var kept = 0
                for _ in 0...pictures {
                    let isUsed = try reader.readFlag()
                    if isUsed { kept += 1 } else if try reader.readFlag() { kept += 1 }
                }
                pictures = kept
            } else {
                pictures = try readPair(from: &reader)
                guard pictures <= 32 else { throw .malformed("\(pictures) short-term references, allowed 32") }
                for _ in 0..<pictures {
                    _ = try reader.readUnsignedExpGolomb()
                    try reader.skip(1)
                }
            }
        }
    }

    /// vui_parameters up to vui_time_scale (§E.2.1).
    private static func readTiming(from reader: inout BitReader) throws(CodecConfigurationError) -> Double? {
        guard try reader.readFlag() else { return nil }
        if try reader.readFlag(), try reader.read(8) == 255 { try reader.skip(32) }  // aspect_ratio
        if try reader.readFlag() { try reader.skip(1) }  // overscan
        if try reader.readFlag() {  // video_signal_type
            try reader.skip(4)
            if try reader.readFlag() { try reader.skip(24) }
        }
        if try reader.readFlag() { _ = try readPair(from: &reader) }  // chroma_loc
        try reader.skip(3)  // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
        if try reader.readFlag() {  // default_display_window_flag
            _ = try readPair(from: &reader)
            _ = try readPair(from: &reader)
        }
        guard try reader.readFlag() else { return nil }
        let unitsInTick = try reader.read(32)
        let timescale = try reader.read(32)
        guard unitsInTick > 0, timescale > 0 else { return nil }
        return Double(timescale) / Double(unitsInTick)
    }
}
