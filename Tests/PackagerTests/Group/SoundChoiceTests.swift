import MediaCore
import NIOCore
import Testing

@testable import Packager

@Suite("The choice of a group's sound")
struct SoundChoiceTests {
    @Test("the first member that sends sound is heard as long as it does, and the others are not")
    func first() {
        var choice = SoundChoice()
        for unit in Media.sounds(count: 200) {
            for number in [2, 0, 1] { _ = choice.receive(unit, from: number) }
        }
        #expect(choice.member == 2)
    }

    @Test("the next one begins with what came after the last one's end, and no later", arguments: [true, false])
    func handover(leaves: Bool) throws {
        var choice = SoundChoice()
        let units = Media.sounds(count: 200)
        for unit in units[..<100] {
            _ = choice.receive(unit, from: 0)
            _ = choice.receive(unit, from: 1)
        }
        var taken: [AccessUnit] = []
        for unit in units[100...] {
            switch choice.receive(unit, from: 1) {
            case .take: taken.append(unit)
            case .change(let held): taken += held
            case .leave: break
            }
            if leaves, unit.decodeTime == units[110].decodeTime {
                let left = choice.leave(0)
                let next = try #require(left)
                #expect(next.member == 1)
                taken += next.units
            }
        }
        #expect(taken.map(\.decodeTime) == units[100...].map(\.decodeTime))
        #expect(choice.member == 1)
    }

    @Test("what is held of the others is bounded in number and in bytes", arguments: [(1, 512), (100_000, 41)])
    func bounded(size: Int, count: Int) {
        var choice = SoundChoice()
        _ = choice.receive(Media.sound(0), from: 0)
        // A clock that stands still never lets it take over.
        for _ in 0..<2000 { _ = choice.receive(Media.sound(10, size: size), from: 1) }
        let next = choice.leave(0)
        #expect(next?.units.count == count)
    }
}
