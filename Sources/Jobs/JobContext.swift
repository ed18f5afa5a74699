public import MediaCore
internal import Synchronization

/// What a running job tells of itself, and is told.
public final class JobContext: Sendable {
    /// The job.
    public let job: JobStatus

    private let cancelled = Atomic(false)
    private let report: @Sendable (Double) -> Void
    private let remarkUpon: @Sendable (String) -> Void

    init(
        _ job: JobStatus,
        report: @escaping @Sendable (Double) -> Void,
        remarkUpon: @escaping @Sendable (String) -> Void
    ) {
        self.job = job
        self.report = report
        self.remarkUpon = remarkUpon
    }

    /// Tells how much is done, 0 to 1.
    public func progress(_ done: Double) { report(min(max(done, 0), 1)) }

    /// Tells something that people should know about the work.
    public func remark(_ text: String) { remarkUpon(text) }

    /// Whether the job should end, by throwing ``JobFailure/cancelled``: somebody has cancelled it, or the server stops.
    public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
}

/// Why a job did not come to its end.
public enum JobFailure: Error, Hashable, Sendable {
    /// It was told to end.
    case cancelled
    /// It cannot be done, for this reason in words; `isOfTheInput` when that is in what was to be worked on.
    case failed(String, isOfTheInput: Bool = false)
}
