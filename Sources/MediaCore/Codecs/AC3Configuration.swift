/// What `dac3` states of an AC-3 track (ETSI TS 102 366 §F.4), from a sync frame: RTMP carries no sequence header for it.
public struct AC3Configuration: Hashable, Sendable {
    /// Six blocks of 256 (§4.1).
    public static let samplesPerFrame = 1536
    /// How many bytes of a frame are looked at.
    public static let headerLength = 8

    /// In Hz: 48000, 44100 or 32000.
    public let samplingFrequency: Int
    /// Full-bandwidth channels and the low-frequency one.
    public let channelCount: Int
    /// The payload of `dac3`, three bytes.
    public let bytes: [UInt8]

    /// Reads the header of a sync frame (§4.3, §4.4).
    ///
    /// - Throws: ``CodecConfigurationError`` when it is no AC-3 sync frame or has a value that is reserved.
    public init(frame: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(frame)
        guard try reader.read(16) == 0x0B77 else { throw .malformed("no AC-3 syncword") }
        try reader.skip(16)  // crc1
        let frequencyCode = try reader.read(2)
        let frameSizeCode = try reader.read(6)
        let version = try reader.read(5)
        guard frequencyCode < 3 else { throw .malformed("AC-3 sampling frequency code 3") }
        guard frameSizeCode < 38 else { throw .malformed("AC-3 frame size code \(frameSizeCode), expected up to 37") }
        guard version <= 8 else { throw .malformed("AC-3 bitstream version \(version), expected up to 8") }
        let mode = try reader.read(3)
        let layout = try reader.read(3)
        if layout & 1 == 1, layout != 1 { try reader.skip(2) }  // cmixlev
        if layout & 4 == 4 { try reader.skip(2) }  // surmixlev
        if layout == 2 { try reader.skip(2) }  // dsurmod
        let lowFrequency = try reader.read(1)
        samplingFrequency = [48_000, 44_100, 32_000][Int(frequencyCode)]
        channelCount = Self.channelCounts[Int(layout)] + Int(lowFrequency)
        let bitRateCode = frameSizeCode >> 1
        let fields =
            frequencyCode << 22 | version << 17 | mode << 14 | layout << 11 | lowFrequency << 10 | bitRateCode << 5
        bytes = [16, 8, 0].map { UInt8(truncatingIfNeeded: fields >> UInt32($0)) }
    }

    /// Channels of each audio coding mode (table 4.3).
    static let channelCounts = [2, 1, 2, 3, 3, 4, 4, 5]

    /// Whether frames of another configuration go on in the same track: a changed bit rate does no harm.
    public func continues(_ other: AC3Configuration) -> Bool {
        bytes[0] == other.bytes[0] && bytes[1] & 0xFC == other.bytes[1] & 0xFC
    }
}
