import LiveStore
import Logging
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import Origin

/// One stream of HTTP/2 (RFC 9113 §8), without the connection around it.
@Suite("HTTP/2 requests")
struct HTTP2RequestHandlerTests {
    private let fixture = Fixture(segmentSize: 200_000)
    private let loop = EmbeddedEventLoop()

    private func stream(_ limits: OriginLimits = OriginLimits()) throws -> EmbeddedChannel {
        let handler = HTTP2RequestHandler(
            Answering(
                router: fixture.router(),
                peerAddress: "192.0.2.1",
                preamble: ResponsePreamble { 784_111_777 },
                known: KnownRequests(),
                gate: ConnectionGate(limits: limits),
                limits: limits,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        let channel = EmbeddedChannel(handler: handler, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 443)).wait()
        return channel
    }

    private func request(_ path: String, _ more: (String, String)..., method: String = "GET") -> HPACKHeaders {
        let pseudo = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "example.org")]
        return HPACKHeaders(pseudo + more)
    }

    private func send(_ fields: HPACKHeaders, isComplete: Bool = true, to channel: EmbeddedChannel) throws {
        try channel.writeInbound(HTTP2Frame.FramePayload.headers(.init(headers: fields, endStream: isComplete)))
    }

    private func send(_ bytes: [UInt8], isComplete: Bool, to channel: EmbeddedChannel) throws {
        let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isComplete)
        try channel.writeInbound(HTTP2Frame.FramePayload.data(data))
    }

    /// What was written: the fields, the body's size and whether the stream has ended.
    private func answer(_ channel: EmbeddedChannel) throws -> (fields: HPACKHeaders, size: Int, isComplete: Bool) {
        var fields = HPACKHeaders()
        var size = 0
        var isComplete = false
        while let payload = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
            #expect(!isComplete, "nothing comes after the end")
            switch payload {
            case .headers(let headers):
                fields = headers.headers
                isComplete = headers.endStream
            case .data(let data):
                size += data.data.readableBytes
                isComplete = data.endStream
            default: Issue.record("\(payload)")
            }
        }
        return (fields, size, isComplete)
    }

    @Test("a playlist and a segment come with the fields that HTTP/1.1 has, in small letters")
    func media() throws {
        try fixture.goLive("main")
        let playlist = try stream()
        try send(request("/live/main/media.m3u8"), to: playlist)
        let (fields, size, isComplete) = try answer(playlist)
        #expect(isComplete)
        #expect(fields.first { _ in true }?.name == ":status")
        #expect(fields.first(name: ":status") == "200")
        #expect(fields.first(name: "date") == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(fields.first(name: "content-type") == "application/vnd.apple.mpegurl")
        #expect(fields.first(name: "content-length") == "\(size)")
        #expect(fields.allSatisfy { $0.name == $0.name.lowercased() && !$0.value.contains("\r") })
        #expect(!fields.contains(name: "connection"))

        let segment = try stream()
        try send(request("/live/main/t1-0.m4s", ("range", "bytes=0-99")), to: segment)
        let part = try answer(segment)
        #expect(part.fields.first(name: ":status") == "206")
        #expect(part.size == 100)
    }

    @Test("HEAD has the fields alone")
    func head() throws {
        try fixture.goLive("main")
        let channel = try stream()
        try send(request("/live/main/t1-0.m4s", method: "HEAD"), to: channel)
        let (fields, size, isComplete) = try answer(channel)
        #expect(fields.first(name: "content-length") == "200000")
        #expect(size == 0 && isComplete)
    }

    @Test("a body goes out as the client takes it; one that is not taken costs the stream")
    func slowReader() throws {
        try fixture.goLive("main")
        let channel = try stream()
        channel.isWritable = false
        try send(request("/live/main/t1-0.m4s"), to: channel)
        #expect(try answer(channel).size == 0)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(try answer(channel) == (HPACKHeaders(), 200_000, true))

        let stalled = try stream()
        stalled.isWritable = false
        try send(request("/live/main/t1-0.m4s"), to: stalled)
        loop.advanceTime(by: .seconds(19))
        #expect(stalled.isActive)
        loop.advanceTime(by: .seconds(2))
        #expect(!stalled.isActive)
    }

    @Test("a request that ends with an empty DATA frame or with trailers is a request")
    func lateEnd() throws {
        let data = try stream()
        try send(request("/healthz"), isComplete: false, to: data)
        #expect(try answer(data).fields.isEmpty)
        try send([], isComplete: true, to: data)
        #expect(try answer(data).fields.first(name: ":status") == "200")

        let trailers = try stream()
        try send(request("/healthz"), isComplete: false, to: trailers)
        try send(HPACKHeaders([("x", "y")]), to: trailers)
        #expect(try answer(trailers).fields.first(name: ":status") == "200")
    }

    @Test("a body, and an end that does not come, are refused and the stream is reset")
    func refusedBodies() throws {
        let body = try stream()
        try send(request("/healthz"), isComplete: false, to: body)
        try send([1], isComplete: false, to: body)
        #expect(try answer(body).fields.first(name: ":status") == "413")
        loop.run()
        #expect(!body.isActive)

        let endless = try stream()
        try send(request("/healthz"), isComplete: false, to: endless)
        loop.advanceTime(by: .seconds(11))
        #expect(try answer(endless).fields.first(name: ":status") == "408")
        #expect(!endless.isActive)
    }

    @Test(
        "heads that are none",
        arguments: [
            [(":method", "GET"), (":path", "/healthz"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", "a")],
            [(":method", "GET"), (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("host", "b")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "a"), ("host", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "no-slash"), (":authority", "a")],
        ]
    )
    func malformed(fields: [(String, String)]) throws {
        let channel = try stream()
        try send(HPACKHeaders(fields), to: channel)
        #expect(try answer(channel).fields.first(name: ":status") == "400")
    }

    @Test("Host alone is as good as :authority")
    func host() throws {
        let channel = try stream()
        let fields = [(":method", "GET"), (":scheme", "https"), (":path", "/healthz"), ("host", "a")]
        try send(HPACKHeaders(fields), to: channel)
        #expect(try answer(channel).fields.first(name: ":status") == "200")
    }
}
