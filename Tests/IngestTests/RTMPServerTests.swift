import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOPosix
import TLS
import Testing

@testable import Ingest

@Suite("RTMPServer", .timeLimit(.minutes(1)))
struct RTMPServerTests {
    private let group = MultiThreadedEventLoopGroup.singleton
    private let recording = Recording()
    private let log = Log()

    private func serve(
        limits: IngestLimits = IngestLimits(),
        _ body: (RTMPServer, SocketAddress) async throws -> Void
    ) async throws {
        let server = RTMPServer(
            configuration: IngestConfiguration(host: "127.0.0.1", port: 0, limits: limits),
            clientTLS: try ClientTLS(authorities: ""),
            sinkProvider: recording,
            authorizer: OpenPublishAuthorizer(),
            metrics: NOOPMetricsHandler.instance,
            wallClock: { WallClockTime(milliseconds: 0) },
            group: group,
            logger: log.logger
        )
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: try await server.start().rtmp)
        do {
            try await body(server, address)
        } catch {
            await server.shutDown()
            throw error
        }
        await server.shutDown()
    }

    private func opening(_ key: String = "main") -> [UInt8] {
        var wire = WireBuilder()
        wire.handshake()
        wire.publish(key)
        wire.message(6, type: 9, payload: Array(FLVDemuxerTests.avc(0, FLVDemuxerTests.avcC).readableBytesView))
        return wire.bytes
    }

    private func isFinish(_ event: Recording.Event) -> Bool {
        if case .finish = event { true } else { false }
    }

    @Test("recorded encoders publish over a socket", arguments: [Fixture.ffmpeg, .gstreamer, .librtmp])
    func recorded(fixture: Fixture) async throws {
        try await serve { _, address in
            let encoder = try await LoopbackEncoder(address, group: group)
            try await encoder.send(try fixture.bytes())
            #expect(await recording.first(where: isFinish) == .finish(.clean, publish: 1))
            let units = recording.events.filter { if case .unit = $0 { true } else { false } }
            #expect(units.count == 155)
            try await encoder.close()
        }
    }

    @Test("a second encoder takes the stream over without waiting for any timeout")
    func takeover() async throws {
        let main = try #require(StreamID("main"))
        var limits = IngestLimits()
        // Whatever ends the first publish within the test, these do not. How long it takes is TakeoverTests' to say.
        limits.takeoverTimeout = .hours(1)
        limits.publisherIdleTimeout = .hours(1)
        limits.mediaTimeout = .hours(1)
        try await serve(limits: limits) { _, address in
            let old = try await LoopbackEncoder(address, group: group)
            try await old.send(opening())
            #expect(await old.status("NetStream.Publish.Start") != nil)

            let new = try await LoopbackEncoder(address, group: group)
            try await new.send(opening())
            #expect(await new.status("NetStream.Publish.Start") != nil)
            #expect(await old.status("NetStream.Publish.BadName")?.level == "error")

            _ = await recording.first { $0 == .begin(main, publish: 2) }
            let outline = recording.events.filter { isFinish($0) || $0 == .begin(main, publish: 2) }
            #expect(outline == [.finish(.interrupted, publish: 1), .begin(main, publish: 2)])
            try await old.closed()
            try await new.close()
            #expect(await recording.first(where: isFinish) == .finish(.interrupted, publish: 2))
        }
    }

    @Test("encoders that reconnect all at once leave one publisher and no open sink behind")
    func stampede() async throws {
        try await serve { _, address in
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<20 {
                    tasks.addTask {
                        let encoder = try await LoopbackEncoder(address, group: group)
                        // The server may close before all is sent: that is what losing looks like.
                        try? await encoder.send(opening())
                        let outcomes = ["NetStream.Publish.Start", "NetStream.Publish.BadName"]
                        for await message in encoder.messages where outcomes.contains(message.code ?? "") { break }
                        try? await encoder.close()
                    }
                }
                try await tasks.waitForAll()
            }
        }
        var open = 0
        for event in recording.events {
            switch event {
            case .begin: open += 1
            case .finish: open -= 1
            default: break
            }
            #expect((0...1).contains(open))
        }
        #expect(open == 0)
    }

    @Test("shutting down ends publishes cleanly, tells the encoders and waits for them")
    func shutDown() async throws {
        try await serve { server, address in
            let encoder = try await LoopbackEncoder(address, group: group)
            try await encoder.send(opening())
            #expect(await encoder.status("NetStream.Publish.Start") != nil)
            async let goodbye = encoder.status("NetConnection.Connect.AppShutdown")
            await server.shutDown()
            #expect(await goodbye != nil)
            #expect(recording.events.last == .finish(.clean, publish: 1))
            await #expect(throws: (any Error).self) { try await LoopbackEncoder(address, group: group) }
        }
    }

    @Test("more connections than allowed are closed, and the log says so once")
    func limits() async throws {
        var limits = IngestLimits()
        limits.maximumConnectionsPerAddress = 2
        try await serve(limits: limits) { _, address in
            let first = try await LoopbackEncoder(address, group: group)
            try await first.send(opening("one"))
            #expect(await first.status("NetStream.Publish.Start") != nil)
            let second = try await LoopbackEncoder(address, group: group)
            try await second.send(opening("two"))
            #expect(await second.status("NetStream.Publish.Start") != nil)
            for _ in 0..<3 {
                let refused = try await LoopbackEncoder(address, group: group)
                try await refused.closed()
            }
            let warnings = log.lines.filter { $0.hasPrefix("warning connection refused") }
            #expect(warnings.count == 1)
            #expect(warnings.first?.contains("the 2 connections allowed from one address") == true)
            try await first.close()
            try await second.close()
        }
    }

    @Test("a peer that speaks HTTP is closed with one line that says so")
    func http() async throws {
        try await serve { _, address in
            let browser = try await LoopbackEncoder(address, group: group)
            try await browser.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
            try await browser.closed()
            #expect(log.lines.filter { $0.contains("speaks HTTP") && $0.hasPrefix("info") }.count == 1)
        }
    }

    @Test("a port that is taken is an error of start")
    func portTaken() async throws {
        try await serve { _, address in
            let second = RTMPServer(
                configuration: IngestConfiguration(host: "127.0.0.1", port: try #require(address.port)),
                clientTLS: try ClientTLS(authorities: ""),
                sinkProvider: recording,
                authorizer: OpenPublishAuthorizer(),
                metrics: NOOPMetricsHandler.instance,
                wallClock: { WallClockTime(milliseconds: 0) },
                group: group,
                logger: log.logger
            )
            await #expect(throws: RTMPServer.ListenFailure.self) { try await second.start() }
        }
    }
}
