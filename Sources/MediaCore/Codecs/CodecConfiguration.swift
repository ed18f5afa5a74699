/// A codec with what its decoder must know before the first sample.
///
/// Indirect, because it goes along with every access unit: one reference to count instead of a few hundred bytes to copy.
public indirect enum CodecConfiguration: Hashable, Sendable {
    /// H.264, ISO/IEC 14496-10, samples as in ISO/IEC 14496-15.
    case avc(AVCDecoderConfigurationRecord)
    /// HEVC, ISO/IEC 23008-2, samples as in ISO/IEC 14496-15.
    case hevc(HEVCDecoderConfigurationRecord)
    /// AV1, samples as in AV1-ISOBMFF: temporal units without temporal delimiters.
    case av1(AV1CodecConfigurationRecord)
    /// VP9, samples as in VP-ISOBMFF.
    case vp9(VP9Configuration)
    /// AAC, ISO/IEC 14496-3, raw access units without ADTS headers.
    case aac(AudioSpecificConfig)
    /// MP3: MPEG-1, MPEG-2 or MPEG-2.5 Layer III, frames with their headers.
    case mp3(MPEGAudioFormat)
    /// AC-3, ETSI TS 102 366, whole sync frames.
    case ac3(AC3Configuration)
    /// E-AC-3, ETSI TS 102 366 Annex E, whole sync frames of all substreams.
    case eac3(EAC3Configuration)
    /// Opus, RFC 6716, one packet a sample.
    case opus(OpusIdentificationHeader)
    /// FLAC, RFC 9639, one frame a sample.
    case flac(FLACStreamInfo)

    /// The value of the CODECS attribute for this track alone (RFC 6381 §3).
    public var codecString: String {
        switch self {
        case .avc(let record): record.codecString
        case .hevc(let record): record.codecString
        case .av1(let record): record.codecString
        case .vp9(let configuration): configuration.codecString
        case .aac(let config): config.codecString
        case .mp3(let format): format.codecString
        case .ac3: "ac-3"
        case .eac3: "ec-3"
        case .opus: "Opus"
        case .flac: "fLaC"
        }
    }

    /// The codec's name as a streamer knows it.
    public var codecName: String {
        switch self {
        case .avc: "H.264"
        case .hevc: "HEVC"
        case .av1: "AV1"
        case .vp9: "VP9"
        case .aac: "AAC"
        case .mp3: "MP3"
        case .ac3: "AC-3"
        case .eac3: "E-AC-3"
        case .opus: "Opus"
        case .flac: "FLAC"
        }
    }

    /// What the bitstream says of the pictures; `nil` for sound.
    public var picture: PictureFormat? {
        switch self {
        case .avc(let record):
            PictureFormat(
                width: record.sequenceParameterSet.width,
                height: record.sequenceParameterSet.height,
                nominalFrameRate: record.sequenceParameterSet.nominalFrameRate
            )
        case .hevc(let record):
            PictureFormat(
                width: record.sequenceParameterSet.width,
                height: record.sequenceParameterSet.height,
                nominalFrameRate: record.sequenceParameterSet.nominalFrameRate
            )
        case .av1(let record):
            PictureFormat(width: record.sequenceHeader.width, height: record.sequenceHeader.height)
        case .vp9(let configuration): PictureFormat(width: configuration.width, height: configuration.height)
        case .aac, .mp3, .ac3, .eac3, .opus, .flac: nil
        }
    }

    /// How the sound is counted; `nil` for pictures.
    public var sound: SoundFormat? {
        switch self {
        case .avc, .hevc, .av1, .vp9: nil
        case .aac(let config):
            SoundFormat(
                samplingFrequency: config.samplingFrequency,
                channelCount: config.channelCount,
                samplesPerAccessUnit: config.samplesPerFrame
            )
        case .mp3(let format):
            SoundFormat(
                samplingFrequency: format.samplingFrequency,
                channelCount: format.channelCount,
                samplesPerAccessUnit: format.samplesPerFrame
            )
        case .ac3(let configuration):
            SoundFormat(
                samplingFrequency: configuration.samplingFrequency,
                channelCount: configuration.channelCount,
                samplesPerAccessUnit: AC3Configuration.samplesPerFrame
            )
        case .eac3(let configuration):
            SoundFormat(
                samplingFrequency: configuration.samplingFrequency,
                channelCount: configuration.channelCount,
                samplesPerAccessUnit: EAC3Configuration.samplesPerAccessUnit
            )
        case .opus(let header):
            SoundFormat(
                samplingFrequency: OpusIdentificationHeader.samplingFrequency,
                channelCount: Int(header.channelCount),
                samplesPerAccessUnit: OpusPacket.usualSampleCount
            )
        case .flac(let info):
            SoundFormat(
                samplingFrequency: info.samplingFrequency,
                channelCount: info.channelCount,
                samplesPerAccessUnit: info.maximumBlockSize
            )
        }
    }

    /// An access unit that decodes to silence and lasts ``SoundFormat/samplesPerAccessUnit``.
    ///
    /// `nil` where none can be made up from the configuration alone: AAC with a program config element, Opus of more than
    /// two channels, and the codecs whose frames are sums over their content (MP3, AC-3, E-AC-3, FLAC).
    public var silentAccessUnit: [UInt8]? {
        switch self {
        case .aac(let config): config.silentAccessUnit
        case .opus(let header): header.silentPacket
        case .avc, .hevc, .av1, .vp9, .mp3, .ac3, .eac3, .flac: nil
        }
    }
}

/// What a video track's configuration says of its pictures.
public struct PictureFormat: Hashable, Sendable {
    /// Luma samples a row, after cropping.
    public let width: Int
    /// Luma rows, after cropping.
    public let height: Int
    /// Pictures a second as the bitstream states it, or `nil`: a claim, not a measurement.
    public let nominalFrameRate: Double?

    init(width: Int, height: Int, nominalFrameRate: Double? = nil) {
        self.width = width
        self.height = height
        self.nominalFrameRate = nominalFrameRate
    }
}

/// What an audio track's configuration says of its sound.
public struct SoundFormat: Hashable, Sendable {
    /// What samples are counted in, in Hz.
    public let samplingFrequency: Int
    /// Channels, or `nil` when the configuration does not state them.
    public let channelCount: Int?
    /// Samples in an access unit that does not state its own number (``AccessUnit/sampleCount``).
    public let samplesPerAccessUnit: Int
}
