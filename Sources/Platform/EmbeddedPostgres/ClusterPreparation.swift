internal import Foundation
internal import Glibc
internal import Logging
internal import SystemPackage

/// Does what must be done before PostgreSQL is started: makes a cluster, ends what has outlived its server, removes dead locks.
struct ClusterPreparation: Sendable {
    /// How often to look again after something was ended.
    private static let maximumRounds = 8
    /// How long an immediate shutdown may take.
    static let immediateShutdownLimit = Duration.seconds(5)

    let folder: ClusterFolder
    let owner: ClusterOwner
    let search: InstallationSearch
    let leftoverLimit: Duration
    let logger: Logger

    /// Brings the cluster into a state that it can be started from.
    ///
    /// - Returns: what to start it with.
    func prepare() async throws(EmbeddedPostgresError) -> PostgresInstallation {
        guard Self.setprivIsThere else { throw .programMissing("setpriv", package: "util-linux") }
        let installed = await search.installations(with: PostgresInstallation.serverPrograms)
        let inspection = ClusterInspection(folder: folder)
        for _ in 0..<Self.maximumRounds {
            let findings = inspection.findings()
            switch findings.action(installed: installed, searched: search.places, folder: folder.cluster) {
            case .initialise(let installation):
                try await initialise(with: installation)
                return installation
            case .start(let installation, let removingLocks):
                if removingLocks {
                    logger.notice(
                        "removing the lock files of a dead postmaster",
                        metadata: ["db.folder": "\(folder.cluster)"]
                    )
                    try inspection.removeLocks()
                }
                return installation
            case .endOrphan(let process): try await end(process)
            case .awaitEnd(let processes):
                guard try await ended(processes, within: leftoverLimit) else {
                    throw .foreignProcesses(processes, folder: folder.cluster)
                }
            case .refuse(let reason): throw reason
            }
        }
        throw .foreignProcesses(inspection.findings().workers, folder: folder.cluster)
    }

    // MARK: - What an earlier server has left

    /// The kernel has told it to end when its server died; a second SIGINT changes nothing, and a lost first one is made up for.
    private func end(_ process: Int32) async throws(EmbeddedPostgresError) {
        logger.notice("ending the PostgreSQL of an earlier server", metadata: ["process.pid": "\(process)"])
        kill(process, SIGINT)
        if try await ended([process], within: leftoverLimit) { return }
        kill(process, SIGQUIT)
        guard try await ended([process], within: Self.immediateShutdownLimit) else {
            throw .foreignProcesses([process], folder: folder.cluster)
        }
    }

    /// Nobody is told of the end of a process that is not a child: it is looked for again and again.
    private func ended(_ processes: [Int32], within limit: Duration) async throws(EmbeddedPostgresError) -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while processes.contains(where: ClusterInspection.isAlive) {
            guard clock.now < deadline else { return false }
            do { try await clock.sleep(for: .milliseconds(10)) } catch { throw .stopped }
        }
        return true
    }

    // MARK: - Making a cluster

    /// Makes a cluster with its database beside its place, and puts it there when it is complete.
    private func initialise(with installation: PostgresInstallation) async throws(EmbeddedPostgresError) {
        logger.info(
            "making the database",
            metadata: ["db.folder": "\(folder.cluster)", "db.version": "\(installation.major)"]
        )
        try removeUnfinished()
        do {
            try ClusterFolder.makePrivate(folder.unfinished, owner: owner)
            try await makeCluster(installation)
            try await makeDatabase(installation)
            try await settle()
        } catch {
            try? removeUnfinished()
            throw error
        }
    }

    private func makeCluster(_ installation: PostgresInstallation) async throws(EmbeddedPostgresError) {
        let arguments = [
            "-D", ClusterCommand.descriptorPath, "--username=postgres", "--auth-local=trust", "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=\(Self.locale)", "--data-checksums", "--no-instructions", "--no-sync",
        ]
        _ = try await run("initdb", arguments, of: installation)
    }

    /// In single-user mode, which needs no socket: a cluster is never seen without its database.
    private func makeDatabase(_ installation: PostgresInstallation) async throws(EmbeddedPostgresError) {
        let name = ClusterFolder.databaseName
        let statements = "CREATE ROLE \(name) LOGIN\nCREATE DATABASE \(name) OWNER \(name)\n"
        let arguments = ["--single", "-D", ClusterCommand.descriptorPath, "-c", "fsync=off", "postgres"]
        let words = try await run("postgres", arguments, of: installation, input: statements)
        // It goes on after an error, and ends with status 0.
        let lines = words.split(whereSeparator: \.isNewline).map(String.init)
        if lines.contains(where: { $0.contains("ERROR:") || $0.contains("FATAL:") }) {
            throw .programFailed("postgres --single", words: ClusterCommand.lastWords(lines))
        }
    }

    private func run(
        _ name: String,
        _ arguments: [String],
        of installation: PostgresInstallation,
        input: String = ""
    ) async throws(EmbeddedPostgresError) -> String {
        let configuration = ClusterCommand.configuration(
            installation.program(name),
            arguments,
            folder: folder.unfinished,
            owner: owner
        )
        return try await ClusterCommand.runToEnd(configuration, name: name, input: input)
    }

    /// Brings all of it to the disk, and gives it its name.
    ///
    /// All at once: a thousand files, one after the other, would take seconds on a slow disk.
    private func settle() async throws(EmbeddedPostgresError) {
        let descriptor = open(folder.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ClusterFolder.refusal(folder.root) }
        defer { close(descriptor) }
        let sync = ClusterCommand.shell(#"exec sync --file-system -- "$0""#, [folder.unfinished])
        _ = try await ClusterCommand.runToEnd(sync, name: "sync")
        guard rename(folder.unfinished, folder.cluster) == 0 else { throw ClusterFolder.refusal(folder.cluster) }
        guard fsync(descriptor) == 0 else { throw ClusterFolder.refusal(folder.root) }
    }

    private func removeUnfinished() throws(EmbeddedPostgresError) {
        var status = stat()
        guard lstat(folder.unfinished, &status) == 0 else { return }
        do {
            try FileManager.default.removeItem(atPath: folder.unfinished)
        } catch {
            throw .inaccessible(path: folder.unfinished, reason: error.localizedDescription)
        }
    }

    private static var setprivIsThere: Bool {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/setpriv")
        }
    }

    /// Text sorted by code point, and letters known beyond ASCII, wherever the C library has that.
    private static var locale: String {
        guard let locale = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return "C" }
        freelocale(locale)
        return "C.UTF-8"
    }
}
