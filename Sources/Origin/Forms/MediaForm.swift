import LiveStore
import NIOCore

/// A form in which viewers get the media of a live.
///
/// A form that is not the stored one has names of its own, which say what they are made of; everything else is the same.
///
/// ```
/// stored              transport stream    sound
/// media.m3u8          ts.m3u8             sound.m3u8
/// media-1.m3u8        ts-1.m3u8
/// TAG-12.m4s          TAG-12.ts           TAG-12.sound.m4s
/// TAG-12.3.m4s                            TAG-12.3.sound.m4s
/// TAG-init-0.mp4                          TAG-init-0.sound.mp4
/// ```
enum MediaForm: Hashable, Sendable {
    /// As it is stored: fragmented MP4, all tracks.
    case stored
    /// MPEG-TS, in whole segments.
    case transportStream
    /// Fragmented MP4 with the audio tracks alone.
    case sound

    /// What a name of a media playlist stands for.
    ///
    /// - Parameter name: the last component of a path.
    /// - Returns: the form, and the playlist as it is stored.
    static func playlist(named name: String) -> (form: MediaForm, playlist: LiveStream.Playlist) {
        if name == "ts.m3u8" { return (.transportStream, .media) }
        if name == "sound.m3u8" { return (.sound, .media) }
        if name.utf8.starts(with: "ts-".utf8) {
            return (.transportStream, .rendition(name: "media-" + name.dropFirst(3)))
        }
        return (.stored, .rendition(name: name))
    }

    /// What a name of a segment stands for.
    ///
    /// - Parameter name: the last component of a path.
    /// - Returns: the form, and the name of what is stored.
    static func resource(named name: String) -> (form: MediaForm, stored: String) {
        if name.utf8.suffix(3).elementsEqual(".ts".utf8) { return (.transportStream, name.dropLast(3) + ".m4s") }
        for end in [".m4s", ".mp4"] where name.hasSuffix(".sound" + end) { return (.sound, name.dropLast(10) + end) }
        return (.stored, name)
    }

    /// Whether it has parts, or whole segments alone.
    var hasParts: Bool { self != .transportStream }

    /// The media type of its segments.
    var mediaType: MediaType {
        switch self {
        case .stored, .sound: .mp4
        case .transportStream: .transportStream
        }
    }

    /// How it is had, for whoever asked for it.
    var words: String {
        switch self {
        case .stored: "as it is"
        case .transportStream: "as MPEG-TS"
        case .sound: "as sound alone"
        }
    }

    /// Names what is kept beside the stored resource.
    var derivedForm: StoredResource.DerivedForm {
        switch self {
        case .stored: StoredResource.DerivedForm("stored")
        case .transportStream: StoredResource.DerivedForm("ts")
        case .sound: StoredResource.DerivedForm("sound")
        }
    }
}
