public import MediaCore
public import NIOCore
internal import Storage

/// The sliding window of a live: which segments its playlist lists, and which it listed a moment ago.
///
/// ```
///    forgotten  |  retired: fetchable, no longer listed  |  listed                            | unfinished
///               |  on disk            |                 on disk         |  held in memory     |
///               oldest                                  mediaSequence                          nextMediaSequenceNumber
/// ```
///
/// The newest segments are held in memory, those before them lie on disk, once they do. A segment that cannot be had from disk
/// (there is none, it is full or too slow) leaves the list when it would have left memory, with all that are older: what is
/// listed can be fetched. A value; the writer makes the next window from the last one and hands it to ``LiveStream``.
public struct LiveWindow: Sendable {
    /// How much a window holds.
    public struct Limits: Sendable {
        /// The listed segments last at least this long, once the live does; `nil` when none ever leaves the list.
        public var duration: MediaTime?
        /// The segments that are held in memory last about this long: those behind them come from disk.
        public var memory: MediaTime
        /// At least this many segments stay listed, however long they are.
        public var minimumSegments: Int
        /// How old a segment may become before its parts can no longer be fetched one by one.
        public var partRetention: MediaTime

        /// Limits of a window.
        public init(
            duration: MediaTime?,
            memory: MediaTime = .limit,
            minimumSegments: Int,
            partRetention: MediaTime = .zero
        ) {
            self.duration = duration
            self.memory = memory
            self.minimumSegments = minimumSegments
            self.partRetention = partRetention
        }
    }

    /// A segment that was removed from the list.
    private struct Retired {
        let mediaSequenceNumber: Int
        /// The window's end when it was removed.
        let removedAt: MediaTime
        /// The window's end at which it may be forgotten.
        let forgottenAt: MediaTime
    }

    /// An initialization segment and the last segment that needs it.
    private struct Initialization {
        let resource: StoredResource
        var lastUse: Int
    }

    /// What is fetchable under a name.
    public enum Found: Sendable {
        /// Something in memory, with what EXT-X-MAP names for it when it is a segment or a part.
        case held(StoredResource, initialization: StoredResource? = nil)
        /// A segment on disk, with what EXT-X-MAP names for it.
        case filed(FiledResource, initialization: StoredResource)

        /// The resource, when it is in memory.
        public var held: StoredResource? {
            guard case .held(let resource, _) = self else { return nil }
            return resource
        }
    }

    /// The value of EXT-X-MEDIA-SEQUENCE: the number of the first listed segment.
    public private(set) var mediaSequence: Int
    /// The value of EXT-X-DISCONTINUITY-SEQUENCE: how many EXT-X-DISCONTINUITY tags have left the playlist.
    public private(set) var discontinuitySequence: Int
    /// The discontinuity sequence that follows the last listed segment's.
    public private(set) var nextDiscontinuitySequence: Int
    /// The Media Sequence Number that the next segment gets.
    public private(set) var nextMediaSequenceNumber: Int
    /// The sum of all durations since the live began: where its timeline ends now.
    public private(set) var end = MediaTime.zero
    /// The segment that is being filled, once it has a part.
    public private(set) var unfinished: UnfinishedSegment?

    /// The newest segments, oldest first; the first ones may have left the list.
    private var held: [MediaSegment] = []
    private var past = PastSegments()
    private var retired: [Retired] = []
    /// The number of the first segment that can be fetched.
    private var oldest: Int
    /// The number of the first segment whose parts can be fetched one by one.
    private var firstWithParts: Int
    private var initializations: [Initialization] = []
    private var heldDuration = MediaTime.zero
    private var listedDuration = MediaTime.zero
    /// How many listed segments do not begin with a sync sample.
    private var listedDependents = 0
    /// The duration of the longest playlist that there was.
    private var longestPlaylist = MediaTime.zero

    /// An empty window.
    ///
    /// - Parameters:
    ///   - mediaSequenceNumber: the number of the first segment to come.
    ///   - discontinuitySequence: the discontinuities that happened before it.
    public init(firstMediaSequenceNumber mediaSequenceNumber: Int = 0, discontinuitySequence: Int = 0) {
        mediaSequence = mediaSequenceNumber
        nextMediaSequenceNumber = mediaSequenceNumber
        oldest = mediaSequenceNumber
        firstWithParts = mediaSequenceNumber
        self.discontinuitySequence = discontinuitySequence
        nextDiscontinuitySequence = discontinuitySequence
    }

