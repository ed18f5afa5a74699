import MediaCore
import Testing

@Suite("MediaTime")
struct MediaTimeTests {
    static let timescales: [Int64] = [1, 24, 1000, 12_800, 44_100, 48_000, 90_000, 10_000_000, 1_000_000_000]

    @Test("ticks survive the way to nanoseconds and back", arguments: timescales)
    func roundTrip(_ timescale: Int64) {
        // Up to the limit of 34 years, on both sides of zero.
        let most = MediaTime.limit.nanoseconds / 1_000_000_000 * timescale
        for count in [0, 1, 2, 3, 1023, 1024, 90_001, 1 << 32, 1 << 40, most - 1, most] where count <= most {
            #expect(MediaTime(ticks: count, timescale: timescale).ticks(timescale: timescale) == count)
            #expect(MediaTime(ticks: -count, timescale: timescale).ticks(timescale: timescale) == -count)
        }
    }

    @Test(
        "a time that is no whole number of nanoseconds is rounded down",
        arguments: [(1, 333_333_333), (2, 666_666_666), (-1, -333_333_334), (-2, -666_666_667), (-3, -1_000_000_000)]
            as [(Int64, Int64)]
    )
    func roundsDown(_ count: Int64, _ nanoseconds: Int64) {
        #expect(MediaTime(ticks: count, timescale: 3).nanoseconds == nanoseconds)
    }

    @Test(
        "ticks are rounded to the nearest",
        arguments: [
            (499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2), (-499_999, 0), (-500_000, -1), (-1_500_001, -2),
        ] as [(Int64, Int64)]
    )
    func nearest(_ nanoseconds: Int64, _ milliseconds: Int64) {
        #expect(MediaTime(nanoseconds: nanoseconds).ticks(timescale: 1000) == milliseconds)
    }

    @Test("conversions at the limit do not overflow", arguments: timescales)
    func limits(_ timescale: Int64) {
        let ticks = MediaTime.limit.ticks(timescale: timescale)
        #expect(abs(Double(ticks) / Double(timescale) - MediaTime.limit.seconds) <= 1)
        let least = MediaTime(nanoseconds: -MediaTime.limit.nanoseconds)
        #expect(least.ticks(timescale: timescale) == -ticks)
        #expect((MediaTime.limit + MediaTime.limit - least).nanoseconds == 3 << 60)
    }

    @Test("milliseconds, seconds and nanoseconds name the same times")
    func units() {
        #expect(MediaTime.milliseconds(1500) == MediaTime(nanoseconds: 1_500_000_000))
        #expect(MediaTime.seconds(1.5) == .milliseconds(1500))
        #expect(MediaTime.milliseconds(-20).seconds == -0.02)
        #expect(MediaTime.zero < .milliseconds(1) && .milliseconds(-1) < MediaTime.zero)
        var time = MediaTime.milliseconds(10)
        time += .milliseconds(5)
        #expect(time == .milliseconds(15))
    }
}
