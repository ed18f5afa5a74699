import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import Origin

/// Requests for what is not there yet, on a clock that the test moves (RFC 8216bis §6.2.5).
@Suite("Blocking reloads")
struct BlockingReloadTests {
    private let fixture = Fixture()
    private let channel = EmbeddedChannel()
    private let stream: LiveStream

    init() throws {
        // Segment 0 is whole; a target duration of 4 s, parts of half a second.
        stream = try fixture.goLive("main")
        stream.addPart()
        try channel.pipeline.syncOperations.addHandlers(
            answering().handlers(now: channel.eventLoop.now, sendsRegions: true)
        )
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    }

    private func answering() -> Answering {
        Answering(
            router: fixture.router(),
            peerAddress: "192.0.2.1",
            preamble: ResponsePreamble(secondsSinceEpoch: { 0 }),
            known: KnownRequests(),
            gate: ConnectionGate(limits: OriginLimits()),
            limits: OriginLimits(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    private func get(_ target: String) -> String { "GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n" }

    private func send(_ targets: String...) throws {
        try channel.writeInbound(ByteBuffer(string: targets.map(get).joined()))
    }

    private func received() throws -> [WireResponse] {
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return WireResponse.all(in: bytes)
    }

    private let playlist = "/live/main/media.m3u8"

    @Test("a playlist that has what is asked for comes at once, and caches may keep it")
    func there() throws {
        for query in ["_HLS_msn=0", "_HLS_msn=0&_HLS_part=0", "_HLS_msn=1&_HLS_part=0", "x=1&_HLS_msn=1&_HLS_part=0&y"]
        {
            try send("\(playlist)?\(query)")
            let response = try #require(try received().first)
            #expect(response.status == 200 && response["Cache-Control"] == "public, max-age=24", "\(query)")
        }
        // Without directives it may be as old as half a target duration.
        #expect(fixture.router().get(playlist)["Cache-Control"] == "public, max-age=2")
        #expect(fixture.router().get("\(playlist)?_HLS_skip=YES")["Cache-Control"] == "public, max-age=2")
    }

    @Test("a reload waits for the part that it names, and for no longer")
    func waits() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1")
        #expect(try received().isEmpty && stream.waitingReaders == 1)
        stream.addPart()
        let response = try #require(try received().first)
        #expect(response.status == 200 && response.text == "#EXTM3U\npart 1\n")
        #expect(stream.waitingReaders == 0 && channel.isActive)
    }

    @Test("answers keep the order of requests behind one that waits")
    func order() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1", "/healthz", "\(playlist)?_HLS_msn=1&_HLS_part=2", "/readyz")
        #expect(try received().isEmpty)
        stream.addPart()
        #expect(try received().map(\.text) == ["#EXTM3U\npart 1\n", "ok\n"])
        stream.addPart()
        #expect(try received().map(\.text) == ["#EXTM3U\npart 2\n", "ready\n"])
    }

    @Test("a part that the playlist hints at is sent when it is there")
    func hint() throws {
        try send("/live/main/t1-1.1.m4s")
        #expect(try received().isEmpty)
        stream.addPart()
        let response = try #require(try received().first)
        #expect(response.status == 200 && response.text == "part 1")
        #expect(response["Cache-Control"] == "public, max-age=31536000, immutable")
        for name in ["t1-1.3.m4s", "t1-2.0.m4s", "t1-2.m4s", "t1-v0-1.2.m4s", "t2-1.2.m4s"] {
            #expect(fixture.router().get("/live/main/\(name)").status == 404, "\(name) is no hint")
        }
    }

    @Test("a hint that does not come true is answered with 404 as soon as that is known")
    func abandonedHint() throws {
        try send("/live/main/t1-1.1.m4s")
        fixture.end(stream)
        #expect(try received().map(\.status) == [404])
    }

    @Test("the end of the live answers all who wait with the last playlist")
    func end() throws {
        try send("\(playlist)?_HLS_msn=2&_HLS_part=1")
        fixture.end(stream)
        let response = try #require(try received().first)
        #expect(response.status == 200 && response.text.hasSuffix("#EXT-X-ENDLIST\n"))
        // The next live of the name has the same address.
        #expect(response["Cache-Control"] == "public, max-age=2")
    }

    @Test("after three target durations a reload that waits for a live encoder gets 503")
    func timeout() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1", "/live/main/t1-1.1.m4s")
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(try received().isEmpty && channel.isActive, "what waits is not idle, and no slow request")
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try received().map(\.status) == [503])
        // The second one has its own time.
        channel.embeddedEventLoop.advanceTime(by: .seconds(12))
        #expect(try received().map(\.status) == [404])
        #expect(stream.waitingReaders == 0)
    }

    @Test("while the encoder is away, a reload that waited long gets the playlist as it is, which no cache keeps")
    func interrupted() throws {
        stream.interrupt(at: .now)
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1")
        channel.embeddedEventLoop.advanceTime(by: .seconds(12))
        let response = try #require(try received().first)
        #expect(response.status == 200 && response["Cache-Control"] == "no-store")
    }

    @Test(
        "what no player asks for is refused at once (RFC 8216bis §6.2.5.2)",
        arguments: [
            "_HLS_part=0", "_HLS_msn=x", "_HLS_msn=", "_HLS_msn", "_HLS_msn=-1", "_HLS_msn=+1", "_HLS_msn=1.0",
            "_HLS_msn=%31",
            "_HLS_msn=0x1", "_HLS_msn=1&_HLS_part=x", "_HLS_msn=1&_HLS_msn=1", "_HLS_skip=NO", "_HLS_skip=",
            "_HLS_skip=yes",
            "_HLS_skip=YES&_HLS_skip=YES", "_HLS_msn=3", "_HLS_msn=99999999999999999999", "_HLS_msn=1&_HLS_part=7",
            "_HLS_msn=2&_HLS_part=6", "_HLS_msn=100000000000000000000000000000",
        ]
    )
    func refused(query: String) throws {
        try send("\(playlist)?\(query)")
        let response = try #require(try received().first)
        #expect(response.status == 400 && response["Cache-Control"] == "no-store")
        #expect(channel.isActive && stream.waitingReaders == 0)
    }

    @Test("the multivariant playlist has no directives, and what is not one is passed over")
    func passedOver() throws {
        for target in ["/live/main/index.m3u8?_HLS_msn=x", "\(playlist)?_HLS_future=1", "\(playlist)?_hls_msn=x"] {
            #expect(fixture.router().get(target).status == 200, "\(target)")
        }
        #expect(fixture.router().get("/live/other/media.m3u8?_HLS_msn=0").status == 404)
    }

    @Test("a client that goes away waits no longer")
    func gone() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1")
        #expect(stream.waitingReaders == 1)
        try channel.close().wait()
        #expect(stream.waitingReaders == 0)
    }

    @Test("a client that sends no more still gets what it waits for, then the connection ends")
    func halfClosed() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1", "/healthz")
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(try received().isEmpty && channel.isActive)
        stream.addPart()
        #expect(try received().map(\.status) == [200, 200])
        #expect(!channel.isActive)
    }

    @Test("requests without end behind one that waits end the connection")
    func flood() throws {
        try send("\(playlist)?_HLS_msn=1&_HLS_part=1")
        for _ in 0..<65 { try? send("/healthz") }
        #expect(!channel.isActive && stream.waitingReaders == 0)
    }

    @Test("over HTTP/2 a stream waits by itself, and a reset ends that")
    func overHTTP2() throws {
        func open() throws -> EmbeddedChannel {
            let stream = EmbeddedChannel(handler: HTTP2RequestHandler(answering()), loop: channel.embeddedEventLoop)
            try stream.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 443)).wait()
            let fields: HPACKHeaders = [
                ":method": "GET", ":scheme": "https", ":path": "\(playlist)?_HLS_msn=1&_HLS_part=1", ":authority": "a",
            ]
            try stream.writeInbound(HTTP2Frame.FramePayload.headers(.init(headers: fields, endStream: true)))
            return stream
        }
        let (first, second) = (try open(), try open())
        #expect(stream.waitingReaders == 2)
        try second.close().wait()
        #expect(stream.waitingReaders == 1)
        stream.addPart()
        channel.embeddedEventLoop.run()
        guard case .headers(let head) = try first.readOutbound(as: HTTP2Frame.FramePayload.self) else {
            Issue.record("no answer")
            return
        }
        #expect(head.headers.first(name: ":status") == "200")
    }
}

