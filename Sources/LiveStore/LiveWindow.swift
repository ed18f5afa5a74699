public import MediaCore

/// The sliding window of a live: which segments its playlist lists, and which it listed a moment ago.
///
/// A value; the writer makes the next window from the last one and hands it to ``LiveStream``.
public struct LiveWindow: Sendable {
    /// How much a window holds.
    public struct Limits: Sendable {
        /// The listed segments last at least this long, once the live does.
        public var duration: MediaTime
        /// At least this many segments stay listed, however long they are.
        public var minimumSegments: Int

        /// Limits of a window.
        public init(duration: MediaTime, minimumSegments: Int) {
            self.duration = duration
            self.minimumSegments = minimumSegments
        }
    }

    private struct Retired {
        let segment: MediaSegment
        /// The window's end at which the segment may be forgotten.
        let forgottenAt: MediaTime
    }

    /// The listed segments, oldest first.
    public private(set) var segments: [MediaSegment] = []
    /// The value of EXT-X-DISCONTINUITY-SEQUENCE: how many EXT-X-DISCONTINUITY tags have left the playlist.
    public private(set) var discontinuitySequence: Int
    /// The Media Sequence Number that the next segment gets.
    public private(set) var nextMediaSequenceNumber: Int
    /// The sum of all durations since the live began: where its timeline ends now.
    public private(set) var end = MediaTime.zero

    private var listedDuration = MediaTime.zero
    /// For each listed segment, the duration of the longest playlist that it was listed in.
    private var longestPlaylists: [MediaTime] = []
    private var retired: [Retired] = []

    /// An empty window.
    ///
    /// - Parameters:
    ///   - mediaSequenceNumber: the number of the first segment to come.
    ///   - discontinuitySequence: the discontinuities that happened before it.
    public init(firstMediaSequenceNumber mediaSequenceNumber: Int = 0, discontinuitySequence: Int = 0) {
        nextMediaSequenceNumber = mediaSequenceNumber
        self.discontinuitySequence = discontinuitySequence
    }

    /// The value of EXT-X-MEDIA-SEQUENCE: the number of the first listed segment.
    public var mediaSequence: Int { nextMediaSequenceNumber - segments.count }

    /// Segments that are no longer listed but stay fetchable, oldest first.
    public var retiredSegments: some Sequence<MediaSegment> { retired.lazy.map(\.segment) }

    /// The discontinuity sequence that follows the last listed segment's.
    public var nextDiscontinuitySequence: Int {
        discontinuitySequence + segments.count(where: \.isDiscontinuous)
    }

    /// Lists a segment and retires those that the limits no longer hold.
    ///
    /// A removed segment stays fetchable for its own duration and that of the longest playlist which listed it
    /// (RFC 8216 §6.2.2).
    ///
    /// - Parameters:
    ///   - segment: the next segment; its number is ``nextMediaSequenceNumber``.
    ///   - limits: what the window may hold.
    public mutating func append(_ segment: MediaSegment, limits: Limits) {
        precondition(segment.mediaSequenceNumber == nextMediaSequenceNumber, "segment out of order")
        segments.append(segment)
        nextMediaSequenceNumber += 1
        listedDuration += segment.duration
        end += segment.duration

        longestPlaylists.append(.zero)
        while let first = segments.first, segments.count > limits.minimumSegments,
            listedDuration - first.duration >= limits.duration
        {
            segments.removeFirst()
            listedDuration = listedDuration - first.duration
            if first.isDiscontinuous { discontinuitySequence += 1 }
            let longestPlaylist = longestPlaylists.removeFirst()
            retired.append(Retired(segment: first, forgottenAt: end + first.duration + longestPlaylist))
        }
        for index in longestPlaylists.indices { longestPlaylists[index] = max(longestPlaylists[index], listedDuration) }
        retired.removeAll { $0.forgottenAt <= end }
    }
}
