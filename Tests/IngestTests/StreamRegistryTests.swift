import MediaCore
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

    private func claim(_ number: UInt64) {
        registry.claim(
            main,
            by: StreamRegistry.Claimant(
                id: ConnectionID(number: number),
                granted: { [calls] in calls.add("granted \(number)") },
                superseded: { [calls] in calls.add("superseded \(number)") }
            )
        )
    }

    private func release(_ number: UInt64) { registry.release(main, by: ConnectionID(number: number)) }

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
            registry.release(stream, by: id)
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
        registry.claim(stream, by: StreamRegistry.Claimant(id: id, granted: granted, superseded: release))
        for await _ in ended {}
    }
}
