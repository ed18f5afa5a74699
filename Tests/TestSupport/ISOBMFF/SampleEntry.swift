/// What the samples of a track are (`stsd`, ISO/IEC 14496-12 §8.5.2).
public enum SampleEntry: Hashable, Sendable {
    /// H.264 with its parameter sets out of band (ISO/IEC 14496-15 §5.4.2).
    case avc1(AVC)
    /// HEVC with its parameter sets out of band (ISO/IEC 14496-15 §8.4.1).
    case hvc1(HEVC)
    /// AV1 (AV1-ISOBMFF §2.2).
    case av01(AV1)
    /// VP9 (VP-ISOBMFF).
    case vp09(VP9)
    /// MPEG-4 audio (ISO/IEC 14496-14 §5.6), and MP3.
    case mp4a(Audio)
    /// Opus (Opus-in-ISOBMFF §4.3).
    case opus(Opus)
    /// FLAC (FLAC-in-ISOBMFF §3.3).
    case flac(FLAC)
    /// AC-3 (ETSI TS 102 366 §F.2).
    case ac3(Dolby)
    /// E-AC-3 (ETSI TS 102 366 §F.3).
    case ec3(Dolby)

    /// The fields of `avc1`.
    public struct AVC: Hashable, Sendable {
        /// Luma samples a row.
        public let width: Int
        /// Luma rows.
        public let height: Int
        /// The payload of `avcC`.
        public let configuration: [UInt8]
        /// The size of the length before every NAL unit, in bytes.
        public let nalUnitLengthSize: Int
        /// The sequence parameter sets of `avcC`.
        public let sequenceParameterSets: [[UInt8]]
        /// The picture parameter sets of `avcC`.
        public let pictureParameterSets: [[UInt8]]
        /// The shape of a sample as `pasp` states it.
        public let pixelAspectRatio: PixelAspectRatio?
        /// The payload of `colr` after its four-character type, with that type.
        public let colour: Colour?
    }

    /// The fields of `pasp`.
    public struct PixelAspectRatio: Hashable, Sendable {
        /// hSpacing.
        public let horizontal: UInt32
        /// vSpacing.
        public let vertical: UInt32
    }

    /// The fields of `colr` with type `nclx`.
    public struct Colour: Hashable, Sendable {
        /// colour_primaries.
        public let primaries: UInt16
        /// transfer_characteristics.
        public let transfer: UInt16
        /// matrix_coefficients.
        public let matrix: UInt16
        /// full_range_flag.
        public let isFullRange: Bool
    }

    /// The fields of `mp4a` and its `esds`.
    public struct Audio: Hashable, Sendable {
        /// channelcount.
        public let channelCount: Int
        /// samplerate without its fraction.
        public let sampleRate: Int
        /// objectTypeIndication: 0x40 for AAC, 0x6B and 0x69 for MP3.
        public let objectType: UInt8
        /// maxBitrate of the DecoderConfigDescriptor.
        public let maximumBitRate: UInt32
        /// avgBitrate of the DecoderConfigDescriptor.
        public let averageBitRate: UInt32
        /// The AudioSpecificConfig; empty for MP3.
        public let decoderSpecificInfo: [UInt8]
    }

    init(descriptions: BoxCursor, handler: String) throws(ISOBMFFError) {
        var cursor = descriptions
        _ = try cursor.fullBox(versions: 0...0)
        guard try cursor.u32() == 1 else { throw cursor.fail("other than one sample entry") }
        let entry = try cursor.box()
        try cursor.expectEnd()
        var fields = BoxCursor(cursor.bytes, entry)
        try fields.zeros(6)
        guard try fields.u16() == 1 else { throw fields.fail("data_reference_index other than 1") }
        switch (entry.type, handler) {
        case ("avc1", "vide"): self = .avc1(try Self.avc(&fields, entry))
        case ("hvc1", "vide"): self = .hvc1(try HEVC(&fields, entry))
        case ("av01", "vide"): self = .av01(try AV1(&fields, entry))
        case ("vp09", "vide"): self = .vp09(try VP9(&fields, entry))
        case ("mp4a", "soun"): self = .mp4a(try Self.audio(&fields, entry))
        case ("Opus", "soun"): self = .opus(try Opus(&fields, entry))
        case ("fLaC", "soun"): self = .flac(try FLAC(&fields, entry))
        case ("ac-3", "soun"): self = .ac3(try Dolby(&fields, entry, box: "dac3"))
        case ("ec-3", "soun"): self = .ec3(try Dolby(&fields, entry, box: "dec3"))
        default: throw cursor.fail("sample entry \(entry.type) in a track of \(handler)")
        }
    }