    /// How many segments are listed.
    public var count: Int { nextMediaSequenceNumber - mediaSequence }
    /// Whether no segment has ever been listed.
    public var isEmpty: Bool { count == 0 }
    /// The newest segment.
    public var last: MediaSegment? { held.last }
    /// Whether decoding can start at every listed segment.
    public var isIndependent: Bool { listedDependents == 0 }

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
    /// (RFC 8216 §6.2.2); what is not on disk, as long as memory allows.
    ///
    /// - Parameters:
    ///   - segment: the next segment; its number is ``nextMediaSequenceNumber``.
    ///   - limits: what the window may hold.
    public mutating func append(_ segment: MediaSegment, limits: Limits) {
        precondition(segment.mediaSequenceNumber == nextMediaSequenceNumber, "segment out of order")
        unfinished = nil
        held.append(segment)
        use(segment.initialization, for: segment.mediaSequenceNumber)
        nextMediaSequenceNumber += 1
        heldDuration += segment.duration
        listedDuration += segment.duration
        end += segment.duration
        if segment.isDiscontinuous { nextDiscontinuitySequence += 1 }
        if !segment.isIndependent { listedDependents += 1 }

        if let duration = limits.duration {
            while count > limits.minimumSegments, let first = facts(mediaSequence),
                listedDuration - first.duration >= duration
            {
                retire(first)
            }
        }
        retireUnfiled(limits)
        leaveMemory(limits)
        longestPlaylist = max(longestPlaylist, listedDuration)
        forget()
        forgetParts(olderThan: limits.partRetention)
    }

    private mutating func use(_ initialization: StoredResource, for number: Int) {
        if let index = initializations.lastIndex(where: { $0.resource === initialization }) {
            initializations[index].lastUse = number
        } else {
            initializations.append(Initialization(resource: initialization, lastUse: number))
        }
    }

    // MARK: - Leaving the list

    /// What the list counts of a segment.
    private struct Facts {
        let duration: MediaTime
        let isDiscontinuous: Bool
        let isIndependent: Bool
    }

    private func facts(_ number: Int) -> Facts? {
        if let segment = heldSegment(number) {
            return Facts(
                duration: segment.duration,
                isDiscontinuous: segment.isDiscontinuous,
                isIndependent: segment.isIndependent
            )
        }
        return past.segment(number).map {
            Facts(duration: $0.duration, isDiscontinuous: $0.isDiscontinuous, isIndependent: $0.isIndependent)
        }
    }

    /// Removes the first segment from the list.
    private mutating func retire(_ first: Facts) {
        if first.isDiscontinuous { discontinuitySequence += 1 }
        if !first.isIndependent { listedDependents -= 1 }
        listedDuration = listedDuration - first.duration
        let longest = max(longestPlaylist, listedDuration)
        let forgottenAt = end + first.duration + longest
        retired.append(Retired(mediaSequenceNumber: mediaSequence, removedAt: end, forgottenAt: forgottenAt))
        mediaSequence += 1
    }

    private mutating func forget() {
        let count = retired.firstIndex { $0.forgottenAt > end } ?? retired.count
        guard count > 0 else { return }
        oldest = retired[count - 1].mediaSequenceNumber + 1
        retired.removeFirst(count)
        while let first = held.first, first.mediaSequenceNumber < oldest { dropFirstHeld() }
        past.forget(before: oldest)
        initializations.removeAll { $0.lastUse < oldest }
    }

    // MARK: - Leaving memory

    /// Takes off the list what will leave memory and is nowhere else, with all that is older.
    private mutating func retireUnfiled(_ limits: Limits) {
        // Of such a list nothing may be removed (RFC 8216 §6.2.1): it goes on with segments that are not to be had.
        guard limits.duration != nil else { return }
        var age = heldDuration
        var lastUnfiled: Int?
        for segment in held {
            age = age - segment.duration
            guard age >= limits.memory else { break }
            if segment.isUnfiled { lastUnfiled = segment.mediaSequenceNumber }
        }
        guard let lastUnfiled else { return }
        while mediaSequence <= lastUnfiled, count > limits.minimumSegments, let first = facts(mediaSequence) {
            retire(first)
        }
    }

    /// Lets go of the segments that have been held for long enough.
    private mutating func leaveMemory(_ limits: Limits) {
        while let first = held.first, heldDuration - first.duration >= limits.memory {
            if let filed = first.filed, filed.state == .written || (limits.duration == nil && filed.state == .lost) {
                past.append(first, FiledResource(filed, of: first.resource))
            } else {
                // What is nowhere else stays for as long again, for those who have a list with it.
                let age = heldDuration - first.duration
                guard first.isUnfiled, first.mediaSequenceNumber < mediaSequence,
                    age >= limits.memory + limits.memory + first.duration
                else { return }
            }
            dropFirstHeld()
        }
    }

    private mutating func dropFirstHeld() {
        heldDuration = heldDuration - held.removeFirst().duration
    }

