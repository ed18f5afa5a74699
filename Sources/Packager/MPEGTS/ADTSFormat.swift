internal import MediaCore
internal import NIOCore

/// Writes the header that AAC frames have in transport streams (ISO/IEC 14496-3 §1.A.2.2).
///
/// ADTS knows AAC Main, LC, SSR and LTP with 1024 samples a frame, the thirteen usual rates and up to eight channels. SBR and
/// PS are not said: decoders find them in the frames.
struct ADTSFormat: Hashable {
    /// The size of the header, without a checksum.
    static let headerSize = 7
    /// The largest frame: its length with the header has 13 bits.
    static let maximumFrameSize = 0x1FFF - headerSize

    private static let samplingFrequencies = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    /// The first 28 bits: what all frames have in common.
    private let fixed: UInt64

    /// The header for frames of a configuration.
    ///
    /// - Throws: ``TransportStreamError/adts(_:)`` for what a header cannot say.
    init(_ config: AudioSpecificConfig) throws(TransportStreamError) {
        guard config.samplesPerFrame == 1024 else { throw .adts("\(config.samplesPerFrame) samples a frame") }
        guard let frequencyIndex = Self.samplingFrequencies.firstIndex(of: config.samplingFrequency) else {
            throw .adts("\(config.samplingFrequency) Hz")
        }
        guard (1...7).contains(config.channelConfiguration) else {
            throw .adts("channel configuration \(config.channelConfiguration)")
        }
        guard (1...4).contains(config.coreObjectType) else { throw .adts("object type \(config.coreObjectType)") }
        // syncword, ID 0 for MPEG-4, layer 0, protection_absent 1, profile, frequency, private_bit 0, channels.
        fixed =
            0xFFF1 << 12 | UInt64(config.coreObjectType - 1) << 10 | UInt64(frequencyIndex) << 6
            | UInt64(config.channelConfiguration) << 2
    }

    /// Writes the header of a frame of at most ``maximumFrameSize`` bytes.
    func writeHeader(frameSize: Int, to output: inout ByteBuffer) {
        let length = UInt64(frameSize + Self.headerSize)
        // aac_frame_length, adts_buffer_fullness of a variable rate, one raw data block.
        let header = fixed << 28 | length << 13 | 0x7FF << 2
        output.writeInteger(UInt32(truncatingIfNeeded: header >> 24))
        output.writeInteger(UInt16(truncatingIfNeeded: header >> 8))
        output.writeInteger(UInt8(truncatingIfNeeded: header))
    }
}
