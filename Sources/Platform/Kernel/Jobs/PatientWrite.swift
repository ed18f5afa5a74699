internal import Postgres

extension Database {
    /// Writes what has happened already: also when the task is cancelled meanwhile, and again while the database is
    /// away.
    ///
    /// - Parameters:
    ///   - limit: how long it is tried; a server that stops waits for it.
    ///   - work: one transaction, which does no harm when it is done twice: a connection may be lost while it commits.
    /// - Returns: what the work returns.
    /// - Throws: the last error.
    func patiently<R: Sendable>(
        within limit: Duration,
        _ work: @escaping @Sendable (Connection) throws -> R
    ) async throws -> R {
        // Not a child: the statement must not be ended with the task.
        try await Task {
            let deadline = ContinuousClock.now + limit
            let policy = RetryPolicy(first: .milliseconds(100), longest: .seconds(2))
            var attempts = 0
            while true {
                do {
                    return try await transaction(.readCommitted, work)
                } catch let error as DatabaseError where error.isUnavailable && error != .shutDown {
                    guard .now < deadline else { throw error }
                    attempts += 1
                    try await Task.sleep(for: policy.backOff(attempts: attempts))
                }
            }
        }.value
    }
}
