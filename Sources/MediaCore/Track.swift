/// What kind of samples a track carries.
public enum MediaKind: String, Hashable, Sendable {
    /// Pictures.
    case video
    /// Sound.
    case audio

    /// Hashes the case: the synthesized function would hash the text of the raw value, for each access unit several times.
    public func hash(into hasher: inout Hasher) { hasher.combine(self == .video) }
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
    /// What is told of it besides; encoders tell nothing, files may.
    public let labels: TrackLabels

    /// A track with its configuration.
    public init(id: TrackID, configuration: CodecConfiguration, labels: TrackLabels = TrackLabels()) {
        self.id = id
        self.configuration = configuration
        self.labels = labels
    }
}

/// What a file tells of a track besides how to decode it.
public struct TrackLabels: Hashable, Sendable {
    /// How a picture is turned before it is shown.
    public enum Rotation: Int, Hashable, Sendable, CaseIterable {
        /// Not at all.
        case none = 0
        /// By a quarter, clockwise.
        case quarter = 90
        /// Upside down.
        case half = 180
        /// By three quarters, clockwise.
        case threeQuarters = 270
    }

    /// The language: three lower-case letters (ISO 639-2/T); `nil` when it is not known.
    public let language: String?
    /// What people call the track, at most ``maximumNameLength`` characters without control characters; `nil` for no name.
    public let name: String?
    /// How pictures are turned before they are shown.
    public let rotation: Rotation

    /// The longest name kept, in characters.
    public static let maximumNameLength = 64

    /// Labels; what is no language and what names should not have is left out.
    public init(language: String? = nil, name: String? = nil, rotation: Rotation = .none) {
        self.language = language.flatMap(Self.language)
        self.name = name.flatMap(Self.name)
        self.rotation = rotation
    }

    private static func language(_ text: String) -> String? {
        let letters = text.lowercased()
        let isCode =
            letters.utf8.count == 3 && letters.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")) ~= $0 }
        return isCode && letters != "und" ? letters : nil
    }

    /// Names stand in quoted strings of playlists, which have no escapes (RFC 8216 §4.2).
    private static func name(_ text: String) -> String? {
        let kept = text.unicodeScalars.filter { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7F && scalar != "\""
                && scalar.properties.generalCategory != .control
        }
        let name = String(String(String.UnicodeScalarView(kept)).prefix(maximumNameLength))
        return name.allSatisfy { $0 == " " } ? nil : name
    }
}
