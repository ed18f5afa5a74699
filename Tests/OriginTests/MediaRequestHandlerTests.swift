import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Origin

/// The whole pipeline of a connection, on a clock that the test moves.
struct MediaRequestHandlerTests {
    private let fixture = Fixture()
    private let channel = EmbeddedChannel()
    private let gate = ConnectionGate(limits: OriginLimits())

    init() throws {
        try fixture.goLive("main")
        try channel.pipeline.syncOperations.addHandlers(
            Answering(
                router: fixture.router(),
                peerAddress: "192.0.2.1",
                preamble: ResponsePreamble(secondsSinceEpoch: { 0 }),
                known: KnownRequests(),
                gate: gate,
                limits: OriginLimits(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ).handlers(now: channel.eventLoop.now, sendsRegions: true)
        )
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    private func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    private func received() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    private func get(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("pipelined requests are answered in their order, bodies only where they belong")
    func pipelined() throws {
        try send(
            get("/live/main/media.m3u8") + get("/nothing").replacing("GET", with: "HEAD") + get("/live/main/t1-0.m4s")
                + get("/healthz")
        )
        let responses = WireResponse.all(in: try received(), withoutBodies: [1])
        #expect(responses.map(\.status) == [200, 404, 200, 200])
        #expect(responses[0].text.hasPrefix("#EXTM3U"))
        #expect(responses[1].body.isEmpty)
        #expect(responses[2].body == Array(fixture.segmentBody.readableBytesView))
        #expect(responses[3].text == "ok\n")
        #expect(responses.allSatisfy { $0["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT" && $0["Connection"] == nil })
        #expect(channel.isActive)
    }

    @Test("requests may arrive in any pieces", arguments: [1, 2, 3, 7, 31])
    func pieces(size: Int) throws {
        let requests = Array((get("/live/main/media.m3u8") + get("/live/main/t1-0.m4s", "Range: bytes=0-3\r\n")).utf8)
        for start in stride(from: 0, to: requests.count, by: size) {
            try channel.writeInbound(ByteBuffer(bytes: requests[start..<min(start + size, requests.count)]))
        }
        let responses = WireResponse.all(in: try received())
        #expect(responses.map(\.status) == [200, 206])
        #expect(responses.last?.body == [0, 1, 2, 3])
    }

    @Test("an HTTP/1.0 client gets its connection closed unless it asks to keep it")
    func http10() throws {
        try send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(WireResponse.all(in: try received()).first?["Connection"] == "keep-alive")
        #expect(channel.isActive)
        try send("GET /healthz HTTP/1.0\r\n\r\n" + get("/healthz"))
        let responses = WireResponse.all(in: try received())
        #expect(responses.count == 1)
        #expect(responses.first?["Connection"] == "close")
    }

    @Test("after Connection: close nothing more is answered, and the connection ends when the peer does not end it")
    func close() throws {
        try send(get("/healthz", "Connection: close\r\n") + get("/healthz"))
        try send(get("/healthz"))
        #expect(WireResponse.all(in: try received()).map(\.status) == [200])
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test(
        "what is no HTTP is answered with an error and the connection ends",
        arguments: [
            ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", 400), ("GET\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 413),
        ]
    )
    func noHTTP(bytes: String, status: Int) throws {
        try? send(bytes)
        let responses = WireResponse.all(in: try received())
        #expect(responses.map(\.status) == [status])
        #expect(responses.first?["Connection"] == "close")
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("header fields beyond their limits are refused", arguments: [(1, 9000), (101, 1), (90, 500)])
    func headerLimits(count: Int, size: Int) throws {
        let fields = (0..<count).map { "X-\($0): \(String(repeating: "a", count: size))\r\n" }.joined()
        try? send(get("/healthz", fields))
        let responses = WireResponse.all(in: try received())
        #expect(responses.map(\.status) == [431])
        #expect(responses.first?["Connection"] == "close")
    }

    @Test("a request that does not get on is answered with 408")
    func slowHead() throws {
        try send("GET /healthz HTT")
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        try send("P")
        #expect(try received().isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(WireResponse.all(in: try received()).map(\.status) == [408])
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("an idle connection ends without a word, one in use stays")
    func idle() throws {
        for _ in 0..<4 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(60))
            try send(get("/healthz"))
        }
        #expect(WireResponse.all(in: try received()).count == 4)
        channel.embeddedEventLoop.advanceTime(by: .seconds(74))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(try received().isEmpty)
        #expect(!channel.isActive)
    }

    @Test("during a drain every response ends its connection")
    func draining() throws {
        gate.drain {}
        try send(get("/live/main/media.m3u8") + get("/live/main/t1-0.m4s"))
        let responses = WireResponse.all(in: try received())
        #expect(responses.map(\.status) == [200])
        #expect(responses.first?["Connection"] == "close")
    }
}
