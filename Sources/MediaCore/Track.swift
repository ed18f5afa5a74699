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
