import Foundation
import LiveStore
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Origin

/// A started origin on a free loopback port.
private struct RunningOrigin {
    let fixture: Fixture
    let server: OriginServer
    let address: SocketAddress
    let group: MultiThreadedEventLoopGroup = .singleton

    init(
        segmentSize: Int = 1000,
        log: LogMessages? = nil,
        _ adjust: (inout OriginConfiguration) -> Void = { _ in }
    ) async throws {
        fixture = Fixture(segmentSize: segmentSize)
        var configuration = OriginConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        adjust(&configuration)
        let logger = Logger(label: "test") { _ in
            log.map { $0 as any LogHandler } ?? SwiftLogNoOpLogHandler()
        }
        server = OriginServer(configuration: configuration, store: fixture.store, group: group, logger: logger)
        address = try await server.start().http
    }

    func connect(isReading: Bool = true) async throws -> LoopbackClient {
        try await LoopbackClient.connect(to: address, on: group, isReading: isReading)
    }

    func request(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    /// Runs curl with the origin's address before the path.
    func curl(_ path: String, _ arguments: String...) async throws -> Data {
        let file = FileManager.default.temporaryDirectory.appending(path: "curl-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments =
            ["--silent", "--show-error", "--max-time", "20", "--output", file.path] + arguments
            + ["http://127.0.0.1:\(address.port ?? 0)\(path)"]
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        #expect(process.terminationStatus == 0)
        return try Data(contentsOf: file)
    }
}

/// Log messages as they come.
private struct LogMessages: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    let messages: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() { (messages, continuation) = AsyncStream.makeStream() }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { continuation.yield(event.message.description) }

    /// Waits for a message.
    func wait(for message: String) async { _ = await messages.first { $0 == message } }
}

@Suite(.timeLimit(.minutes(1)))
struct OriginServerTests {
    @Test("curl reads a compressed playlist, a resumed segment and a page")
    func curl() async throws {
        let origin = try await RunningOrigin()
        try origin.fixture.goLive("main")
        let playlist = try await origin.curl("/live/main/media.m3u8", "--compressed", "--include")
        let text = String(decoding: playlist, as: UTF8.self)
        #expect(text.contains("Content-Encoding: gzip\r\n"))
        #expect(text.hasSuffix("\r\n\r\n#EXTM3U\nt1-0.m4s\n"))
        let rest = try await origin.curl("/live/main/t1-0.m4s", "--range", "900-")
        #expect(Array(rest) == Array(origin.fixture.segmentBody.readableBytesView.suffix(100)))
        let whole = try await origin.curl("/live/main/t1-0.m4s", "--http1.0")
        #expect(Array(whole) == Array(origin.fixture.segmentBody.readableBytesView))
        let page = try await origin.curl("/watch/main/", "--location")
        #expect(String(decoding: page, as: UTF8.self).contains("<h1>main</h1>"))
        await origin.server.drain(within: .seconds(5))
    }

    @Test("a client that has sent all it wants still gets all it asked for")
    func halfClosed() async throws {
        let origin = try await RunningOrigin(segmentSize: 3 << 20)
        try origin.fixture.goLive("main")
        let client = try await origin.connect()
        try await client.send(origin.request("/live/main/t1-0.m4s"))
        try await client.finishSending()
        let responses = WireResponse.all(in: try await client.receivedAtEnd())
        #expect(responses.first?.body.count == 3 << 20)
        await origin.server.drain(within: .seconds(5))
    }

    @Test("a refused upload can read why although it was still sending")
    func refusedUpload() async throws {
        // However slow this client is.
        let origin = try await RunningOrigin { $0.limits.lingerTime = .seconds(60) }
        let client = try await origin.connect()
        try await client.send("PUT /live/main/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome")
        let responses = try await client.responses(1)
        #expect(responses.map(\.status) == [413])
        try await client.send(String(repeating: "x", count: 10_000))
        #expect(WireResponse.all(in: try await client.receivedAtEnd()).map(\.status) == [413])
        try await client.close()
        await origin.server.drain(within: .seconds(5))
    }

