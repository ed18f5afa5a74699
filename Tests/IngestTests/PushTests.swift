import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

/// What is said to a server that a live is pushed to.
@Suite("Push to another server")
struct PushTests {
    private let target: PushTarget
    private let main: StreamID

    init() throws {
        target = try #require(PushTarget(url: "rtmp://example.org/app/inst/k3y?a=b/c"))
        main = try #require(StreamID("main"))
    }

    // MARK: - Addresses

    @Test(
        "addresses are taken apart",
        arguments: [
            ("rtmp://h/app/key", "rtmp://h/app", "h", 1935, "key"),
            ("RTMPS://h/app/key", "rtmps://h/app", "h", 443, "key"),
            ("rtmp://h:19350/a/b/c?x=/y", "rtmp://h:19350/a/b", "h", 19_350, "c?x=/y"),
            ("rtmps://[2001:db8::1]:444/app/key", "rtmps://[2001:db8::1]:444/app", "2001:db8::1", 444, "key"),
            ("rtmp://[::1]/app/key", "rtmp://[::1]/app", "::1", 1935, "key"),
            ("rtmp://h:1935/app/key", "rtmp://h/app", "h", 1935, "key"),
        ]
    )
    func addresses(url: String, shown: String, host: String, port: Int, key: String) throws {
        let target = try #require(PushTarget(url: url))
        #expect("\(target)" == shown)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.streamKey.revealed == key)
        #expect(PushTarget(url: target.url.revealed) == target)
        #expect(!"\(target)".contains(key))
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "rtmp://", "rtmp://h", "rtmp://h/app", "rtmp://h/app/", "rtmp:///app/key", "http://h/app/key",
            "rtmp://h:0/app/key", "rtmp://h:65536/app/key", "rtmp://h:x/app/key", "rtmp://u:p@h/app/key",
            "rtmp://h/a pp/key", "rtmp://h//key", "rtmp://h/app/kéy", "h/app/key", "rtmp://h?x/app/key",
        ]
    )
    func wrongAddresses(url: String) {
        #expect(PushTarget(url: url) == nil)
    }

    // MARK: - Commands

    private func command(_ values: AMF0Value..., stream: UInt32 = 0) -> RTMPMessage {
        var body = ByteBuffer()
        body.writeAMF0(values)
        return RTMPMessage(chunkStreamID: 3, timestamp: 0, typeID: 20, messageStreamID: stream, payload: body)
    }

    private func status(_ code: String, _ level: String = "status", _ words: String = "w") -> RTMPMessage {
        let information = [
            AMF0Property("level", .string(level)), AMF0Property("code", .string(code)),
            AMF0Property("description", .string(words)),
        ]
        return command(.string("onStatus"), .number(0), .null, .object(information), stream: 1)
    }

    /// A machine that has got as far as it can with a server that agrees to everything.
    private func live() throws -> RTMPPushStateMachine {
        var machine = RTMPPushStateMachine(target)
        _ = machine.start()
        _ = try machine.receive(command(.string("_result"), .number(1), .object([]), .object([])))
        _ = try machine.receive(command(.string("_result"), .number(4), .null, .number(3)))
        _ = try machine.receive(status("NetStream.Publish.Start"))
        return machine
    }

    @Test("the conversation goes as FMLE's does")
    func conversation() throws {
        var machine = RTMPPushStateMachine(target)
        let opening = machine.start().sent
        #expect(opening.map(\.type) == [1, 20])
        let object = opening[1].values[2]
        #expect(object["app"]?.string == "app/inst")
        #expect(object["tcUrl"]?.string == "rtmp://example.org/app/inst")
        #expect(object["type"]?.string == "nonprivate")

        let create = try machine.receive(command(.string("_result"), .number(1), .object([]), .object([]))).sent
        #expect(create.map(\.values.first) == ["releaseStream", "FCPublish", "createStream"].map { .string($0) })
        #expect(create[1].values.last?.string == "k3y?a=b/c")
        // The answers to the first two, and what else servers say, change nothing.
        #expect(try machine.receive(command(.string("_result"), .number(2), .null, .undefined)).isEmpty)
        #expect(try machine.receive(command(.string("onBWDone"), .number(0), .null, .number(8192))).isEmpty)
        #expect(try machine.receive(command(.string("_error"), .number(3), .null, .undefined)).isEmpty)

        let publish = try machine.receive(command(.string("_result"), .number(4), .null, .number(3))).sent
        #expect(publish.map { $0.values.first?.string } == ["publish"])
        #expect(publish[0].stream == 3)
        #expect(publish[0].values.last?.string == "live")
        let begun = try machine.receive(status("NetStream.Publish.Start"))
        #expect(begun.mediaStream == 3)

        let goodbye = machine.end(.finished)
        #expect(goodbye.sent.compactMap { $0.values.first?.string } == ["FCUnpublish", "deleteStream"])
        #expect(goodbye.sent[1].values.last?.number == 3)
        #expect(goodbye.closes == .finished)
        #expect(machine.end(.finished).isEmpty)
        #expect(try machine.receive(status("NetStream.Publish.Start")).isEmpty)
    }

    @Test("a no is passed on in the server's words, wherever it comes")
    func refused() throws {
        var connecting = RTMPPushStateMachine(target)
        _ = connecting.start()
        let information = AMF0Value.object([
            AMF0Property("code", .string("NetConnection.Connect.Rejected")),
            AMF0Property("description", .string("no such app")),
        ])
        let rejected = try connecting.receive(command(.string("_error"), .number(1), .null, information))
        #expect(rejected.closes == .refused("NetConnection.Connect.Rejected: no such app"))

        var publishing = RTMPPushStateMachine(target)
        _ = publishing.start()
        _ = try publishing.receive(command(.string("_result"), .number(1), .object([]), .object([])))
        _ = try publishing.receive(command(.string("_result"), .number(4), .null, .number(1)))
        let denied = try publishing.receive(status("NetStream.Publish.BadName", "error", "taken\nhere"))
        #expect(denied.closes == .refused("NetStream.Publish.BadName: taken?here"))
        #expect(denied.sent.isEmpty)

        var running = try live()
        #expect(try running.receive(status("NetStream.Publish.Idle")).isEmpty)
        #expect(try running.receive(status("NetConnection.Connect.AppShutdown", "error")).closes != nil)
    }

    @Test("a server that wants us elsewhere is followed there with the same key")
    func moved() throws {
        var machine = try live()
        let information = AMF0Value.object([
            AMF0Property("code", .string("NetConnection.Connect.ReconnectRequest")),
            AMF0Property("tcUrl", .string("rtmps://other/app2")),
        ])
        let end = try machine.receive(command(.string("onStatus"), .number(0), .null, information)).closes
        #expect(end == .moved(to: PushTarget(url: "rtmps://other/app2/k3y?a=b/c")))
        var same = try live()
        let bare = AMF0Value.object([AMF0Property("code", .string("NetConnection.Connect.ReconnectRequest"))])
        #expect(try same.receive(command(.string("onStatus"), .number(0), .null, bare)).closes == .moved(to: nil))
    }

    @Test("pings are answered, windows kept, and odd numbers are no trap")
    func control() throws {
        var machine = try live()
        var ping = ByteBuffer()
        ping.writeMultipleIntegers(UInt16(6), UInt32(77))
        let pong = try machine.receive(
            RTMPMessage(chunkStreamID: 2, timestamp: 0, typeID: 4, messageStreamID: 0, payload: ping)
        )
        #expect(pong.sent.map(\.type) == [4])
        for type in UInt8(0)...30 where type != 20 && type != 17 {
            let empty = RTMPMessage(
                chunkStreamID: 2,
                timestamp: 0,
                typeID: type,
                messageStreamID: 0,
                payload: ByteBuffer()
            )
            #expect(try machine.receive(empty).closes == nil)
        }
        var creating = RTMPPushStateMachine(target)
        _ = creating.start()
        _ = try creating.receive(command(.string("_result"), .number(1)))
        let odd = try creating.receive(command(.string("_result"), .number(4), .null, .number(-1e300)))
        #expect(odd.sent.first?.stream == 1)
    }

    // MARK: - Waiting

    @Test("each failure doubles the wait up to a minute, and a good connection begins anew")
    func delay() {
        var delay = ReconnectDelay()
        let seconds = (0..<9).map { _ in delay.next(after: .zero, random: 0.5).nanoseconds / 1_000_000_000 }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        #expect(delay.next(after: .seconds(29), random: 0).nanoseconds == 45_000_000_000)
        #expect(delay.next(after: .seconds(30), random: 0.999).nanoseconds < 1_250_000_001)
        #expect(delay.next(after: .zero, random: 0.5).nanoseconds == 2_000_000_000)
    }

    // MARK: - A connection

    @Test(
        "two of our own handlers understand each other, byte by byte and whole",
        arguments: [1, 7, 1500, 65_536]
    )
    func againstOurselves(piece: Int) throws {
        let loop = EmbeddedEventLoop()
        let recording = Recording()
        let server = try EmbeddedConnection(.init(recording), loop: loop)
        let relays = RelayHub()
        let relay = relays.begin(main)
        var outcomes: [RTMPPushHandler.Outcome] = []
        var isLive = false
        let handler = RTMPPushHandler(
            main,
            to: target,
            from: relays,
            limits: IngestLimits(),
            logger: Log().logger,
            opened: { _, _ in },
            becameLive: { isLive = true },
            ended: { outcomes.append($0) }
        )
        let client = EmbeddedChannel(handler: handler, loop: loop)
        try client.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1935)).wait()

        func exchange() throws {
            var isMoving = true
            while isMoving {
                isMoving = false
                for (from, to) in [(client, server.channel), (server.channel, client)] {
                    while var bytes = try from.readOutbound(as: ByteBuffer.self) {
                        isMoving = true
                        while let slice = bytes.readSlice(length: min(piece, bytes.readableBytes)),
                            slice.readableBytes > 0, to.isActive
                        { try to.writeInbound(slice) }
                    }
                    loop.run()
                }
            }
        }
        try exchange()
        #expect(isLive)
        var demuxer = FLVDemuxer()
        let payloads: [[UInt8]] = [[0xAF, 0, 0x11, 0x90], [0xAF, 1, 0x21, 1], [0xAF, 1, 0x21, 2]]
        for (index, payload) in payloads.enumerated() {
            let body = ByteBuffer(bytes: payload)
            let timestamp = UInt32(index * 21)
            let outputs = try demuxer.receiveAudio(body, timestamp: timestamp)
            let message = RTMPMessage(
                chunkStreamID: 4,
                timestamp: timestamp,
                typeID: 8,
                messageStreamID: 1,
                payload: body
            )
            relay.receive(message, outputs, now: loop.now)
        }
        loop.run()
        try exchange()
        relays.end(main, .clean)
        loop.run()
        try exchange()
        #expect(outcomes.map(\.end) == [.finished])
        #expect(outcomes.first?.bytes == 12)
        #expect(recording.events.count { if case .unit = $0 { true } else { false } } == 2)
        #expect(recording.events.last == .finish(.clean, publish: 1))
        loop.advanceTime(by: .seconds(5))
        #expect(!client.isActive)
    }

    @Test("a server that goes quiet half way is given up after a while")
    func quiet() throws {
        let loop = EmbeddedEventLoop()
        var ends: [PushEnd] = []
        let handler = RTMPPushHandler(
            main,
            to: target,
            from: RelayHub(),
            limits: IngestLimits(),
            logger: Log().logger,
            opened: { _, _ in },
            becameLive: {},
            ended: { ends.append($0.end) }
        )
        let client = EmbeddedChannel(handler: handler, loop: loop)
        try client.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1935)).wait()
        try client.writeInbound(ByteBuffer(bytes: [3] + [UInt8](repeating: 0, count: 2000)))
        loop.advanceTime(by: .seconds(9))
        #expect(ends.isEmpty)
        loop.advanceTime(by: .seconds(2))
        #expect(ends == [.timedOut("the server let nobody publish for 10 s")])
        #expect(!client.isActive)
    }
}

extension [RTMPPushStateMachine.Effect] {
    fileprivate var sent: [Sent] {
        compactMap { if case .send(let message) = $0 { Sent(message) } else { nil } }
    }
    fileprivate var closes: PushEnd? {
        for case .close(let end) in self { return end }
        return nil
    }
    fileprivate var mediaStream: UInt32? {
        for case .beginMedia(let id) in self { return id }
        return nil
    }
}
