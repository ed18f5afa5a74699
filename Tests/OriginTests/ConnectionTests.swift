import NIOCore
import Testing

@testable import Origin

struct ConnectionTimesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let limits = OriginLimits()

    private func times() -> ConnectionTimes { ConnectionTimes(limits: limits, now: start) }

    @Test("a connection without a request expires after the idle time")
    func idle() {
        var times = times()
        #expect(times.check(bufferedBytes: 0, now: start) == .check(at: start + .milliseconds(2500)))
        #expect(times.check(bufferedBytes: 0, now: start + .seconds(74)) == .check(at: start + .seconds(75)))
        var other = times
        other.received(now: start + .seconds(74))
        other.responded(byteCount: 10, now: start + .seconds(74))
        #expect(other.check(bufferedBytes: 0, now: start + .seconds(76)) != .expire(.idle))
    }

    @Test("an idle connection expires although it is checked often")
    func idleChecked() {
        var times = times()
        var now = start
        while case .check(let next) = times.check(bufferedBytes: 0, now: now) { now = next }
        #expect(now == start + .seconds(75))
        #expect(times.check(bufferedBytes: 0, now: now) == .expire(.idle))
    }

    @Test("a request that drips in expires by its first byte, not its last")
    func drip() {
        var times = times()
        for second in 5..<15 { times.received(now: start + .seconds(Int64(second))) }
        #expect(times.check(bufferedBytes: 0, now: start + .milliseconds(14_999)) == .check(at: start + .seconds(15)))
        #expect(times.check(bufferedBytes: 0, now: start + .seconds(15)) == .expire(.requestHead))
    }

    @Test("a reader that takes a little again and again may stay, one that takes nothing expires")
    func stalledWrite() {
        var times = times()
        times.received(now: start)
        times.responded(byteCount: 1000, now: start)
        for step in 1...6 {
            let now = start + .seconds(Int64(step * 19))
            #expect(times.check(bufferedBytes: 1000 - step, now: now) == .check(at: now + .milliseconds(2500)))
        }
        let last = start + .seconds(6 * 19)
        #expect(times.check(bufferedBytes: 994, now: last + .seconds(19)) == .check(at: last + .seconds(20)))
        #expect(times.check(bufferedBytes: 994, now: last + .seconds(20)) == .expire(.stalledWrite))
    }

    @Test("more requests do not excuse a reader that takes nothing")
    func stalledPipeline() {
        var times = times()
        times.responded(byteCount: 1000, now: start)
        _ = times.check(bufferedBytes: 1000, now: start + .seconds(1))
        for second in 2..<20 { times.responded(byteCount: 1000, now: start + .seconds(Int64(second))) }
        #expect(times.check(bufferedBytes: 19_000, now: start + .seconds(21)) == .expire(.stalledWrite))
    }
}

struct ConnectionCensusTests {
    private func limits(_ connections: Int, perAddress: Int) -> OriginLimits {
        var limits = OriginLimits()
        limits.connections = connections
        limits.connectionsPerAddress = perAddress
        return limits
    }

    @Test("the connection after the last one is refused until another one goes")
    func full() throws {
        var census = ConnectionCensus(limits: limits(2, perAddress: 9))
        try census.admit("192.0.2.1")
        try census.admit(nil)
        #expect(throws: ConnectionCensus.Refusal.full) { try census.admit("192.0.2.3") }
        #expect(census.count == 2)
        census.release(nil)
        try census.admit("192.0.2.3")
        #expect(census.count == 2)
    }

    @Test("one address cannot take the room of the others")
    func perAddress() throws {
        var census = ConnectionCensus(limits: limits(9, perAddress: 2))
        try census.admit("2001:db8::1")
        try census.admit("2001:db8::1")
        #expect(throws: ConnectionCensus.Refusal.addressFull) { try census.admit("2001:db8::1") }
        try census.admit("2001:db8::2")
        census.release("2001:db8::1")
        try census.admit("2001:db8::1")
        #expect(census.count == 3)
    }

    @Test("a reverse proxy on this machine stands for many", arguments: ["127.0.0.1", "127.8.8.8", "::1"])
    func loopback(address: String) throws {
        var census = ConnectionCensus(limits: limits(9, perAddress: 1))
        for _ in 0..<9 { try census.admit(address) }
        #expect(throws: ConnectionCensus.Refusal.full) { try census.admit(address) }
        for _ in 0..<9 { census.release(address) }
        #expect(census.count == 0)
    }
}

struct DrainProgressTests {
    @Test("who was there a moment ago may come back within the quiet time")
    func recentVisitors() {
        var progress = DrainProgress(hasHadVisitors: true)
        #expect(progress.connectionsChanged(to: 0) == .startQuietTime(1))
        #expect(progress.connectionsChanged(to: 1) == .wait)
        #expect(progress.quietTimeElapsed(1) == .wait)
        #expect(progress.connectionsChanged(to: 0) == .startQuietTime(2))
        #expect(progress.quietTimeElapsed(2) == .finish)
    }

    @Test("a drain without connections is over at once")
    func nobody() {
        var progress = DrainProgress(hasHadVisitors: false)
        #expect(progress.connectionsChanged(to: 0) == .finish)
    }

    @Test("a drain waits for a quiet time that no connection breaks")
    func quiet() {
        var progress = DrainProgress(hasHadVisitors: false)
        #expect(progress.connectionsChanged(to: 2) == .wait)
        #expect(progress.connectionsChanged(to: 0) == .startQuietTime(1))
        #expect(progress.connectionsChanged(to: 0) == .wait)
        #expect(progress.connectionsChanged(to: 1) == .wait)
        #expect(progress.quietTimeElapsed(1) == .wait)
        #expect(progress.connectionsChanged(to: 0) == .startQuietTime(2))
        #expect(progress.quietTimeElapsed(1) == .wait)
        #expect(progress.quietTimeElapsed(2) == .finish)
    }
}