    @Test("a connection too many is closed, and there is room again when one has gone")
    func tooMany() async throws {
        let log = LogMessages()
        let origin = try await RunningOrigin(log: log) { $0.limits.connections = 1 }
        let first = try await origin.connect()
        try await first.send(origin.request("/healthz"))
        #expect(try await first.responses(1).map(\.status) == [200])
        let second = try await origin.connect()
        #expect(try await second.receivedAtEnd().isEmpty)
        try await first.send(origin.request("/healthz", "Connection: close\r\n"))
        _ = try await first.receivedAtEnd()
        try await first.close()
        await origin.server.drain(within: .seconds(5))
    }

    @Test("a reader that takes nothing loses its connection")
    func stalledReader() async throws {
        let log = LogMessages()
        let origin = try await RunningOrigin(segmentSize: 8 << 20, log: log) { configuration in
            configuration.limits.stalledWriteTime = .milliseconds(50)
            configuration.limits.sendBufferSize = 8192
        }
        try origin.fixture.goLive("main")
        let client = try await origin.connect(isReading: false)
        try await client.send(origin.request("/live/main/t1-0.m4s"))
        await log.wait(for: "reader took nothing for too long")
        // The reset may have closed this side already.
        try? await client.startReading()
        #expect(try await client.receivedAtEnd().count < 8 << 20)
        await origin.server.drain(within: .seconds(5))
    }

    @Test("a drain lets a viewer read the end of the playlist and the last segment, then closes the port")
    func drain() async throws {
        let origin = try await RunningOrigin {
            $0.limits.drainQuietTime = .milliseconds(300)
            $0.limits.lingerTime = .seconds(60)
            // An address of its own: on 127.0.0.1 another test's server may take the port once it is free.
            $0.host = "127.0.7.1"
        }
        let stream = try origin.fixture.goLive("main")
        let viewer = try await origin.connect()
        try await viewer.send(origin.request("/live/main/media.m3u8"))
        #expect(try await viewer.responses(1).first?["Connection"] == nil)

        origin.fixture.end(stream)
        async let drained: Void = origin.server.drain(within: .seconds(50))
        // The viewer's idle connection is still there, and its next answer is the last playlist. Readiness tells when
        // the drain has begun.
        let probe = try await origin.connect()
        var state = ""
        while state != "draining\n" {
            let prober = state.isEmpty ? probe : try await origin.connect()
            try await prober.send(origin.request("/readyz", "Connection: close\r\n"))
            state = WireResponse.all(in: try await prober.receivedAtEnd()).first?.text ?? ""
            try await prober.close()
        }
        try await viewer.send(origin.request("/live/main/media.m3u8"))
        let last = try await viewer.responses(2)
        #expect(last.last?.text.contains("#EXT-X-ENDLIST") == true)
        #expect(last.last?["Connection"] == "close")
        // Somebody is there all the time, however slow this client is.
        let next = try await origin.connect()
        try await viewer.close()
        try await next.send(origin.request("/live/main/t1-0.m4s"))
        #expect(try await next.responses(1).map(\.status) == [200])
        try await next.close()
        await drained
        await #expect(throws: (any Error).self) { try await origin.connect() }
    }

    @Test("a drain ends the connections that are left when its time is up")
    func drainDeadline() async throws {
        let origin = try await RunningOrigin()
        let idle = try await origin.connect()
        try await idle.send(origin.request("/healthz"))
        _ = try await idle.responses(1)
        await origin.server.drain(within: .milliseconds(50))
        _ = try await idle.receivedAtEnd()
    }

    @Test("an hls.js file is served, and one that is not there stops the start with its path")
    func hlsJavaScript() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "hls-\(UUID()).mjs")
        try Data("export const Hls = 1;".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let source = try HLSJavaScriptSource(file: file.path, address: nil)
        let origin = try await RunningOrigin { $0.hlsJavaScript = source }
        #expect(String(decoding: try await origin.curl("/assets/hls.mjs"), as: UTF8.self) == "export const Hls = 1;")
        await origin.server.drain(within: .seconds(5))

        let missing = try HLSJavaScriptSource(file: "/nonexistent/hls.mjs", address: nil)
        let path = "/nonexistent/hls.mjs"
        let fault = HLSJavaScriptSource.Fault.unreadable(path: path, reason: "No such file or directory")
        await #expect(throws: fault) { _ = try await RunningOrigin { $0.hlsJavaScript = missing } }
    }
}
