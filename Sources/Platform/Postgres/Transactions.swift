/// What a transaction sees of others (PostgreSQL 15, 13.2).
public enum Isolation: String, Sendable, CaseIterable {
    /// Each statement sees what was committed before it.
    case readCommitted = "READ COMMITTED"
    /// All statements see what was committed before the first.
    case repeatableRead = "REPEATABLE READ"
    /// As if transactions ran one after the other.
    case serializable = "SERIALIZABLE"
}

/// How often a transaction is done again that has met another one, and after what time.
struct TransactionRetry {
    /// How often it is begun at most.
    static let attempts = 10
    /// The longest wait before the second attempt, doubled for each further one.
    static let firstWait: Duration = .milliseconds(4)
    /// The longest wait of all.
    static let longestWait: Duration = .milliseconds(250)

    /// The wait after a failure.
    ///
    /// - Parameters:
    ///   - attempt: the number of the one that has failed, from 1.
    ///   - jitter: from 0 to 1; those that have met once shall not meet again.
    /// - Returns: the wait, or `nil` when it is enough.
    static func wait(after attempt: Int, jitter: Double) -> Duration? {
        guard attempt < attempts else { return nil }
        return min(firstWait * (1 << min(attempt - 1, 10)), longestWait) * jitter
    }
}

extension Database {
    /// Does work in a transaction.
    ///
    /// The work is done again from its beginning when it has met another transaction (40001, 40P01): it must do nothing besides
    /// its statements.
    ///
    /// - Parameters:
    ///   - isolation: what it sees of others.
    ///   - work: its statements; when it throws, nothing of it has happened.
    /// - Returns: what the work returns, after COMMIT.
    /// - Throws: what the work throws, or ``DatabaseError``.
    @discardableResult
    public func transaction<R: Sendable>(
        _ isolation: Isolation = .readCommitted,
        _ work: @escaping @Sendable (Connection) throws -> R
    ) async throws -> R {
        var attempt = 1
        while true {
            do {
                return try await run { connection in try connection.inTransaction(isolation, work) }
            } catch let error as DatabaseError where error.callsForRetry {
                guard let wait = TransactionRetry.wait(after: attempt, jitter: .random(in: 0...1)) else { throw error }
                do { try await Task.sleep(for: wait) } catch { throw DatabaseError.cancelled }
                attempt += 1
            }
        }
    }
}

extension Connection {
    /// Does work between BEGIN and COMMIT, once.
    func inTransaction<R>(_ isolation: Isolation, _ work: (Connection) throws -> R) throws -> R {
        try executeControl("BEGIN ISOLATION LEVEL \(isolation.rawValue)")
        let value: R
        do {
            value = try work(self)
        } catch {
            // A connection that is broken, or does not roll back, is not used again.
            if !session.isBroken { _ = try? executeControl("ROLLBACK") }
            throw error
        }
        // The server answers COMMIT of a transaction that has failed with ROLLBACK, and calls it a success.
        guard try executeControl("COMMIT").command == "COMMIT" else { throw DatabaseError.transactionAborted }
        return value
    }
}
