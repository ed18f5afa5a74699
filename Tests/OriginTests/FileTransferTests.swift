import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Storage
import Testing

@testable import Origin

/// Bodies from the disk on their way to clients.
@Suite("File transfer")
struct FileTransferTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func get(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    /// Listens on loopback, for connections that get the real handlers.
    private func listen(
        _ live: FiledLive,
        _ router: Router,
        _ limits: OriginLimits = OriginLimits()
    ) async throws
        -> any Channel
    {
        try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.socketOption(.so_sndbuf), value: 64 << 10)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let answering = live.answering(router, limits)
                    try channel.pipeline.syncOperations.addHandlers(
                        answering.handlers(now: channel.eventLoop.now, sendsRegions: true)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    private func connect(_ server: any Channel, isReading: Bool = true) async throws -> LoopbackClient {
        let address = try #require(server.localAddress)
        return try await LoopbackClient.connect(to: address, on: group, isReading: isReading)
    }

    @Test("requests behind a body from the disk are answered behind it, in their order")
    func pipelined() async throws {
        let live = try await FiledLive(700_001, 0, 100)
        let server = try await listen(live, live.router())
        let client = try await connect(server)
        try await client.send(
            get("/live/main/t1-100.m4s") + get("/live/main/media.m3u8")
                + get("/live/main/t1-100.m4s", "Range: bytes=300000-599999\r\n") + get("/live/main/t1-101.m4s")
                + get("/live/main/t1-102.m4s") + get("/nothing") + get("/healthz", "Connection: close\r\n")
        )
        let responses = WireResponse.all(in: try await client.receivedAtEnd())
        #expect(responses.map(\.status) == [200, 200, 206, 200, 200, 404, 200])
        let body = Array(FiledLive.body(100, 700_001).readableBytesView)
        #expect(responses[0].body == body && responses[2].body == Array(body[300_000..<600_000]))
        #expect(responses[1].text.hasPrefix("#EXTM3U") && responses[3].body.isEmpty)
        #expect(responses[4].body == Array(FiledLive.body(102, 100).readableBytesView))
        #expect(responses[6].text == "ok\n")
        try await server.close()
        await live.storage.shutDown()
    }

    @Test("a body that ends its connection comes whole, as does one whose client has said all it had to say")
    func closing() async throws {
        let live = try await FiledLive(600_000)
        // However slow these clients are.
        var limits = OriginLimits()
        limits.lingerTime = .seconds(60)
        limits.stalledWriteTime = .seconds(60)
        let server = try await listen(live, live.router(), limits)
        let (closing, finished) = (try await connect(server), try await connect(server))
        try await closing.send(get("/live/main/t1-100.m4s", "Connection: close\r\n") + get("/healthz"))
        try await finished.send(get("/live/main/t1-100.m4s"))
        try await finished.finishSending()
        let body = Array(FiledLive.body(100, 600_000).readableBytesView)
        for (name, client) in [("closing", closing), ("finished", finished)] {
            let received = try await client.receivedAtEnd()
            let responses = WireResponse.all(in: received)
            #expect(responses.map(\.status) == [200], "\(name): \(received.count) bytes")
            let isWhole = responses.first?.body == body
            #expect(isWhole, "\(name)")
        }
        try await server.close()
        await live.storage.shutDown()
    }

    @Test("many clients on two event loops read the same files, as they are and encrypted")
    func crowd() async throws {
        let live = try await FiledLive(300_000, 300_001)
        let encryption = SegmentEncryption(.beside, secret: Array("0123456789abcdef".utf8), keySeconds: 8)
        let server = try await listen(live, live.router(encryption: encryption))
        let targets = ["t1-100.m4s", "t1-101.m4s", "aes/t1-100.m4s"].map { "/live/main/\($0)" }
        let bodies = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { tasks in
            for number in 0..<30 {
                tasks.addTask {
                    let client = try await connect(server)
                    try await client.send(get(targets[number % 3], "Connection: close\r\n"))
                    let responses = WireResponse.all(in: try await client.receivedAtEnd())
                    return (number % 3, responses.first?.body ?? [])
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies.count == 30)
        let plain = [FiledLive.body(100, 300_000), FiledLive.body(101, 300_001)].map { Array($0.readableBytesView) }
        for (kind, body) in bodies {
            #expect(kind == 2 ? body.count == 300_016 : body == plain[kind])
        }
        #expect(Set(bodies.filter { $0.0 == 2 }.map(\.1)).count == 1)
        try await server.close()
        await live.storage.shutDown()
    }

    @Test("a reader that takes nothing loses its connection")
    func stalled() async throws {
        let live = try await FiledLive(3_000_000)
        var limits = OriginLimits()
        limits.stalledWriteTime = .milliseconds(200)
        let server = try await listen(live, live.router(), limits)
        let client = try await connect(server, isReading: false)
        try await client.send(get("/live/main/t1-100.m4s"))
        #expect(try await client.receivedAtEnd().count < 3_000_000)
        try await server.close()
        await live.storage.shutDown()
    }

    @Test("a file that fails midway ends the connection; one that fails at once gets another response")
    func failures() async throws {
        let live = try await FiledLive(2_500_000)
        let server = try await listen(live, live.router())
        try await live.truncate(to: 1_500_000)
        let midway = try await connect(server)
        try await midway.send(get("/live/main/t1-100.m4s") + get("/healthz"))
        let received = try await midway.receivedAtEnd()
        #expect(WireResponse.all(in: received).isEmpty, "it promised more than came, and nothing came behind it")
        #expect(received.count <= FileTransfer.regionSize + 1000)
        let text = String(decoding: received, as: UTF8.self)
        #expect(text.split(separator: "HTTP/1.1 ").count == 1, "no other response in the middle of the body")

        try await live.truncate(to: 0)
        let atOnce = try await connect(server)
        try await atOnce.send(get("/live/main/t1-100.m4s", "Range: bytes=2000000-\r\n") + get("/healthz"))
        let responses = try await atOnce.responses(2)
        #expect(responses.map(\.status) == [503, 200])
        #expect(responses.first?["Retry-After"] == "1")
        try await atOnce.close()
        try await server.close()
        await live.storage.shutDown()
    }

    @Test("a file that is cut off while the system sends it ends the connection, as soon as it is seen to stand still")
    func cutOff() async throws {
        let live = try await FiledLive(900_000)
        var limits = OriginLimits()
        // What stands still is looked at four times in the shortest time; the longer ones would end the test as failed.
        limits.requestHeadTime = .milliseconds(200)
        limits.stalledWriteTime = .seconds(600)
        let server = try await listen(live, live.router(), limits)
        let client = try await connect(server, isReading: false)
        try await client.send(get("/live/main/t1-100.m4s"))
        // Behind an answer to somebody else the first has as much as the system takes.
        let other = try await connect(server)
        try await other.send(get("/live/main/t1-100.m4s", "Range: bytes=0-0\r\n"))
        #expect(try await other.responses(1).map(\.status) == [206])
        try await live.truncate(to: 1000)
        try await client.startReading()
        let received = try await client.receivedAtEnd()
        #expect(received.count < 900_000)
        try await other.close()
        try await server.close()
        await live.storage.shutDown()
    }

    /// A connection whose peer takes nothing until it is writable.
    private func fullChannel(
        _ live: FiledLive,
        _ router: Router,
        sendsRegions: Bool
    ) async throws -> NIOAsyncTestingChannel {
        let channel = try await NIOAsyncTestingChannel { channel in
            let handlers = live.answering(router).handlers(now: channel.eventLoop.now, sendsRegions: sendsRegions)
            // The watch asks for options that this channel does not have.
            try channel.pipeline.syncOperations.addHandlers(Array(handlers.dropFirst(1)))
        }
        try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
        channel.isWritable = false
        return channel
    }

    @Test("what was read of late goes out as a region without another thread, each reader with its own")
    func regions() async throws {
        let live = try await FiledLive(2_500_000)
        let router = live.router()
        let channel = try await fullChannel(live, router, sendsRegions: true)
        for round in 0..<2 {
            let request = get("/live/main/t1-100.m4s", "Range: bytes=100-1999999\r\n")
            try await channel.writeInbound(ByteBuffer(string: request))
            #expect(String(buffer: try await channel.waitForOutboundWrite()).hasPrefix("HTTP/1.1 206 "))
            let first = try await channel.waitForOutboundWrite(as: FileRegion.self)
            #expect(first.readerIndex == 100 && first.readableBytes == FileTransfer.regionSize)
            await router.disk.quiesce()
            #expect(try await channel.readOutbound(as: FileRegion.self) == nil, "nobody takes more in round \(round)")
            channel.isWritable = true
            channel.pipeline.fireChannelWritabilityChanged()
            let second = try await channel.waitForOutboundWrite(as: FileRegion.self)
            #expect(second.readerIndex == first.endIndex && second.endIndex == 2_000_000)
            #expect(second.fileHandle !== first.fileHandle)
            channel.isWritable = false
        }
        try await channel.close()
        await live.storage.shutDown()
    }

    @Test("no more than a chunk is read ahead, and a client that goes away lets go of the file")
    func backPressure() async throws {
        let live = try await FiledLive(700_000)
        let router = live.router()
        let channel = try await fullChannel(live, router, sendsRegions: false)
        try await channel.writeInbound(ByteBuffer(string: get("/live/main/t1-100.m4s")))
        #expect(String(buffer: try await channel.waitForOutboundWrite()).hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(try await channel.waitForOutboundWrite(as: ByteBuffer.self).readableBytes == FileTransfer.chunkSize)
        await router.disk.quiesce()
        #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(try await channel.waitForOutboundWrite(as: ByteBuffer.self).readableBytes == FileTransfer.chunkSize)
        live.forget()
        try await channel.close()
        await router.disk.quiesce()
        try await channel.testingEventLoop.executeInContext {}
        await live.storage.flush()
        #expect(live.storage.figures.bytesOnDisk == 0)
        await live.storage.shutDown()
    }

    @Test("over HTTP/2 a body is read as the client takes it")
    func http2() async throws {
        let live = try await FiledLive(700_000)
        let router = live.router()
        let channel = try await NIOAsyncTestingChannel { channel in
            try channel.pipeline.syncOperations.addHandler(HTTP2RequestHandler(live.answering(router)))
        }
        try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
        channel.isWritable = false
        let fields = [
            (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/live/main/t1-100.m4s"),
        ]
        let head = HTTP2Frame.FramePayload.Headers(headers: HPACKHeaders(fields), endStream: true)
        try await channel.writeInbound(HTTP2Frame.FramePayload.headers(head))
        await router.disk.quiesce()
        #expect(try await channel.readOutbound(as: HTTP2Frame.FramePayload.self) == nil)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        guard case .headers(let answer) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self)
        else {
            Issue.record("no head")
            return
        }
        #expect(answer.headers.first(name: ":status") == "200" && !answer.endStream)
        var (body, hasEnded) = (ByteBuffer(), false)
        while !hasEnded {
            guard case .data(let data) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self),
                case .byteBuffer(let bytes) = data.data
            else { break }
            #expect(bytes.readableBytes <= HTTP2RequestHandler.pieceSize)
            body.writeImmutableBuffer(bytes)
            hasEnded = data.endStream
        }
        #expect(hasEnded && body == FiledLive.body(100, 700_000))
        try await channel.close()
        await live.storage.shutDown()
    }

    @Test("over HTTP/2 a file that fails midway ends the stream; one that fails at once gets another response")
    func http2Failures() async throws {
        let live = try await FiledLive(700_000)
        let router = live.router()
        for (length, status) in [(300_000, "200"), (0, "503")] {
            try await live.truncate(to: length)
            let channel = try await NIOAsyncTestingChannel { channel in
                try channel.pipeline.syncOperations.addHandler(HTTP2RequestHandler(live.answering(router)))
            }
            try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
            let fields = [(":method", "GET"), (":scheme", "https"), (":authority", "a")]
            let path = [(":path", "/live/main/t1-100.m4s")]
            let head = HTTP2Frame.FramePayload.Headers(headers: HPACKHeaders(fields + path), endStream: true)
            try await channel.writeInbound(HTTP2Frame.FramePayload.headers(head))
            guard case .headers(let answer) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self)
            else {
                Issue.record("no head")
                continue
            }
            #expect(answer.headers.first(name: ":status") == status)
            if status == "200" {
                try await channel.closeFuture.get()
            } else {
                try await channel.close()
            }
        }
        await live.storage.shutDown()
    }
}