    private static func avc(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) -> AVC {
        let (width, height) = try visual(&fields)
        let boxes = Children(fields.bytes, of: entry, try fields.boxes())
        try boxes.allow(["avcC", "pasp", "colr", "btrt"])
        let record = try ParameterSets(boxes.cursor("avcC"))
        return AVC(
            width: width,
            height: height,
            configuration: record.bytes,
            nalUnitLengthSize: record.lengthSize,
            sequenceParameterSets: record.sequence,
            pictureParameterSets: record.picture,
            pixelAspectRatio: try pixelAspectRatio(boxes),
            colour: try colour(boxes)
        )
    }

    /// The fields of a VisualSampleEntry behind data_reference_index (ISO/IEC 14496-12 §12.1.3).
    static func visual(_ fields: inout BoxCursor) throws(ISOBMFFError) -> (width: Int, height: Int) {
        try fields.zeros(16)
        let width = Int(try fields.u16())
        let height = Int(try fields.u16())
        guard width > 0, height > 0 else { throw fields.fail("picture of \(width)x\(height)") }
        guard try fields.u32() == 0x48_0000, try fields.u32() == 0x48_0000 else {
            throw fields.fail("resolution other than 72 dpi")
        }
        try fields.zeros(4)
        guard try fields.u16() == 1 else { throw fields.fail("frame_count other than 1") }
        let compressorNameLength = try fields.u8()
        guard compressorNameLength <= 31 else { throw fields.fail("compressorname of \(compressorNameLength) bytes") }
        _ = try fields.bytes(31)
        guard try fields.u16() == 0x18 else { throw fields.fail("depth other than 0x0018") }
        guard try fields.u16() == 0xFFFF else { throw fields.fail("pre_defined other than -1") }
        return (width, height)
    }

    /// The fields of an AudioSampleEntry behind data_reference_index (ISO/IEC 14496-12 §12.2.3).
    static func sound(
        _ fields: inout BoxCursor
    ) throws(ISOBMFFError) -> (channelCount: Int, sampleSize: Int, sampleRate: Int) {
        try fields.zeros(8)
        let channels = Int(try fields.u16())
        guard channels > 0 else { throw fields.fail("channelcount 0") }
        let size = Int(try fields.u16())
        try fields.zeros(4)
        let rate = try fields.u32()
        guard rate & 0xFFFF == 0 else { throw fields.fail("samplerate with a fraction") }
        return (channels, size, Int(rate >> 16))
    }

    private static func pixelAspectRatio(_ boxes: Children) throws(ISOBMFFError) -> PixelAspectRatio? {
        guard let box = try boxes.optional("pasp") else { return nil }
        var cursor = BoxCursor(boxes.bytes, box)
        let ratio = PixelAspectRatio(horizontal: try cursor.u32(), vertical: try cursor.u32())
        guard ratio.horizontal > 0, ratio.vertical > 0 else { throw cursor.fail("ratio with a zero") }
        try cursor.expectEnd()
        return ratio
    }

    private static func colour(_ boxes: Children) throws(ISOBMFFError) -> Colour? {
        guard let box = try boxes.optional("colr") else { return nil }
        var cursor = BoxCursor(boxes.bytes, box)
        let type = try cursor.fourCC()
        guard type == "nclx" else { throw cursor.fail("colour type \(type), expected nclx") }
        let (primaries, transfer, matrix) = (try cursor.u16(), try cursor.u16(), try cursor.u16())
        let range = try cursor.u8()
        guard range & 0x7F == 0 else { throw cursor.fail("reserved bits of full_range_flag are set") }
        try cursor.expectEnd()
        return Colour(primaries: primaries, transfer: transfer, matrix: matrix, isFullRange: range == 0x80)
    }

    private static func audio(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) -> Audio {
        let (channels, size, rate) = try sound(&fields)
        guard size == 16 else { throw fields.fail("samplesize other than 16") }
        let boxes = Children(fields.bytes, of: entry, try fields.boxes())
        try boxes.allow(["esds", "btrt"])
        let stream = try ElementaryStream(boxes.cursor("esds"))
        return Audio(
            channelCount: channels,
            sampleRate: rate,
            objectType: stream.objectType,
            maximumBitRate: stream.maximumBitRate,
            averageBitRate: stream.averageBitRate,
            decoderSpecificInfo: stream.decoderSpecificInfo
        )
    }
}

/// The payload of `avcC` (ISO/IEC 14496-15 §5.3.3.1), read to its last byte.
private struct ParameterSets {
    let bytes: [UInt8]
    let lengthSize: Int
    var sequence: [[UInt8]] = []
    var picture: [[UInt8]] = []

