/// Who does the jobs of a kind.
public struct JobHandler: Sendable {
    /// The kind.
    public let kind: String

    /// What follows a failure.
    public let retry: RetryPolicy

    /// Whether the payload is wiped when the job is done: for one that holds a secret, such as a link to reset a
    /// password.
    public let forgetsPayload: Bool

    /// Does one job.
    ///
    /// It may be called twice for the same job, after a crash: either its effect is committed with
    /// ``JobRun/finish(on:)``, or doing it twice is harmless.
    let work: @Sendable (JobRun) async throws -> Void

    /// Registers the handler of a kind.
    ///
    /// - Parameters:
    ///   - kind: the kind.
    ///   - retry: what follows a failure.
    ///   - forgetsPayload: whether the payload is wiped when the job is done.
    ///   - work: does one job; returning means done, throwing ``JobError/permanent(_:)`` dead, any other error a retry.
    ///     It is cancelled when the job is, when the server stops, and when the lease is lost.
    public init(
        kind: String,
        retry: RetryPolicy = RetryPolicy(),
        forgetsPayload: Bool = false,
        work: @escaping @Sendable (JobRun) async throws -> Void
    ) {
        self.kind = kind
        self.retry = retry
        self.forgetsPayload = forgetsPayload
        self.work = work
    }
}

/// A job that comes round: enqueued by whichever server is first, once for all of them.
public struct PeriodicJob: Sendable {
    /// Its handler; a failed round is followed by the next one, not by a retry of its own.
    public let handler: JobHandler

    /// How long after the last round it is due again.
    public let interval: Duration

    /// Registers a periodic job.
    ///
    /// - Parameters:
    ///   - kind: the kind.
    ///   - interval: how long after the last round it is due again, 1 s at least.
    ///   - work: does one round.
    public init(kind: String, every interval: Duration, work: @escaping @Sendable (JobRun) async throws -> Void) {
        handler = JobHandler(kind: kind, retry: RetryPolicy(maximumAttempts: 3, first: .seconds(30)), work: work)
        self.interval = max(interval, .seconds(1))
    }
}
