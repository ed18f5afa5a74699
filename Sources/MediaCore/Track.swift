/// What kind of samples a track carries.
public enum MediaKind: String, Hashable, Sendable {
    /// Pictures.
    case video
    /// Sound.
    case audio
}

/// The identity of a track within one publish.
public struct TrackID: Hashable, Sendable {
    /// Video or audio.
    public let kind: MediaKind
    /// The encoder's number among the tracks of this kind; 0 is the default one (Enhanced RTMP v2, "Multitrack").
    public let index: UInt8

    /// The track with a number among those of its kind.
    public init(_ kind: MediaKind, index: UInt8 = 0) {
        self.kind = kind
        self.index = index
    }
}

/// A track and what a decoder must know before its first sample.
public struct Track: Hashable, Sendable {
    /// Which track.
    public let id: TrackID
    /// Its codec and the codec's configuration.
    public let configuration: CodecConfiguration

    /// A track with its configuration.
    public init(id: TrackID, configuration: CodecConfiguration) {
        self.id = id
        self.configuration = configuration
    }
}

/// A codec with its decoder configuration record.
public enum CodecConfiguration: Hashable, Sendable {
    /// H.264, ISO/IEC 14496-10, samples as in ISO/IEC 14496-15.
    case avc(AVCDecoderConfigurationRecord)
    /// AAC, ISO/IEC 14496-3, raw access units without ADTS headers.
    case aac(AudioSpecificConfig)

    /// The value of the CODECS attribute for this track alone (RFC 6381 §3).
    public var codecString: String {
        switch self {
        case .avc(let record): record.codecString
        case .aac(let config): config.codecString
        }
    }
}