    init(_ cursor: BoxCursor) throws(ISOBMFFError) {
        var cursor = cursor
        bytes = Array(cursor.bytes[cursor.position..<cursor.end])
        guard try cursor.u8() == 1 else { throw cursor.fail("configurationVersion other than 1") }
        let profile = try cursor.bytes(3)
        let lengths = try cursor.u8()
        guard lengths >> 2 == 0x3F else { throw cursor.fail("reserved bits before lengthSizeMinusOne are not ones") }
        guard lengths & 3 != 2 else { throw cursor.fail("NAL unit length size 3") }
        lengthSize = Int(lengths & 3) + 1
        let sequenceCount = try cursor.u8()
        guard sequenceCount >> 5 == 7 else { throw cursor.fail("reserved bits before the count are not ones") }
        sequence = try Self.sets(Int(sequenceCount & 0x1F), nalUnitType: 7, &cursor)
        picture = try Self.sets(Int(try cursor.u8()), nalUnitType: 8, &cursor)
        guard let first = sequence.first, first.count > 3, !picture.isEmpty else {
            throw cursor.fail("no parameter set")
        }
        guard Array(first[1...3]) == profile else {
            throw cursor.fail("profile and level \(profile) differ from the parameter set's \(first[1...3])")
        }
        if [100, 110, 122, 144].contains(profile[0]), cursor.remaining > 0 {
            let extended = try cursor.bytes(3)
            guard extended[0] >> 2 == 0x3F, extended[1] >> 3 == 0x1F, extended[2] >> 3 == 0x1F else {
                throw cursor.fail("reserved bits of the chroma fields are not ones")
            }
            _ = try Self.sets(Int(try cursor.u8()), nalUnitType: 13, &cursor)
        }
        try cursor.expectEnd()
    }

    private static func sets(
        _ count: Int,
        nalUnitType: UInt8,
        _ cursor: inout BoxCursor
    ) throws(ISOBMFFError) -> [[UInt8]] {
        var sets: [[UInt8]] = []
        for _ in 0..<count {
            let set = try cursor.bytes(Int(try cursor.u16()))
            guard let head = set.first, head & 0x9F == nalUnitType else {
                throw cursor.fail("NAL unit head \(String(describing: set.first)), expected type \(nalUnitType)")
            }
            sets.append(set)
        }
        return sets
    }
}

/// The payload of `esds` (ISO/IEC 14496-1 §7.2.6.5).
private struct ElementaryStream {
    var objectType: UInt8 = 0
    var maximumBitRate: UInt32 = 0
    var averageBitRate: UInt32 = 0
    var decoderSpecificInfo: [UInt8] = []

    init(_ cursor: BoxCursor) throws(ISOBMFFError) {
        var cursor = cursor
        _ = try cursor.fullBox(versions: 0...0)
        var stream = try Self.descriptor(0x03, &cursor)
        try cursor.expectEnd()
        _ = try stream.u16()
        guard try stream.u8() & 0xE0 == 0 else { throw stream.fail("optional fields of the ES_Descriptor") }

        var decoder = try Self.descriptor(0x04, &stream)
        objectType = try decoder.u8()
        // streamType 5 (audio), upStream 0, reserved 1.
        guard try decoder.u8() == 0x15 else { throw decoder.fail("stream type other than audio") }
        _ = try decoder.bytes(3)
        maximumBitRate = try decoder.u32()
        averageBitRate = try decoder.u32()
        switch objectType {
        case 0x40:
            let specific = try Self.descriptor(0x05, &decoder)
            decoderSpecificInfo = Array(specific.bytes[specific.position..<specific.end])
            guard !decoderSpecificInfo.isEmpty else { throw specific.fail("empty DecoderSpecificInfo") }
        // MPEG-1 and MPEG-2 audio have no DecoderSpecificInfo (ISO/IEC 14496-1 §7.2.6.7).
        case 0x69, 0x6B: break
        default: throw decoder.fail("objectTypeIndication \(objectType)")
        }
        try decoder.expectEnd()

        var synchronization = try Self.descriptor(0x06, &stream)
        guard try synchronization.u8() == 2 else { throw synchronization.fail("SLConfigDescriptor other than 2") }
        try synchronization.expectEnd()
        try stream.expectEnd()
    }

    /// A descriptor's tag and its expandable length: seven bits a byte, four bytes at most.
    private static func descriptor(_ tag: UInt8, _ cursor: inout BoxCursor) throws(ISOBMFFError) -> BoxCursor {
        let seen = try cursor.u8()
        guard seen == tag else { throw cursor.fail("descriptor \(seen), expected \(tag)") }
        var length = 0
        for count in 1...4 {
            let byte = try cursor.u8()
            length = length << 7 | Int(byte & 0x7F)
            if byte & 0x80 == 0 { break }
            guard count < 4 else { throw cursor.fail("descriptor length of more than 4 bytes") }
        }
        return BoxCursor(cursor.bytes, try cursor.take(length), context: "esds descriptor \(tag)")
    }
}
