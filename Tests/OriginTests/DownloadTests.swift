import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Recordings
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Origin

/// Recordings as one file, and pieces of them, over HTTP; what makes them is told here what it makes.
@Suite("Downloads and clips over HTTP")
struct DownloadTests {
    /// Makes what the test says, when the test says so.
    private final class Exporter: RecordingExporter {
        private struct State {
            var files: [@Sendable (RecordingExport<RecordedFile>) -> Void] = []
            var renditions: [Rendition.ID?] = []
            var clips: [(span: Range<MediaTime>, title: String?)] = []
            var answer: RecordingExport<RecordedFile>?
            var clip: RecordingExport<Recording>?
        }

        private let state: Mutex<State>

        init(_ answer: RecordingExport<RecordedFile>? = nil, clip: RecordingExport<Recording>? = nil) {
            state = Mutex(State(answer: answer, clip: clip))
        }

        var renditions: [Rendition.ID?] { state.withLock { $0.renditions } }
        var clips: [(span: Range<MediaTime>, title: String?)] { state.withLock { $0.clips } }

        func download(
            of recording: Recording,
            rendition: Rendition.ID?,
            _ receive: @escaping @Sendable (RecordingExport<RecordedFile>) -> Void
        ) {
            let answer = state.withLock { state in
                state.renditions.append(rendition)
                if state.answer == nil { state.files.append(receive) }
                return state.answer
            }
            if let answer { receive(answer) }
        }

        func progress(of recording: Recording, rendition: Rendition.ID?) -> Double? { 0.427 }

        func makeClip(
            of recording: Recording,
            _ span: Range<MediaTime>,
            title: String?,
            _ receive: @escaping @Sendable (RecordingExport<Recording>) -> Void
        ) {
            let clip = state.withLock { state in
                state.clips.append((span, title))
                return state.clip
            }
            receive(clip ?? .absent("there is nothing"))
        }

        /// Answers all who wait.
        func give(_ answer: RecordingExport<RecordedFile>) {
            let waiting = state.withLock { state in
                defer { state.files = [] }
                return state.files
            }
            for receive in waiting { receive(answer) }
        }
    }

    private let recorded: Recorded
    private let id = RecordedFolder().id

    init() throws {
        var folder = RecordedFolder()
        folder.title = "Höhen/Tiefen"
        folder.segments = [.init([1], seconds: 2)]
        recorded = try Recorded(folder)
    }

