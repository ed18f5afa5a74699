import Foundation
import TestSupport
import Testing

/// The server is killed while it is on air, and comes back.
@Suite("Restart", .serialized)
struct RestartTests {
    /// How often it is killed; for the torture, more often than every test run needs.
    private static let kills = ProcessInfo.processInfo.environment["LYCEUM_CHECK_KILLS"].flatMap(Int.init) ?? 4

    @Test(
        "a server killed at random moments loses no part that it listed, and its viewers and encoder go on with the live"
    )
    func kills() async throws {
        var random = SplitMix64(seed: UInt64(ProcessInfo.processInfo.environment["LYCEUM_CHECK_SEED"] ?? "") ?? 1)
        let environment = ["LYCEUM_WINDOW_SECONDS": "20"]
        var server = try await ServerProcess.start(environment: environment)
        let url = server.publishURL(key: try await server.streamKey())
        let media = FFmpegPublisher.Media.test(frameRate: 30, keyframeInterval: 60)
        var publisher = try FFmpegPublisher(media, to: url)
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        let viewer = LowLatencyViewer(server, keepsSegments: true)
        var (checked, resumed) = (0, 0)
        for kill in 1...Self.kills {
            // At once, now and then: the encoder may not be there yet.
            let parts = await viewer.report.parts + (kill % 10 == 0 ? 0 : Int.random(in: 1...6, using: &random))
            let watching = Task { try await viewer.watch { _ in false } }
            // An encoder that does not get through would be waited for in vain.
            try await withDeadline(.seconds(60)) {
                "no part came after kill \(kill)"
            } _: {
                while await viewer.report.parts < parts { try await viewer.nextVersion() }
            }
            // Anywhere between two parts: a request takes some milliseconds.
            for _ in 0..<Int.random(in: 0..<100, using: &random) { _ = try await server.get("/healthz") }
            server = try await server.killAndRestart(environment: environment)
            // Its requests have failed.
            _ = await watching.result
            checked += try await viewer.checkAfterRestart()
            try await publisher.waitForExit()
            publisher = try FFmpegPublisher(media, to: url)
            if server.log.lines.contains(where: { $0.contains("live taken up again") }) { resumed += 1 }
        }
        let segments = await viewer.report.segments + 3
        try await viewer.watch { $0.segments >= segments }
        publisher.interrupt()
        try await viewer.watch { _ in false }
        try await publisher.waitForExit()
        let report = await viewer.report
        print(
            "restarts: \(Self.kills) kills, \(resumed) resumed, \(checked) listed parts and segments fetched again; \(report)"
        )
        #expect(report.findings.isEmpty)
        #expect(resumed == Self.kills)
        _ = try await server.log.line(containing: "recording complete")
        try await Self.compareRecording(server, with: viewer.segmentBytes)
        server.terminate()
        try await server.waitForExit()
    }

    /// Holds the one recording against what a viewer saw of its live.
    private static func compareRecording(_ server: ServerProcess, with seen: [Int: [UInt8]]) async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: server.dataFolder.file("recordings"))
        let name = try #require(names.first)
        #expect(names.count == 1)
        let list = try PlaylistReader.readMedia(try await server.get("/vod/\(name)/m0.m3u8").body)
        #expect(list.hasEndList && list.segments.count == (seen.keys.max() ?? 0) + 1)
        #expect(!list.segments.contains { $0.unknownTags.contains { $0.hasPrefix("#EXT-X-GAP") } })
        for (number, bytes) in seen {
            let answer = try await server.get("/vod/\(name)/\(list.segments[number].uri)")
            #expect(answer.status == 200 && answer.body == bytes, "segment \(number)")
        }
    }
}
