public import LiveStore

/// The names of what lies in a recording's folder, which are those of its resources under `/vod/ID/` as well.
///
/// ```
/// recording.json          RecordingFacts
/// journal                 what was recorded, in the order of the events, while it is being made
/// m0-1.media ...          media of the rendition m0: its segments, one behind the other
/// m0-init-3.mp4           the initialization segment that the segment 3 was the first to need
/// m0.index                a record for each segment: where it lies
/// index.m3u8  m0.m3u8  m0-iframes.m3u8      the playlists
/// poster.jpg              a picture that stands for it
/// storyboard.vtt          which picture of storyboard-1.jpg ... is shown when
/// ```
///
/// `m0` has the primary tracks together; other renditions have the names that ``Rendition/ID`` gives them.
public enum RecordingFolder {
    /// The facts.
    public static let facts = "recording.json"
    /// The journal.
    public static let journal = "journal"
    /// The multivariant playlist.
    public static let multivariantPlaylist = "index.m3u8"

    /// A file of media; counted from 1.
    public static func media(of rendition: Rendition.ID, number: UInt32) -> String { "\(rendition)-\(number).media" }

    /// Reads the name of a file of media; `nil` for any other.
    public static func media(named name: String) -> (rendition: Rendition.ID, number: UInt32)? {
        let fields = name.split(separator: "-")
        guard fields.count == 2, fields[1].hasSuffix(".media"), let rendition = Rendition.ID(fields[0]),
            let number = UInt32(fields[1].dropLast(6)), media(of: rendition, number: number) == name
        else { return nil }
        return (rendition, number)
    }

    /// The index of segments.
    public static func index(of rendition: Rendition.ID) -> String { "\(rendition).index" }

    /// The media playlist.
    public static func playlist(of rendition: Rendition.ID) -> String { "\(rendition).m3u8" }

    /// The I-frame playlist.
    public static func iFramePlaylist(of rendition: Rendition.ID) -> String { "\(rendition)-iframes.m3u8" }

    /// An initialization segment.
    public static func initialization(of rendition: Rendition.ID, number: UInt32) -> String {
        "\(rendition)-init-\(number).mp4"
    }

    /// The picture that stands for it.
    public static let poster = "poster.jpg"
    /// Small pictures along the timeline: WebVTT that names pieces of ``storyboardSprite(number:)``.
    public static let storyboard = "storyboard.vtt"

    /// A picture of many small ones; counted from 1.
    public static func storyboardSprite(number: Int) -> String { "storyboard-\(number).jpg" }

    /// A segment, counted from 0; as a resource alone: it has no file of its own.
    public static func segment(of rendition: Rendition.ID, number: Int) -> String { "\(rendition)-\(number).m4s" }
}
