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

    /// The last times on the encoder's clock, one more than there are distances.
    private var times: [MediaTime] = []
    /// How far the next picture is likely to be from the last one; `nil` while the distances are not regular.
    private(set) var distance: MediaTime?

    /// A picture decodes at `time`.
    mutating func note(_ time: MediaTime) {
        if times.count > Self.count { times.removeFirst() }
        times.append(time)
        distance = regularDistance
    }

    private var regularDistance: MediaTime? {
        guard times.count > Self.count, let first = times.first, let last = times.last else { return nil }
        let mean = (last - first).nanoseconds / Int64(Self.count)
        guard mean > Self.jitter.nanoseconds else { return nil }
        let isRegular = zip(times.dropFirst(), times).allSatisfy { later, earlier in
            abs((later - earlier).nanoseconds - mean) <= Self.jitter.nanoseconds
        }
        return isRegular ? MediaTime(nanoseconds: mean) : nil
    }
}
