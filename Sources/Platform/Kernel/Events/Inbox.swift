public import Foundation
public import Postgres

/// What another system tells us, as it is worked on.
public struct InboxEvent: Sendable, Equatable {
    /// Who told it, such as `stripe`.
    public let provider: String
    /// Its id there.
    public let eventID: String
    /// Its type there.
    public let type: String
    /// Its JSON.
    public let payload: String
    /// When it came first.
    public let receivedAt: Date
}

/// Events of other systems, each taken in once however often it is sent, and worked on by a job.
///
/// The receiver verifies the signature, calls ``receive(provider:eventID:type:payload:on:)`` and answers at once;
/// retries, back-off and dead letters are those of ``WorkQueue``.
public enum Inbox {
    /// Takes an event in, in the transaction of the connection, and enqueues its job.
    ///
    /// - Parameters:
    ///   - provider: who told it, 1 to 50 characters; the job's kind is `inbox.` and this.
    ///   - eventID: its id there, 1 to 200 characters.
    ///   - type: its type there.
    ///   - payload: its JSON.
    ///   - connection: the transaction.
    /// - Returns: false when it was there already: the sender is answered all the same.
    /// - Throws: `DatabaseError`.
    public static func receive(
        provider: String,
        eventID: String,
        type: String,
        payload: String,
        on connection: Connection
    ) throws -> Bool {
        let id = try connection.queryFirst(
            """
            INSERT INTO inbox_event (provider, event_id, type, payload)
            VALUES (\(provider), \(eventID), \(type), \(JSONText(payload)))
            ON CONFLICT (provider, event_id) DO NOTHING RETURNING id
            """
        ) { row in try row.get("id", as: Int64.self) }
        guard let id else { return false }
        try WorkQueue.enqueue(
            try NewJob(kind: kind(provider), of: Reference(inbox: id), dedupeKey: "\(id)"),
            on: connection
        )
        return true
    }

    /// The handler of a provider's events.
    ///
    /// - Parameters:
    ///   - provider: whose events.
    ///   - retry: what follows a failure.
    ///   - work: does what an event asks for. It may be called twice for one event, after a crash; what is the state
    ///     now is asked of the provider, since events come late and in any order.
    /// - Returns: a handler for the ``WorkQueue``.
    public static func handler(
        provider: String,
        retry: RetryPolicy = RetryPolicy(),
        work: @escaping @Sendable (InboxEvent, JobRun) async throws -> Void
    ) -> JobHandler {
        JobHandler(kind: kind(provider), retry: retry) { run in
            let id = try run.payload(as: Reference.self).inbox
            guard let event = try await run.database.run({ try unprocessed(id, on: $0) }) else { return }
            try await work(event, run)
            try await run.database.transaction { connection in
                try connection.execute("UPDATE inbox_event SET processed_at = now() WHERE id = \(id)")
                try run.finish(on: connection)
            }
        }
    }

    private struct Reference: Codable { let inbox: Int64 }

    private static func kind(_ provider: String) -> String { "inbox.\(provider)" }

    private static func unprocessed(_ id: Int64, on connection: Connection) throws -> InboxEvent? {
        try connection.queryFirst(
            """
            SELECT provider, event_id, type, payload, received_at FROM inbox_event WHERE id = \(id) AND processed_at IS NULL
            """
        ) { row in
            InboxEvent(
                provider: try row.get("provider"),
                eventID: try row.get("event_id"),
                type: try row.get("type"),
                payload: try row.get("payload", as: JSONText.self).text,
                receivedAt: try row.get("received_at")
            )
        }
    }
}
