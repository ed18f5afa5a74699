internal import Cryptography
public import FoundationEssentials
public import Postgres

/// Limits in the table `rate_bucket`: one statement for each use, the arithmetic of ``TokenBucket`` in SQL.
///
/// The row's lock makes uses at the same time wait for one another, so that servers never let one too many through. The clock is
/// the database's, which all servers share.
public struct PostgresBuckets: SharedBuckets {
    private let database: Database

    /// Limits in a database.
    public init(_ database: Database) { self.database = database }

    /// Counts one use.
    ///
    /// - Throws: `DatabaseError`.
    public func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
        // A key holds an address or an e-mail address: neither is any business of who reads the table, nor bounded.
        let name = "\(limit.name):\(Hexadecimal.text(SHA256.digest(of: Array(key.utf8)).prefix(16)))"
        let capacity = Double(limit.capacity)
        let rate = capacity / Double(limit.window)
        // A bucket with less than one use left goes on being filled and is not taken from: the difference tells which it was.
        let sql: SQL = """
            INSERT INTO rate_bucket AS b (key, tokens, at, full_at)
            VALUES (\(name), \(capacity) - 1, clock_timestamp(), clock_timestamp() + make_interval(secs => 1 / \(rate)))
            ON CONFLICT (key) DO UPDATE SET (tokens, at, full_at) = (
                SELECT left_over, clock_timestamp(),
                    clock_timestamp() + make_interval(secs => (\(capacity) - left_over) / \(rate))
                FROM (
                    SELECT CASE WHEN filled >= 1 THEN filled - 1 ELSE filled - 2 END AS left_over
                    FROM (
                        SELECT least(\(capacity), (CASE WHEN b.tokens < 0 THEN b.tokens + 2 ELSE b.tokens END)
                            + \(rate) * greatest(0, extract(epoch FROM clock_timestamp() - b.at)::float8)) AS filled
                    ) AS refill
                ) AS used
            )
            RETURNING tokens
            """
        let tokens = try await database.run { connection in
            try connection.queryFirst(sql) { row in try row.get("tokens", as: Double.self) }
        }
        guard let tokens else { return TokenBucket(full: limit, at: now).verdict(limit, isAllowed: false) }
        // Below zero it was refused, and what is left is written two lower.
        let isAllowed = tokens >= 0
        return TokenBucket(tokens: isAllowed ? tokens : tokens + 2, at: now).verdict(limit, isAllowed: isAllowed)
    }

    /// Removes the rows of who has everything back.
    ///
    /// - Parameter now: the time.
    /// - Returns: how many rows.
    /// - Throws: `DatabaseError`.
    @discardableResult public func removeFull(now: Date) async throws -> Int {
        try await database.run { try $0.execute("DELETE FROM rate_bucket WHERE full_at < \(now)") }
    }
}
