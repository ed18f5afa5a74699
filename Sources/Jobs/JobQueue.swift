internal import CLinux
internal import Foundation
public import Logging
public import MediaCore
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Long work such as imports, done one after the other, or a few at a time.
///
/// Its threads have the processor and the disk only when nobody else wants them.
///
/// ```
///            submit           its turn                it returns
///  (nothing) ------> waiting ---------> running --------------------> done
///                       |    <---------    |  \---------------------> failed
///                       |     the process  |        it throws
///                       |     has ended    v
///                       +------------> cancelled
///                            cancel
/// ```
///
/// Each job is a file in the queue's folder, written before anything else happens. What an earlier process has not finished is
/// begun anew, from its beginning: each kind of work sees to it that this does no harm.
public final class JobQueue: JobDirectory {
    /// How many jobs may wait.
    public static let maximumWaiting = 1000
    /// How many jobs are remembered that have ended.
    public static let rememberedJobs = 200
    /// How often a job is begun at most: one that ends the process each time must not keep it from running.
    static let maximumAttempts = 4
    /// How polite the threads are: nice's 19 is the most.
    private static let nice: Int32 = 15
    /// How many remarks on a job are kept.
    private static let maximumRemarks = 50

    /// Does the work of a kind, on a thread of the queue.
    ///
    /// - Returns: what came of it.
    /// - Throws: ``JobFailure``.
    public typealias Work = @Sendable (JobContext) throws(JobFailure) -> String?

    private struct State {
        var jobs: [String: JobStatus] = [:]
        var contexts: [String: JobContext] = [:]
        var kinds: [String: Work] = [:]
        /// Jobs that somebody has cancelled while they ran.
        var cancelled: Set<String> = []
        /// Who waits for the end of which job.
        var waiters: [String: [CheckedContinuation<Void, Never>]] = [:]
        var isStarted = false
        var isStopping = false
    }

    private let folder: JobFolder
    private let threads: NIOThreadPool
    private let makeIdentifier: @Sendable () -> String
    private let now: @Sendable () -> WallClockTime
    private let logger: Logger
    private let state: Mutex<State>

