internal import Foundation
public import Postgres

extension WorkQueue {
    /// Enqueues a job in the transaction of the change it follows from: it is there if and only if the change is.
    ///
    /// - Returns: its public id, or nil when an unfinished job of the kind has the same key.
    /// - Throws: `DatabaseError`, or ``JobError/permanent(_:)`` for a payload that is too large.
    @discardableResult
    public static func enqueue(_ job: NewJob, on connection: Connection) throws -> String? {
        try JobTable.enqueue(job, on: connection)
    }

    /// The event of a job that has become a dead letter; its subject is the job, its payload the job's kind.
    public static let deadKind = "job.dead"

    /// The stream that these events go to, for admins.
    public static let stream = "administration.jobs"

    /// Which jobs a list shows.
    public struct Filter: Sendable, Equatable {
        /// Only those that stand here.
        public var state: JobState?
        /// Only those of this kind.
        public var kind: String?

        /// Makes a filter; nil leaves a condition out.
        public init(state: JobState? = nil, kind: String? = nil) {
            self.state = state
            self.kind = kind
        }
    }

    /// A part of the jobs, the newest first; for a cursor back, the oldest of those first.
    ///
    /// - Parameters:
    ///   - filter: which ones.
    ///   - cursor: where to go on; nil at the newest.
    ///   - limit: how many at most.
    ///   - connection: where they are read.
    /// - Returns: the jobs, without their payloads.
    /// - Throws: `DatabaseError`.
    public static func jobs(
        _ filter: Filter = Filter(),
        from cursor: Cursor? = nil,
        limit: Int,
        on connection: Connection
    ) throws -> [JobSummary] {
        var sql: SQL = "SELECT \(verbatim: columns) FROM job WHERE true"
        if let state = filter.state { sql += " AND state = \(state.rawValue)" }
        if let kind = filter.kind { sql += " AND kind = \(kind)" }
        return try connection.query(sql + cursor.keyset + " LIMIT \(limit)", summary)
    }

    /// One job.
    ///
    /// - Returns: nil when there is none of this id.
    public static func job(_ publicID: String, on connection: Connection) throws -> JobSummary? {
        try connection.queryFirst("SELECT \(verbatim: columns) FROM job WHERE public_id = \(publicID)", summary)
    }

    /// Ends a job that has not ended: one that waits at once, one that runs as soon as its worker hears of it.
    ///
    /// - Returns: whether there was something to end.
    public static func cancel(_ publicID: String, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE job SET cancel_requested = true,
                state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
                finished_at = CASE state WHEN 'queued' THEN now() END
            WHERE public_id = \(publicID) AND state IN ('queued', 'running')
            """
        ) == 1
    }

    /// Begins a dead or cancelled job anew, with all its attempts.
    ///
    /// - Returns: whether there was one; false too when an unfinished job has its key, which does the same work.
    public static func retry(_ publicID: String, on connection: Connection) throws -> Bool {
        let count = try connection.execute(
            """
            UPDATE job SET state = 'queued', attempts = 0, run_at = now(), cancel_requested = false, finished_at = NULL,
                progress = 0, note = NULL
            WHERE public_id = \(publicID) AND state IN ('dead', 'cancelled') AND NOT EXISTS (
                SELECT FROM job AS other
                WHERE other.kind = job.kind AND other.dedupe_key = job.dedupe_key AND other.state IN ('queued', 'running')
            )
            """
        )
        if count == 1 { try JobTable.wakeWorkers(on: connection) }
        return count == 1
    }

    /// How full the queue is.
    public static func counts(on connection: Connection) throws -> JobCounts {
        let counts = try connection.queryFirst(
            """
            SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
                count(*) FILTER (WHERE state = 'queued' AND run_at <= now()) AS due,
                count(*) FILTER (WHERE state = 'running') AS running,
                count(*) FILTER (WHERE state = 'dead') AS dead,
                COALESCE(extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now())), 0)
                    ::double precision AS oldest
            FROM job WHERE state IN ('queued', 'running', 'dead')
            """
        ) { row in
            JobCounts(
                queued: try row.get("queued"),
                due: try row.get("due"),
                running: try row.get("running"),
                dead: try row.get("dead"),
                oldestDueSeconds: try row.get("oldest")
            )
        }
        return counts ?? JobCounts(queued: 0, due: 0, running: 0, dead: 0, oldestDueSeconds: 0)
    }

    private static let columns: StaticString = """
        id, public_id, kind, state, attempts, progress, note, last_error, cancel_requested, created_at, run_at, finished_at
        """

    private static func summary(_ row: Row) throws -> JobSummary {
        JobSummary(
            id: try row.get("id"),
            publicID: try row.get("public_id"),
            kind: try row.get("kind"),
            state: JobState(rawValue: try row.get("state")) ?? .dead,
            attempts: try row.get("attempts"),
            progress: try row.get("progress"),
            note: try row.get("note"),
            lastError: try row.get("last_error"),
            isCancelRequested: try row.get("cancel_requested"),
            createdAt: try row.get("created_at"),
            runAt: try row.get("run_at"),
            finishedAt: try row.get("finished_at")
        )
    }
}
