import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

/// A player's side of a connection: RTMP 1.0 §7.2.2.1, and what players do besides.
@Suite("Play over RTMP")
struct PlayTests {
    private let main: StreamID
    private let loop = EmbeddedEventLoop()
    private let recording = Recording()
    private let relays = RelayHub()

    init() throws { main = try #require(StreamID("main")) }

    // MARK: - Commands

    private func connected() throws -> RTMPConnectionStateMachine {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        _ = try machine.command(.string("createStream"), .number(2), .null)
        return machine
    }

    private func play(_ name: String) throws -> (RTMPConnectionStateMachine, [RTMPConnectionStateMachine.Effect]) {
        var machine = try connected()
        let effects = try machine.command(.string("play"), .number(0), .null, .string(name), .number(-2000), stream: 1)
        return (machine, effects)
    }

    @Test(
        "names are found as players write them",
        arguments: [("main", "t"), ("main?token=t1", "t1"), ("flv:main", "t"), ("mp4:main?x=y&token=t1&z=", "t1")]
    )
    func names(name: String, token: String) throws {
        let (_, effects) = try play(name)
        let request = try #require(effects.playRequest)
        #expect(request.stream == main)
        // The app has one too, for names without.
        #expect(request.token?.revealed == token)
        #expect(request.peerAddress == "192.0.2.7")
    }

    @Test("a name that is none, a live that is not there and a no are told apart")
    func refusals() throws {
        let (_, nameless) = try play("../etc/passwd")
        #expect(nameless.sent.map(\.code) == ["NetStream.Play.StreamNotFound"])
        #expect(nameless.closes != nil)

        var (absent, _) = try play("main")
        #expect(absent.playAuthorized(.allow).joins == main)
        let missing = absent.joined(false)
        #expect(missing.sent.map(\.code) == ["NetStream.Play.StreamNotFound"])
        #expect(missing.sent[0].words == "nobody publishes main at the moment")
        #expect(missing.sent[0].level == "error")

        var (denied, _) = try play("main")
        let refusal = denied.playAuthorized(.deny(reason: "not you")).sent
        #expect(refusal.map(\.code) == ["NetStream.Play.Failed"])
        #expect(refusal[0].words == "not you")
        #expect(refusal[0].stream == 1)
    }

    @Test("a play is told of in the order that librtmp, ffmpeg and GStreamer wait for")
    func started() throws {
        var (machine, _) = try play("main")
        _ = machine.playAuthorized(.allow)
        let sent = machine.joined(true).sent
        #expect(sent.map(\.type) == [1, 4, 20, 20, 18])
        #expect(sent[2].code == "NetStream.Play.Reset")
        #expect(sent[3].code == "NetStream.Play.Start")
        #expect(sent.dropFirst(2).allSatisfy { $0.stream == 1 })
    }

    @Test("a player may stop and play again, but not publish or play twice at once")
    func again() throws {
        var (machine, _) = try play("main")
        _ = machine.playAuthorized(.allow)
        _ = machine.joined(true)
        let second = try machine.command(.string("play"), .number(0), .null, .string("main"), stream: 1)
        #expect(second.sent.map(\.code) == ["NetStream.Play.Failed"])
        let publish = try machine.command(.string("publish"), .number(0), .null, .string("main"), stream: 1)
        #expect(publish.sent.map(\.code) == ["NetStream.Publish.BadName"])
        #expect(publish.closes == nil)
        let stopped = try machine.command(.string("deleteStream"), .number(0), .null, .number(1))
        #expect(stopped.sent.map(\.code) == ["NetStream.Play.Stop"])
        #expect(stopped.endsPlay)
        _ = try machine.command(.string("createStream"), .number(3), .null)
        let next = try machine.command(.string("play"), .number(0), .null, .string("main"), stream: 2)
        #expect(next.playRequest != nil)
    }

    @Test("the end of the live is told with the words and the event that players end on")
    func liveEnds() throws {
        var (machine, _) = try play("main")
        _ = machine.playAuthorized(.allow)
        _ = machine.joined(true)
        let end = machine.end(.liveEnded)
        #expect(end.endsPlay)
        #expect(end.sent.map(\.type) == [20, 4])
        #expect(end.sent[0].code == "NetStream.Play.UnpublishNotify")
        #expect(end.sent[0].level == "status")
        #expect(end.closes == .liveEnded)
    }

    @Test(
        "who may play is decided by the address",
        arguments: [
            ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false),
            ("2001:db8::1", false), ("unknown", false), ("1127.0.0.1", false),
        ]
    )
    func local(address: String, isAllowed: Bool) throws {
        let request = PlayRequest(stream: main, peerAddress: address)
        #expect((LocalPlaybackAuthorizer().authorize(request) == .allow) == isAllowed)
        #expect(OpenPlaybackAuthorizer().authorize(request) == .allow)
    }

