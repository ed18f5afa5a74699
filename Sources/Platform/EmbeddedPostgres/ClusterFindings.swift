/// What was found in the place of a cluster before a start, and what follows from it.
///
/// The one rule that must never break: two postmasters on one cluster destroy it. PostgreSQL guards itself by the process
/// that its lock file names, which is too careful after a kill -9 (a zombie that nobody has reaped yet counts as alive) and
/// knows nothing of the children of a postmaster that is gone. So lock files are removed only when nobody lives who works there.
struct ClusterFindings: Hashable, Sendable {
    /// What lies there.
    enum Content: Hashable, Sendable {
        /// Nothing, or what a crash has left of making one.
        case nothing
        /// A cluster of this major version.
        case cluster(major: Int)
        /// Something else, in words.
        case foreign(String)
    }

    /// What has become of the process that a lock file names.
    enum Recorded: Hashable, Sendable {
        /// There is no lock file.
        case none
        /// There is one that names nobody: a crash has cut it.
        case garbled
        /// It has ended.
        case gone
        /// It has ended, and its parent has not asked how yet.
        case zombie
        /// It is another program, which has got the number since.
        case elsewhere
        /// It lives and may not be looked at; PostgreSQL judges such a process by itself.
        case hidden
        /// It works on the cluster; `isOurs` when a server of ours has started it.
        case here(Int32, isOurs: Bool)
    }

    /// What lies there.
    var content: Content
    /// The process that the lock files name.
    var recorded: Recorded
    /// Live processes of PostgreSQL that work in the cluster's folder.
    var workers: [Int32] = []
}

/// What to do about the state in which a cluster was found.
enum ClusterAction: Hashable, Sendable {
    /// Make a cluster, removing first what is left of an earlier attempt.
    case initialise(PostgresInstallation)
    /// Start it, after removing the lock files of a dead postmaster if told so.
    case start(PostgresInstallation, removingLocks: Bool)
    /// End this postmaster, which has outlived its server, and look again.
    case endOrphan(Int32)
    /// Wait for these to end, children of a postmaster that is gone, and look again.
    case awaitEnd([Int32])
    /// Do nothing, for this reason.
    case refuse(EmbeddedPostgresError)
}

extension ClusterFindings {
    /// What to do.
    ///
    /// - Precondition: the caller holds the cluster's lock, so no other server of ours lives that uses it.
    /// - Parameters:
    ///   - installed: the installations there are, see ``PostgresInstallation/choose(from:data:)``.
    ///   - searched: where they were looked for.
    ///   - folder: the cluster's folder, for messages.
    /// - Returns: the one next step.
    func action(installed: [PostgresInstallation], searched: [String], folder: String) -> ClusterAction {
        if case .here(let process, let isOurs) = recorded {
            return isOurs ? .endOrphan(process) : .refuse(.foreignProcesses([process], folder: folder))
        }
        guard workers.isEmpty else { return .awaitEnd(workers) }
        guard !installed.isEmpty else { return .refuse(.binariesMissing(searched: searched)) }
        let data: Int?
        switch content {
        case .nothing: data = nil
        case .cluster(let major): data = major
        case .foreign(let reason): return .refuse(.damaged(folder: folder, reason: reason))
        }
        guard let installation = PostgresInstallation.choose(from: installed, data: data) else {
            let versions = Set(installed.map(\.major)).sorted()
            return .refuse(.otherMajorVersion(data: data ?? 0, installed: versions, folder: folder))
        }
        return data == nil ? .initialise(installation) : .start(installation, removingLocks: recorded.isStale)
    }
}

extension ClusterFindings.Recorded {
    /// Whether a lock file stands for nobody.
    var isStale: Bool {
        switch self {
        case .garbled, .gone, .zombie, .elsewhere: true
        case .none, .hidden, .here: false
        }
    }
}
