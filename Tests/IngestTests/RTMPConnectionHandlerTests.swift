import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

@Suite("RTMPConnectionHandler")
struct RTMPConnectionHandlerTests {
    private let recording = Recording()
    private let loop = EmbeddedEventLoop()
    private let log = Log()

    /// Handshake, publish, a sequence header and a picture.
    private func opening(_ key: String = "main") -> [UInt8] {
        var wire = WireBuilder()
        wire.handshake()
        wire.publish(key)
        wire.message(6, type: 9, payload: Array(FLVDemuxerTests.avc(0, FLVDemuxerTests.avcC).readableBytesView))
        wire.message(6, timestamp: 33, type: 9, payload: picture)
        return wire.bytes
    }

    private var picture: [UInt8] {
        Array(FLVDemuxerTests.avc(1, FLVDemuxerTests.unit([0x65, 1])).readableBytesView)
    }

    private func name(_ name: String) throws -> StreamID { try #require(StreamID(name)) }

    private var finishes: [PublishEnd] {
        recording.events.compactMap { if case .finish(let end, _) = $0 { end } else { nil } }
    }

    @Test("everything glued behind C2 is answered and arrives", arguments: Feed.allCases)
    func glued(feed: Feed) throws {
        var connection = try EmbeddedConnection(.init(recording), loop: loop)
        try connection.send(opening(), feed: feed)
        let codes = try connection.replies(afterHandshake: true).compactMap(\.code)
        // onFCPublish and onStatus.
        #expect(codes == ["NetConnection.Connect.Success", "NetStream.Publish.Start", "NetStream.Publish.Start"])
        #expect(
            recording.events == [
                .begin(try name("main"), publish: 1),
                .configure("avc1.42c00b", publish: 1),
                .unit(.video, milliseconds: 33, isSync: true, size: 6, publish: 1),
            ]
        )
    }

    @Test("a drop interrupts the publish, a goodbye ends it, and either only once", arguments: [true, false])
    func finish(saysGoodbye: Bool) throws {
        let connection = try EmbeddedConnection(.init(recording), loop: loop)
        try connection.send(opening())
        if saysGoodbye {
            var wire = WireBuilder()
            wire.command([.string("FCUnpublish"), .number(6), .null, .string("main")])
            wire.command([.string("deleteStream"), .number(7), .null, .number(1)])
            try connection.send(wire.bytes)
        }
        connection.channel.close(promise: nil)
        loop.run()
        #expect(finishes == [saysGoodbye ? .clean : .interrupted])
    }

    @Test("nothing is read on while the authorizer is asked, and nothing is lost")
    func pendingAuthorization() throws {
        let authorizer = PendingAuthorizer(decision: loop.makePromise())
        var connection = try EmbeddedConnection(.init(recording, authorizer: authorizer), loop: loop)
        try connection.send(opening())
        try connection.send(wireOf(picture, timestamp: 66))
        #expect(recording.events.isEmpty)
        #expect(try connection.replies(afterHandshake: true).compactMap(\.code) == ["NetConnection.Connect.Success"])
        authorizer.decision.succeed(.allow(PublishGrant(try name("main"))))
        loop.run()
        #expect(try connection.replies().last?.code == "NetStream.Publish.Start")
        #expect(recording.events.count == 4)
    }

    @Test("an authorizer that fails is a refusal, and one that answers too late is not listened to")
    func failingAuthorization() throws {
        let failing = PendingAuthorizer(decision: loop.makePromise())
        var connection = try EmbeddedConnection(.init(recording, authorizer: failing), loop: loop)
        try connection.send(opening())
        failing.decision.fail(ChannelError.eof)
        #expect(try connection.replies(afterHandshake: true).last?.code == "NetStream.Publish.Denied")

        let late = PendingAuthorizer(decision: loop.makePromise())
        let second = try EmbeddedConnection(.init(recording, authorizer: late), loop: loop)
        try second.send(opening())
        second.channel.close(promise: nil)
        loop.run()
        late.decision.succeed(.allow(PublishGrant(try name("main"))))
        loop.run()
        #expect(recording.events.isEmpty)
    }

