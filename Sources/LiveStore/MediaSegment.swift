public import MediaCore
public import NIOCore
public import Storage

/// One Media Segment of a live (RFC 8216 §3) with what its playlist says about it.
public struct MediaSegment: Sendable {
    /// Its Media Sequence Number: one more than that of the segment before it.
    public let mediaSequenceNumber: Int
    /// Its length, EXTINF, the distance between its first decode time and that of the segment after it.
    public let duration: MediaTime
    /// When its first picture or sound was captured, as far as known: EXT-X-PROGRAM-DATE-TIME.
    public let programDateTime: WallClockTime
    /// Whether its media begins with a sync sample, so that decoding can start here.
    public let isIndependent: Bool
    /// Whether EXT-X-DISCONTINUITY stands before it.
    public let isDiscontinuous: Bool
    /// What the encoder said during it.
    public let dateRanges: [DateRange]
    /// What EXT-X-MAP names for it.
    public let initialization: StoredResource
    /// Its bytes: those of its parts, one behind the other.
    public let resource: StoredResource
    /// The same bytes on disk, or on their way there; `nil` when they are not to be kept there.
    public let filed: FiledBytes?
    /// Its parts, as long as they can be fetched one by one.
    public internal(set) var parts: [PartialSegment]
    /// What every playlist says of it alike, written once.
    public let lines: Lines

    /// The lines of a segment in a Media Playlist.
    public struct Lines: Sendable {
        /// The lines in front of its parts.
        public let opening: ByteBuffer
        /// The lines behind them.
        public let closing: ByteBuffer
        /// Those of the opening that are date ranges.
        public let dateRanges: ByteBuffer
        /// Whether EXT-X-MAP is among the opening: not where the segment in front has the same one.
        public let statesMap: Bool

        /// Lines, each with its end.
        public init(
            opening: ByteBuffer = ByteBuffer(),
            closing: ByteBuffer = ByteBuffer(),
            dateRanges: ByteBuffer = ByteBuffer(),
            statesMap: Bool = false
        ) {
            self.opening = opening
            self.closing = closing
            self.dateRanges = dateRanges
            self.statesMap = statesMap
        }
    }

    /// A finished segment.
    public init(
        mediaSequenceNumber: Int,
        duration: MediaTime,
        programDateTime: WallClockTime,
        isIndependent: Bool,
        isDiscontinuous: Bool,
        dateRanges: [DateRange] = [],
        initialization: StoredResource,
        resource: StoredResource,
        filed: FiledBytes? = nil,
        parts: [PartialSegment] = [],
        lines: Lines = Lines()
    ) {
        self.mediaSequenceNumber = mediaSequenceNumber
        self.duration = duration
        self.programDateTime = programDateTime
        self.isIndependent = isIndependent
        self.isDiscontinuous = isDiscontinuous
        self.dateRanges = dateRanges
        self.initialization = initialization
        self.resource = resource
        self.filed = filed
        self.parts = parts
        self.lines = lines
    }
}

/// A Partial Segment (RFC 8216bis §3.1), a part for short: a piece of a segment that can be fetched before the rest of it is
/// there.
public struct PartialSegment: Sendable {
    /// Its length: DURATION of EXT-X-PART.
    public let duration: MediaTime
    /// Whether a sync sample of the rendition's leading track is in it.
    public let isIndependent: Bool
    /// Its bytes.
    public let resource: StoredResource
    /// What every playlist says of it, with the end of the line, written once.
    public let line: ByteBuffer

    /// A finished part.
    public init(duration: MediaTime, isIndependent: Bool, resource: StoredResource, line: ByteBuffer = ByteBuffer()) {
        self.duration = duration
        self.isIndependent = isIndependent
        self.resource = resource
        self.line = line
    }
}

/// The segment that is being filled: the parent of the newest parts, which no playlist lists as a whole yet.
public struct UnfinishedSegment: Sendable {
    /// The Media Sequence Number that it will have.
    public let mediaSequenceNumber: Int
    /// See ``MediaSegment/programDateTime``.
    public let programDateTime: WallClockTime
    /// See ``MediaSegment/isIndependent``.
    public let isIndependent: Bool
    /// See ``MediaSegment/isDiscontinuous``.
    public let isDiscontinuous: Bool
    /// See ``MediaSegment/initialization``.
    public let initialization: StoredResource
    /// See ``MediaSegment/Lines/statesMap``.
    public let statesMap: Bool
    /// What the encoder said during it so far.
    public var dateRanges: [DateRange] = []
    /// Its parts so far.
    public var parts: [PartialSegment] = []

    /// A segment without parts.
    public init(
        mediaSequenceNumber: Int,
        programDateTime: WallClockTime,
        isIndependent: Bool,
        isDiscontinuous: Bool,
        initialization: StoredResource,
        statesMap: Bool = true
    ) {
        self.mediaSequenceNumber = mediaSequenceNumber
        self.programDateTime = programDateTime
        self.isIndependent = isIndependent
        self.isDiscontinuous = isDiscontinuous
        self.initialization = initialization
        self.statesMap = statesMap
    }

    /// The length of its parts together.
    public var duration: MediaTime { parts.reduce(.zero) { $0 + $1.duration } }
}
