internal import Cryptography
public import Logging
public import Postgres
internal import Synchronization

/// Durable work over the table `job`, shared by all servers of a database.
///
/// A job is enqueued in the transaction of the change it follows from, claimed by one worker with `FOR UPDATE SKIP
/// LOCKED`, and held by a lease that is renewed while the handler runs. A worker that is killed renews nothing: when
/// its lease ends, another takes the job over. So a handler may be called twice for one job, and its effect happens
/// once if it is committed together with ``JobRun/finish(on:)``.
///
/// A database that is away stops nothing but this: claims are tried again with back-off, and what was done meanwhile is
/// written when it is back.
public final class WorkQueue: Sendable {
    /// How a queue works.
    public struct Configuration: Sendable {
        /// How many jobs run at once on this server.
        public var concurrency = 4
        /// How long a worker may be silent before another takes its job.
        public var lease: Duration = .seconds(30)
        /// How often due jobs are looked for besides being told of; retries are due without anybody telling.
        public var pollInterval: Duration = .seconds(1)
        /// How long running jobs have to come to their end when the server stops.
        public var grace: Duration = .seconds(10)
        /// How long what has ended is kept.
        public var retention: Duration = .seconds(7 * 86_400)

        /// The defaults.
        public init() {}
    }

    struct Running {
        let task: Task<Void, any Error>
        var interruption: JobOutcome.Interruption?
    }

    struct State {
        var running: [Int64: Running] = [:]
        var isStopping = false
    }

    let database: Database
    let configuration: Configuration
    let handlers: [String: JobHandler]
    let periodic: [PeriodicJob]
    let logger: Logger
    /// Who this is in `locked_by`: another one after each start, so that nothing is taken for what an earlier process
    /// left.
    let worker = "worker-" + Randomness.token(bits: 96)
    let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// A queue with the handlers of all modules, which does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - database: where the jobs are.
    ///   - handlers: one for each kind; of two for a kind the last counts.
    ///   - periodic: the jobs that come round.
    ///   - configuration: how it works.
    ///   - logger: where failures are told.
    public init(
        database: Database,
        handlers: [JobHandler],
        periodic: [PeriodicJob] = [],
        configuration: Configuration = Configuration(),
        logger: Logger
    ) {
        let retention = configuration.retention.seconds
        let cleanUp = PeriodicJob(kind: "job.clean_up", every: .seconds(3600)) { run in
            // In batches: one large DELETE would hold its locks too long.
            while try await run.database.run({ try JobTable.removeFinished(olderThan: retention, on: $0) }) > 0 {}
        }
        self.database = database
        self.configuration = configuration
        self.periodic = periodic + [cleanUp]
        self.handlers = Dictionary((self.periodic.map(\.handler) + handlers).map { ($0.kind, $0) }) { $1 }
        self.logger = logger
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many jobs run on this server.
    public var runningCount: Int { state.withLock { $0.running.count } }

    /// Works until ``stop()``, and returns when the last job has ended.
    ///
    /// A calling task that is cancelled is a stop too.
    public func run() async {
        await withTaskGroup { group in
            group.addTask { await self.listen() }
            group.addTask { await self.repeatedly(every: self.configuration.pollInterval) { self.wake() } }
            group.addTask { await self.repeatedly(every: self.configuration.lease / 6) { await self.keepLeases() } }
            group.addTask { await self.repeatedly(every: .seconds(5)) { await self.enqueuePeriodic() } }
            wake()
            await dispatch()
            group.cancelAll()
        }
    }

    /// Takes no more jobs; those that run have the grace of the configuration to come to their end, and go back to the
    /// queue after it.
    public func stop() {
        state.withLock { $0.isStopping = true }
        waker.finish()
    }

    /// Looks for jobs now.
    func wake() { waker.yield() }

    /// Claims and starts jobs, one round for each wake, and returns when the last of them has ended.
    private func dispatch() async {
        let limit = await withTaskCancellationHandler {
            await withDiscardingTaskGroup(returning: Task<Void, Never>.self) { group in
                var failures = 0
                for await _ in wakes {
                    failures = await claimAll(into: &group, failures: failures)
                }
                return Task { [configuration] in
                    try? await Task.sleep(for: configuration.grace)
                    if !Task.isCancelled { self.interruptAll() }
                }
            }
        } onCancel: {
            stop()
        }
        limit.cancel()
    }

    /// Fills the room there is.
    ///
    /// - Parameters:
    ///   - group: where the jobs run.
    ///   - failures: how often in a row it has failed.
    /// - Returns: the same after this time.
    private func claimAll(into group: inout DiscardingTaskGroup, failures: Int) async -> Int {
        do {
            while let jobs = try await claim(), !jobs.isEmpty {
                for job in jobs { start(job, in: &group) }
            }
            if failures > 0 { logger.info("jobs run again") }
            return 0
        } catch {
            if failures == 0 { logger.warning("no jobs can be claimed", metadata: ["error": "\(error)"]) }
            let policy = RetryPolicy(first: .milliseconds(250), longest: .seconds(15))
            try? await Task.sleep(for: policy.backOff(attempts: failures + 1))
            return failures + 1
        }
    }

    /// Claims as many jobs as there is room for.
    ///
    /// - Returns: nil when there is no room, or the queue stops.
    private func claim() async throws -> [ClaimedJob]? {
        let running = state.withLock { $0.isStopping ? nil : Array($0.running.keys) }
        guard let running, running.count < configuration.concurrency else { return nil }
        let kinds = Array(handlers.keys)
        let room = configuration.concurrency - running.count
        let (worker, lease) = (worker, configuration.lease.seconds)
        return try await database.run { connection in
            try JobTable.claim(
                kinds: kinds,
                except: running,
                limit: room,
                worker: worker,
                lease: lease,
                on: connection
            )
        }
    }

    private func start(_ job: ClaimedJob, in group: inout DiscardingTaskGroup) {
        guard let handler = handlers[job.kind] else { return }
        let run = JobRun(job, worker: worker, forgetsPayload: handler.forgetsPayload, database: database)
        // Not a child: it outlives a cancelled dispatcher until it is settled, and is cancelled on its own when the
        // lease is lost.
        let task = Task {
            guard run.attempt <= handler.retry.maximumAttempts else {
                throw JobError.permanent("its worker was stopped \(run.attempt - 1) times")
            }
            try await handler.work(run)
        }
        // Whether the queue stops meanwhile or not: it has the grace that all have.
        state.withLock { $0.running[run.id] = Running(task: task, interruption: nil) }
        group.addTask {
            let result = await task.result
            let error: (any Error)? = if case .failure(let error) = result { error } else { nil }
            await self.settle(run, handler, error)
            let _ = self.state.withLock { $0.running.removeValue(forKey: run.id) }
            self.wake()
        }
    }
}
