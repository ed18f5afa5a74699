import Foundation
import Glibc
import TestSupport
import Testing

@testable import EmbeddedPostgres

@Suite("The embedded database and a server that is killed")
struct KilledServerTests {
    private static let dataVariable = "LYCEUM_TEST_DATA_FOLDER"

    /// The data folder of the test that has started this process; `nil` in all others.
    private static var dataDirectory: String? { ProcessInfo.processInfo.environment[dataVariable] }

    /// What the process does that is killed: it runs a database until then.
    @Test("a process runs a database for another test", .enabled(if: dataDirectory != nil))
    func runsDatabase() async throws {
        let configuration = EmbeddedPostgresConfiguration(dataDirectory: try #require(Self.dataDirectory))
        let server = EmbeddedPostgres(configuration, logger: PrivateCluster.logger)
        _ = try await server.start()
        let process = try #require(server.processIdentifier)
        FileHandle.standardOutput.write(Data("database runs as process \(process)\n".utf8))
        for await state in server.states() where state != .ready { Issue.record("became \(state)") }
    }

    @Test(
        "kill -9 of the server ends PostgreSQL, and the next start has all that was committed",
        .disabled(if: dataDirectory != nil)
    )
    func killed() async throws {
        let cluster = try PrivateCluster()
        let process = try ChildProcess(
            "/proc/\(getpid())/exe",
            ["--testing-library", "swift-testing", "--filter", "KilledServerTests"],
            environment: [Self.dataVariable: cluster.dataDirectory]
        )
        let line = try await process.standardOutput.line(containing: "database runs as process", within: .seconds(120))
        let postmaster = try #require(Int32(line.text.split(separator: " ").last ?? ""))
        try await cluster.psql("CREATE TABLE t (v int); INSERT INTO t VALUES (1)")
        process.send(SIGKILL)
        #expect(try await process.waitForExit(within: .seconds(20)) == .signal(SIGKILL))
        // No sooner: the next server has to deal with whatever it finds.
        try await cluster.serving { server in
            #expect(!ClusterInspection.isAlive(postmaster) && server.processIdentifier != postmaster)
            try await cluster.expect("SELECT count(*) FROM t", "1")
        }
    }
}
