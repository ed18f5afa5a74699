import MediaCore
import NIOCore
import Testing

@testable import Ingest

@Suite("RTMPConnectionStateMachine")
struct RTMPConnectionStateMachineTests {
    private let main: StreamID

    init() throws { main = try #require(StreamID("main")) }

    @Test("connect is answered in the order encoders wait for")
    func connect() throws {
        var machine = RTMPConnectionStateMachine()
        let sent = try machine.connect().sent
        #expect(sent.map(\.type) == [5, 6, 1, 20])
        #expect(sent[3].values.first == .string("_result"))
        #expect(sent[3].values[1] == .number(1))
        #expect(sent[3].code == "NetConnection.Connect.Success")
        #expect(sent[3].values.last?["objectEncoding"] == .number(0))
    }

    @Test("a publish is authorised, claimed and only then started", arguments: [UInt8(20), 17])
    func publish(type: UInt8) throws {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        #expect(
            try machine.command(.string("releaseStream"), .number(2), .null, .string("k"), type: type).sent.count == 1
        )
        #expect(try machine.command(.string("FCPublish"), .number(3), .null, .string("k"), type: type).sent.count == 1)
        let created = try machine.command(.string("createStream"), .number(4), .null, type: type).sent
        #expect(created.first?.values == [.string("_result"), .number(4), .null, .number(1)])

        let asked = try machine.command(
            .string("publish"),
            .number(5),
            .null,
            .string("k3y?user=me"),
            .string("live"),
            stream: 1,
            type: type
        )
        let request = try #require(asked.request)
        #expect(request.streamKey.revealed == "k3y")
        #expect(request.app == "live")
        #expect(request.peerAddress == "192.0.2.7")
        #expect(asked.sent.isEmpty)

        let claim = machine.authorized(.allow(PublishGrant(main)))
        #expect(claim.sent.isEmpty && claim.begins == nil)
        let started = machine.claimed()
        #expect(started.begins == main)
        #expect(started.sent.map(\.type) == [4, 20, 20])
        #expect(started.sent[1].values.first?.string == "onFCPublish")
        #expect(started.sent[2].stream == 1)
        #expect(started.sent[2].code == "NetStream.Publish.Start")
        #expect(started.sent[2].level == "status")
    }

    @Test("GStreamer's transaction 0 gets no result", arguments: ["releaseStream", "FCPublish", "_checkbw"])
    func transactionZero(name: String) throws {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        #expect(try machine.command(.string(name), .number(0), .null, .string("k")).isEmpty)
    }

    @Test("a refusal is an error in words, then the connection closes")
    func denied() throws {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        _ = try machine.command(.string("createStream"), .number(2), .null)
        _ = try machine.command(.string("publish"), .number(0), .null, .string("key"), stream: 1)
        let effects = machine.authorized(.deny(PublishRefusal(reason: "no")))
        #expect(effects.sent.map(\.code) == ["NetStream.Publish.Denied"])
        #expect(effects.sent[0].level == "error")
        #expect(effects.sent[0].words == "no")
        #expect(effects.sent[0].stream == 1)
        #expect(effects.closes != nil)
        #expect(effects.endsPublish == nil)
    }

    @Test("an empty key is refused in words", arguments: ["", "?auth=1"])
    func refused(key: String) throws {
        var machine = RTMPConnectionStateMachine()
        _ = try machine.connect()
        _ = try machine.command(.string("createStream"), .number(2), .null)
        let empty = try machine.command(.string("publish"), .number(3), .null, .string(key), stream: 1)
        #expect(empty.sent[0].code == "NetStream.Publish.BadName")
        #expect(empty.sent[0].words?.contains("empty") == true)
        #expect(empty.closes != nil)
    }

