public import LiveStore
public import MediaCore
public import NIOCore

/// An event of a recording, as its journal has it.
///
/// The journal is the recording while it is being made: what a restart finds of it, and what the playlists are made of when
/// it is complete.
public enum JournalEntry: Hashable, Sendable {
    /// The first entry: what stays the same for the whole live.
    case opening(Opening)
    /// An initialization segment that segments refer to from now on.
    case initialization(Initialization)
    /// A segment begins.
    case segment(Segment)
    /// A part of a rendition's newest segment was written or lost.
    case part(Part)
    /// What the multivariant playlist says of a rendition from now on, as JSON text of whoever renders it.
    case variant(Rendition.ID, String)
    /// The encoder, or the server, was away until this moment.
    case resumption(RecordingFacts.Gap.Cause, at: WallClockTime)
    /// The recording is complete.
    case end(at: WallClockTime)

    /// What stays the same for the whole live.
    public struct Opening: Hashable, Sendable {
        /// The recording.
        public var id: RecordingID
        /// The live's name.
        public var stream: StreamID
        /// The live's tag, which its resources' names begin with.
        public var tag: String
        /// When the live began.
        public var startedAt: WallClockTime
        /// EXT-X-TARGETDURATION in seconds.
        public var targetDuration: Int
        /// PART-TARGET; zero without parts.
        public var partTarget: MediaTime
        /// Whether the playlists say EVENT.
        public var isEvent: Bool
        /// The Media Sequence Number of the first segment.
        public var mediaSequenceNumber: Int
        /// The discontinuities before it.
        public var discontinuitySequence: Int
        /// Where the recording comes from.
        public var source: RecordingFacts.Source

        /// A live that begins.
        public init(
            id: RecordingID,
            stream: StreamID,
            tag: String,
            startedAt: WallClockTime,
            targetDuration: Int,
            partTarget: MediaTime,
            isEvent: Bool,
            mediaSequenceNumber: Int,
            discontinuitySequence: Int,
            source: RecordingFacts.Source
        ) {
            self.id = id
            self.stream = stream
            self.tag = tag
            self.startedAt = startedAt
            self.targetDuration = targetDuration
            self.partTarget = partTarget
            self.isEvent = isEvent
            self.mediaSequenceNumber = mediaSequenceNumber
            self.discontinuitySequence = discontinuitySequence
            self.source = source
        }
    }

    /// An initialization segment.
    public struct Initialization: Hashable, Sendable {
        /// The rendition whose segments refer to it.
        public var rendition: Rendition.ID
        /// The Media Sequence Number of the first one.
        public var number: UInt32
        /// Its name in the live.
        public var name: String
        /// Its bytes.
        public var body: ByteBuffer

        /// An initialization segment.
        public init(rendition: Rendition.ID, number: UInt32, name: String, body: ByteBuffer) {
            self.rendition = rendition
            self.number = number
            self.name = name
            self.body = body
        }
    }

    /// A segment's beginning.
    public struct Segment: Hashable, Sendable {
        /// Its rendition.
        public var rendition: Rendition.ID
        /// Its Media Sequence Number in the live.
        public var mediaSequenceNumber: Int
        /// EXT-X-PROGRAM-DATE-TIME.
        public var programDateTime: WallClockTime
        /// The number of its initialization segment.
        public var initialization: UInt32
        /// Whether decoding can start with it.
        public var isIndependent: Bool
        /// Whether EXT-X-DISCONTINUITY stands before it.
        public var isDiscontinuous: Bool
        /// Whether the live's playlist has EXT-X-MAP before it.
        public var statesMap: Bool

        /// A segment.
        public init(
            rendition: Rendition.ID,
            mediaSequenceNumber: Int,
            programDateTime: WallClockTime,
            initialization: UInt32,
            isIndependent: Bool,
            isDiscontinuous: Bool,
            statesMap: Bool
        ) {
            self.rendition = rendition
            self.mediaSequenceNumber = mediaSequenceNumber
            self.programDateTime = programDateTime
            self.initialization = initialization
            self.isIndependent = isIndependent
            self.isDiscontinuous = isDiscontinuous
            self.statesMap = statesMap
        }
    }

    /// A part.
    public struct Part: Hashable, Sendable {
        /// Its rendition.
        public var rendition: Rendition.ID
        /// The number of its file; 0 when it is lost.
        public var file: UInt32
        /// Where it begins in the file.
        public var offset: UInt64
        /// How many bytes it has.
        public var length: UInt32
        /// How many of its first bytes show its first picture, if that is a sync sample; else 0.
        public var keyframeLength: UInt32
        /// Its length.
        public var duration: MediaTime
        /// The length of its segment, when it is the last part of that; else zero.
        public var segmentDuration: MediaTime
        /// INDEPENDENT.
        public var isIndependent: Bool
        /// What the encoder said during it.
        public var dateRanges: [DateRange]

        /// A part.
        public init(
            rendition: Rendition.ID,
            file: UInt32,
            offset: UInt64,
            length: UInt32,
            keyframeLength: UInt32,
            duration: MediaTime,
            segmentDuration: MediaTime,
            isIndependent: Bool,
            dateRanges: [DateRange]
        ) {
            self.rendition = rendition
            self.file = file
            self.offset = offset
            self.length = length
            self.keyframeLength = keyframeLength
            self.duration = duration
            self.segmentDuration = segmentDuration
            self.isIndependent = isIndependent
            self.dateRanges = dateRanges
        }
    }
}
