internal import Postgres

/// The statements over `outbox` and `consumed`.
enum OutboxTable {
    /// The lock of the relay: the one that has it is the only one of all servers.
    private static let relayLock: Int64 = 0x4C59_4345_554D_0001

    /// Becomes the one relay until the end of the transaction.
    ///
    /// - Returns: false when another server is relaying.
    static func becomeRelay(on connection: Connection) throws -> Bool {
        try connection.queryFirst("SELECT pg_try_advisory_xact_lock(\(relayLock)) AS got") { try $0.get("got") }
            ?? false
    }

    /// Whether an event waits.
    static func isWaiting(on connection: Connection) throws -> Bool {
        try connection.queryFirst("SELECT EXISTS (SELECT FROM outbox WHERE relayed_at IS NULL) AS waits") {
            try $0.get("waits")
        } ?? false
    }

    /// The events that wait, in their order.
    static func waiting(limit: Int, on connection: Connection) throws -> [PublishedEvent] {
        try connection.query(
            "SELECT \(verbatim: columns) FROM outbox WHERE relayed_at IS NULL ORDER BY id LIMIT \(limit)",
            event
        )
    }

    /// One event.
    static func event(_ id: Int64, on connection: Connection) throws -> PublishedEvent? {
        try connection.queryFirst("SELECT \(verbatim: columns) FROM outbox WHERE id = \(id)", event)
    }

    /// Notes that events were handed on.
    static func markRelayed(_ ids: [Int64], on connection: Connection) throws {
        try connection.execute("UPDATE outbox SET relayed_at = now() WHERE id = ANY(\(ids))")
    }

    /// Notes that a consumer has an event.
    ///
    /// - Returns: false when it has had it before.
    static func markConsumed(_ id: Int64, by consumer: String, on connection: Connection) throws -> Bool {
        try connection.execute(
            "INSERT INTO consumed (outbox_id, consumer) VALUES (\(id), \(consumer)) ON CONFLICT DO NOTHING"
        ) == 1
    }

    /// Removes events that were handed on so long ago, with their marks.
    static func removeRelayed(olderThan seconds: Double, on connection: Connection) throws -> Int {
        try connection.execute(
            """
            DELETE FROM outbox WHERE id IN (
                SELECT id FROM outbox WHERE relayed_at < now() - make_interval(secs => \(seconds)) LIMIT 5000
            )
            """
        )
    }

    private static let columns: StaticString = "id, kind, subject, stream, payload, created_at"

    private static func event(_ row: Row) throws -> PublishedEvent {
        PublishedEvent(
            id: try row.get("id"),
            event: OutboxEvent(
                kind: try row.get("kind"),
                subject: try row.get("subject"),
                stream: try row.get("stream"),
                payload: try row.get("payload", as: JSONText.self).text
            ),
            at: try row.get("created_at")
        )
    }
}
