/// A Media Playlist (RFC 8216 §4.3.3), read and found to be in order.
public struct MediaPlaylist: Hashable, Sendable {
    /// A part of a resource, in bytes.
    public struct ByteRange: Hashable, Sendable {
        /// How many bytes.
        public let length: Int
        /// Where they begin; `nil` in EXT-X-BYTERANGE means after the range before.
        public let offset: Int?
    }

    /// EXT-X-MAP.
    public struct Map: Hashable, Sendable {
        /// The URI of the initialization segment.
        public let uri: String
        /// The part of it that is meant.
        public let byteRange: ByteRange?
    }

    /// EXT-X-PROGRAM-DATE-TIME.
    public struct DateTime: Hashable, Comparable, Sendable {
        /// As written.
        public let text: String
        /// Milliseconds since 1970-01-01T00:00:00Z.
        public let milliseconds: Int64

        /// Whether one moment is before another.
        public static func < (left: DateTime, right: DateTime) -> Bool { left.milliseconds < right.milliseconds }
    }

    /// One Media Segment with what applies to it.
    public struct Segment: Hashable, Sendable {
        /// The URI as written.
        public let uri: String
        /// EXTINF in seconds.
        public let duration: Double
        /// EXTINF as written.
        public let durationText: String
        /// The title after EXTINF's comma.
        public let title: String
        /// EXT-X-BYTERANGE.
        public let byteRange: ByteRange?
        /// Whether EXT-X-DISCONTINUITY stands before it.
        public let isDiscontinuous: Bool
        /// The EXT-X-MAP in force.
        public let map: Map?
        /// The EXT-X-KEY tags in force.
        public let keys: [AttributeList]
        /// EXT-X-PROGRAM-DATE-TIME before it.
        public let programDateTime: DateTime?
        /// The EXT-X-DATERANGE tags before it.
        public let dateRanges: [AttributeList]
        /// Its Media Sequence Number.
        public let mediaSequenceNumber: Int
        /// Its Discontinuity Sequence Number.
        public let discontinuitySequenceNumber: Int
        /// Its EXT-X-PART tags; none when they are no longer listed.
        public let parts: [Part]
        /// Tags before it that RFC 8216 and its successor do not know, as written.
        public let unknownTags: [String]

        /// The same with another Discontinuity Sequence Number.
        fileprivate func counted(_ discontinuitySequenceNumber: Int) -> Segment {
            Segment(
                uri: uri,
                duration: duration,
                durationText: durationText,
                title: title,
                byteRange: byteRange,
                isDiscontinuous: isDiscontinuous,
                map: map,
                keys: keys,
                programDateTime: programDateTime,
                dateRanges: dateRanges,
                mediaSequenceNumber: mediaSequenceNumber,
                discontinuitySequenceNumber: discontinuitySequenceNumber,
                parts: parts,
                unknownTags: unknownTags
            )
        }
    }

    /// EXT-X-PART (RFC 8216bis §4.4.4.9).
    public struct Part: Hashable, Sendable {
        /// URI.
        public let uri: String
        /// DURATION in seconds.
        public let duration: Double
        /// INDEPENDENT=YES.
        public let isIndependent: Bool
    }

    /// What is listed of the segment that is not whole yet.
    public struct OpenSegment: Hashable, Sendable {
        /// Its parts.
        public let parts: [Part]
        /// Whether EXT-X-DISCONTINUITY stands before it.
        public let isDiscontinuous: Bool
        /// The EXT-X-MAP in force.
        public let map: Map?
        /// EXT-X-PROGRAM-DATE-TIME before it.
        public let programDateTime: DateTime?
    }

    /// EXT-X-SERVER-CONTROL (RFC 8216bis §4.4.3.8), times in seconds.
    public struct ServerControl: Hashable, Sendable {
        /// CAN-BLOCK-RELOAD=YES.
        public let canBlockReload: Bool
        /// CAN-SKIP-UNTIL.
        public let canSkipUntil: Double?
        /// CAN-SKIP-DATERANGES=YES.
        public let canSkipDateRanges: Bool
        /// HOLD-BACK.
        public let holdBack: Double?
        /// PART-HOLD-BACK.
        public let partHoldBack: Double?
    }

    /// EXT-X-RENDITION-REPORT (RFC 8216bis §4.4.5.4).
    public struct RenditionReport: Hashable, Sendable {
        /// URI.
        public let uri: String
        /// LAST-MSN.
        public let lastMediaSequenceNumber: Int
        /// LAST-PART.
        public let lastPart: Int?
    }

