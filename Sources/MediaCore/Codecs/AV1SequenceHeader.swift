/// What a server needs of an AV1 sequence header (AV1 §5.5).
public struct AV1SequenceHeader: Hashable, Sendable {
    /// seq_profile: 0 Main, 1 High, 2 Professional.
    public let profile: UInt8
    /// seq_level_idx of the first operating point.
    public let level: UInt8
    /// seq_tier of the first operating point: 0 Main, 1 High.
    public let tier: UInt8
    /// max_frame_width_minus_1 and one.
    public let width: Int
    /// max_frame_height_minus_1 and one.
    public let height: Int
    /// Bits of a sample: 8, 10 or 12.
    public let bitDepth: UInt8
    /// Whether every picture is a still picture with the short header (reduced_still_picture_header).
    public let hasReducedHeaders: Bool
    /// mono_chrome, chroma_subsampling_x and _y, and chroma_sample_position, as `av1C` has them (AV1-ISOBMFF §2.3.3).
    let chromaFlags: UInt8

    /// high_bitdepth and twelve_bit, as `av1C` has them.
    var bitDepthFlags: UInt8 { bitDepth == 8 ? 0 : bitDepth == 10 ? 0b10 : 0b11 }

    /// Reads the payload of a sequence header OBU.
    ///
    /// - Throws: ``CodecConfigurationError`` when it ends too early or has a value that is reserved.
    init(_ payload: some Collection<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(payload)
        profile = UInt8(try reader.read(3))
        guard profile <= 2 else { throw .malformed("AV1 profile \(profile), expected 0 to 2") }
        try reader.skip(1)  // still_picture
        hasReducedHeaders = try reader.readFlag()
        (level, tier) = try Self.readFirstOperatingPoint(hasReducedHeaders: hasReducedHeaders, from: &reader)
        let widthBits = Int(try reader.read(4)) + 1
        let heightBits = Int(try reader.read(4)) + 1
        width = Int(try reader.read(widthBits)) + 1
        height = Int(try reader.read(heightBits)) + 1
        try Self.skipTools(hasReducedHeaders: hasReducedHeaders, in: &reader)
        (bitDepth, chromaFlags) = try Self.readColour(profile: profile, from: &reader)
    }

    /// From timing_info_present_flag to the end of the operating points (§5.5.1).
    private static func readFirstOperatingPoint(
        hasReducedHeaders: Bool,
        from reader: inout BitReader
    ) throws(CodecConfigurationError) -> (level: UInt8, tier: UInt8) {
        guard !hasReducedHeaders else { return (UInt8(try reader.read(5)), 0) }
        var delayBits: Int?
        if try reader.readFlag() {  // timing_info_present_flag
            try reader.skip(64)
            if try reader.readFlag() { _ = try reader.readUnsignedExpGolomb() }  // uvlc() is written like ue(v)
            if try reader.readFlag() {  // decoder_model_info_present_flag
                delayBits = Int(try reader.read(5)) + 1
                try reader.skip(32 + 5 + 5)
            }
        }
        let hasDisplayDelays = try reader.readFlag()
        var first: (level: UInt8, tier: UInt8)?
        for _ in 0...(try reader.read(5)) {
            try reader.skip(12)  // operating_point_idc
            let level = UInt8(try reader.read(5))
            let tier = level > 7 ? UInt8(try reader.read(1)) : 0
            if let delayBits, try reader.readFlag() { try reader.skip(2 * delayBits + 1) }
            if hasDisplayDelays, try reader.readFlag() { try reader.skip(4) }
            first = first ?? (level, tier)
        }
        return first ?? (0, 0)
    }

    /// From frame_id_numbers_present_flag to enable_restoration.
    private static func skipTools(
        hasReducedHeaders: Bool,
        in reader: inout BitReader
    ) throws(CodecConfigurationError) {
        if !hasReducedHeaders, try reader.readFlag() { try reader.skip(7) }  // frame ids
        try reader.skip(3)  // superblocks, filter_intra, intra_edge_filter
        if !hasReducedHeaders {
            try reader.skip(4)  // interintra, masked compounds, warped motion, dual filter
            let hasOrderHints = try reader.readFlag()
            if hasOrderHints { try reader.skip(2) }
            // seq_choose_screen_content_tools, or else seq_force_screen_content_tools
            let mayForce = try reader.readFlag() ? true : try reader.readFlag()
            if mayForce, try !reader.readFlag() { try reader.skip(1) }  // seq_force_integer_mv
            if hasOrderHints { try reader.skip(3) }
        }
        try reader.skip(3)  // superres, cdef, restoration
    }

    /// color_config (§5.5.2).
    private static func readColour(
        profile: UInt8,
        from reader: inout BitReader
    ) throws(CodecConfigurationError) -> (bitDepth: UInt8, chromaFlags: UInt8) {
        let isHigh = try reader.readFlag()
        var bitDepth: UInt8 = isHigh ? 10 : 8
        if profile == 2, isHigh, try reader.readFlag() { bitDepth = 12 }
        let isMonochrome = try profile == 1 ? false : reader.readFlag()
        var description: (UInt32, UInt32, UInt32) = (2, 2, 2)
        if try reader.readFlag() { description = (try reader.read(8), try reader.read(8), try reader.read(8)) }
        if isMonochrome { return (bitDepth, 0b1_1100) }
        // sRGB as it is: 4:4:4.
        if description == (1, 13, 0) { return (bitDepth, 0) }
        try reader.skip(1)  // color_range
        let subsampling: (x: UInt8, y: UInt8)
        switch profile {
        case 0: subsampling = (1, 1)
        case 1: subsampling = (0, 0)
        default:
            guard bitDepth == 12 else {
                subsampling = (1, 0)
                break
            }
            let x = UInt8(try reader.read(1))
            subsampling = (x, x == 1 ? UInt8(try reader.read(1)) : 0)
        }
        let position = subsampling == (1, 1) ? UInt8(try reader.read(2)) : 0
        return (bitDepth, subsampling.x << 3 | subsampling.y << 2 | position)
    }
}
