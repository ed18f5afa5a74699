/// What is known of a recording as a whole: its `recording.json`.
public struct RecordingFacts: Codable, Hashable, Sendable {
    /// Where a recording comes from.
    public enum Source: String, Codable, Hashable, Sendable {
        /// A live.
        case live
        /// A file.
        case file
        /// Another recording, of which it is a piece.
        case clip
    }

    /// How far it has come.
    public enum State: String, Codable, Hashable, Sendable {
        /// It is still being made; its playlists are those of the live.
        case recording
        /// It is complete.
        case ready
    }

    /// A place where something is missing, or where the clock of the picture jumps.
    public struct Gap: Codable, Hashable, Sendable {
        /// Why.
        public enum Cause: String, Codable, Hashable, Sendable {
            /// The encoder was away.
            case encoder
            /// The server was away.
            case server
            /// The disk did not take what the encoder sent.
            case disk
        }

        /// Why.
        public var cause: Cause
        /// Where it is on the recording's timeline, in nanoseconds from its beginning.
        public var start: Int64
        /// How much of the recording's timeline has no media, in nanoseconds: 0 where the recording just goes on later.
        public var duration: Int64
        /// How much time of day passed, in milliseconds.
        public var missing: Int64

        /// A gap.
        public init(cause: Cause, start: Int64, duration: Int64, missing: Int64) {
            self.cause = cause
            self.start = start
            self.duration = duration
            self.missing = missing
        }
    }

    /// The part of a clip's segments that is the clip.
    public struct Cut: Codable, Hashable, Sendable {
        /// Where it begins, in nanoseconds from the beginning of its first segment.
        public var start: Int64
        /// How long it is, in nanoseconds.
        public var duration: Int64
        /// The recording that it was cut from.
        public var source: RecordingID

        /// A cut.
        public init(start: Int64, duration: Int64, source: RecordingID) {
            self.start = start
            self.duration = duration
            self.source = source
        }
    }

    /// Its identifier.
    public var id: RecordingID
    /// The name of the live that it was made of, or that it was imported for: who may watch that may watch this.
    public var stream: String
    /// What people call it.
    public var title: String
    /// Where it comes from.
    public var source: Source
    /// How far it has come.
    public var state: State
    /// When its first picture was captured, in milliseconds since 1970.
    public var startedAt: Int64
    /// When it was complete, in milliseconds since 1970.
    public var endedAt: Int64?
    /// Its length in nanoseconds.
    public var duration: Int64 = 0
    /// The bytes of its media.
    public var byteCount: Int64 = 0
    /// Whether retention leaves it alone.
    public var isKept = false
    /// Where something is missing.
    public var gaps: [Gap] = []
    /// What a clip is of its segments.
    public var cut: Cut?
    /// When all of it was in the store, in milliseconds since 1970; `nil` while it is not.
    public var uploadedAt: Int64?
    /// When its media was removed from this server's disk, in milliseconds since 1970; `nil` while it is there.
    public var droppedAt: Int64?
    /// Whether these facts are newer than those in the store.
    public var isStoreBehind: Bool?

    /// A recording that begins.
    public init(
        id: RecordingID,
        stream: String,
        title: String,
        source: Source,
        state: State = .recording,
        startedAt: Int64
    ) {
        self.id = id
        self.stream = stream
        self.title = title
        self.source = source
        self.state = state
        self.startedAt = startedAt
    }
}
