import Glibc
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Origin

/// Requests that need something done that blocks.
@Suite("Consultation")
struct ConsultationTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func get(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    private func recording() -> RecordedFolder {
        var recording = RecordedFolder()
        recording.initialization = Array("ftyp moov".utf8)
        recording.segments = (0..<3).map { number in
            RecordedFolder.Segment(Array(FiledLive.body(number, 300_000 + number).readableBytesView), seconds: 2)
        }
        return recording
    }

    @Test("requests that need the disk and those that do not are answered in their order")
    func pipelined() async throws {
        let recorded = try Recorded(recording())
        let server = try await recorded.listen(recorded.router())
        let client = try await LoopbackClient.connect(to: try #require(server.localAddress), on: group)
        let base = "/vod/abcdefghijkmnpqrstuv"
        try await client.send(
            get("\(base)/index.m3u8") + get("/healthz") + get("\(base)/m0-2.m4s") + get("\(base)/m0-3.m4s")
                + get("\(base)/m0-0.m4s", "Range: bytes=100000-299999\r\n")
                + get("\(base)/m0-init-0.mp4").replacing("GET", with: "HEAD") + get("/recordings/abcdefghijkmnpqrstuv")
                + get("/healthz", "Connection: close\r\n")
        )
        let responses = WireResponse.all(in: try await client.receivedAtEnd(), withoutBodies: [5])
        #expect(responses.map(\.status) == [200, 200, 200, 404, 206, 200, 200, 200])
        #expect(responses[0].text.hasPrefix("#EXTM3U"))
        #expect(responses[2].body == Array(FiledLive.body(2, 300_002).readableBytesView))
        #expect(responses[4].body == Array(FiledLive.body(0, 300_000).readableBytesView[100_000...]))
        #expect(responses[5]["Content-Length"] == "9")
        #expect(responses[7].text == "ok\n")
        try await server.close()
    }

    @Test("when too many wait for the disk, others are told to come back, and served when they do")
    func tooMany() async throws {
        let recorded = try Recorded(recording())
        let consultations = ConsultationCount(limit: 2)
        let server = try await recorded.listen(recorded.router(consultations: consultations))
        #expect(consultations.admit() && consultations.admit() && !consultations.admit())
        let client = try await LoopbackClient.connect(to: try #require(server.localAddress), on: group)
        try await client.send(get("/vod/abcdefghijkmnpqrstuv/index.m3u8"))
        let refused = try await client.responses(1)
        #expect(refused.map(\.status) == [503] && refused[0]["Retry-After"] == "1")
        #expect(refused[0]["Access-Control-Allow-Origin"] == "*")
        try await client.send(
            get("/api/v1/recordings", "\(Recorded.authorization.0): \(Recorded.authorization.1)\r\n")
        )
        let problem = try #require(try await client.responses(2).last)
        #expect(problem.status == 503 && problem["Content-Type"] == "application/problem+json")
        consultations.release()
        try await client.send(get("/vod/abcdefghijkmnpqrstuv/index.m3u8"))
        #expect(try await client.responses(3).last?.status == 200)
        #expect(consultations.admit(), "what is done is counted out")
        try await client.close()
        try await server.close()
    }

    @Test("a disk that gives no answer costs its reader a 503, and those behind it nothing")
    func silentDisk() async throws {
        let recorded = try Recorded(recording())
        let router = recorded.router()
        let channel = try await NIOAsyncTestingChannel { channel in
            let handlers = recorded.answering(router).handlers(now: channel.eventLoop.now, sendsRegions: true)
            try channel.pipeline.syncOperations.addHandlers(handlers)
        }
        try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
        let gate = DiskGate(router.disk)
        try await channel.writeInbound(
            ByteBuffer(string: get("/vod/abcdefghijkmnpqrstuv/index.m3u8") + get("/healthz"))
        )
        #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil)
        await channel.testingEventLoop.advanceTime(by: .seconds(23))
        var bytes: [UInt8] = []
        while WireResponse.all(in: bytes).count < 2 {
            bytes += try await channel.waitForOutboundWrite(as: ByteBuffer.self).readableBytesView
        }
        let responses = WireResponse.all(in: bytes)
        #expect(responses.map(\.status) == [503, 200])
        gate.open()
        await router.disk.quiesce()
        #expect(try await channel.readOutbound(as: ByteBuffer.self) == nil, "what comes too late is not sent")
        try await channel.close()
    }

    @Test("a stream of HTTP/2 waits for the disk as well, and a client that goes meanwhile is forgotten")
    func http2() async throws {
        let recorded = try Recorded(recording())
        let router = recorded.router()
        for goes in [false, true] {
            let channel = try await NIOAsyncTestingChannel { channel in
                try channel.pipeline.syncOperations.addHandler(HTTP2RequestHandler(recorded.answering(router)))
            }
            try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
            let gate = DiskGate(router.disk)
            let fields = [
                (":method", "GET"), (":scheme", "https"), (":authority", "a"),
                (":path", "/vod/abcdefghijkmnpqrstuv/m0-1.m4s"),
            ]
            let head = HTTP2Frame.FramePayload.Headers(headers: HPACKHeaders(fields), endStream: true)
            try await channel.writeInbound(HTTP2Frame.FramePayload.headers(head))
            if goes { try await channel.close() }
            gate.open()
            guard !goes else {
                await router.disk.quiesce()
                continue
            }
            guard case .headers(let answer) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self)
            else {
                Issue.record("no head")
                continue
            }
            #expect(answer.headers.first(name: ":status") == "200")
            #expect(answer.headers.first(name: "content-length") == "300001")
            try await channel.close()
        }
    }
}

/// Holds all threads of a reader, as a disk does that hangs.
private final class DiskGate: Sendable {
    private let isOpen = Atomic(false)

    init(_ reader: DiskReader) {
        reader.pool.start()
        for _ in 0..<reader.pool.numberOfThreads {
            reader.pool.submit { _ in
                while !self.isOpen.load(ordering: .acquiring) { sched_yield() }
            }
        }
    }

    func open() { isOpen.store(true, ordering: .releasing) }
}
