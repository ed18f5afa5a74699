import Foundation
import PlatformTestSupport
import TestSupport
import Testing

/// The server's own database, killed, stopped, too new and not there at all.
@Suite("The server's own database in trouble", .serialized)
struct PlatformDatabaseTests {
    @Test("the database is killed: the live goes on without a gap, and pages are back without a restart")
    func databaseIsKilled() async throws {
        let platform = try await PlatformServer.start()
        let (server, visitor) = (platform.server, try PlatformVisitor())
        try await visitor.makeFirstAccount(platform)
        let media = FFmpegPublisher.Media.test(keyframeInterval: 25)
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        var seen = 0
        for _ in 1...2 {
            let old = try #require(EmbeddedProcesses(dataFolder: server.dataFolder))
            let segments = await viewer.segments.count + 1
            kill(old.postmaster, SIGKILL)
            async let watching: Void = viewer.watch(within: .seconds(30)) { _, all in all.count >= segments }
            let replies = try await withDeadline(.seconds(20)) {
                "pages are not back: \(server.log.tail())"
            } _: {
                try await Self.replies(of: platform, to: visitor) {
                    EmbeddedProcesses(dataFolder: server.dataFolder)?.postmaster != old.postmaster
                }
            }
            #expect(replies.allSatisfy { $0.status == 200 || $0.isStyledUnavailability })
            seen += replies.count { $0.status == 503 }
            try await watching
        }
        #expect(seen > 0, "a page needs the database")
        publisher.interrupt()
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        let playlist = try #require(await viewer.playlist)
        #expect(await viewer.follower.discontinuityCount == 0)
        #expect(!playlist.segments.contains { $0.unknownTags.contains { $0.hasPrefix("#EXT-X-GAP") } })
        #expect(playlist.segments.map(\.mediaSequenceNumber) == Array(0..<playlist.segments.count))
    }

    /// Asks for a page that needs the database, until it is there and something else holds too.
    private static func replies(
        of platform: PlatformServer,
        to visitor: PlatformVisitor,
        until isDone: @escaping @Sendable () -> Bool
    ) async throws -> [PlatformVisitor.Reply] {
        var replies: [PlatformVisitor.Reply] = []
        while !(replies.last?.status == 200 && isDone()) {
            replies.append(try await visitor.get(platform.url("/account/profile")))
        }
        return replies
    }

    @Test("the server is killed: the database goes with it, and the next start has the account and the session")
    func serverIsKilled() async throws {
        let platform = try await PlatformServer.start()
        let visitor = try PlatformVisitor()
        try await visitor.makeFirstAccount(platform)
        let processes = try #require(EmbeddedProcesses(dataFolder: platform.server.dataFolder))
        #expect(processes.all.count > 3)
        platform.server.kill()
        try await processes.waitForEnd()

        let next = try await PlatformServer.start(dataFolder: platform.server.dataFolder)
        #expect(next.firstAccountPath.isEmpty, "there is an administrator")
        #expect(try await visitor.isSignedIn(next))
        #expect(try await PlatformVisitor().isSignedIn(next) == false)
    }

    @Test("the server is told to stop: it ends with 0, and leaves no process and no socket")
    func serverIsStopped() async throws {
        let platform = try await PlatformServer.start()
        let processes = try #require(EmbeddedProcesses(dataFolder: platform.server.dataFolder))
        #expect(FileManager.default.fileExists(atPath: processes.socket))
        platform.server.terminate()
        #expect(try await platform.server.waitForExit() == .status(0))
        try await processes.waitForEnd()
        #expect(!FileManager.default.fileExists(atPath: processes.socket))
        #expect(EmbeddedProcesses(dataFolder: platform.server.dataFolder) == nil)
    }

    @Test("a schema that is newer than the server is refused with a sentence, and nothing runs on")
    func newerSchema() async throws {
        let platform = try await PlatformServer.start()
        let folder = platform.server.dataFolder
        let processes = try #require(EmbeddedProcesses(dataFolder: folder))
        let row =
            "INSERT INTO schema_migration (module, number, name, checksum) VALUES ('accounts', 9999, 'future', 'x')"
        let place = "host=\(folder.path)/postgres/socket user=lyceum dbname=lyceum"
        try await Tool.check(try TestCluster.program("psql"), ["-d", place, "-c", row])
        platform.server.terminate()
        try await platform.server.waitForExit()
        try await processes.waitForEnd()

        let output = try await Self.serve(["LYCEUM_DATA_DIR": folder.path])
        #expect(output.exit == .status(69))
        #expect(output.words.contains("accounts/9999") && output.words.contains("newer"), "\(output.words)")
        #expect(EmbeddedProcesses(dataFolder: folder) == nil)
        #expect(try await platform.server.lyceum("migrate", "verify").exit == .status(69))
    }

    @Test("programs that are missing are named with the package that has them")
    func missingPrograms() async throws {
        let (folder, empty) = (try TemporaryFolder(), try TemporaryFolder())
        let output = try await Self.serve(["LYCEUM_DATA_DIR": folder.path, "LYCEUM_DATABASE_BIN": empty.path])
        #expect(output.exit == .status(69))
        #expect(
            output.words.contains("Debian's package postgresql") && output.words.contains(empty.path),
            "\(output.words)"
        )
    }

    /// Runs a server that ends by itself; what it says to people is in `words`.
    private static func serve(_ environment: [String: String]) async throws -> (exit: ChildProcess.Exit, words: String)
    {
        let own = [
            "LYCEUM_PLATFORM": "on", "LYCEUM_HTTP_HOST": "127.0.0.1", "LYCEUM_HTTP_PORT": "0",
            "LYCEUM_RTMP_HOST": "127.0.0.1",
            "LYCEUM_RTMP_PORT": "0", "LYCEUM_METRICS_PORT": "off",
        ]
        let output = try await Tool.run(
            ServerProcess.binary,
            ["serve"],
            environment: own.merging(environment) { $1 },
            within: .seconds(30)
        )
        let words = output.standardError.split(separator: "\n").filter { $0.hasPrefix("lyceum:") }
        return (output.exit, words.joined(separator: "\n"))
    }
}
