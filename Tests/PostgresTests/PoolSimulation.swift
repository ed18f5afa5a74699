import NIOCore
import TestSupport
import Testing

@testable import Postgres

/// Does to a pool whatever may happen, at random, and looks at its invariants.
struct Simulation {
    private enum Thread { case idle, waking(UInt64), connecting(UInt64), working(UInt64) }

    private var pool: PoolState
    private var random: SplitMix64
    private var now = NIODeadline.uptimeNanoseconds(1)
    private var threads = [Thread](repeating: .idle, count: 4)
    private var connected: Set<Int> = []
    private var isServerUp = true
    private var submitted: UInt64 = 0
    private var lastStarted: UInt64 = 0
    private var waiting: Set<UInt64> = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        pool = PoolState(size: 4, acquireTimeout: .milliseconds(200))
    }

    mutating func step() {
        now = now + .milliseconds(Int64.random(in: 0...20, using: &random))
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3:
            submitted += 1
            waiting.insert(submitted)
            perform(pool.submitted(submitted, now: now))
        case 3: perform(pool.timePassed(now: now))
        case 4: if let unit = waiting.randomElement(using: &random) { perform(pool.cancelled(unit)) }
        case 5 where Int.random(in: 0..<8, using: &random) == 0: isServerUp.toggle()
        default: advance(Int.random(in: 0..<4, using: &random))
        }
        check()
    }

    /// All that was begun comes to its end, with a server that is there.
    mutating func drain() {
        isServerUp = true
        for _ in 0..<10_000
        where !waiting.isEmpty || !threads.allSatisfy({ if case .idle = $0 { true } else { false } }) {
            now = now + .milliseconds(1)
            for thread in threads.indices { advance(thread) }
            check()
        }
        #expect(waiting.isEmpty)
        now = now + .seconds(10)
        submitted += 1
        waiting.insert(submitted)
        perform(pool.submitted(submitted, now: now))
        #expect(waiting.isEmpty, "a pool at rest, with a server that is there, does work at once")
    }

    private mutating func advance(_ thread: Int) {
        switch threads[thread] {
        case .idle: break
        case .waking(let unit):
            if !isServerUp { connected.remove(thread) }
            if connected.contains(thread) {
                threads[thread] = .working(unit)
            } else if pool.mayConnect(thread, now: now) == nil {
                threads[thread] = .connecting(unit)
            } else {
                finish(thread)
            }
        case .connecting(let unit):
            guard isServerUp else {
                pool.connectFailed(thread, why: "away", now: now, jitter: 0.5)
                return finish(thread)
            }
            connected.insert(thread)
            threads[thread] = .working(unit)
            perform(pool.connected(thread, now: now))
        case .working:
            if !isServerUp { connected.remove(thread) }
            finish(thread)
        }
    }

    private mutating func finish(_ thread: Int) {
        threads[thread] = .idle
        perform(pool.finished(thread, isConnected: connected.contains(thread), now: now))
    }

    private mutating func perform(_ actions: [PoolState.Action]) {
        for action in actions {
            switch action {
            case .start(let unit, let thread):
                guard case .idle = threads[thread] else {
                    Issue.record("a thread that is at work was given more")
                    return
                }
                #expect(waiting.remove(unit) != nil, "invariant 2")
                #expect(unit > lastStarted, "invariant 1")
                lastStarted = unit
                threads[thread] = .waking(unit)
            case .refuse(let unit, _): #expect(waiting.remove(unit) != nil, "invariant 2")
            case .stop: Issue.record("nobody has shut the pool down")
            }
        }
    }

    private func check() {
        let idle = threads.indices.filter { if case .idle = threads[$0] { true } else { false } }
        #expect(pool.waitingCount == waiting.count, "invariant 2")
        guard !waiting.isEmpty else { return }
        #expect(idle.allSatisfy { !connected.contains($0) }, "invariant 3")
        #expect(idle.count < threads.count, "invariant 4")
    }
}