    /// The bytes are the segment's as well: only their own names go.
    private mutating func forgetParts(olderThan age: MediaTime) {
        var start = MediaTime.zero
        for index in held.indices.reversed() {
            guard held[index].mediaSequenceNumber >= firstWithParts else { return }
            if start >= age {
                firstWithParts = held[index].mediaSequenceNumber + 1
                for older in held.startIndex...index where !held[older].parts.isEmpty { held[older].parts = [] }
                return
            }
            start += held[index].duration
        }
    }

    // MARK: - What is listed

    /// The listed segments that are held in memory, oldest first: the end of the list, and often all of it.
    public var heldSegments: ArraySlice<MediaSegment> {
        let first = held.first?.mediaSequenceNumber ?? nextMediaSequenceNumber
        return held.dropFirst(max(0, mediaSequence - first))
    }

    /// The listed segments before these, oldest first.
    public var pastSegments: some Sequence<PastSegment> { past.segments(from: mediaSequence) }

    /// The lines of ``pastSegments``, in pieces that other versions of the playlist share.
    public var pastTexts: [PlaylistText] { past.texts(from: mediaSequence) }

    /// What was said during ``pastSegments``.
    public var pastDateRangeLines: [ByteBuffer] { past.dateRangeLines(from: mediaSequence) }

    /// What EXT-X-MAP has to name before the first listed segment, unless that does so itself.
    public var initializationInForce: StoredResource? {
        if let segment = heldSegment(mediaSequence) { return segment.lines.statesMap ? nil : segment.initialization }
        return past.segment(mediaSequence).flatMap { $0.statesMap ? nil : $0.initialization }
    }

    /// What was said during segments that left the playlist less than so much media ago.
    public func removedDateRanges(within age: MediaTime) -> [DateRange] {
        let recent = retired.reversed().prefix { end - $0.removedAt < age }.reversed()
        return recent.flatMap { retired in
            heldSegment(retired.mediaSequenceNumber)?.dateRanges
                ?? past.segment(retired.mediaSequenceNumber)?.dateRanges ?? []
        }
    }

    // MARK: - Looking up

    /// What is fetchable here under a name.
    ///
    /// - Parameters:
    ///   - item: what the name says.
    ///   - name: the name itself.
    /// - Returns: the resource; `nil` when there is none, or no longer.
    func resource(_ item: ResourceName.Item, named name: String) -> Found? {
        switch item {
        case .initialization: initializations.first { $0.resource.name == name }.map { .held($0.resource) }
        case .segment(let number): segment(number)
        case .part(let number, let index): part(index, of: number)
        }
    }

    /// Whether a reader of the playlist sees this segment, or this part of it, or what came after them
    /// (RFC 8216bis §6.2.5.2).
    ///
    /// A part behind the last one of its segment stands for the first one of the segment after it.
    func hasReached(_ number: Int, part index: Int?) -> Bool {
        if number < nextMediaSequenceNumber {
            guard let index, number == nextMediaSequenceNumber - 1, let last else { return true }
            return index < max(1, last.parts.count) || unfinished?.parts.isEmpty == false
        }
        guard let index, number == nextMediaSequenceNumber, let unfinished else { return false }
        return index < unfinished.parts.count
    }

    /// The part that comes next, by the number of its segment and its own.
    public var nextPart: (mediaSequenceNumber: Int, index: Int) {
        (nextMediaSequenceNumber, unfinished?.parts.count ?? 0)
    }

    private func part(_ index: Int, of number: Int) -> Found? {
        if let unfinished, unfinished.mediaSequenceNumber == number {
            let part = unfinished.parts.dropFirst(index).first
            return part.map { .held($0.resource, initialization: unfinished.initialization) }
        }
        guard let segment = heldSegment(number), let part = segment.parts.dropFirst(index).first else { return nil }
        return .held(part.resource, initialization: segment.initialization)
    }

    private func segment(_ number: Int) -> Found? {
        guard number >= oldest else { return nil }
        if let segment = heldSegment(number) {
            return .held(segment.resource, initialization: segment.initialization)
        }
        guard let segment = past.segment(number), segment.resource.bytes.state == .written else { return nil }
        return .filed(segment.resource, initialization: segment.initialization)
    }

    private func heldSegment(_ number: Int) -> MediaSegment? {
        guard let first = held.first?.mediaSequenceNumber, number >= first, number < nextMediaSequenceNumber else {
            return nil
        }
        return held[number - first]
    }
}

extension MediaSegment {
    /// Whether its bytes are in memory only, and will not be on disk.
    fileprivate var isUnfiled: Bool { filed.map { $0.state == .lost } ?? true }
}

extension FiledResource {
    /// The bytes of a resource on disk.
    fileprivate init(_ bytes: FiledBytes, of resource: StoredResource) {
        self.init(name: resource.name, entityTag: resource.entityTag, bytes: bytes)
    }
}
