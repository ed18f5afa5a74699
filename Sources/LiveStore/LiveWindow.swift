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
        /// How old a segment may become before its parts can no longer be fetched one by one.
        public var partRetention: MediaTime

        /// Limits of a window.
        public init(duration: MediaTime, minimumSegments: Int, partRetention: MediaTime = .zero) {
            self.duration = duration
            self.minimumSegments = minimumSegments
            self.partRetention = partRetention
        }
    }

    private struct Retired {
        let segment: MediaSegment
        /// The window's end when it was removed from the playlist.
        let removedAt: MediaTime
        /// The window's end at which the segment may be forgotten.
        let forgottenAt: MediaTime
    }

    /// An initialization segment and the last segment that needs it.
    private struct Initialization {
        let resource: StoredResource
        var lastUse: Int
    }

    /// The listed segments, oldest first.
    public private(set) var segments: [MediaSegment] = []
    /// The value of EXT-X-DISCONTINUITY-SEQUENCE: how many EXT-X-DISCONTINUITY tags have left the playlist.
    public private(set) var discontinuitySequence: Int
    /// The Media Sequence Number that the next segment gets.
    public private(set) var nextMediaSequenceNumber: Int
    /// The sum of all durations since the live began: where its timeline ends now.
    public private(set) var end = MediaTime.zero
    /// The segment that is being filled, once it has a part.
    public private(set) var unfinished: UnfinishedSegment?

    private var listedDuration = MediaTime.zero
    /// For each listed segment, the duration of the longest playlist that it was listed in.
    private var longestPlaylists: [MediaTime] = []
    private var retired: [Retired] = []
    /// How many of the listed segments, counted from the first one, have no parts any more.
    private var segmentsWithoutParts = 0
    private var initializations: [Initialization] = []

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

    // MARK: - Adding

    /// Begins the next segment, which has no part yet; its number is ``nextMediaSequenceNumber``.
    public mutating func begin(_ segment: UnfinishedSegment) {
        precondition(segment.mediaSequenceNumber == nextMediaSequenceNumber, "segment out of order")
        unfinished = segment
        use(segment.initialization, for: segment.mediaSequenceNumber)
    }

    /// Shows another part of the unfinished segment.
    ///
    /// - Parameters:
    ///   - part: the part.
    ///   - dateRanges: what the encoder said during it.
    public mutating func append(_ part: PartialSegment, dateRanges: [DateRange]) {
        unfinished?.parts.append(part)
        unfinished?.dateRanges += dateRanges
    }

    /// Lists a segment, which ends the unfinished one, and retires those that the limits no longer hold.
    ///
    /// A removed segment stays fetchable for its own duration and that of the longest playlist which listed it
    /// (RFC 8216 §6.2.2).
    ///
    /// - Parameters:
    ///   - segment: the next segment; its number is ``nextMediaSequenceNumber``.
    ///   - limits: what the window may hold.
    public mutating func append(_ segment: MediaSegment, limits: Limits) {
        precondition(segment.mediaSequenceNumber == nextMediaSequenceNumber, "segment out of order")
        unfinished = nil
        segments.append(segment)
        use(segment.initialization, for: segment.mediaSequenceNumber)
        nextMediaSequenceNumber += 1
        listedDuration += segment.duration
        end += segment.duration

        longestPlaylists.append(.zero)
        while let first = segments.first, segments.count > limits.minimumSegments,
            listedDuration - first.duration >= limits.duration
        {
            segments.removeFirst()
            segmentsWithoutParts = max(0, segmentsWithoutParts - 1)
            listedDuration = listedDuration - first.duration
            if first.isDiscontinuous { discontinuitySequence += 1 }
            let longestPlaylist = longestPlaylists.removeFirst()
            let forgottenAt = end + first.duration + longestPlaylist
            retired.append(Retired(segment: first, removedAt: end, forgottenAt: forgottenAt))
        }
        for index in longestPlaylists.indices { longestPlaylists[index] = max(longestPlaylists[index], listedDuration) }
        retired.removeAll { $0.forgottenAt <= end }
        let oldest = retired.first?.segment.mediaSequenceNumber ?? mediaSequence
        initializations.removeAll { $0.lastUse < oldest }
        forgetParts(olderThan: limits.partRetention)
    }

    private mutating func use(_ initialization: StoredResource, for number: Int) {
        if let index = initializations.lastIndex(where: { $0.resource === initialization }) {
            initializations[index].lastUse = number
        } else {
            initializations.append(Initialization(resource: initialization, lastUse: number))
        }
    }

    /// The bytes are the segment's as well: only their own names go.
    private mutating func forgetParts(olderThan age: MediaTime) {
        var begins = MediaTime.zero
        for segment in segments[segmentsWithoutParts...] { begins += segment.duration }
        while segmentsWithoutParts < segments.count {
            begins = begins - segments[segmentsWithoutParts].duration
            guard begins >= age else { return }
            segments[segmentsWithoutParts].parts = []
            segmentsWithoutParts += 1
        }
    }

    // MARK: - Looking up

    /// What is fetchable here under a name.
    ///
    /// - Parameters:
    ///   - item: what the name says.
    ///   - name: the name itself.
    /// - Returns: the resource; `nil` when there is none, or no longer.
    func resource(_ item: ResourceName.Item, named name: String) -> StoredResource? {
        switch item {
        case .initialization: initializations.first { $0.resource.name == name }?.resource
        case .segment(let number): segment(number)?.resource
        case .part(let number, let index): parts(of: number).dropFirst(index).first?.resource
        }
    }

    /// Whether a reader of the playlist sees this segment, or this part of it, or what came after them
    /// (RFC 8216bis §6.2.5.2).
    ///
    /// A part behind the last one of its segment stands for the first one of the segment after it.
    func hasReached(_ number: Int, part index: Int?) -> Bool {
        if number < nextMediaSequenceNumber {
            guard let index, number == nextMediaSequenceNumber - 1, let last = segments.last else { return true }
            return index < max(1, last.parts.count) || unfinished?.parts.isEmpty == false
        }
        guard let index, number == nextMediaSequenceNumber, let unfinished else { return false }
        return index < unfinished.parts.count
    }

    /// The part that comes next, by the number of its segment and its own.
    public var nextPart: (mediaSequenceNumber: Int, index: Int) {
        (nextMediaSequenceNumber, unfinished?.parts.count ?? 0)
    }

    /// What was said during segments that left the playlist less than so much media ago.
    public func removedDateRanges(within age: MediaTime) -> [DateRange] {
        retired.filter { end - $0.removedAt < age }.flatMap(\.segment.dateRanges)
    }

    private func parts(of number: Int) -> [PartialSegment] {
        if let unfinished, unfinished.mediaSequenceNumber == number { return unfinished.parts }
        return segment(number)?.parts ?? []
    }

    func segment(_ number: Int) -> MediaSegment? {
        if number >= mediaSequence { return number < nextMediaSequenceNumber ? segments[number - mediaSequence] : nil }
        // In the order of their numbers.
        var (low, high) = (0, retired.count)
        while low < high {
            let middle = (low + high) / 2
            if retired[middle].segment.mediaSequenceNumber < number { low = middle + 1 } else { high = middle }
        }
        guard low < retired.count, retired[low].segment.mediaSequenceNumber == number else { return nil }
        return retired[low].segment
    }
}
