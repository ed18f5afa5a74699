internal import MediaCore

/// Whether the pictures of a track come at regular distances, and how far the next one will be from the last.
///
/// Regular is what a steady rate looks like on a clock of whole milliseconds, as RTMP has it: 33, 33, 34 at 30 pictures a
/// second, 16 and 17 at 60. Nothing is foretold of anything else: pauses, dropped pictures, variable rates.
struct Cadence {
    /// How many distances in a row must be alike: a few pictures say little, and many make an encoder that has lost one wait
    /// long until its parts are early again.
    private static let count = 8
    /// How far a distance may be from the mean: a millisecond for either end.
    private static let jitter = MediaTime.milliseconds(2)

    /// The last times on the encoder's clock, one more than there are distances, the oldest at `oldest`.
    private var times = InlineArray<9, MediaTime>(repeating: .zero)
    private var known = 0
    private var oldest = 0
    /// How far the next picture is likely to be from the last one; `nil` while the distances are not regular.
    private(set) var distance: MediaTime?

    /// A picture decodes at `time`.
    mutating func note(_ time: MediaTime) {
        if known > Self.count {
            times[oldest] = time
            oldest = oldest == Self.count ? 0 : oldest + 1
        } else {
            times[known] = time
            known += 1
        }
        distance = regularDistance
    }

    private var regularDistance: MediaTime? {
        guard known > Self.count else { return nil }
        var earlier = times[oldest]
        let last = times[oldest == 0 ? Self.count : oldest - 1]
        let mean = (last - earlier).nanoseconds / Int64(Self.count)
        guard mean > Self.jitter.nanoseconds else { return nil }
        for distance in 1...Self.count {
            let index = oldest + distance
            let later = times[index > Self.count ? index - Self.count - 1 : index]
            guard abs((later - earlier).nanoseconds - mean) <= Self.jitter.nanoseconds else { return nil }
            earlier = later
        }
        return MediaTime(nanoseconds: mean)
    }
}
