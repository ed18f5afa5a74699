import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

@Suite("What a publish is held to and told of")
struct PublishObservationTests {
    private let loop = EmbeddedEventLoop()
    private let recording = Recording()
    private let board = PublishBoard()

    private func opening() -> [UInt8] {
        var wire = WireBuilder()
        wire.handshake()
        wire.publish("main")
        wire.message(4, type: 8, payload: [0xAF, 0, 0x11, 0x90])
        return wire.bytes
    }

    private func sound(at timestamp: UInt32) -> [UInt8] {
        var wire = WireBuilder()
        wire.message(4, timestamp: timestamp, type: 8, payload: [0xAF, 1, 0x21, 0, 0, 0])
        return wire.bytes
    }

    private func publish(_ limits: IngestLimits = IngestLimits()) throws -> EmbeddedConnection {
        let connection = try EmbeddedConnection(.init(recording, limits: limits, board: board), loop: loop)
        try connection.send(opening())
        return connection
    }

    private func status() throws -> PublishStatus {
        let main = try #require(StreamID("main"))
        return try #require(board.publish(of: main))
    }

    @Test("a bucket of four seconds passes a burst, and holds a flood to its rate")
    func budget() {
        let start = NIODeadline.uptimeNanoseconds(1)
        var budget = ReadBudget(bytesPerSecond: 1000, now: start)
        #expect(budget.spend(4000, now: start) == nil)
        let pause = budget.spend(500, now: start)
        #expect(pause.map { abs($0.nanoseconds - 500_000_000) < 10 } == true)
        #expect(budget.spend(0, now: start + .milliseconds(501)) == nil)
        // However long nobody came, no more than four seconds are saved up.
        #expect(budget.spend(4000, now: start + .hours(24_000)) == nil)
        #expect(budget.spend(1, now: start + .hours(24_000)) != nil)
        // A flood of a thousand reads takes as long as its bytes allow.
        var now = start
        var flood = ReadBudget(bytesPerSecond: 1_000_000, now: now)
        for _ in 0..<1000 { if let pause = flood.spend(65_536, now: now) { now = now + pause } }
        let seconds = Double((now - start).nanoseconds) / 1_000_000_000
        #expect(abs(seconds - (65.536 - 4)) < 0.1, "\(seconds)")
    }

    @Test("what comes later than the fastest is late, and a slow clock of the encoder is no lateness")
    func arrivals() {
        var clock = ArrivalClock()
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        func delay(_ time: Int64, at moment: Int64) -> Double {
            clock.delay(of: .milliseconds(time), now: start + .milliseconds(moment)).seconds
        }
        #expect(delay(5000, at: 0) == 0)
        #expect(abs(delay(5040, at: 540) - 0.5) < 0.01, "half a second late")
        #expect(delay(6000, at: 900) == 0, "faster than the first")
        #expect(abs(delay(7000, at: 4900) - 3) < 0.02)
        // An hour on a clock that is slow by a thousandth, then something that is really late.
        clock = ArrivalClock()
        let delays = (Int64(0)...3600).map { delay($0 * 999, at: $0 * 1000) }
        #expect(delays.allSatisfy { $0 == 0 })
        #expect(abs(delay(3601 * 999, at: 3601 * 1000 + 2000) - 2) < 0.02)
    }

    @Test("a publisher above its rate is not read from until there is room, and loses nothing")
    func throttled() throws {
        var limits = IngestLimits()
        limits.maximumBytesPerSecond = 10_000
        let log = Log()
        let connection = try EmbeddedConnection(.init(recording, limits: limits, board: board), loop: loop, log: log)
        try connection.send(opening())
        for index in 0..<2500 { try connection.send(sound(at: UInt32(index))) }
        // Once, however often it happens.
        #expect(log.lines.count { $0.contains("slowed down") } == 1)
        loop.advanceTime(by: .seconds(5))
        #expect(recording.events.count { if case .unit = $0 { true } else { false } } == 2500)
    }

    @Test("pings and metadata alone keep no stream")
    func noMedia() throws {
        let connection = try publish()
        var ping = WireBuilder()
        ping.message(2, type: 4, stream: 0, payload: [0, 6, 0, 0, 0, 1])
        // Looked at when the idle time would be over, so up to that much later.
        for _ in 0..<10 where connection.channel.isActive {
            try connection.send(ping.bytes)
            loop.advanceTime(by: .seconds(14))
        }
        #expect(!connection.channel.isActive)
        #expect(try status().end?.reason.contains("nothing came from the encoder for 90") == true)
    }

    @Test("the board shows who publishes, how much and how fast, and how it ended")
    func accountOnBoard() throws {
        let connection = try publish()
        for second in 0..<6 {
            for frame in 0..<50 { try connection.send(sound(at: UInt32(second * 1000 + frame * 20))) }
            loop.advanceTime(by: .seconds(1))
        }
        try connection.send(sound(at: 20_000) + sound(at: 6000))
        let running = try status()
        #expect(running.end == nil && running.peerAddress == "192.0.2.1" && running.app == "live")
        #expect(running.tracks.map(\.configuration.codecString) == ["mp4a.40.2"])
        #expect(running.audioUnits >= 300 && running.bytes >= 300 * 6)
        #expect(abs(running.bitsPerSecond - 50 * 6 * 8) < 300)
        connection.channel.close(promise: nil)
        loop.run()
        let ended = try status()
        #expect(ended.clockJumps == 2, "one forwards, one back")
        #expect(ended.audioUnits == 302)
        #expect(ended.end?.reason == "the encoder closed the connection")
    }

    @Test("an operator ends a publish: the encoder is told, the live ends cleanly, and there is nothing more to end")
    func endedByOperator() throws {
        var connection = try publish()
        let main = try #require(StreamID("main"))
        #expect(board.endPublish(of: main))
        loop.run()
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Publish.BadName" && last.words?.contains("operator") == true)
        #expect(recording.events.last == .finish(.clean, publish: 1))
        #expect(!board.endPublish(of: main))
        #expect(!board.endPublish(of: try #require(StreamID("other"))))
    }

    @Test("a name's next publish replaces the last one on the board, whose late word does not count")
    func successor() throws {
        let main = try #require(StreamID("main"))
        func status(_ app: String) -> PublishStatus {
            PublishStatus(
                stream: main,
                app: app,
                peerAddress: "a",
                isEncrypted: false,
                startedAt: WallClockTime(milliseconds: 0)
            )
        }
        board.begin(status("one"), of: ConnectionID(number: 1)) {}
        board.begin(status("two"), of: ConnectionID(number: 2)) {}
        board.update(status("late"), of: ConnectionID(number: 1))
        #expect(board.publishes.map(\.app) == ["two"])
    }
}
