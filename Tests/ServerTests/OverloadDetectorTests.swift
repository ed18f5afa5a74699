import Testing

@testable import lyceum

@Suite("OverloadDetector")
struct OverloadDetectorTests {
    /// A loop whose clock the test moves.
    private struct Loop {
        var detector = OverloadDetector(threshold: 0.95)
        private var now = ContinuousClock.now
        private var occupied = Duration.seconds(1000)

        init() { detector.measured(occupied: occupied, at: now) }

        /// The loop was busy for this share of each half second.
        mutating func spend(_ halfSeconds: Int, busy share: Double) {
            for _ in 0..<halfSeconds { spend(.milliseconds(500), busy: share) }
        }

        mutating func spend(_ time: Duration, busy share: Double) {
            now += time
            occupied += time * share
            detector.measured(occupied: occupied, at: now)
        }
    }

    @Test("a loop is overloaded when it has been busy for three seconds, not before")
    func begins() {
        var loop = Loop()
        loop.spend(5, busy: 1)
        #expect(!loop.detector.isOverloaded)
        #expect(loop.detector.busyShare == 1)
        loop.spend(1, busy: 0.95)
        #expect(loop.detector.isOverloaded)
    }

    @Test("what has run and waited before the first reading says nothing")
    func history() {
        var loop = Loop()
        loop.spend(1, busy: 0.25)
        #expect(loop.detector.busyShare == 0.25)
        #expect(!loop.detector.isOverloaded)
    }

    @Test("half a second of rest within the three begins them anew")
    func interrupted() {
        var loop = Loop()
        loop.spend(5, busy: 1)
        loop.spend(1, busy: 0.94)
        loop.spend(5, busy: 1)
        #expect(!loop.detector.isOverloaded)
        loop.spend(1, busy: 1)
        #expect(loop.detector.isOverloaded)
    }

    @Test("overload ends after three seconds with room, and a little room is none")
    func ends() {
        var loop = Loop()
        loop.spend(6, busy: 1)
        loop.spend(60, busy: 0.86)
        #expect(loop.detector.isOverloaded)
        loop.spend(5, busy: 0.84)
        loop.spend(1, busy: 0.86)
        loop.spend(5, busy: 0.84)
        #expect(loop.detector.isOverloaded)
        loop.spend(1, busy: 0.84)
        #expect(!loop.detector.isOverloaded)
        loop.spend(5, busy: 1)
        #expect(!loop.detector.isOverloaded)
    }

    @Test("a reading that is late counts for all the time since the one before")
    func late() {
        var loop = Loop()
        loop.spend(.seconds(4), busy: 1)
        #expect(loop.detector.isOverloaded)
        loop.spend(.seconds(4), busy: 0.5)
        #expect(!loop.detector.isOverloaded)
    }

    @Test("a clock of the kernel that is a little ahead of ours makes no share above one")
    func bounds() {
        var loop = Loop()
        loop.spend(1, busy: 1.2)
        #expect(loop.detector.busyShare == 1)
        loop.spend(1, busy: -0.1)
        #expect(loop.detector.busyShare == 0)
    }
}
