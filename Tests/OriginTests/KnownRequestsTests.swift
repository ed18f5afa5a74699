import LiveStore
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Origin

/// Requests that come again in the same bytes.
@Suite("Known requests")
struct KnownRequestsTests {
    private let fixture = Fixture()
    private let known = KnownRequests()
    private let channel = EmbeddedChannel()

    init() throws {
        try fixture.goLive("main")
        try connect(channel)
    }

    private func connect(_ channel: EmbeddedChannel, from peerAddress: String = "192.0.2.1") throws {
        try channel.pipeline.syncOperations.addHandlers(
            Answering(
                router: fixture.router(),
                peerAddress: peerAddress,
                preamble: ResponsePreamble(secondsSinceEpoch: { 0 }),
                known: known,
                gate: ConnectionGate(limits: OriginLimits()),
                limits: OriginLimits(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ).handlers(now: channel.eventLoop.now, sendsRegions: true)
        )
        try channel.connect(to: SocketAddress(ipAddress: peerAddress, port: 1)).wait()
    }

    private func answers(_ pieces: String..., on other: EmbeddedChannel? = nil) throws -> [WireResponse] {
        let channel = other ?? channel
        for piece in pieces { try channel.writeInbound(ByteBuffer(string: piece)) }
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return WireResponse.all(in: bytes)
    }

    private let playlist = "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("the second answer is that of the parser, on any connection of the event loop")
    func same() throws {
        let first = try answers(playlist)
        #expect(first.map(\.status) == [200] && known.count == 1)
        #expect(known[ByteBuffer(string: playlist)] != nil)
        let second = try answers(playlist)
        let other = EmbeddedChannel()
        try connect(other, from: "192.0.2.2")
        let third = try answers(playlist, on: other)
        for again in [second, third] {
            #expect(again.map(\.status) == [200] && again.first?.body == first.first?.body)
            #expect(again.first?["ETag"] == first.first?["ETag"] && again.first?["Date"] == first.first?["Date"])
        }
        #expect(known.count == 1)
        #expect(fixture.store.streams.first?.audienceFigures(now: .now()).viewers == 2, "two addresses are two viewers")
    }

    @Test("the meaning is kept, not the answer")
    func changing() throws {
        _ = try answers(playlist)
        let stream = try #require(fixture.store.streams.first)
        fixture.end(stream)
        #expect(try answers(playlist).first?.text == "#EXTM3U\n#EXT-X-ENDLIST\n")
    }

    @Test("header fields are part of a request: conditions, codings and ranges hold when it comes again")
    func fields() throws {
        let tag = try #require(try answers(playlist).first?["ETag"])
        let fields = ["If-None-Match: \(tag)", "Accept-Encoding: gzip", "X: y"]
        for _ in 0..<2 {
            let found = try fields.map { field in
                try answers("GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n").first
            }
            #expect(found.map { $0?.status } == [304, 200, 200])
            #expect(found.map { $0?["Content-Encoding"] } == [nil, "gzip", nil])
            let part = try answers("GET /live/main/t1-0.m4s HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n")
            #expect(part.first?.status == 206 && part.first?.body == [1, 2])
        }
        #expect(known.count == 5)
    }

    @Test("bytes that are known mean nothing in the middle of another request")
    func middle() throws {
        _ = try answers(playlist)
        // The body of one request, and the field of another.
        let body = try answers(
            "POST /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nContent-Length: \(playlist.utf8.count)\r\n\r\n",
            playlist
        )
        #expect(body.map(\.status) == [413])
        let other = EmbeddedChannel()
        try connect(other)
        let field = try answers("GET /nothing HTTP/1.1\r\nHost: a\r\nX: ", playlist, on: other)
        #expect(field.map(\.status) == [400], "the request line is a field's value, and Host stands twice")
    }

    @Test("requests in pieces, or several at once, are the parser's; behind them known ones are known again")
    func pieces() throws {
        #expect(try answers(playlist + playlist).map(\.status) == [200, 200] && known.count == 0)
        #expect(try answers("GET /live/ma", "in/media.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n").map(\.status) == [200])
        #expect(known.count == 0)
        #expect(try answers(playlist, playlist + playlist, playlist).map(\.status) == [200, 200, 200, 200])
        #expect(known.count == 1)
    }

    @Test(
        "nothing is kept of what is no media, ends the connection, has a body, or wants another protocol",
        arguments: [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.0\r\n\r\n", "GET /live/main/media.m3u8 HTTP/1.1\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nUpgrade: h2c\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
            "DELETE /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 2048))\r\n\r\n",
        ]
    )
    func others(request: String) throws {
        let first = try answers(request)
        #expect(first.count <= 1 && known.count == 0)
    }

    @Test("a request behind the last one of a connection is not taken for that one")
    func behindTheLast() throws {
        let closing = "GET /live/main/media.m3u8 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let segment = "GET /live/main/t1-0.m4s HTTP/1.1\r\nHost: a\r\n\r\n"
        try channel.writeInbound(ByteBuffer(string: playlist))
        try channel.writeInbound(ByteBuffer(string: closing))
        _ = try? channel.writeInbound(ByteBuffer(string: segment))
        #expect(known.count == 1 && known[ByteBuffer(string: segment)] == nil)
    }

    @Test("an empty line in front, or line feeds alone, leave it to the parser where a request ends")
    func emptyLines() {
        for (bytes, isWhole) in [
            (playlist, true), ("\r\n" + playlist, false), (playlist + "\r\n", false), (playlist + "G", false),
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", false), ("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\n", false), ("", false), ("\r\n\r\n", false),
        ] {
            var boundary = RequestBoundary()
            let found = boundary.passed(ByteBuffer(string: bytes), decoded: .init(), .init(heads: 1, ends: 1))
            #expect(found == isWhole && boundary.isAtRequest == isWhole)
        }
        var boundary = RequestBoundary()
        let isHalf = boundary.passed(ByteBuffer(string: playlist), decoded: .init(), .init(heads: 1, ends: 0))
        #expect(!isHalf)
        let (before, after) = (RequestBoundary.Decoded(heads: 1, ends: 0), RequestBoundary.Decoded(heads: 2, ends: 1))
        let isSecondHalf = boundary.passed(ByteBuffer(string: playlist), decoded: before, after)
        #expect(!isSecondHalf, "it began before")
    }

    @Test("two generations are kept, and what is asked for stays")
    func generations() throws {
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: "/live/main/media.m3u8",
            headers: ["Host": "a"]
        )
        let reading = try #require(fixture.router().lastingReading(of: head))
        let favourite = ByteBuffer(string: playlist)
        known.learn(head, reading, from: favourite)
        for number in 0..<5000 {
            known.learn(head, reading, from: ByteBuffer(string: "\(number)"))
            if number % 100 == 0 { #expect(known[favourite] != nil) }
        }
        #expect(known.count <= 2 * KnownRequests.generationSize && known[ByteBuffer(string: "0")] == nil)
        #expect(known[ByteBuffer(string: "4999")] != nil)
    }
}