extension LiveStream {
    /// Adds a part of half a second to the segment behind the only one, and a playlist that tells of it.
    func addPart() {
        var next = snapshot
        guard let last = next.window.last else { return }
        if next.window.unfinished == nil {
            next.window.begin(
                UnfinishedSegment(
                    mediaSequenceNumber: last.mediaSequenceNumber + 1,
                    programDateTime: last.programDateTime + last.duration,
                    isIndependent: true,
                    isDiscontinuous: false,
                    initialization: last.initialization
                )
            )
        }
        let index = next.window.unfinished?.parts.count ?? 0
        func resource(_ kind: StoredResource.Kind, _ name: String, _ text: String) -> StoredResource {
            StoredResource(kind: kind, name: name, body: ByteBuffer(string: text), entityTag: "\(name) \(text)")
        }
        let name = ResourceName(.part(last.mediaSequenceNumber + 1, index: index), of: nil).text(tag: tag)
        let part = resource(.mediaSegment, name, "part \(index)")
        next.window.append(
            PartialSegment(duration: .milliseconds(500), isIndependent: index == 0, resource: part),
            dateRanges: []
        )
        next.partTarget = .milliseconds(500)
        next.mediaPlaylist = RenderedPlaylist(full: resource(.mediaPlaylist, "media.m3u8", "#EXTM3U\npart \(index)\n"))
        publish(next)
    }
}
