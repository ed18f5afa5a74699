import Glibc
import Logging
import TestSupport
import Testing

@testable import EmbeddedPostgres

/// A data folder with a cluster of a test's own; the folders above it are closed to PostgreSQL's user, as /root is.
struct PrivateCluster: Sendable {
    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private let temporary: TemporaryFolder
    let dataDirectory: String
    let folder: ClusterFolder

    init(subfolder: String = "data") throws {
        temporary = try TemporaryFolder()
        chmod(temporary.path, 0o700)
        dataDirectory = temporary.file(subfolder)
        folder = ClusterFolder(dataDirectory: dataDirectory)
    }

    var configuration: EmbeddedPostgresConfiguration { EmbeddedPostgresConfiguration(dataDirectory: dataDirectory) }

    func server() -> EmbeddedPostgres { EmbeddedPostgres(configuration, logger: Self.logger) }

    func file(_ name: String) -> String { temporary.file(name) }

    /// Runs statements through psql, an independent client.
    @discardableResult
    func psql(_ statements: String, user: String = "lyceum") async throws -> String {
        let connection = folder.connectionString(user: user)
        let output = try await Tool.check("psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statements, connection])
        return output.text.split(whereSeparator: \.isNewline).joined(separator: "\n")
    }

    /// Checks what a statement gives.
    func expect(_ statement: String, _ result: String, at location: SourceLocation = #_sourceLocation) async throws {
        let actual = try await psql(statement)
        #expect(actual == result, sourceLocation: location)
    }

    /// Runs a body with a started server, and stops it.
    @discardableResult
    func serving<Result>(_ body: (EmbeddedPostgres) async throws -> Result) async throws -> Result {
        let server = server()
        _ = try await server.start()
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// What PostgreSQL is started with by this server, for a test that starts it by other means.
    func postmaster(pdeathsig: Bool) throws -> [String] {
        let owner = try ClusterOwner.find(existing: folder.clusterUser, folder: folder.cluster)
        var words = ["setpriv"] + (pdeathsig ? ["--pdeathsig", "INT"] : [])
        if owner.isOther { words += ["--reuid", "\(owner.userID)", "--regid", "\(owner.groupID)", "--init-groups"] }
        let settings = configuration.settings(socketDirectory: folder.socketDirectoryFromCluster)
        return words + ["--", "/usr/lib/postgresql/15/bin/postgres", "-D", ClusterCommand.descriptorPath]
            + settings.flatMap { ["-c", "\($0.name)=\($0.value)"] }
    }
}

/// Waits for a state of a server.
@discardableResult
func reached(
    _ server: EmbeddedPostgres,
    _ wanted: @escaping @Sendable (EmbeddedPostgres.State) -> Bool
) async throws -> EmbeddedPostgres.State {
    try await withDeadline(.seconds(30), { "the server is \(server.state)" }) {
        for await state in server.states() where wanted(state) { return state }
        throw CancellationError()
    }
}
