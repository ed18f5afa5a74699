import MediaCore
import NIOCore
import Testing

@testable import Packager

@Suite("The clock of a member of a group")
struct MemberClockTests {
    /// Lets a member send what it has at the moment when the group's clock shows the time of each access unit and `ahead`.
    private func place(
        _ units: [AccessUnit],
        with clock: inout MemberClock,
        ahead: Int64,
        keyframes: [Int64] = []
    ) -> [AccessUnit] {
        units.flatMap { unit in
            clock.receive(
                unit,
                now: unit.decodeTime + .milliseconds(ahead),
                keyframes: keyframes.map { .milliseconds($0) }
            )
        }
    }

    private func shifts(_ placed: [AccessUnit], _ units: [AccessUnit]) -> Set<Int64> {
        Set(zip(placed, units).map { ($0.decodeTime - $1.decodeTime).nanoseconds / 1_000_000 })
    }

    @Test("a member that is alone keeps its times, whatever they do")
    func alone() {
        var clock = MemberClock()
        let units = [Media.picture(0, sync: true), Media.picture(900_000), Media.picture(5)]
        let placed = units.flatMap { clock.receive($0, now: nil, keyframes: []) }
        #expect(placed.map(\.decodeTime) == units.map(\.decodeTime))
    }

    @Test(
        "times that nearly agree are one clock, as soon as a keyframe is known to be shared",
        arguments: [-100, -59, 0, 100]
    )
    func oneClock(distance: Int64) {
        var clock = MemberClock()
        let units = Media.interleaved(
            Media.pictures(from: 1000, count: 30, group: 30),
            Media.sounds(from: 1000, count: 40)
        )
        let keyframe = 1000 + distance
        let first = place([units[0]], with: &clock, ahead: 300, keyframes: [keyframe])
        #expect(first.count == 1)
        let placed = first + place(Array(units[1...]), with: &clock, ahead: 300, keyframes: [keyframe])
        #expect(placed.count == 70 && shifts(placed, units) == [distance])
    }

    @Test(
        "times that nearly agree are one clock without a keyframe that is shared, after a moment",
        arguments: [-500, 0, 500]
    )
    func oneClockWithoutKeyframe(ahead: Int64) {
        var clock = MemberClock()
        let units = Media.pictures(from: 1000, count: 30, group: 30)
        let early = place(Array(units[..<15]), with: &clock, ahead: ahead, keyframes: [1101])
        #expect(early.isEmpty)
        let placed = early + place(Array(units[15...]), with: &clock, ahead: ahead, keyframes: [1101])
        #expect(placed.count == 30 && shifts(placed, units) == [0])
    }

    @Test("clocks that have been running for long may be further apart")
    func longRunning() {
        var clock = MemberClock()
        let units = Media.pictures(from: 60_000, count: 30, group: 30)
        let placed = place(units, with: &clock, ahead: 1900, keyframes: [60_010])
        #expect(placed.count == 30 && shifts(placed, units) == [10])
    }

    @Test(
        "a clock that begins at 0 is placed by its arrival within a second, and loses nothing",
        arguments: [1500, 60_000]
    )
    func ownClock(ahead: Int64) {
        var clock = MemberClock()
        let units = Media.pictures(count: 60, group: 60)
        let placed = place(units, with: &clock, ahead: ahead)
        #expect(placed.count == 60)
        #expect(shifts(placed, units) == [ahead])
        #expect(placed.map(\.payload) == units.map(\.payload))
    }

    @Test(
        "keyframes that are near meet those of the others, known or to be expected",
        arguments: [-650, 0, 250]
    )
    func keyframesMeet(distance: Int64) {
        var clock = MemberClock()
        let units = Media.pictures(count: 60, group: 60)
        // The next keyframe of the others is to be expected at 20 s.
        let placed = place(units, with: &clock, ahead: 20_000 + distance, keyframes: [16_000, 18_000])
        #expect(shifts(placed, units) == [20_000])
    }

    @Test("keyframes that are further apart stay where the arrival puts them")
    func keyframesApart() {
        var clock = MemberClock()
        let units = Media.pictures(count: 60, group: 60)
        let placed = place(units, with: &clock, ahead: 20_800, keyframes: [16_000, 18_000])
        #expect(shifts(placed, units) == [20_800])
    }

    @Test("what arrives late says less than what arrives early")
    func fastest() {
        var clock = MemberClock()
        let units = Media.pictures(count: 60, group: 60)
        var placed: [AccessUnit] = []
        for (index, unit) in units.enumerated() {
            // The first third of a second lay in a queue.
            let late: Int64 = index < 10 ? Int64(10 - index) * 40 : Int64(index % 3 * 5)
            placed += clock.receive(unit, now: unit.decodeTime + .milliseconds(30_000 + late), keyframes: [])
        }
        #expect(shifts(placed, units) == [30_000])
    }

    @Test("a clock that jumps goes on where it was, picture and sound alike", arguments: [-40_000, 3_600_000])
    func jump(distance: Int64) {
        var clock = MemberClock()
        let before = Media.interleaved(Media.pictures(count: 60, group: 60), Media.sounds(count: 93))
        let after = Media.interleaved(
            Media.pictures(from: 100_000 + distance, count: 60, group: 60),
            Media.sounds(from: 100_000 + distance, count: 93)
        )
        var placed: [AccessUnit] = []
        for (index, unit) in (before + after).enumerated() {
            // The others go on evenly.
            let elapsed = Double(index) / Double(before.count) * 2
            placed += clock.receive(unit, now: .seconds(elapsed), keyframes: [.zero])
        }
        #expect(placed.count == before.count + after.count)
        for kind in [TrackID(.video), TrackID(.audio)] {
            let times = placed.filter { $0.trackID == kind }.map(\.decodeTime)
            let steps = zip(times.dropFirst(), times).map { $0 - $1 }
            #expect(steps.allSatisfy { (.milliseconds(10)...(.milliseconds(70))).contains($0) }, "\(kind)")
        }
    }

    @Test("a clock that comes back as another one is watched anew")
    func anotherClock() throws {
        var clock = MemberClock()
        _ = place(Media.pictures(count: 90, group: 30), with: &clock, ahead: 0)
        // A minute of silence, and then from 0 again: where it was is too far away.
        let units = Media.pictures(count: 60, group: 60)
        let placed = place(units, with: &clock, ahead: 60_000)
        #expect(placed.count == 60 && shifts(placed, units) == [60_000])
    }

    @Test("what is held is bounded, and hostile times never leave the range")
    func hostile() {
        var clock = MemberClock()
        var random = SystemRandomNumberGenerator()
        var held = 0
        for _ in 0..<5000 {
            held += 1 - clock.receive(Media.picture(0), now: .milliseconds(60_000), keyframes: []).count
        }
        #expect(held <= 2048)
        for _ in 0..<20_000 {
            let time = MediaTime(nanoseconds: Int64.random(in: -(1 << 60)...(1 << 60), using: &random))
            let unit = AccessUnit(trackID: Media.video, decodeTime: time, isSync: true, payload: ByteBuffer())
            let now = MediaTime(nanoseconds: Int64.random(in: -(1 << 60)...(1 << 60), using: &random))
            for placed in clock.receive(unit, now: Bool.random(using: &random) ? now : nil, keyframes: [now]) {
                #expect(abs(placed.decodeTime.nanoseconds) <= 1 << 61)
            }
        }
    }
}
