internal import Glibc
public import Logging
internal import Synchronization

/// A PostgreSQL of the server's own: made at the first start, ended with the server, started again when it dies.
///
/// ```
///           start            says so               it dies
///  stopped -------> starting --------> ready ---------------------> restarting
///     ^                |                 ^  <---------------------       |
///     |                | ends before     |         says so               | what lies there
///     |   stop         v                 |                               v cannot be started any more
///     +------------- failed <---------------------------------------- failed
/// ```
///
/// - It has no TCP port; its socket lies in a folder that only its own user gets into.
/// - When the server runs as root, it runs as the user postgres, or nobody.
/// - When the server is killed, the kernel tells it to end (`PR_SET_PDEATHSIG`), and the next start waits for that.
/// - One server uses a cluster at a time, which a lock sees to that the kernel takes back with the process.
public final class EmbeddedPostgres: Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// It does not run and is not wanted to.
        case stopped
        /// It comes up for the first time; a new cluster may be being made.
        case starting
        /// It takes connections.
        case ready
        /// It has ended by itself, for this reason, and is started again soon.
        case restarting(String)
        /// It does not run, for this reason, and somebody has to do something about it.
        case failed(String)
    }

    private typealias Outcome = Result<Void, EmbeddedPostgresError>

    private struct Content {
        var state = State.stopped
        var isStopping = false
        var supervision: Task<Void, Never>?
        /// The postmaster, while it may be signalled.
        var process: Int32?
        var readySince: ContinuousClock.Instant?
        /// Who waits for the first outcome.
        var starter: CheckedContinuation<Outcome, Never>?
        var pause: Task<Void, Never>?
        var observers: [Int: AsyncStream<State>.Continuation] = [:]
        var observerCount = 0

        mutating func become(_ state: State) {
            guard state != self.state else { return }
            self.state = state
            for observer in observers.values { observer.yield(state) }
        }
    }

    private let configuration: EmbeddedPostgresConfiguration
    private let folder: ClusterFolder
    private let search: InstallationSearch
    private let logger: Logger
    private let content = Mutex(Content())

    /// A PostgreSQL that does not run yet.
    ///
    /// - Parameters:
    ///   - configuration: where its data is, and how it is run.
    ///   - logger: told of what happens, and of what PostgreSQL says.
    public convenience init(_ configuration: EmbeddedPostgresConfiguration, logger: Logger) {
        self.init(
            configuration,
            search: InstallationSearch(configured: configuration.binariesDirectory),
            logger: logger
        )
    }

    init(_ configuration: EmbeddedPostgresConfiguration, search: InstallationSearch, logger: Logger) {
        self.configuration = configuration
        self.search = search
        self.logger = logger
        folder = ClusterFolder(dataDirectory: configuration.dataDirectory)
    }

    /// Where it stands now.
    public var state: State { content.withLock { $0.state } }

    /// What libpq connects with, whether it runs or not.
    public var connectionString: String { folder.connectionString() }

    /// Whether some process, this one or another, runs it now: a command connects then instead of starting it.
    public var isServed: Bool { ClusterLock.isHeld(folder) }

    /// The number of the postmaster's process while there is one.
    public var processIdentifier: Int32? { content.withLock { $0.process } }

    /// Every state from now on, the present one first.
    public func states() -> AsyncStream<State> {
        let (stream, continuation) = AsyncStream.makeStream(of: State.self)
        let number = content.withLock { content in
            content.observerCount += 1
            content.observers[content.observerCount] = continuation
            continuation.yield(content.state)
            return content.observerCount
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.content.withLock { $0.observers.removeValue(forKey: number) }
        }
        return stream
    }

    // MARK: - Start and stop

    /// Starts it, making its cluster at the first time, and goes on to keep it running.
    ///
    /// - Returns: what libpq connects with.
    /// - Throws: ``EmbeddedPostgresError`` when it does not come up; it may be called again then.
    public func start() async throws(EmbeddedPostgresError) -> String {
        let outcome: Outcome = await withCheckedContinuation { continuation in
            let isBusy = content.withLock { content in
                guard content.supervision == nil else { return true }
                content.isStopping = false
                content.starter = continuation
                content.supervision = Task { await self.supervise() }
                return false
            }
            if isBusy { continuation.resume(returning: .failure(.inUse(folder: folder.root))) }
        }
        try outcome.get()
        return connectionString
    }

    /// Ends it: fast (connections are cut, all is written), and after the configured time immediately.
    ///
    /// Returns when it is gone.
    public func stop() async {
        let supervision = content.withLock { content in
            content.isStopping = true
            content.pause?.cancel()
            return content.supervision
        }
        guard let supervision else { return }
        signal(SIGINT)
        let escalation = Task {
            try await Task.sleep(for: configuration.fastShutdownLimit)
            signal(SIGQUIT)
            try await Task.sleep(for: ClusterPreparation.immediateShutdownLimit)
            signal(SIGKILL)
        }
        await supervision.value
        escalation.cancel()
    }

    private func signal(_ number: Int32) {
        // Under the lock: the number is its own as long as it is there.
        content.withLock { content in
            if let process = content.process { kill(process, number) }
        }
    }

    // MARK: - Supervision

    private var isStopping: Bool { content.withLock { $0.isStopping } }

    private func supervise() async {
        become(.starting)
        do throws(EmbeddedPostgresError) {
            let owner = try ClusterOwner.find(existing: folder.clusterUser, folder: folder.cluster)
            try folder.make(for: owner)
            let lock = try ClusterLock(folder)
            try await keepRunning(owner)
            withExtendedLifetime(lock) {}
            end(.stopped, .failure(.stopped))
        } catch {
            let state = error == .stopped ? State.stopped : .failed(error.description)
            end(state, .failure(error))
        }
    }

    /// Runs it again and again, until it is told to stop or cannot be started.
    private func keepRunning(_ owner: ClusterOwner) async throws(EmbeddedPostgresError) {
        let preparation = ClusterPreparation(
            folder: folder,
            owner: owner,
            search: search,
            leftoverLimit: configuration.leftoverLimit,
            logger: logger
        )
        var backOff = RestartBackOff()
        var hasBeenReady = false
        while !isStopping {
            var words: String
            var uptime: Duration?
            do throws(EmbeddedPostgresError) {
                let installation = try await preparation.prepare()
                guard !isStopping else { return }
                (words, uptime) = await runOnce(installation, owner)
                guard !isStopping else { return }
                hasBeenReady = hasBeenReady || uptime != nil
                guard hasBeenReady else { throw EmbeddedPostgresError.startFailed(words: words) }
            } catch {
                guard hasBeenReady, error.isTemporary else { throw error }
                words = error.description
            }
            become(.restarting(words))
            let delay = backOff.delay(uptime: uptime)
            logger.error(
                "the database has ended",
                metadata: ["error.message": "\(words)", "db.restart_delay": "\(delay)"]
            )
            await pause(delay)
        }
    }

    private func runOnce(
        _ installation: PostgresInstallation,
        _ owner: ClusterOwner
    ) async -> (words: String, uptime: Duration?) {
        let settings = configuration.settings(socketDirectory: folder.socketDirectoryFromCluster)
        let command = ClusterCommand.configuration(
            installation.program("postgres"),
            ["-D", ClusterCommand.descriptorPath] + settings.flatMap { ["-c", "\($0.name)=\($0.value)"] },
            folder: folder.cluster,
            owner: owner
        )
        let end = await Postmaster(configuration: command, logger: logger).run(
            started: { process in
                content.withLock { $0.process = process }
                // Told to stop between the decision to start it and now.
                if isStopping { signal(SIGINT) }
            },
            ready: { becomeReady() },
            ended: { content.withLock { $0.process = nil } }
        )
        let since = content.withLock { content in
            defer { content.readySince = nil }
            return content.readySince
        }
        return (end.words, since.map { ContinuousClock.now - $0 })
    }

    private func pause(_ delay: Duration) async {
        let pause = content.withLock { content -> Task<Void, Never>? in
            guard !content.isStopping else { return nil }
            let task = Task { _ = try? await Task.sleep(for: delay) }
            content.pause = task
            return task
        }
        await pause?.value
    }

    // MARK: - State

    private func become(_ state: State) {
        content.withLock { $0.become(state) }
    }

    private func becomeReady() {
        logger.info("the database is ready", metadata: ["db.folder": "\(folder.cluster)"])
        let starter = content.withLock { content in
            content.readySince = .now
            content.become(.ready)
            return content.starter.take()
        }
        starter?.resume(returning: .success(()))
    }

    private func end(_ state: State, _ outcome: Outcome) {
        if case .failed(let reason) = state {
            logger.error("the database does not run", metadata: ["error.message": "\(reason)"])
        }
        let starter = content.withLock { content in
            content.supervision = nil
            content.become(state)
            return content.starter.take()
        }
        starter?.resume(returning: outcome)
    }
}