    @Test("an overloaded server refuses a publish in words that encoders show")
    func overload() throws {
        let crowded = RTMPConnectionHandler.Environment(recording, admission: Crowded())
        var connection = try EmbeddedConnection(crowded, loop: loop, log: log)
        try connection.send(opening())
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Publish.Rejected")
        #expect(last.level == "error")
        #expect(last.words == "the server is overloaded and takes no new streams now: try again later")
        #expect(recording.events.isEmpty)
        loop.advanceTime(by: .seconds(1))
        #expect(!connection.channel.isActive)
        #expect(log.lines.contains { $0.hasPrefix("info publish refused") && $0.contains("overloaded") })

        // What runs is none of the crowd's, and neither is the encoder that takes it over.
        let second = try EmbeddedConnection(crowded, loop: loop, number: 2)
        try second.send(opening("running"))
        #expect(recording.events.first == .begin(try name("running"), publish: 1))
    }

    @Test("an overloaded server refuses a player")
    func overloadOfPlayers() throws {
        let environment = RTMPConnectionHandler.Environment(
            recording,
            playbackAuthorizer: OpenPlaybackAuthorizer(),
            admission: Crowded()
        )
        var connection = try EmbeddedConnection(environment, loop: loop)
        var wire = WireBuilder()
        wire.handshake()
        wire.command([
            .string("connect"), .number(1), .object([AMF0Property("app", .string("live"))]),
        ])
        wire.command([.string("createStream"), .number(2), .null])
        wire.command([.string("play"), .number(0), .null, .string("main")], stream: 1)
        try connection.send(wire.bytes)
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Play.Failed")
        #expect(last.words == "the server is overloaded and takes no new players now: try again later")
    }

    @Test("times are bounded: handshake, publish, media")
    func timeouts() throws {
        let silent = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        try silent.send([3, 0, 0])
        loop.advanceTime(by: .seconds(10))
        #expect(!silent.channel.isActive)

        let idle = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        var wire = WireBuilder()
        wire.handshake()
        try idle.send(wire.bytes)
        loop.advanceTime(by: .seconds(29))
        #expect(idle.channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!idle.channel.isActive)

        let publisher = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        try publisher.send(opening())
        for time in stride(from: UInt32(20), to: 200, by: 20) {
            loop.advanceTime(by: .seconds(20))
            try publisher.send(wireOf(picture, timestamp: time * 1000))
        }
        #expect(finishes.isEmpty)
        loop.advanceTime(by: .seconds(30))
        #expect(finishes == [.interrupted])
        loop.advanceTime(by: .seconds(2))
        #expect(!publisher.channel.isActive)
        let turnedAway = log.lines.filter { $0.contains("turned away") }
        #expect(turnedAway.count == 2)
        #expect(log.lines.contains { $0.contains("nothing came from the encoder for 30.0 s") })
    }

    @Test("a codec that is not taken ends the publish with its name")
    func otherCodec() throws {
        var connection = try EmbeddedConnection(.init(recording), loop: loop)
        try connection.send(opening() + wireOf([0xB2, 0, 0], timestamp: 40, type: 8))
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Publish.Rejected")
        #expect(last.words?.contains("Speex") == true)
        #expect(finishes == [.interrupted])
    }

