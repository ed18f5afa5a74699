internal import MediaCore

/// Where segments may and must end, from what the encoder's groups of pictures have been like so far.
///
/// EXT-X-TARGETDURATION must not change (RFC 8216 §6.2.1) and every EXTINF rounds to at most it (§4.3.3.1). So it is
/// fixed with the first segment, and from then on no segment may last longer, whatever the encoder does.
struct CutPolicy {
    /// A millisecond clock and a frame rate that is not a whole number of milliseconds put a keyframe this much early.
    static let tolerance = MediaTime.milliseconds(10)
    /// Half a second, less a tick: EXTINF rounds down to the target duration (RFC 8216 §4.3.3.1).
    private static let roundingMargin = MediaTime.milliseconds(499)

    /// Where segments are meant to end.
    let nominal: MediaTime
    /// EXT-X-TARGETDURATION in seconds, once it is fixed.
    private(set) var targetDuration: Int?
    /// How many groups of pictures the forecast of the next one looks back on.
    private static let groupsRemembered = 8
    /// The lengths of the last groups of pictures.
    private var groups: [MediaTime] = []
    private var lastSync: MediaTime?

    init(nominal: MediaTime, targetDuration: Int?) {
        self.nominal = nominal
        self.targetDuration = targetDuration
    }

    /// The longest that the current segment may become.
    var longestDuration: MediaTime {
        guard let targetDuration else { return PackagerConfiguration.maximumSegmentDuration }
        return .milliseconds(Int64(targetDuration) * 1000) + Self.roundingMargin
    }

    /// Notes that an epoch begins with a sync sample at `time`, or with none: groups are not counted across epochs.
    mutating func epochBegan(atSync time: MediaTime?) { lastSync = time }

    /// The next sync sample of the reference track decodes at `time`: whether the segment that began at `start` ends.
    ///
    /// It ends when it is long enough, or when it would become too long by waiting for the sync sample after this one.
    mutating func endsSegment(startedAt start: MediaTime, atSync time: MediaTime) -> Bool {
        if let lastSync { note(group: time - lastSync) }
        lastSync = time
        let elapsed = time - start
        let expectedGroup = groups.max() ?? .zero
        return elapsed + Self.tolerance >= nominal || elapsed + expectedGroup > nextLimit
    }

    /// Whether the segment that began at `start` is likely to end with the sample of the reference track that is foretold to be
    /// at `time`, or may have to.
    ///
    /// A part that is given away before that sample has come promises another one of the same segment. Keyframes come when
    /// they came before: where the last groups had different lengths, each sample may be one.
    ///
    /// - Parameters:
    ///   - start: where the segment began.
    ///   - time: where the sample is foretold to be.
    ///   - distance: how far the samples are apart.
    /// - Returns: whether the sample has to be waited for.
    func mayEndSegment(startedAt start: MediaTime, at time: MediaTime, distance: MediaTime) -> Bool {
        let elapsed = time - start
        if elapsed + distance + Self.tolerance > longestDuration { return true }
        let group = max(groups.max() ?? .zero, lastSync.map { time - $0 } ?? .zero)
        guard elapsed + Self.tolerance >= nominal || elapsed + group > nextLimit else { return false }
        guard let lastSync, let shortest = groups.min(), group - shortest <= Self.tolerance else { return true }
        return time + Self.tolerance >= lastSync + shortest
    }

    /// Fixes the target duration with the first segment, and keeps it from then on.
    mutating func segmentEnded(duration: MediaTime) {
        guard targetDuration == nil else { return }
        targetDuration = max(Self.wholeSeconds(nominal), Self.wholeSeconds(duration))
    }

    private mutating func note(group: MediaTime) {
        if groups.count == Self.groupsRemembered { groups.removeFirst() }
        groups.append(group)
    }

    /// Before the target duration is fixed, segments should fit the one that the configuration means.
    private var nextLimit: MediaTime {
        guard targetDuration == nil else { return longestDuration }
        return .milliseconds(Int64(Self.wholeSeconds(nominal)) * 1000) + Self.roundingMargin
    }

    private static func wholeSeconds(_ time: MediaTime) -> Int {
        max(1, Int(time.ticks(timescale: 1)))
    }
}
