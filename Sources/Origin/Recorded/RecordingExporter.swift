public import LiveStore
public import MediaCore
public import Recordings
public import Storage

/// Makes files and clips of recordings.
///
/// The origin knows recordings and no container. Both take their time: whoever asks is told later, on any thread, and once.
public protocol RecordingExporter: Sendable {
    /// Gives a recording as one MP4 file, which is prepared when it is wanted for the first time.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - rendition: which of its renditions; `nil` for the best there is.
    ///   - receive: told what has become of it.
    func download(
        of recording: Recording,
        rendition: Rendition.ID?,
        _ receive: @escaping @Sendable (RecordingExport<RecordedFile>) -> Void
    )

    /// How much of the preparation of a download is done, from 0 to 1; `nil` when none is under way.
    func progress(of recording: Recording, rendition: Rendition.ID?) -> Double?

    /// Makes a recording of a piece of another one.
    ///
    /// - Parameters:
    ///   - recording: that other one.
    ///   - span: the piece, counted from its beginning.
    ///   - title: what people call it; `nil` for the title of the recording.
    ///   - receive: told what has become of it.
    func makeClip(
        of recording: Recording,
        _ span: Range<MediaTime>,
        title: String?,
        _ receive: @escaping @Sendable (RecordingExport<Recording>) -> Void
    )
}

/// What has become of something that was to be made of a recording.
public enum RecordingExport<Made: Sendable>: Sendable {
    /// It is there.
    case made(Made)
    /// There is no such thing, for this reason in words.
    case absent(String)
    /// It cannot be had yet, for this reason in words.
    case early(String)
    /// Too many wait already, or the disk fails, for this reason in words.
    case failed(String)
}

/// A recording as one file.
public struct RecordedFile: Sendable {
    /// Its bytes.
    public let bytes: FileSequence
    /// Changes with its bytes; without quotes.
    public let entityTag: String

    /// A file.
    public init(_ bytes: FileSequence, entityTag: String) {
        self.bytes = bytes
        self.entityTag = entityTag
    }
}
