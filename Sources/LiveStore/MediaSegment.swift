public import MediaCore

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
    /// Its bytes.
    public let resource: StoredResource

    /// A finished segment.
    public init(
        mediaSequenceNumber: Int,
        duration: MediaTime,
        programDateTime: WallClockTime,
        isIndependent: Bool,
        isDiscontinuous: Bool,
        dateRanges: [DateRange] = [],
        initialization: StoredResource,
        resource: StoredResource
    ) {
        self.mediaSequenceNumber = mediaSequenceNumber
        self.duration = duration
        self.programDateTime = programDateTime
        self.isIndependent = isIndependent
        self.isDiscontinuous = isDiscontinuous
        self.dateRanges = dateRanges
        self.initialization = initialization
        self.resource = resource
    }
}
