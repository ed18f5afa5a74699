/// How long a failed attempt waits for the next one, and after how many the work is given up.
///
/// The wait doubles from ``first`` to ``longest``, and is then shortened by up to half at random: what failed together,
/// because one server was away, does not come back together.
public struct RetryPolicy: Sendable, Equatable {
    /// The attempts there are, the first among them; at least 1.
    public let maximumAttempts: Int

    /// The longest wait after the first failure.
    public let first: Duration

    /// The longest wait there is.
    public let longest: Duration

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - maximumAttempts: the attempts there are; less than 1 counts as 1.
    ///   - first: the wait after the first failure.
    ///   - longest: the bound of the doubling.
    public init(maximumAttempts: Int = 8, first: Duration = .seconds(5), longest: Duration = .seconds(3600)) {
        self.maximumAttempts = max(1, maximumAttempts)
        self.first = max(.zero, first)
        self.longest = max(.zero, longest)
    }

    /// What follows a failed attempt.
    public enum Decision: Sendable, Equatable {
        /// Another attempt, this long from now.
        case retry(after: Duration)

        /// None: it is a dead letter, until somebody looks at it.
        case bury
    }

    /// Decides what follows a failure.
    ///
    /// - Parameters:
    ///   - attempts: the attempts made so far, the failed one among them.
    ///   - isPermanent: whether the failure said that no attempt will ever succeed.
    ///   - jitter: a number from 0 to 1, drawn at random: how much of the possible shortening is taken.
    /// - Returns: another attempt, or none.
    public func afterFailure(attempts: Int, isPermanent: Bool, jitter: Double) -> Decision {
        guard !isPermanent, attempts < maximumAttempts else { return .bury }
        return .retry(after: backOff(attempts: attempts) * (1 - min(max(jitter, 0), 1) / 2))
    }

    /// The longest wait after so many failures in a row.
    func backOff(attempts: Int) -> Duration {
        var wait = min(first, longest)
        // Doubling stops at the bound, so that no number of attempts overflows.
        for _ in 1..<max(attempts, 1) {
            wait = min(wait * 2, longest)
            if wait == longest || wait == .zero { break }
        }
        return wait
    }
}