    @Test("a message longer than a stranger may send ends the connection, for a publisher it is taken")
    func lengthBeforePublish() throws {
        var wire = WireBuilder()
        wire.handshake()
        wire.type0(3, timestamp: 0, length: 70_000, type: 20, stream: 0, payload: [UInt8](repeating: 0, count: 128))
        let stranger = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        try stranger.send(wire.bytes)
        #expect(!stranger.channel.isActive)
        #expect(log.lines.contains { $0.contains("message of 70000 bytes, allowed 65536") })

        let publisher = try EmbeddedConnection(.init(recording), loop: loop)
        try publisher.send(opening())
        var big = Array(FLVDemuxerTests.avc(1, []).readableBytesView)
        big += [0, 1, 0x11, 0x6B, 0x65] + [UInt8](repeating: 1, count: 69_994)
        try publisher.send(wireOf(big, timestamp: 66))
        #expect(
            recording.events.last == .unit(.video, milliseconds: 66, isSync: true, size: 69_999, publish: 1)
        )
    }

    @Test("a peer that does not read its replies is cut")
    func unread() throws {
        let connection = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        connection.channel.isWritable = false
        var wire = WireBuilder()
        wire.handshake()
        try connection.send(wire.bytes)
        #expect(!connection.channel.isActive)
        #expect(log.lines.contains { $0.contains("does not read") })
    }

    @Test("a second publisher takes over: first the old one's end, then the new one's beginning")
    func takeover() throws {
        let environment = RTMPConnectionHandler.Environment(recording)
        var old = try EmbeddedConnection(environment, loop: loop, number: 1)
        var new = try EmbeddedConnection(environment, loop: loop, number: 2)
        try old.send(opening())
        try new.send(opening())
        let main = try name("main")
        let outline = recording.events.filter { event in
            switch event {
            case .begin, .finish: true
            default: false
            }
        }
        #expect(outline == [.begin(main, publish: 1), .finish(.interrupted, publish: 1), .begin(main, publish: 2)])
        #expect(try old.replies(afterHandshake: true).last?.code == "NetStream.Publish.BadName")
        #expect(try new.replies(afterHandshake: true).last?.code == "NetStream.Publish.Start")
        #expect(!old.channel.isActive)
        #expect(new.channel.isActive)
    }

    @Test("the wait for a holder that does not let go is bounded")
    func boundedTakeover() throws {
        let registry = StreamRegistry()
        registry.claim(
            try name("main"),
            by: StreamRegistry.Claimant(id: ConnectionID(number: 99), granted: {}, superseded: { _ in }, refused: {}),
            now: loop.now
        )
        var connection = try EmbeddedConnection(.init(recording, registry: registry), loop: loop)
        try connection.send(opening())
        #expect(connection.channel.isActive)
        loop.advanceTime(by: .seconds(1))
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Publish.BadName")
        #expect(last.words?.contains("busy") == true)
        #expect(recording.events.isEmpty)
    }

    @Test("of two encoders that come back each time, the newcomer is refused in words while the other one sends")
    func contested() throws {
        let registry = StreamRegistry()
        let frame = wireOf([0xAF, 1, 0x21], timestamp: 1, type: 8)
        var holder = try EmbeddedConnection(.init(recording, registry: registry), loop: loop, number: 1)
        try holder.send(opening() + frame)
        for number in 2...4 as ClosedRange<UInt64> {
            loop.advanceTime(by: .milliseconds(1900))
            try holder.send(frame)
            let next = try EmbeddedConnection(.init(recording, registry: registry), loop: loop, number: number)
            try next.send(opening() + frame)
            #expect(!holder.channel.isActive)
            holder = next
        }
        var newcomer = try EmbeddedConnection(.init(recording, registry: registry), loop: loop, number: 5)
        try newcomer.send(opening())
        let last = try #require(try newcomer.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Publish.BadName")
        #expect(last.words?.contains("another encoder is publishing with this key") == true)
        #expect(holder.channel.isActive)

        // Half-open, the holder is replaced at once all the same.
        loop.advanceTime(by: .seconds(3))
        var back = try EmbeddedConnection(.init(recording, registry: registry), loop: loop, number: 6)
        try back.send(opening())
        #expect(try back.replies(afterHandshake: true).last?.code == "NetStream.Publish.Start")
        #expect(!holder.channel.isActive)
    }

    @Test("aggregates and data go the way of single messages")
    func aggregatesAndData() throws {
        let connection = try EmbeddedConnection(.init(recording), loop: loop)
        let sound: [UInt8] = [8, 0, 0, 3, 0, 0, 9, 0, 0, 0, 0, 0xAF, 1, 0x21, 0, 0, 0, 14]
        let text: [UInt8] = [2, 0, 10] + Array("onTextData".utf8) + [2, 0, 2, 0x68, 0x69]
        try connection.send(
            opening() + wireOf([0xAF, 0, 0x11, 0x90], timestamp: 0, type: 8)
                + wireOf(sound + sound, timestamp: 100, type: 22) + wireOf(text, timestamp: 105, type: 18)
        )
        #expect(
            recording.events.dropFirst(4) == [
                .unit(.audio, milliseconds: 100, isSync: true, size: 1, publish: 1),
                .unit(.audio, milliseconds: 100, isSync: true, size: 1, publish: 1),
                .metadata("onTextData", milliseconds: 105, json: "\"hi\"", publish: 1),
            ]
        )
    }

    @Test("a stopping server ends the publish cleanly and says so")
    func stop() throws {
        var connection = try EmbeddedConnection(.init(recording), loop: loop)
        try connection.send(opening())
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(finishes == [.clean])
        #expect(try connection.replies(afterHandshake: true).last?.code == "NetConnection.Connect.AppShutdown")
    }

    @Test(
        "keys are never logged, refused or not",
        arguments: ["s3cr3t-key", "s3cr3t key with spaces", "s3cr3t-key?t=s3cr3t"]
    )
    func secrets(key: String) throws {
        let keys = OneKeyAuthorizer(key: "s3cr3t-key", stream: try name("main"))
        var connection = try EmbeddedConnection(.init(recording, authorizer: keys), loop: loop, log: log)
        var wire = WireBuilder()
        wire.handshake()
        wire.command([.string("connect"), .number(1), .object([AMF0Property("app", .string("live/\(key)"))])])
        wire.command([.string("createStream"), .number(2), .null])
        wire.command([.string("publish"), .number(3), .null, .string(key)], stream: 1)
        try connection.send(wire.bytes)
        connection.channel.close(promise: nil)
        loop.run()
        #expect(log.lines.count >= 2)
        #expect(log.lines.allSatisfy { !$0.contains("s3cr3t") }, "\(log.lines)")
        #expect(try connection.replies(afterHandshake: true).allSatisfy { $0.words?.contains("s3cr3t") != true })
    }

    @Test("random bytes behind the handshake end one connection with one line", arguments: 0..<50)
    func hostile(seed: Int) throws {
        var wire = WireBuilder()
        wire.handshake()
        var generator = SeededGenerator(state: UInt64(seed))
        let connection = try EmbeddedConnection(.init(recording), loop: loop, log: log)
        try connection.send(wire.bytes + generator.bytes(20_000))
        loop.advanceTime(by: .seconds(60))
        #expect(!connection.channel.isActive)
        #expect(log.lines.filter { $0.hasPrefix("info") }.count == 1)
    }

    private func wireOf(_ payload: [UInt8], timestamp: UInt32, type: UInt8 = 9) -> [UInt8] {
        var wire = WireBuilder()
        wire.message(6, timestamp: timestamp, type: type, payload: payload)
        return wire.bytes
    }
}

/// Knows one key.
private struct OneKeyAuthorizer: PublishAuthorizer {
    let key: String
    let stream: StreamID

    func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision> {
        let isRight = request.streamKey.revealed == key
        return eventLoop.makeSucceededFuture(
            isRight ? .allow(PublishGrant(stream)) : .deny(PublishRefusal(reason: "the stream key is wrong"))
        )
    }
}

/// Answers when the test says so.
private struct PendingAuthorizer: PublishAuthorizer {
    let decision: EventLoopPromise<PublishDecision>

    func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision> {
        decision.futureResult
    }
}

/// Room for those alone who publish `running`.
private struct Crowded: Admission {
    func admits(_ newcomer: Newcomer) -> Bool {
        if case .publisher(let stream) = newcomer { stream.name == "running" } else { false }
    }
}
