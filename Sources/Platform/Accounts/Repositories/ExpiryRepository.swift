internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// Removes what has run out, so that nothing grows for ever and nothing personal is kept without need.
enum ExpiryRepository {
    static let kind = "account.clean_up"

    /// The job that does it every hour.
    static func cleanUp(rules: AccountSettings, now: @escaping @Sendable () -> Date) -> PeriodicJob {
        PeriodicJob(kind: kind, every: .seconds(3600)) { run in
            let now = now()
            try await run.database.run { try remove(rules, now: now, on: $0) }
        }
    }

    /// Removes sessions, one-time tokens, devices and counts that are over, each in one statement over an index.
    static func remove(_ rules: AccountSettings, now: Date, on connection: Connection) throws {
        try connection.execute(
            "DELETE FROM session WHERE expires_at < \(now) OR last_seen_at < \(now.addingTimeInterval(-rules.sessions.idle))"
        )
        try connection.execute("DELETE FROM one_time_token WHERE expires_at < \(now)")
        try connection.execute("DELETE FROM known_device WHERE expires_at < \(now)")
        try connection.execute(
            "DELETE FROM sign_in_failure WHERE last_at < \(now.addingTimeInterval(-2 * rules.throttle.memory))"
        )
        // Tokens that ran out are shown to their owner for a month, so that nobody wonders why a program stopped.
        try connection.execute("DELETE FROM api_token WHERE expires_at < \(now.addingTimeInterval(-30 * 86_400))")
    }
}
