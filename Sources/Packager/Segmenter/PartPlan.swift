internal import MediaCore

/// Where the parts of the segment that is being filled end.
///
/// PART-TARGET is fixed with the live's first segment: only then is it known how far its pictures are apart. So the parts of
/// that are planned when it ends, and those of every other one while it is filled.
struct PartPlan {
    /// PART-TARGET, once it is fixed; `nil` for a live without parts.
    private(set) var target: MediaTime?
    /// How long parts are meant to be; `nil` for a live without parts.
    private let nominal: MediaTime?
    private var cutter: PartCutter?
    /// Where parts end that have not been given away yet.
    private var due: [MediaTime] = []

    /// A plan for one publish.
    ///
    /// - Parameters:
    ///   - nominal: how long parts are meant to be at most; `nil` for segments of one part.
    ///   - target: PART-TARGET when an earlier publish of the live has fixed it.
    ///   - isFixed: whether there was such a publish. What it has fixed stays: parts do not come and go.
    init(nominal: MediaTime?, target: MediaTime?, isFixed: Bool) {
        self.nominal = isFixed ? target : nominal
        self.target = target
    }

    /// How far the next sample of the reference track is likely to be from the last one; `nil` where nothing is cut.
    var expectedDistance: MediaTime? { cutter?.expectedDistance }

    /// A segment begins.
    ///
    /// - Parameters:
    ///   - start: where.
    ///   - frame: the longest frame of the audio tracks beside the reference track.
    mutating func begin(at start: MediaTime, frame: MediaTime) {
        due = []
        cutter = target.map { PartCutter(PartLengths(target: $0, frame: frame), segmentStart: start) }
    }

    /// A sample of the reference track was added that decodes at `time`.
    ///
    /// - Returns: whether parts have ended with it.
    mutating func sampleFollows(at time: MediaTime) -> Bool {
        guard let cuts = cutter?.sampleFollows(at: time), !cuts.isEmpty else { return false }
        due += cuts
        return true
    }

    /// Whether the sample that was added last ends a part, when the next one will be at `end`.
    func isPartComplete(withNext end: MediaTime) -> Bool { cutter?.isPartComplete(withNext: end) ?? false }

    /// A part ends with the sample that was added last, the next one being foretold to be at `next`.
    mutating func partEnds(before next: MediaTime) {
        if let end = cutter?.partEnds(before: next) { due.append(end) }
    }

    /// The segment ends: what is left of it is cut, and all of the live's first one.
    mutating func end(_ segment: OpenSegment, at end: MediaTime, frame: MediaTime) {
        if target == nil, let nominal {
            let times = segment.referenceTimes
            guard let distance = Self.usualDistance(times + [end]) else { return }
            let length = end - segment.start
            let lengths = PartLengths(nominal: nominal, distance: distance, frame: frame, segment: length)
            target = lengths.target
            var cutter = PartCutter(lengths, segmentStart: segment.start)
            for time in times { due += cutter.sampleFollows(at: time) }
            self.cutter = cutter
        }
        due += cutter?.end(at: end) ?? []
    }

    /// Takes out where parts have ended, in order.
    mutating func takeDue() -> [MediaTime] {
        guard !due.isEmpty else { return [] }
        defer { due = [] }
        return due
    }

    /// The distance that most of some times have, or `nil` when there are fewer than two.
    ///
    /// A millisecond clock gives 33, 33 and 34: the mean, but of those near the median, for one long pause says nothing.
    private static func usualDistance(_ times: [MediaTime]) -> MediaTime? {
        let distances = zip(times.dropFirst(), times).map { ($0 - $1).nanoseconds }.filter { $0 > 0 }.sorted()
        guard !distances.isEmpty else { return nil }
        let median = distances[distances.count / 2]
        let usual = distances.filter { $0 > median / 2 && $0 < 2 * median }
        return MediaTime(nanoseconds: usual.reduce(0, +) / Int64(usual.count))
    }
}