    // MARK: - A connection

    private func environment(
        _ limits: IngestLimits = IngestLimits(),
        _ authorizer: (any PlaybackAuthorizer)? = OpenPlaybackAuthorizer()
    ) -> RTMPConnectionHandler.Environment {
        .init(recording, limits: limits, playbackAuthorizer: authorizer, relays: relays)
    }

    private func player(_ environment: RTMPConnectionHandler.Environment) throws -> EmbeddedConnection {
        var wire = WireBuilder()
        wire.handshake()
        wire.command([.string("connect"), .number(1), .object([AMF0Property("app", .string("live"))])])
        wire.command([.string("createStream"), .number(2), .null])
        wire.command([.string("play"), .number(0), .null, .string("main")], stream: 1)
        let connection = try EmbeddedConnection(environment, loop: loop, number: 9)
        try connection.send(wire.bytes)
        return connection
    }

    private func publisher(_ environment: RTMPConnectionHandler.Environment) throws -> EmbeddedConnection {
        var wire = WireBuilder()
        wire.handshake()
        wire.publish("main")
        wire.message(4, type: 8, payload: [0xAF, 0, 0x11, 0x90])
        let connection = try EmbeddedConnection(environment, loop: loop)
        try connection.send(wire.bytes)
        return connection
    }

    private func sound(at timestamp: UInt32, _ count: Int = 6) -> [UInt8] {
        var wire = WireBuilder()
        let payload: [UInt8] = [0xAF, 1] + [UInt8](repeating: 0x21, count: count - 2)
        wire.message(4, timestamp: timestamp, type: 8, payload: payload)
        return wire.bytes
    }

    @Test("nobody may play where playing is off")
    func off() throws {
        var connection = try player(environment(IngestLimits(), nil))
        let last = try #require(try connection.replies(afterHandshake: true).last)
        #expect(last.code == "NetStream.Play.Failed")
        #expect(last.words?.contains("HLS") == true)
    }

    @Test("a player hears the live from now on, with its header; it waits for an encoder that left, and not for ever")
    func throughAnInterruption() throws {
        let environment = environment()
        let encoder = try publisher(environment)
        try encoder.send(sound(at: 1000))
        var player = try player(environment)
        #expect(try player.replies(afterHandshake: true).last?.type == 18)
        try encoder.send(sound(at: 1023))
        #expect(try player.replies().map(\.type) == [8, 8], "the header and the sound")
        try encoder.channel.close().wait()
        loop.run()
        #expect(try player.replies().isEmpty)
        #expect(player.channel.isActive)

        let back = try publisher(environment)
        try back.send(sound(at: 5))
        loop.run()
        #expect(try player.replies().map(\.type) == [8, 8])
        try back.channel.close().wait()
        loop.run()
        loop.advanceTime(by: .seconds(61))
        #expect(try player.replies().first?.code == "NetStream.Play.UnpublishNotify")
    }

    @Test("a player that takes nothing loses what waits, and after a while its connection; the publisher loses nothing")
    func slow() throws {
        var limits = IngestLimits()
        limits.maximumUnsentMedia = 10_000
        let environment = environment(limits)
        let encoder = try publisher(environment)
        let player = try player(environment)
        player.channel.isWritable = false
        player.channel.pipeline.fireChannelWritabilityChanged()
        for index in 0..<100 {
            try encoder.send(sound(at: UInt32(index) * 100, 1000))
            loop.advanceTime(by: .milliseconds(100))
        }
        #expect(recording.events.count { if case .unit = $0 { true } else { false } } == 100)
        #expect(player.channel.isActive)
        for index in 100..<400 {
            try encoder.send(sound(at: UInt32(index) * 100, 1000))
            loop.advanceTime(by: .milliseconds(100))
        }
        #expect(!player.channel.isActive)
        #expect(encoder.channel.isActive)
    }
}

extension [RTMPConnectionStateMachine.Effect] {
    fileprivate var playRequest: PlayRequest? {
        for case .authorizePlay(let request) in self { return request }
        return nil
    }
    fileprivate var joins: StreamID? {
        for case .join(let stream, _) in self { return stream }
        return nil
    }
    fileprivate var endsPlay: Bool { contains { if case .endPlay = $0 { true } else { false } } }
}