    /// A queue with the jobs of its folder; nothing runs yet.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - directory: the folder, which is made if need be.
    ///   - parallelism: how many jobs run at a time.
    ///   - makeIdentifier: makes an identifier that no other job has had, of letters and digits.
    ///   - now: the time of day.
    ///   - logger: told of each job.
    /// - Throws: the system's error when the folder cannot be made.
    public init(
        directory: String,
        parallelism: Int,
        makeIdentifier: @escaping @Sendable () -> String,
        now: @escaping @Sendable () -> WallClockTime,
        logger: Logger
    ) throws {
        folder = try JobFolder(directory)
        threads = NIOThreadPool(numberOfThreads: parallelism)
        self.makeIdentifier = makeIdentifier
        self.now = now
        self.logger = logger
        var known: [String: JobStatus] = [:]
        for var job in folder.jobs {
            if !job.state.isFinal { (job.state, job.progress) = (.waiting, 0) }
            known[job.id] = job
        }
        state = Mutex(State(jobs: known))
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// Says how work of a kind is done; to be called before ``start()``.
    public func register(_ kind: String, _ work: @escaping Work) {
        state.withLock { $0.kinds[kind] = work }
    }

    /// Begins with what waits.
    public func start() {
        threads.start()
        let waiting = state.withLock { state in
            state.isStarted = true
            return state.jobs.values.filter { $0.state == .waiting }.sorted {
                ($0.createdAt, $0.id) < ($1.createdAt, $1.id)
            }
        }
        for job in waiting { schedule(job.id) }
    }

    /// Puts a job at the end of those that wait.
    ///
    /// Blocks for a moment: the job is on the disk then.
    ///
    /// - Parameters:
    ///   - kind: what kind of work it is.
    ///   - title: what people call it.
    ///   - parameters: what is to be done.
    /// - Returns: the job; `nil` when too many wait already.
    public func submit(_ kind: String, title: String, parameters: [String: String]) -> JobStatus? {
        let job = JobStatus(
            id: makeIdentifier(),
            kind: kind,
            title: title,
            parameters: parameters,
            createdAt: now().milliseconds
        )
        let isStarted: Bool? = state.withLock { state in
            guard !state.isStopping, state.jobs.values.count(where: { $0.state == .waiting }) < Self.maximumWaiting
            else {
                return nil
            }
            state.jobs[job.id] = job
            return state.isStarted
        }
        guard let isStarted else { return nil }
        save(job)
        if isStarted { schedule(job.id) }
        return job
    }

    // MARK: - Looking and cancelling

    /// Every job that is known, the newest first.
    public var jobs: [JobStatus] {
        state.withLock { Array($0.jobs.values) }.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    }

    /// The job of an identifier; `nil` when there is none.
    public func job(_ id: String) -> JobStatus? { state.withLock { $0.jobs[id] } }

    /// Waits for the end of a job, or of this queue.
    ///
    /// - Returns: the job as it is then; `nil` when there is none.
    public func end(of id: String) async -> JobStatus? {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                guard let job = state.jobs[id], !job.state.isFinal, !state.isStopping || state.contexts[id] != nil
                else {
                    return false
                }
                state.waiters[id, default: []].append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
        return job(id)
    }

    private func wake(_ ids: [String]) {
        let woken = state.withLock { state in ids.flatMap { state.waiters.removeValue(forKey: $0) ?? [] } }
        for continuation in woken { continuation.resume() }
    }

    /// Cancels a job: at once when it waits, else as soon as it notices.
    ///
    /// Blocks for a moment, on the disk.
    ///
    /// - Returns: the job as it is now; `nil` when there is none.
    @discardableResult
    public func cancel(_ id: String) -> JobStatus? {
        let now = now().milliseconds
        let (job, isChanged) = state.withLock { state -> (JobStatus?, Bool) in
            guard var job = state.jobs[id] else { return (nil, false) }
            switch job.state {
            case .waiting:
                (job.state, job.endedAt) = (.cancelled, now)
                state.jobs[id] = job
                return (job, true)
            case .running:
                state.cancelled.insert(id)
                state.contexts[id]?.cancel()
                return (job, false)
            case .done, .failed, .cancelled: return (job, false)
            }
        }
        if isChanged, let job {
            save(job)
            wake([id])
            forgetOldJobs()
        }
        return job
    }

    /// Ends what runs, for the next process to begin it anew.
    public func shutDown() async {
        let contexts = state.withLock { state in
            state.isStopping = true
            return Array(state.contexts.values)
        }
        for context in contexts { context.cancel() }
        try? await threads.shutdownGracefully()
        wake(state.withLock { Array($0.waiters.keys) })
    }

    // MARK: - Running

    private func schedule(_ id: String) {
        threads.submit { [weak self] state in
            guard case .active = state else { return }
            self?.run(id)
        }
    }

    private func run(_ id: String) {
        guard let (context, work) = begin(id) else { return }
        lyceum_yield_to_all_others(Self.nice)
        save(context.job)
        logger.info("job begun", metadata: Self.metadata(context.job))
        guard context.job.attempts <= Self.maximumAttempts else {
            return end(id, .failure(.failed("the server has ended \(Self.maximumAttempts) times while this ran")))
        }
        do throws(JobFailure) {
            end(id, .success(try work(context)))
        } catch {
            end(id, .failure(error))
        }
    }

    private func begin(_ id: String) -> (JobContext, Work)? {
        let now = now().milliseconds
        return state.withLock { state in
            guard !state.isStopping, var job = state.jobs[id], job.state == .waiting, let work = state.kinds[job.kind]
            else { return nil }
            (job.state, job.startedAt, job.progress, job.error, job.remarks) = (.running, now, 0, nil, [])
            job.attempts += 1
            state.jobs[id] = job
            let context = JobContext(
                job,
                report: { [weak self] done in self?.change(id) { $0.progress = done } },
                remarkUpon: { [weak self] text in
                    self?.change(id) { if $0.remarks.count < Self.maximumRemarks { $0.remarks.append(text) } }
                }
            )
            state.contexts[id] = context
            return (context, work)
        }
    }

    private func change(_ id: String, _ change: (inout JobStatus) -> Void) {
        state.withLock { state in
            guard var job = state.jobs[id] else { return }
            change(&job)
            state.jobs[id] = job
        }
    }

    private func end(_ id: String, _ outcome: Result<String?, JobFailure>) {
        let now = now().milliseconds
        let job: JobStatus? = state.withLock { state in
            state.contexts[id] = nil
            let isCancelled = state.cancelled.remove(id) != nil
            guard var job = state.jobs[id] else { return nil }
            // What the end of the process interrupts stays as it is on the disk: the next one begins it anew.
            if case .failure(.cancelled) = outcome, state.isStopping, !isCancelled { return nil }
            job.endedAt = now
            switch outcome {
            case .success(let result): (job.state, job.progress, job.result) = (.done, 1, result)
            case .failure(.cancelled): job.state = .cancelled
            case .failure(.failed(let reason, let isOfTheInput)):
                (job.state, job.error, job.isOfTheInput) = (.failed, reason, isOfTheInput)
            }
            state.jobs[id] = job
            return job
        }
        guard let job else { return }
        save(job)
        logger.info("job ended", metadata: Self.metadata(job))
        wake([id])
        forgetOldJobs()
    }

    // MARK: - The folder

    private func save(_ job: JobStatus) {
        do {
            try folder.write(job)
        } catch {
            logger.warning("job not on disk: it does not outlast the process", metadata: ["error.type": "\(error)"])
        }
    }

    private func forgetOldJobs() {
        let forgotten = state.withLock { state in
            let ended = state.jobs.values.filter(\.state.isFinal).sorted {
                ($0.endedAt ?? 0, $0.id) > ($1.endedAt ?? 0, $1.id)
            }
            let old = ended.dropFirst(Self.rememberedJobs).map(\.id)
            for id in old { state.jobs[id] = nil }
            return old
        }
        for id in forgotten { folder.remove(id) }
    }

    private static func metadata(_ job: JobStatus) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "job.id": "\(job.id)", "job.kind": "\(job.kind)", "job.title": "\(job.title)",
            "job.state": "\(job.state.rawValue)",
        ]
        metadata["job.result"] = job.result.map { "\($0)" }
        metadata["job.error"] = job.error.map { "\($0)" }
        return metadata
    }
}
