import TestSupport
import Testing

/// What happens when one of the two sides goes away.
@Suite("Interruptions", .serialized)
struct InterruptionTests {
    @Test("an encoder that is killed and comes back goes on with one timeline")
    func killedAndBack() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let viewer = LiveViewer(server)

        let first = try FFmpegPublisher(.test(), to: url)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        first.kill()
        #expect(try await first.waitForExit() == .signal(9))
        let before = await viewer.segments.count

        // The follower refuses everything that comes after an EXT-X-ENDLIST, so there was none in between.
        let second = try FFmpegPublisher(.test(), to: url)
        try await viewer.watch(within: .seconds(30)) { playlist, segments in
            segments.count >= before + 3 && segments.contains { $0.entry.isDiscontinuous } && !playlist.hasEndList
        }
        second.interrupt()
        try await viewer.watchToEnd()
        try await second.waitForExit()

        #expect(await viewer.follower.discontinuityCount == 1)
        let numbers = await viewer.follower.segments.map(\.mediaSequenceNumber)
        #expect(numbers == Array(0..<numbers.count))
    }

    @Test("a second encoder with the same key takes the live over")
    func takeover() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let viewer = LiveViewer(server)
        let first = try FFmpegPublisher(.test(), to: url)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }

        let second = try FFmpegPublisher(.test(), to: url)
        #expect(try await first.waitForExit() != .status(0), "the first one is told that it is over")
        try await viewer.watch(within: .seconds(30)) { playlist, segments in
            !playlist.hasEndList && segments.last?.entry.discontinuitySequenceNumber == 1
        }
        second.interrupt()
        try await viewer.watchToEnd()
        try await second.waitForExit()
    }

    @Test("an encoder that never comes back ends the live after the grace period")
    func graceIsOver() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_GRACE_SECONDS": "2"])
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        publisher.kill()
        try await viewer.watchToEnd(within: .seconds(20))
        #expect(await viewer.follower.discontinuityCount == 0)
    }

    @Test("SIGTERM ends the playlist, lets viewers read it and stops the server cleanly within 10 seconds")
    func terminated() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }

        async let end: Void = viewer.watchToEnd(within: .seconds(10))
        let clock = ContinuousClock()
        let start = clock.now
        server.terminate()
        #expect(try await server.waitForExit(within: .seconds(15)) == .status(0))
        #expect(clock.now - start < .seconds(10))
        try await end
        try await publisher.waitForExit()
    }

    @Test("SIGTERM with nobody there stops the server at once")
    func terminatedIdle() async throws {
        let server = try await ServerProcess.start()
        server.terminate()
        #expect(try await server.waitForExit(within: .seconds(5)) == .status(0))
    }
}