    @Test(
        "every goodbye ends the publish cleanly, once",
        arguments: [
            [AMF0Value.string("FCUnpublish"), .number(6), .null, .string("key")],
            [.string("deleteStream"), .number(7), .null, .number(1)],
            [.string("deleteStream"), .number(0), .null, .string("key")],
            [.string("closeStream"), .number(0), .null],
        ]
    )
    func goodbye(values: [AMF0Value]) throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        var body = ByteBuffer()
        body.writeAMF0(values)
        let message = RTMPMessage(chunkStreamID: 3, timestamp: 0, typeID: 20, messageStreamID: 1, payload: body)
        guard case .perform(let effects) = try machine.receive(message) else { return }
        #expect(effects.endsPublish == .clean)
        #expect(effects.closes == nil)
        guard case .perform(let again) = try machine.receive(message) else { return }
        #expect(again.endsPublish == nil)
        #expect(machine.end(.peerClosed).endsPublish == nil)
    }

    @Test("another message stream's end leaves the publish alone")
    func otherStream() throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        #expect(try machine.command(.string("deleteStream"), .number(7), .null, .number(2)).isEmpty)
        #expect(try machine.command(.string("deleteStream"), .number(7), .null, .number(.nan)).isEmpty)
        #expect(try machine.command(.string("closeStream"), .number(7), .null, stream: 9).isEmpty)
        #expect(machine.end(.peerClosed).endsPublish == .interrupted)
    }

    @Test("after a clean end the same connection may publish again")
    func republish() throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        _ = try machine.command(.string("FCUnpublish"), .number(0), .null)
        let asked = try machine.command(.string("publish"), .number(0), .null, .string("key"), stream: 1)
        #expect(asked.request != nil)
    }

    @Test("a second publish is refused and the first goes on")
    func secondPublish() throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        _ = try machine.command(.string("createStream"), .number(8), .null)
        let effects = try machine.command(.string("publish"), .number(9), .null, .string("other"), stream: 2)
        #expect(effects.sent.map(\.code) == ["NetStream.Publish.BadName"])
        #expect(effects.closes == nil && effects.request == nil)
        #expect(machine.end(.peerClosed).endsPublish == .interrupted)
    }

    @Test("commands out of order end the connection with their name")
    func order() throws {
        var machine = RTMPConnectionStateMachine()
        #expect(throws: RTMPCommandError.beforeConnect(command: "publish")) {
            try machine.command(.string("publish"), .number(0), .null, .string("k"))
        }
        _ = try machine.connect()
        #expect(throws: RTMPCommandError.connectedAlready) { try machine.connect() }
        #expect(throws: RTMPCommandError.unknownMessageStream(2)) {
            try machine.command(.string("publish"), .number(0), .null, .string("k"), stream: 2)
        }
        for _ in 0..<3 { _ = try machine.command(.string("createStream"), .number(2), .null) }
        #expect(throws: RTMPCommandError.tooManyMessageStreams(allowed: 3)) {
            try machine.command(.string("createStream"), .number(2), .null)
        }
        #expect(throws: RTMPCommandError.unnamed) { try machine.command(.number(1)) }
        #expect(throws: RTMPCommandError.malformed(.unknownMarker(4))) {
            let body = ByteBuffer(bytes: [4])
            _ = try machine.receive(
                RTMPMessage(chunkStreamID: 3, timestamp: 0, typeID: 20, messageStreamID: 0, payload: body)
            )
        }
    }

    @Test("unknown commands and messages are ignored", arguments: [UInt8(0), 3, 7, 16, 19, 99, 255])
    func unknown(type: UInt8) throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        #expect(try machine.command(.string("FCSubscribe"), .number(3), .null).sent.isEmpty)
        let body = ByteBuffer(bytes: [0xFF, 0xFF, 1])
        let message = RTMPMessage(chunkStreamID: 3, timestamp: 0, typeID: type, messageStreamID: 0, payload: body)
        guard case .perform(let effects) = try machine.receive(message) else {
            Issue.record("taken for media")
            return
        }
        #expect(effects.sent.isEmpty && effects.closes == nil)
    }

    @Test("a ping comes back, other user control does not")
    func ping() throws {
        var machine = RTMPConnectionStateMachine()
        func userControl(_ bytes: [UInt8]) throws -> [RTMPMessage] {
            let body = ByteBuffer(bytes: bytes)
            let message = RTMPMessage(chunkStreamID: 2, timestamp: 0, typeID: 4, messageStreamID: 0, payload: body)
            guard case .perform(let effects) = try machine.receive(message) else { return [] }
            return effects.compactMap { if case .send(let message) = $0 { message } else { nil } }
        }
        #expect(try userControl([0, 6, 1, 2, 3, 4]).map(\.payload) == [ByteBuffer(bytes: [0, 7, 1, 2, 3, 4])])
        #expect(try userControl([0, 3, 0, 0, 0, 1, 0, 0, 0, 9]).isEmpty)
        #expect(try userControl([0, 6]).isEmpty)
    }

    @Test(
        "the end of a connection is told to the encoder and to the live",
        arguments: [
            (ConnectionEnd.serverStopped, "NetConnection.Connect.AppShutdown", PublishEnd.clean),
            (.takenOver, "NetStream.Publish.BadName", .interrupted),
            (.chunk(.invalidChunkSize(0)), "NetStream.Failed", .interrupted),
            (.media(.unsupportedCodec(MediaCodecName(soundFormat: 2))), "NetStream.Publish.Rejected", .interrupted),
            (.peerClosed, nil, .interrupted),
            (.peerDoesNotRead(allowed: 1), nil, .interrupted),
        ] as [(ConnectionEnd, String?, PublishEnd)]
    )
    func ends(end: ConnectionEnd, code: String?, publishEnd: PublishEnd) throws {
        var machine = try RTMPConnectionStateMachine.publishing(main)
        let effects = machine.end(end)
        #expect(effects.endsPublish == publishEnd)
        #expect(effects.sent.first?.code == code)
        #expect(effects.closes == end)
        #expect(machine.end(.peerClosed).isEmpty)
        #expect(machine.claimed().isEmpty && machine.authorized(.allow(PublishGrant(main))).isEmpty)
    }
}

@Suite("AcknowledgementWindow")
struct AcknowledgementWindowTests {
    @Test("every window is acknowledged, also when the encoder never states one")
    func windows() {
        var window = AcknowledgementWindow()
        #expect(window.receive(1_249_999) == nil)
        #expect(window.receive(1) == 1_250_000, "at half of it: an encoder that waits at the whole never has to")
        window.set(size: 1000)
        #expect(window.receive(499) == nil)
        #expect(window.receive(5000) == 1_255_499)
        window.set(size: 0)
        #expect(window.receive(1) == nil)
        window.set(size: 1)
        #expect(window.receive(1) == 1_255_501)
    }

    @Test("the sequence number wraps at 2^32")
    func wrap() {
        var window = AcknowledgementWindow()
        _ = window.receive(0xFFFF_FFFF)
        #expect(window.receive(2_500_001) == 2_500_000)
    }
}
