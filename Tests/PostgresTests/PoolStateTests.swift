import NIOCore
import Testing

@testable import Postgres

@Suite struct PoolStateTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func at(_ milliseconds: Int64) -> NIODeadline { start + .milliseconds(milliseconds) }

    /// A pool whose workers are all connected and idle.
    private func connected(_ size: Int) -> PoolState {
        var pool = PoolState(size: size, acquireTimeout: .seconds(1))
        for worker in 0..<size { _ = pool.submitted(UInt64(1000 + worker), now: start) }
        for worker in 0..<size {
            #expect(pool.mayConnect(worker, now: start) == nil)
            _ = pool.connected(worker, now: start)
        }
        for worker in 0..<size { _ = pool.finished(worker, isConnected: true, now: start) }
        return pool
    }

    @Test("units start in the order of asking")
    func order() {
        var pool = connected(2)
        #expect(pool.submitted(1, now: start) == [.start(unit: 1, worker: 0)])
        #expect(pool.submitted(2, now: start) == [.start(unit: 2, worker: 1)])
        #expect(pool.submitted(3, now: start) == [])
        #expect(pool.submitted(4, now: start) == [])
        #expect(pool.finished(1, isConnected: true, now: start) == [.start(unit: 3, worker: 1)])
        #expect(pool.finished(0, isConnected: true, now: start) == [.start(unit: 4, worker: 0)])
    }

    @Test("a connection that exists is used before another is made")
    func reuse() {
        var pool = PoolState(size: 3, acquireTimeout: .seconds(1))
        #expect(pool.submitted(1, now: start) == [.start(unit: 1, worker: 0)])
        _ = pool.mayConnect(0, now: start)
        _ = pool.connected(0, now: start)
        #expect(pool.submitted(2, now: start) == [.start(unit: 2, worker: 1)])
        _ = pool.finished(1, isConnected: false, now: start)
        _ = pool.finished(0, isConnected: true, now: start)
        #expect(pool.submitted(3, now: start) == [.start(unit: 3, worker: 0)])
    }

    @Test("who waits too long is refused, and no one else")
    func timeout() {
        var pool = connected(1)
        _ = pool.submitted(1, now: at(0))
        _ = pool.submitted(2, now: at(0))
        _ = pool.submitted(3, now: at(500))
        #expect(pool.nextDeadline == at(1000))
        #expect(pool.timePassed(now: at(999)) == [])
        #expect(pool.timePassed(now: at(1000)) == [.refuse(unit: 2, .acquireTimeout)])
        #expect(pool.nextDeadline == at(1500))
        #expect(pool.finished(0, isConnected: true, now: at(1100)) == [.start(unit: 3, worker: 0)])
    }

    @Test("who is cancelled while waiting leaves the queue; who has started does not")
    func cancellation() {
        var pool = connected(1)
        _ = pool.submitted(1, now: start)
        _ = pool.submitted(2, now: start)
        #expect(pool.cancelled(1) == [])
        #expect(pool.cancelled(2) == [.refuse(unit: 2, .cancelled)])
        #expect(pool.finished(0, isConnected: true, now: start) == [])
    }

    @Test("while the server is away all are refused at once, and one attempt is made after the back-off")
    func backOff() {
        var pool = PoolState(size: 3, acquireTimeout: .seconds(1))
        #expect(pool.submitted(1, now: at(0)) == [.start(unit: 1, worker: 0)])
        #expect(pool.mayConnect(0, now: at(0)) == nil)
        pool.connectFailed(0, why: "away", now: at(0), jitter: 0)
        #expect(pool.finished(0, isConnected: false, now: at(0)) == [])
        #expect(pool.submitted(2, now: at(10)) == [.refuse(unit: 2, .unavailable("away"))])
        // The one that tries; the next one waits for what comes of it.
        #expect(pool.submitted(3, now: at(50)) == [.start(unit: 3, worker: 0)])
        #expect(pool.submitted(4, now: at(51)) == [])
        #expect(pool.mayConnect(0, now: at(51)) == nil)
        pool.connectFailed(0, why: "still away", now: at(60), jitter: 0)
        #expect(
            pool.finished(0, isConnected: false, now: at(60)) == [.refuse(unit: 4, .unavailable("still away"))]
        )
        // Twice as long now.
        #expect(pool.submitted(5, now: at(159)) == [.refuse(unit: 5, .unavailable("still away"))])
        #expect(pool.submitted(6, now: at(160)) == [.start(unit: 6, worker: 0)])
        #expect(pool.submitted(7, now: at(160)) == [])
        #expect(pool.mayConnect(0, now: at(160)) == nil)
        #expect(pool.connected(0, now: at(170)) == [.start(unit: 7, worker: 1)])
    }

    @Test("connections that live are used while no other can be made")
    func exhausted() {
        var pool = PoolState(size: 2, acquireTimeout: .seconds(1))
        _ = pool.submitted(1, now: at(0))
        _ = pool.mayConnect(0, now: at(0))
        _ = pool.connected(0, now: at(0))
        _ = pool.submitted(2, now: at(0))
        _ = pool.mayConnect(1, now: at(0))
        pool.connectFailed(1, why: "too many", now: at(0), jitter: 0)
        _ = pool.finished(1, isConnected: false, now: at(0))
        #expect(pool.submitted(3, now: at(1)) == [])
        #expect(pool.finished(0, isConnected: true, now: at(2)) == [.start(unit: 3, worker: 0)])
    }

    @Test("a worker that was let through and did not try leaves the way to the next")
    func abandonedProbe() {
        var pool = PoolState(size: 1, acquireTimeout: .seconds(1))
        _ = pool.submitted(1, now: at(0))
        _ = pool.mayConnect(0, now: at(0))
        pool.connectFailed(0, why: "away", now: at(0), jitter: 0)
        _ = pool.finished(0, isConnected: false, now: at(0))
        #expect(pool.submitted(2, now: at(100)) == [.start(unit: 2, worker: 0)])
        #expect(pool.finished(0, isConnected: false, now: at(100)) == [])
        #expect(pool.submitted(3, now: at(100)) == [.start(unit: 3, worker: 0)])
    }

    @Test("a pool that is shut down refuses who waits, and stops each worker once")
    func shutDown() {
        var pool = connected(2)
        _ = pool.submitted(1, now: start)
        _ = pool.submitted(2, now: start)
        _ = pool.submitted(3, now: start)
        _ = pool.finished(1, isConnected: true, now: start)
        #expect(pool.shutDown() == [])
        #expect(pool.submitted(4, now: start) == [.refuse(unit: 4, .shutDown)])
        #expect(pool.finished(0, isConnected: true, now: start) == [.stop(worker: 0)])
        #expect(pool.finished(1, isConnected: true, now: start) == [.stop(worker: 1)])
        #expect(pool.shutDown() == [])
    }

    @Test("the invariants hold whatever happens", arguments: 0..<50)
    func anything(seed: UInt64) {
        var simulation = Simulation(seed: seed)
        for _ in 0..<2000 { simulation.step() }
        simulation.drain()
    }

    @Test("a queue does not grow without end")
    func bounded() {
        var pool = connected(1)
        _ = pool.submitted(0, now: start)
        for unit in 1...UInt64(PoolState.maximumWaiting) { _ = pool.submitted(unit, now: start) }
        #expect(pool.submitted(99_999, now: start) == [.refuse(unit: 99_999, .acquireTimeout)])
    }
}
