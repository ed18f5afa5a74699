public import MediaCore

/// Something to read for a while.
public struct SubtitleCue: Hashable, Sendable {
    /// When it appears, from the beginning of the recording.
    public let start: MediaTime
    /// When it is gone.
    public let end: MediaTime
    /// The cue's text in WebVTT's form: `<b>`, `<i>` and `<u>` are markup, everything else is escaped.
    public let text: String

    /// A cue.
    public init(start: MediaTime, end: MediaTime, text: String) {
        self.start = start
        self.end = end
        self.text = text
    }
}

/// The text subtitles of one stream of a file.
public struct SubtitleTrack: Hashable, Sendable {
    /// Their language and name.
    public let labels: TrackLabels
    /// Whether they are to be shown unless a viewer says otherwise.
    public let isDefault: Bool
    /// Whether they translate what is not in the viewer's language although the sound is.
    public let isForced: Bool
    /// The cues, in the order in which they appear.
    public let cues: [SubtitleCue]

    /// A track of cues.
    public init(labels: TrackLabels, isDefault: Bool = false, isForced: Bool = false, cues: [SubtitleCue]) {
        self.labels = labels
        self.isDefault = isDefault
        self.isForced = isForced
        self.cues = cues
    }
}
