/// Why a file was not imported.
public enum ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// It is in none of the containers that are read, or broken from its beginning.
    case unknownContainer(reason: String)
    /// What is in it cannot be streamed as it is.
    case notStreamable(found: String)
    /// There is neither a picture nor a sound in it.
    case nothingToPlay(found: String)
    /// Nothing came of it within the time allowed.
    case timedOut
    /// What was to be transcoded could not be.
    case transcoding(String)
    /// The disk did not take what was made of it.
    case storage(String)
    /// Somebody has cancelled it.
    case cancelled

    /// What is wrong, with what was found and what is accepted.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unknownContainer(let reason):
            "the file is in no container that can be imported (\(reason)); accepted are \(Self.containers)"
        case .notStreamable(let found):
            "the file cannot be streamed as it is: \(found); accepted are \(Self.codecs), all else with --transcode"
        case .nothingToPlay(let found):
            "there is no picture and no sound in the file\(found.isEmpty ? "" : ": \(found)")"
        case .timedOut: "the file gave nothing to play for \(FileInput.longestStep.components.seconds) s"
        case .transcoding(let what): "transcoding failed: \(what)"
        case .storage(let what): "the recording could not be written: \(what)"
        case .cancelled: "cancelled"
        }
    }

    /// Whether the file itself is the reason.
    public var isOfTheFile: Bool {
        switch self {
        case .unreadable, .unknownContainer, .notStreamable, .nothingToPlay, .timedOut, .transcoding: true
        case .storage, .cancelled: false
        }
    }

    private static let containers =
        "MP4, MOV, M4A, 3GP, MKV, WebM, FLV, MPEG-TS, MPEG-PS, MP3, AAC, FLAC, Ogg, WAV, AIFF, AVI, ASF and MXF"
    private static let codecs =
        "video in H.264, HEVC, AV1 and VP9 and audio in AAC, MP3, AC-3, E-AC-3, Opus and FLAC"
}
