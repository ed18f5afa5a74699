import MediaCore
import NIOCore
import Synchronization
import Testing

@testable import Ingest

@Suite("StreamRegistry")
struct StreamRegistryTests {
    private let registry = StreamRegistry()
    private let calls = Calls()
    private let main: StreamID

    init() throws { main = try #require(StreamID("main")) }

    /// What claimants were told, in order.
    private final class Calls: Sendable {
        let list = Mutex<[String]>([])
        func add(_ call: String) { list.withLock { $0.append(call) } }
        var all: [String] { list.withLock { $0 } }
    }

    private func claim(_ number: UInt64, at now: NIODeadline = .uptimeNanoseconds(0)) {
        registry.claim(
            main,
            by: StreamRegistry.Claimant(
                id: ConnectionID(number: number),
                granted: { [calls] in calls.add("granted \(number)") },
                superseded: { [calls] in calls.add($0 ? "contested \(number)" : "superseded \(number)") },
                refused: { [calls] in calls.add("refused \(number)") }
            ),
            now: now
        )
    }

    private func release(_ number: UInt64, wasSending: Bool = false, at now: NIODeadline = .uptimeNanoseconds(0)) {
        registry.release(main, by: ConnectionID(number: number), wasSending: wasSending, now: now)
    }

    @Test("two encoders that come back each time: the one that sends keeps the stream after a few rounds")
    func contested() {
        let start = NIODeadline.uptimeNanoseconds(0)
        claim(1, at: start)
        for round in 1...3 {
            let now = start + .seconds(Int64(round) * 2)
            claim(UInt64(round + 1), at: now)
            release(UInt64(round), wasSending: true, at: now)
        }
        #expect(calls.all.last == "granted 4")
        claim(5, at: start + .seconds(8))
        #expect(calls.all.last == "contested 4")
        registry.keep(main, by: ConnectionID(number: 4))
        #expect(calls.all.last == "refused 5")
        release(5)
        // A minute later it is as free to be taken over as ever.
        claim(6, at: start + .seconds(70))
        #expect(calls.all.last == "superseded 4")
    }

    @Test("a half-open holder that is replaced again and again contests nothing")
    func halfOpen() {
        claim(1)
        for number in 2...20 {
            claim(UInt64(number))
            release(UInt64(number - 1), wasSending: false)
        }
        #expect(!calls.all.contains { $0.hasPrefix("contested") })
        #expect(calls.all.last == "granted 20")
    }

    @Test("a free stream is granted at once, a held one when its holder lets go")
    func takeover() {
        claim(1)
        claim(2)
        #expect(calls.all == ["granted 1", "superseded 1"])
        release(1)
        #expect(calls.all == ["granted 1", "superseded 1", "granted 2"])
        release(2)
        claim(3)
        #expect(calls.all.last == "granted 3")
    }

    @Test("of two that wait the later one wins")
    func twoWaiting() {
        claim(1)
        claim(2)
        claim(3)
        #expect(calls.all == ["granted 1", "superseded 1", "superseded 2"])
        release(2)
        release(1)
        #expect(calls.all.last == "granted 3")
        #expect(!calls.all.contains("granted 2"))
    }

    @Test("one that gives up waiting is not granted, and a stranger's release does nothing")
    func giveUp() {
        claim(1)
        claim(2)
        release(2)
        release(9)
        release(1)
        #expect(calls.all == ["granted 1", "superseded 1"])
        claim(4)
        #expect(calls.all.last == "granted 4")
    }

    @Test("many threads claiming one stream never hold it together")
    func contention() async {
        let holders = Holders()
        await withTaskGroup(of: Void.self) { tasks in
            for number in UInt64(1)...200 {
                tasks.addTask { [registry, main] in
                    await holders.claimAndRelease(main, as: ConnectionID(number: number), in: registry)
                }
            }
        }
        let counts = holders.counts
        #expect(counts.most == 1)
        #expect(counts.grants > 0 && counts.current == 0)
    }
}

/// Counts how many hold one stream at once.
private final class Holders: Sendable {
    private let state = Mutex((current: 0, most: 0, grants: 0))

    var counts: (current: Int, most: Int, grants: Int) { state.withLock { $0 } }

    /// Claims, and lets go as soon as it is granted or superseded.
    func claimAndRelease(_ stream: StreamID, as id: ConnectionID, in registry: StreamRegistry) async {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let release: @Sendable () -> Void = {
            registry.release(stream, by: id, now: .uptimeNanoseconds(0))
            continuation.finish()
        }
        let granted: @Sendable () -> Void = {
            self.state.withLock { state in
                state.current += 1
                state.grants += 1
                state.most = max(state.most, state.current)
            }
            self.state.withLock { $0.current -= 1 }
            release()
        }
        let superseded: @Sendable (Bool) -> Void = { _ in release() }
        registry.claim(
            stream,
            by: StreamRegistry.Claimant(id: id, granted: granted, superseded: superseded, refused: release),
            now: .uptimeNanoseconds(0)
        )
        for await _ in ended {}
    }
}