    private func router(_ exporter: Exporter) -> Router {
        var router = recorded.router()
        router.recordings = RecordedMedia(
            recorded.catalog,
            exporter: exporter,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return router
    }

    /// Bytes that say where they are, in three files.
    private func file() throws -> (RecordedFile, [UInt8]) {
        var slices: [FileSlice] = []
        var whole: [UInt8] = []
        for (index, size) in [700_000, 1, 300_000].enumerated() {
            let bytes = Array(FiledLive.body(index, size).readableBytesView)
            try recorded.folder.write("piece-\(index)", bytes)
            slices.append(try recorded.storage.keptFile(at: recorded.folder.file("piece-\(index)")).whole)
            whole += bytes
        }
        return (RecordedFile(FileSequence(slices), entityTag: "tag"), whole)
    }

    private func get(_ fields: String = "", query: String = "") -> String {
        "GET /vod/\(id)/download.mp4\(query) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("a file has its length, a name, and every range of it, across its pieces")
    func ranges() async throws {
        let (file, whole) = try file()
        let exporter = Exporter(.made(file))
        let server = try await recorded.listen(router(exporter))
        let address = try #require(server.localAddress)
        let client = try await LoopbackClient.connect(to: address, on: MultiThreadedEventLoopGroup.singleton)
        try await client.send(
            get() + get("Range: bytes=699000-700500\r\n") + get("Range: bytes=-5\r\n", query: "?rendition=m1")
                + get("Range: bytes=700001-\r\nIf-Range: \"tag\"\r\n")
                + get("Range: bytes=1-2\r\nIf-Range: \"old\"\r\n")
                + get("If-None-Match: \"tag\"\r\n") + get("Range: bytes=2000000-\r\n")
                + get("Connection: close\r\n", query: "?rendition=x")
        )
        let responses = WireResponse.all(in: try await client.receivedAtEnd())
        #expect(responses.map(\.status) == [200, 206, 206, 206, 200, 304, 416, 400])
        #expect(responses[0].body == whole && responses[4].body == whole)
        #expect(responses[0]["Content-Length"] == "1000001" && responses[0]["Accept-Ranges"] == "bytes")
        #expect(responses[0]["ETag"] == "\"tag\"" && responses[0]["Content-Type"] == "video/mp4")
        #expect(
            responses[0]["Content-Disposition"]
                == "attachment; filename=\"H_hen-Tiefen.mp4\"; filename*=UTF-8''H%C3%B6hen-Tiefen.mp4"
        )
        #expect(responses[1].body == Array(whole[699_000...700_500]))
        #expect(responses[1]["Content-Range"] == "bytes 699000-700500/1000001")
        #expect(responses[2].body == Array(whole.suffix(5)) && responses[3].body == Array(whole[700_001...]))
        #expect(exporter.renditions[2] == Rendition.ID(.muxed, index: 1) && exporter.renditions[0] == nil)
        try await server.close()
    }

    @Test("who asks for what is not made yet waits for it, and what comes to nothing is said in words")
    func waiting() async throws {
        let (file, whole) = try file()
        let exporter = Exporter()
        let server = try await recorded.listen(router(exporter))
        let address = try #require(server.localAddress)
        let group = MultiThreadedEventLoopGroup.singleton
        let clients = [
            try await LoopbackClient.connect(to: address, on: group),
            try await LoopbackClient.connect(to: address, on: group),
        ]
        for client in clients { try await client.send(get("Range: bytes=0-9\r\n") + get("Connection: close\r\n")) }
        let answers: [RecordingExport<RecordedFile>] = [
            .made(file), .early("it is live"), .absent("no"), .failed("full"),
        ]
        let statuses = [[206, 200], [206, 409], [206, 404], [206, 503]]
        _ = whole
        // One answer for the first requests of both, another one for the second.
        while exporter.renditions.count < 2 { try await group.next().submit {}.get() }
        exporter.give(answers[0])
        while exporter.renditions.count < 4 { try await group.next().submit {}.get() }
        exporter.give(answers[3])
        for client in clients {
            let responses = WireResponse.all(in: try await client.receivedAtEnd())
            #expect(responses.map(\.status) == statuses[3] && responses[0].body == Array(whole[0..<10]))
            #expect(responses[1].text == "Try again: full.\n" && responses[1]["Retry-After"] == "5")
        }
        for (answer, status) in zip(answers.dropFirst().prefix(2), [409, 404]) {
            let client = try await LoopbackClient.connect(to: address, on: group)
            let asked = exporter.renditions.count
            try await client.send(get("Connection: close\r\n"))
            while exporter.renditions.count == asked { try await group.next().submit {}.get() }
            exporter.give(answer)
            #expect(WireResponse.all(in: try await client.receivedAtEnd()).map(\.status) == [status])
        }
        try await server.close()
    }

    @Test("who has waited for long enough is told how far it is, and when to ask again")
    func expiry() async throws {
        let exporter = Exporter()
        let router = router(exporter)
        let channel = try await NIOAsyncTestingChannel { channel in
            try channel.pipeline.syncOperations.addHandler(HTTP2RequestHandler(recorded.answering(router)))
        }
        try await channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).get()
        let fields = [
            (":method", "GET"), (":scheme", "https"), (":authority", "a"), (":path", "/vod/\(id)/download.mp4"),
        ]
        let head = HTTP2Frame.FramePayload.Headers(headers: HPACKHeaders(fields), endStream: true)
        try await channel.writeInbound(HTTP2Frame.FramePayload.headers(head))
        #expect(exporter.renditions.count == 1)
        await channel.testingEventLoop.advanceTime(by: .seconds(21))
        guard case .headers(let answer) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self),
            case .data(let data) = try await channel.waitForOutboundWrite(as: HTTP2Frame.FramePayload.self),
            case .byteBuffer(let text) = data.data
        else {
            Issue.record("no answer")
            return
        }
        #expect(answer.headers.first(name: ":status") == "503" && answer.headers.first(name: "retry-after") == "5")
        #expect(String(buffer: text) == "Try again: the file is being prepared, 42 % is done.\n")
        // It is there after all, and nobody waits any more.
        exporter.give(.made(try file().0))
        await channel.testingEventLoop.run()
        #expect(try await channel.readOutbound(as: HTTP2Frame.FramePayload.self) == nil)
        try await channel.close()
    }

    @Test("operators make clips; what they ask for is judged before anything is made")
    func clips() async throws {
        let recording = try #require(recorded.catalog.all.first)
        let exporter = Exporter(clip: .made(recording))
        let server = try await recorded.listen(router(exporter))
        let address = try #require(server.localAddress)
        func post(_ body: String, token: String = Recorded.token, method: String = "POST") async throws -> WireResponse
        {
            let client = try await LoopbackClient.connect(to: address, on: MultiThreadedEventLoopGroup.singleton)
            try await client.send(
                "\(method) /api/v1/recordings/\(id)/clips HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                    + "Connection: close\r\n\r\n\(body)"
            )
            return try #require(WireResponse.all(in: try await client.receivedAtEnd()).first)
        }
        let made = try await post("{\"start\": 1.5, \"end\": 3, \"title\": \" A piece \"}")
        #expect(made.status == 201 && made["Location"] == "/api/v1/recordings/\(id)")
        #expect(try JSONValue(parsing: made.body)["id"]?.string == id)
        #expect(exporter.clips.map(\.title) == ["A piece"])
        #expect(exporter.clips.map(\.span) == [.milliseconds(1500)..<MediaTime.seconds(3)])
        for body in [
            "{\"start\": 3, \"end\": 3}", "{\"start\": -1, \"end\": 3}", "{\"end\": 3}", "{\"start\": 1, \"end\": 1e9}",
            "{\"start\": 1, \"end\": 2, \"title\": \"\"}", "{\"start\": 1, \"end\": 2, \"more\": 1}",
            "{\"start\": \"1\", \"end\": 2}",
        ] {
            #expect(try await post(body).status == 422, "\(body)")
        }
        #expect(try await post("{\"start\": 1, \"end\": 2}", token: "wrong").status == 401)
        #expect(try await post("", method: "GET").status == 405)
        #expect(exporter.clips.count == 1)
        try await server.close()
    }

    @Test(
        "a title becomes a safe name of a file",
        arguments: [
            ("Lesson 7", "attachment; filename=\"Lesson 7.mp4\""),
            ("../../etc/passwd", "attachment; filename=\"-..-etc-passwd.mp4\""),
            ("a\"b\\c\r\nSet-Cookie: x", "attachment; filename=\"a-b-c Set-Cookie- x.mp4\""),
            (" .hidden. ", "attachment; filename=\"hidden.mp4\""),
            ("...", "attachment; filename=\"ID.mp4\""),
            ("河", "attachment; filename=\"ID.mp4\"; filename*=UTF-8''%E6%B2%B3.mp4"),
            ("x\u{202E}4pm.exe", "attachment; filename=\"x4pm.exe.mp4\""),
            ("100 %", "attachment; filename=\"100 %.mp4\""),
        ]
    )
    func names(_ title: String, _ value: String) {
        #expect(ContentDisposition.attachment(titled: title, or: "ID", ".mp4") == value)
        let long = ContentDisposition.attachment(titled: String(repeating: "ä", count: 500), or: "ID", ".mp4")
        #expect(long.utf8.count < 500)
    }
}
