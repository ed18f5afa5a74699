internal import Foundation
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// A database as one file, in the format of `pg_dump -Fc`: for backup, and for moving to another server or major version.
public struct DatabaseArchive: Sendable {
    private let search: InstallationSearch

    /// Archives made and read by PostgreSQL's own programs.
    ///
    /// - Parameter binariesDirectory: the folder of PostgreSQL's programs; `nil` to look for them.
    public init(binariesDirectory: String? = nil) {
        search = InstallationSearch(configured: binariesDirectory)
    }

    /// Writes all of a database, as it is at one moment, into a file.
    ///
    /// The file, which only its owner can read, appears when it is complete; one that was there is replaced.
    ///
    /// - Parameters:
    ///   - connectionString: libpq's, of an embedded or any other PostgreSQL.
    ///   - path: the file.
    /// - Throws: ``EmbeddedPostgresError``.
    public func dump(_ connectionString: String, to path: String) async throws(EmbeddedPostgresError) {
        let secret = ConnectionSecret(connectionString)
        let temporary = "\(path).\(getpid()).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ClusterFolder.refusal(temporary) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        let arguments = [
            "--format=custom", "--no-owner", "--no-privileges", "--no-password", "--file=\(temporary)",
            "--dbname=\(secret.connectionString)",
        ]
        try await run("pg_dump", arguments, password: secret.password)
        guard fsync(descriptor) == 0 else { throw ClusterFolder.refusal(temporary) }
        guard rename(temporary, path) == 0 else { throw ClusterFolder.refusal(path) }
        try Self.flushFolder(of: path)
    }

    /// Puts the content of an archive into a database, in place of what is there: all of it, or nothing when there is an error.
    ///
    /// - Parameters:
    ///   - connectionString: libpq's, of an embedded or any other PostgreSQL; its user becomes the owner of everything.
    ///   - path: the file.
    /// - Throws: ``EmbeddedPostgresError``; the database is as it was then.
    public func restore(_ connectionString: String, from path: String) async throws(EmbeddedPostgresError) {
        guard access(path, R_OK) == 0 else { throw ClusterFolder.refusal(path) }
        let secret = ConnectionSecret(connectionString)
        let arguments = [
            "--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            "--no-password", "--dbname=\(secret.connectionString)", "--", path,
        ]
        try await run("pg_restore", arguments, password: secret.password)
    }

    private func run(_ name: String, _ arguments: [String], password: String?) async throws(EmbeddedPostgresError) {
        // The newest: it reads and writes what every older server has.
        let installed = await search.installations(with: [name])
        guard let installation = PostgresInstallation.choose(from: installed, data: nil) else {
            throw .programMissing(name, package: "postgresql-client")
        }
        var environment = Environment.inherit.updating(["LC_ALL": "C"])
        if let password { environment = environment.updating(["PGPASSWORD": password]) }
        let configuration = Configuration(
            executable: .path(FilePath(installation.program(name))),
            arguments: Arguments(arguments),
            environment: environment
        )
        _ = try await ClusterCommand.runToEnd(configuration, name: name)
    }

    private static func flushFolder(of path: String) throws(EmbeddedPostgresError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ClusterFolder.refusal(folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ClusterFolder.refusal(folder) }
    }
}