    /// EXT-X-VERSION, 1 when it is not there.
    public internal(set) var version = 1
    /// EXT-X-TARGETDURATION in seconds.
    public internal(set) var targetDuration = 0
    /// EXT-X-MEDIA-SEQUENCE, 0 when it is not there.
    public internal(set) var mediaSequence = 0
    /// EXT-X-DISCONTINUITY-SEQUENCE, `nil` when it is not there.
    public internal(set) var discontinuitySequence: Int?
    /// EXT-X-PLAYLIST-TYPE: EVENT or VOD.
    public internal(set) var type: String?
    /// EXT-X-I-FRAMES-ONLY.
    public internal(set) var isIFramesOnly = false
    /// EXT-X-INDEPENDENT-SEGMENTS.
    public internal(set) var hasIndependentSegments = false
    /// EXT-X-ENDLIST.
    public internal(set) var hasEndList = false
    /// EXT-X-SERVER-CONTROL.
    public internal(set) var serverControl: ServerControl?
    /// PART-TARGET of EXT-X-PART-INF, in seconds.
    public internal(set) var partTarget: Double?
    /// SKIPPED-SEGMENTS of EXT-X-SKIP; 0 in a playlist that is no delta.
    public internal(set) var skippedSegments = 0
    /// RECENTLY-REMOVED-DATERANGES of EXT-X-SKIP.
    public internal(set) var removedDateRanges: [String] = []
    /// The EXT-X-DATERANGE tags of skipped segments.
    public internal(set) var skippedDateRanges: [AttributeList] = []
    /// What is listed behind the last segment.
    public internal(set) var openSegment: OpenSegment?
    /// The URI of EXT-X-PRELOAD-HINT with TYPE=PART.
    public internal(set) var preloadHint: String?
    /// The EXT-X-RENDITION-REPORT tags.
    public internal(set) var renditionReports: [RenditionReport] = []
    /// The segments, in order.
    public internal(set) var segments: [Segment] = []
    /// Every tag that RFC 8216 does not know, as written.
    public internal(set) var unknownTags: [String] = []

    /// The sum of all EXTINF, in seconds.
    public var duration: Double { segments.reduce(0) { $0 + $1.duration } }

    /// The Media Sequence Number that the next whole segment has.
    public var nextMediaSequenceNumber: Int { mediaSequence + skippedSegments + segments.count }

    /// What a player that has `older` makes of this delta update (RFC 8216bis §6.3.7).
    ///
    /// - Throws: ``PlaylistError`` when `older` does not have what was skipped.
    public func merged(onto older: MediaPlaylist) throws(PlaylistError) -> MediaPlaylist {
        let first = mediaSequence - older.mediaSequence
        guard first >= 0, first + skippedSegments <= older.segments.count else {
            throw PlaylistError(line: 0, problem: "a delta update skips what was not there before")
        }
        var whole = self
        var discontinuities = discontinuitySequence ?? 0
        whole.segments = (older.segments[first..<(first + skippedSegments)] + segments).map { segment in
            if segment.isDiscontinuous { discontinuities += 1 }
            return segment.counted(discontinuities)
        }
        whole.skippedSegments = 0
        whole.removedDateRanges = []
        whole.skippedDateRanges = []
        return whole
    }
}

/// A Multivariant Playlist (RFC 8216 §4.3.4, there called Master Playlist), read and found to be in order.
public struct MultivariantPlaylist: Hashable, Sendable {
    /// One EXT-X-STREAM-INF.
    public struct Variant: Hashable, Sendable {
        /// The URI as written.
        public let uri: String
        /// BANDWIDTH in bits a second.
        public let bandwidth: Int
        /// AVERAGE-BANDWIDTH in bits a second.
        public let averageBandwidth: Int?
        /// The formats of CODECS.
        public let codecs: [String]
        /// RESOLUTION.
        public let resolution: Resolution?
        /// FRAME-RATE.
        public let frameRate: Double?
        /// All attributes.
        public let attributes: AttributeList
    }

    /// RESOLUTION, in pixels.
    public struct Resolution: Hashable, Sendable {
        /// Pixels a row.
        public let width: Int
        /// Rows.
        public let height: Int

        /// A resolution.
        public init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    /// EXT-X-VERSION, 1 when it is not there.
    public internal(set) var version = 1
    /// EXT-X-INDEPENDENT-SEGMENTS.
    public internal(set) var hasIndependentSegments = false
    /// The variants, in order.
    public internal(set) var variants: [Variant] = []
    /// The EXT-X-MEDIA tags, in order.
    public internal(set) var renditions: [AttributeList] = []
    /// Every tag that RFC 8216 does not know, as written.
    public internal(set) var unknownTags: [String] = []
}
