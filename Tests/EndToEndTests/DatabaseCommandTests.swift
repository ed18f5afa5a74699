import Foundation
import PlatformTestSupport
import TestSupport
import Testing

/// The commands for the platform's database.
@Suite("Commands for the database", .serialized)
struct DatabaseCommandTests {
    @Test("the schema goes all the way down and up again, and is what it was")
    func migrations() async throws {
        let platform = try await PlatformServer.start()
        let server = platform.server
        server.terminate()
        try await server.waitForExit()
        let before = try await schema(of: server)
        #expect(before.contains("CREATE TABLE public.account (") && before.contains("CREATE TABLE public.job ("))
        let applied = try await server.lyceum("migrate", "status")
        #expect(applied.exit == .status(0) && !applied.text.contains("pending"))
        #expect(try await server.lyceum("migrate", "verify").exit == .status(0))

        let refused = try await server.lyceum("migrate", "down", "--all")
        #expect(refused.exit == .status(64) && refused.standardError.contains("--allow-data-loss"))
        #expect(try await schema(of: server) == before)

        let down = try await server.lyceum("migrate", "down", "--all", "--allow-data-loss")
        let steps = applied.text.split(separator: "\n").count
        #expect(down.exit == .status(0) && down.text.split(separator: "\n").count == steps)
        #expect(!(try await schema(of: server)).contains("CREATE TABLE public.account"))
        #expect(try await server.lyceum("migrate", "verify").exit == .status(69))

        let up = try await server.lyceum("migrate", "up")
        #expect(up.exit == .status(0) && up.text.split(separator: "\n").count == steps)
        #expect(try await server.lyceum("migrate", "verify").exit == .status(0))
        #expect(try await schema(of: server) == before)
        #expect(EmbeddedProcesses(dataFolder: server.dataFolder) == nil, "commands end what they start")
    }

    /// All statements that make the schema.
    private func schema(of server: ServerProcess) async throws -> String {
        let file = server.dataFolder.file("schema.dump")
        let dump = try await server.lyceum("db", "dump", file)
        try #require(dump.exit == .status(0), "\(dump.standardError)")
        let program = try TestCluster.program("pg_restore")
        let text = try await Tool.check(program, ["--schema-only", "--no-owner", "--file=-", file]).text
        // Newer programs put a random word around the statements.
        return text.split(separator: "\n").filter { !$0.hasPrefix("\\") && !$0.hasPrefix("--") }.joined(separator: "\n")
    }

    @Test("a dump of a server that runs is restored into another data folder, where the same account signs in")
    func dumpAndRestore() async throws {
        let platform = try await PlatformServer.start()
        let visitor = try PlatformVisitor()
        try await visitor.makeFirstAccount(platform)
        let (backups, other) = (try TemporaryFolder(), try TemporaryFolder())
        let dump = try await platform.server.lyceum("db", "dump", backups.file("backup"))
        #expect(dump.exit == .status(0), "\(dump.standardError)")
        #expect(try await visitor.isSignedIn(platform), "the server ran on")

        let environment = ["LYCEUM_DATA_DIR": other.path]
        let unforced = try await Tool.run(
            ServerProcess.binary,
            ["db", "restore", backups.file("backup")],
            environment: environment
        )
        #expect(unforced.exit == .status(64) && unforced.standardError.contains("--force"))
        let restore = try await Tool.run(
            ServerProcess.binary,
            ["db", "restore", "--force", backups.file("backup")],
            environment: environment
        )
        #expect(restore.exit == .status(0), "\(restore.standardError)")

        let moved = try await PlatformServer.start(dataFolder: other)
        #expect(moved.firstAccountPath.isEmpty, "there is an administrator")
        let again = try PlatformVisitor()
        #expect(try await again.isSignedIn(moved) == false)
        #expect(try await again.signIn(moved).status == 303)
        #expect(try await again.isSignedIn(moved))
    }
}
