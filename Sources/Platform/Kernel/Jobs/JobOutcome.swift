/// What becomes of a job after an attempt.
///
/// Pure: what is known of the attempt comes in.
enum JobOutcome: Sendable, Equatable {
    /// It is done.
    case done

    /// It is tried again after a while.
    case retry(after: Duration, error: String)

    /// It goes back as if it had not been begun: the server stops.
    case release

    /// Somebody has ended it.
    case cancel

    /// It is a dead letter.
    case bury(error: String)

    /// Somebody else has it: nothing is written.
    case leave

    /// Why a handler was told to stop.
    enum Interruption: Sendable, Equatable {
        /// The lease is gone.
        case leaseLost
        /// Somebody has cancelled the job.
        case cancelRequested
        /// The server stops.
        case stopping
    }

    /// What follows an attempt.
    ///
    /// A handler that has come to its end in spite of an interruption has done its work.
    ///
    /// - Parameters:
    ///   - error: what the handler threw, nil when it returned.
    ///   - interruption: why it was told to stop, if it was.
    ///   - attempts: the attempts made, this one among them.
    ///   - retry: the kind's policy.
    ///   - jitter: a number from 0 to 1, drawn at random.
    init(
        error: (any Error)?,
        interruption: Interruption?,
        attempts: Int,
        retry: RetryPolicy,
        jitter: Double
    ) {
        guard let error else {
            self = .done
            return
        }
        switch (interruption, error) {
        case (.leaseLost, _): self = .leave
        case (.cancelRequested, _): self = .cancel
        case (_, JobError.permanent(let reason)): self = .bury(error: reason)
        case (.stopping, _): self = .release
        case (nil, _):
            switch retry.afterFailure(attempts: attempts, isPermanent: false, jitter: jitter) {
            case .retry(let wait): self = .retry(after: wait, error: "\(error)")
            case .bury: self = .bury(error: "\(error)")
            }
        }
    }
}
