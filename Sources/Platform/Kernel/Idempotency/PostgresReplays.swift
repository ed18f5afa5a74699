public import FoundationEssentials
public import Postgres

/// Answers kept in the table `idempotency`.
public struct PostgresReplays: ReplayStore {
    private let database: Database

    /// Answers in a database.
    public init(_ database: Database) { self.database = database }

    /// Inserts the row, or says what is there.
    ///
    /// - Throws: `DatabaseError`.
    public func begin(_ key: ReplayKey, requestSHA256: [UInt8], now: Date) async throws -> ReplayStart {
        let expires = now + Double(ReplayKey.lifetime)
        return try await database.run { connection in
            // An expired row is taken over, so that a key means one request for a day and then a new one.
            let inserted = try connection.execute(
                """
                INSERT INTO idempotency AS i (scope, key, request_sha256, created_at, expires_at)
                VALUES (\(key.scope), \(key.key), \(requestSHA256), \(now), \(expires))
                ON CONFLICT (scope, key) DO UPDATE
                SET request_sha256 = excluded.request_sha256, state = 'running', status = NULL, headers = NULL, body = NULL,
                    created_at = excluded.created_at, expires_at = excluded.expires_at
                WHERE i.expires_at <= \(now)
                """
            )
            if inserted == 1 { return .run }
            let found = try connection.queryFirst(
                "SELECT request_sha256, state, status, headers, body FROM idempotency WHERE scope = \(key.scope) AND key = \(key.key)"
            ) { row in try Self.start(row, requestSHA256) }
            // Taken away in between: the other one failed and asks to be sent again, as this one may.
            return found ?? .running
        }
    }

    private static func start(_ row: Row, _ requestSHA256: [UInt8]) throws -> ReplayStart {
        guard try row.get("request_sha256", as: [UInt8].self) == requestSHA256 else { return .otherRequest }
        guard try row.get("state", as: String.self) == "done" else { return .running }
        let headers = try row.get("headers", as: JSONText.self)
        return .replay(
            StoredAnswer(
                status: Int(try row.get("status", as: Int16.self)),
                headers: pairs(headers.text),
                body: try row.get("body", as: [UInt8].self)
            )
        )
    }

    private static func pairs(_ json: String) -> [[String]] {
        guard case .array(let pairs)? = try? JSONParser.parse(Array(json.utf8)) else { return [] }
        return pairs.compactMap { pair in
            guard case .array(let parts) = pair else { return nil }
            return parts.compactMap(\.text)
        }
    }

    /// Keeps the answer.
    ///
    /// - Throws: `DatabaseError`.
    public func finish(_ key: ReplayKey, _ answer: StoredAnswer) async throws {
        let headers = JSONValue.array(answer.headers.map { .array($0.map(JSONValue.string)) })
        let text = JSONText(String(decoding: headers.bytes, as: UTF8.self))
        try await database.run { connection in
            try connection.execute(
                """
                UPDATE idempotency SET state = 'done', status = \(Int16(clamping: answer.status)), headers = \(text), body = \(answer.body)
                WHERE scope = \(key.scope) AND key = \(key.key) AND state = 'running'
                """
            )
        }
    }

    /// Takes the row away.
    ///
    /// - Throws: `DatabaseError`.
    public func forget(_ key: ReplayKey) async throws {
        try await database.run { connection in
            try connection.execute(
                "DELETE FROM idempotency WHERE scope = \(key.scope) AND key = \(key.key) AND state = 'running'"
            )
        }
    }

    /// Removes the rows that have expired.
    ///
    /// - Parameter now: the time.
    /// - Returns: how many rows.
    /// - Throws: `DatabaseError`.
    @discardableResult public func removeExpired(now: Date) async throws -> Int {
        try await database.run { try $0.execute("DELETE FROM idempotency WHERE expires_at <= \(now)") }
    }
}
