/// What the frames of an MP3 track have in common (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3 §2.4.2.3).
public struct MPEGAudioFormat: Hashable, Sendable {
    /// In Hz.
    public let samplingFrequency: Int
    /// 1 or 2; the ways to code two channels may change from frame to frame.
    public let channelCount: Int
    /// 1152, or 576 at the lower rates of MPEG-2 and MPEG-2.5.
    public let samplesPerFrame: Int

    /// How many bytes of a frame are looked at.
    public static let headerLength = 4

    /// The objectTypeIndication of `esds`: MPEG-1 audio, or MPEG-2 Part 3 (ISO/IEC 14496-1 table 5).
    public var objectType: UInt8 { samplesPerFrame == 1152 ? 0x6B : 0x69 }

    /// `mp4a.6B` or `mp4a.69` (RFC 6381 §3.3).
    public var codecString: String { "mp4a." + String(objectType, radix: 16, uppercase: true) }

    /// Reads the header of a frame.
    ///
    /// - Throws: ``CodecConfigurationError`` when it is no Layer III frame or has a value that is reserved.
    public init(frame: some Sequence<UInt8>) throws(CodecConfigurationError) {
        var reader = BitReader(frame)
        guard try reader.read(11) == 0x7FF else { throw .malformed("no MPEG audio syncword") }
        let version = try reader.read(2)  // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
        let layer = try reader.read(2)
        try reader.skip(1)  // protection_bit
        let bitRateIndex = try reader.read(4)
        let frequencyIndex = Int(try reader.read(2))
        try reader.skip(2)  // padding_bit, private_bit
        let mode = try reader.read(2)
        guard version != 1, frequencyIndex < 3, bitRateIndex < 15 else {
            throw .malformed("reserved MPEG audio header")
        }
        guard layer == 1 else { throw .malformed("MPEG audio layer \(4 - layer), expected 3") }
        let full = [44_100, 48_000, 32_000][frequencyIndex]
        samplingFrequency = version == 3 ? full : version == 2 ? full / 2 : full / 4
        samplesPerFrame = version == 3 ? 1152 : 576
        channelCount = mode == 3 ? 1 : 2
    }
}
