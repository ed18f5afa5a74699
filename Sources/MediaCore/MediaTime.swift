/// A point or a span on a media timeline, in nanoseconds.
///
/// One unit for every codec and container: RTMP's milliseconds, Enhanced RTMP's nanosecond offsets and the 90 kHz of
/// video all become exact here, and the range of ±292 years leaves room for any clock that ``MediaTime/limit`` admits.
public struct MediaTime: Hashable, Comparable, Sendable {
    /// The span or the distance from the timeline's zero, in nanoseconds.
    public var nanoseconds: Int64

    /// The largest distance from zero that a parser may let in, about 34 years: far enough below `Int64.max` that sums
    /// and differences of a handful of such times cannot overflow.
    public static let limit = MediaTime(nanoseconds: 1 << 60)

    /// The timeline's zero, or no time at all.
    public static let zero = MediaTime(nanoseconds: 0)

    /// A time of so many nanoseconds.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// A time of so many milliseconds, at most ``limit`` in size.
    public static func milliseconds(_ count: Int64) -> MediaTime {
        MediaTime(nanoseconds: count * 1_000_000)
    }

    /// A time of so many seconds, at most ``limit`` in size.
    public static func seconds(_ count: Double) -> MediaTime {
        MediaTime(nanoseconds: Int64((count * 1_000_000_000).rounded()))
    }

    /// The time of `count` ticks of a clock with `timescale` ticks a second, rounded down to a nanosecond.
    ///
    /// Whole seconds and the rest are scaled apart, so no product leaves 64 bits.
    public init(ticks count: Int64, timescale: Int64) {
        let (seconds, rest) = count.quotientAndRemainder(dividingBy: timescale)
        let (whole, fraction) = (rest * 1_000_000_000).quotientAndRemainder(dividingBy: timescale)
        nanoseconds = seconds * 1_000_000_000 + whole - (fraction < 0 ? 1 : 0)
    }

    /// The time in seconds.
    public var seconds: Double { Double(nanoseconds) / 1_000_000_000 }

    /// The time in ticks of a clock with `timescale` ticks a second, rounded to the nearest.
    public func ticks(timescale: Int64) -> Int64 {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let half: Int64 = rest < 0 ? -500_000_000 : 500_000_000
        return seconds * timescale + (rest * timescale + half) / 1_000_000_000
    }

    /// Whether one time is before another.
    public static func < (left: MediaTime, right: MediaTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The sum of two times.
    public static func + (left: MediaTime, right: MediaTime) -> MediaTime {
        MediaTime(nanoseconds: left.nanoseconds + right.nanoseconds)
    }

    /// The distance from one time to another.
    public static func - (left: MediaTime, right: MediaTime) -> MediaTime {
        MediaTime(nanoseconds: left.nanoseconds - right.nanoseconds)
    }

    /// Moves a time on.
    public static func += (left: inout MediaTime, right: MediaTime) { left = left + right }
}
