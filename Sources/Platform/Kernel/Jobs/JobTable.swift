internal import Cryptography
internal import Foundation
internal import Postgres

/// The statements over the table `job`.
///
/// The clock is the database's, one for all servers. A worker writes to a row only while it holds the lease: worker and
/// attempt must still be those it claimed with, so that one that was thought dead and comes back changes nothing.
enum JobTable {
    /// The channel that tells of new jobs.
    static let channel = "lyceum_job"

    /// Enqueues a job in the transaction of the connection.
    ///
    /// - Returns: its public id, or nil when an unfinished one has its key.
    static func enqueue(_ job: NewJob, on connection: Connection) throws -> String? {
        guard job.payload.utf8.count <= NewJob.maximumPayload else {
            throw JobError.permanent(
                "payload has \(job.payload.utf8.count) bytes, at most \(NewJob.maximumPayload) allowed"
            )
        }
        let id = try connection.queryFirst(
            """
            INSERT INTO job (public_id, kind, payload, run_at, dedupe_key)
            VALUES (\(newID()), \(job.kind), \(JSONText(job.payload)), now() + make_interval(secs => \(job.delay.seconds)),
                \(job.dedupeKey as String?))
            ON CONFLICT (kind, dedupe_key) WHERE dedupe_key IS NOT NULL AND state IN ('queued', 'running') DO NOTHING
            RETURNING public_id
            """
        ) { row in try row.get("public_id", as: String.self) }
        // Equal notifications of a transaction are one.
        if id != nil, job.delay <= .zero { try wakeWorkers(on: connection) }
        return id
    }

    /// Tells the workers of all servers, once the transaction is committed, that there is something to do.
    static func wakeWorkers(on connection: Connection) throws {
        try connection.execute("SELECT pg_notify(\(channel), '')")
    }

    /// Gives jobs that are due to a worker, the longest due first.
    ///
    /// - Parameters:
    ///   - kinds: the kinds it has handlers for.
    ///   - running: what it has already: after a lease that has ended, it does not compete with itself.
    ///   - limit: how many at most.
    ///   - worker: who takes them.
    ///   - lease: for how long, in seconds.
    ///   - connection: where they are.
    /// - Returns: the jobs, now running.
    /// - Throws: `DatabaseError`.
    static func claim(
        kinds: [String],
        except running: [Int64],
        limit: Int,
        worker: String,
        lease: Double,
        on connection: Connection
    ) throws -> [ClaimedJob] {
        try connection.query(
            """
            WITH due AS (
                SELECT id FROM job
                WHERE state = 'queued' AND run_at <= now() AND kind = ANY(\(kinds)) AND NOT id = ANY(\(running))
                ORDER BY run_at, id LIMIT \(limit) FOR UPDATE SKIP LOCKED
            )
            UPDATE job SET state = 'running', attempts = attempts + 1, progress = 0, note = NULL, locked_by = \(worker),
                locked_until = clock_timestamp() + make_interval(secs => \(lease))
            FROM due WHERE job.id = due.id
            RETURNING job.id, public_id, kind, payload, attempts
            """
        ) { row in
            ClaimedJob(
                id: try row.get("id"),
                publicID: try row.get("public_id"),
                kind: try row.get("kind"),
                payload: try row.get("payload", as: JSONText.self).text,
                attempts: try row.get("attempts")
            )
        }
    }

    /// Puts the jobs back whose worker has not renewed its lease: its process was killed, or cannot reach the database.
    ///
    /// - Returns: how many there were.
    static func takeOver(on connection: Connection) throws -> Int {
        let count = try connection.execute(
            """
            UPDATE job SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                finished_at = CASE WHEN cancel_requested THEN now() END,
                run_at = now(), locked_by = NULL, locked_until = NULL, last_error = 'worker stopped without a word'
            WHERE id IN (
                SELECT id FROM job WHERE state = 'running' AND locked_until < now() LIMIT 1000 FOR UPDATE SKIP LOCKED
            )
            """
        )
        if count > 0 { try wakeWorkers(on: connection) }
        return count
    }

    /// Renews the leases of a worker.
    ///
    /// - Returns: for each job it still has, whether it is to end.
    static func renew(_ ids: [Int64], worker: String, lease: Double, on connection: Connection) throws -> [Int64: Bool]
    {
        let rows = try connection.query(
            """
            UPDATE job SET locked_until = clock_timestamp() + make_interval(secs => \(lease))
            WHERE id = ANY(\(ids)) AND state = 'running' AND locked_by = \(worker) RETURNING id, cancel_requested
            """
        ) { row in (try row.get("id", as: Int64.self), try row.get("cancel_requested", as: Bool.self)) }
        return Dictionary(rows) { $1 }
    }

    /// Notes the progress of a job.
    ///
    /// - Returns: whether the job is still the worker's and goes on.
    static func report(_ lease: JobLease, _ progress: Double, note: String?, on connection: Connection) throws -> Bool {
        let isCancelled = try connection.queryFirst(
            """
            UPDATE job SET progress = \(progress), note = COALESCE(left(\(note as String?), 500), note)
            WHERE id = \(lease.id) AND state = 'running' AND locked_by = \(lease.worker) AND attempts = \(lease.attempt)
            RETURNING cancel_requested
            """
        ) { row in try row.get("cancel_requested", as: Bool.self) }
        return isCancelled == false
    }

    /// Marks a job as done.
    ///
    /// - Returns: whether it was still the worker's.
    static func finish(_ lease: JobLease, forgetsPayload: Bool, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE job SET state = 'done', progress = 1, last_error = NULL, finished_at = now(), locked_by = NULL,
                locked_until = NULL, payload = CASE WHEN \(forgetsPayload) THEN '{}' ELSE payload END
            WHERE id = \(lease.id) AND state = 'running' AND locked_by = \(lease.worker) AND attempts = \(lease.attempt)
            """
        ) == 1
    }

    /// Puts a job back, to be tried after a while.
    ///
    /// - Parameters:
    ///   - lease: what the worker holds.
    ///   - seconds: how long it waits.
    ///   - error: why it has failed.
    ///   - countsAttempt: whether this attempt counts; not when the server stops.
    ///   - connection: where it is written.
    /// - Throws: `DatabaseError`.
    static func requeue(
        _ lease: JobLease,
        after seconds: Double,
        error: String?,
        countsAttempt: Bool,
        on connection: Connection
    ) throws {
        let uncounted = countsAttempt ? 0 : 1
        try connection.execute(
            """
            UPDATE job SET state = 'queued', run_at = now() + make_interval(secs => \(seconds)),
                attempts = attempts - \(uncounted), last_error = COALESCE(left(\(error as String?), 2000), last_error),
                locked_by = NULL, locked_until = NULL
            WHERE id = \(lease.id) AND state = 'running' AND locked_by = \(lease.worker) AND attempts = \(lease.attempt)
            """
        )
    }

    /// Ends a job that was not done.
    static func end(_ lease: JobLease, as state: JobState, error: String?, on connection: Connection) throws {
        try connection.execute(
            """
            UPDATE job SET state = \(state.rawValue), finished_at = now(), locked_by = NULL, locked_until = NULL,
                last_error = COALESCE(left(\(error as String?), 2000), last_error)
            WHERE id = \(lease.id) AND state = 'running' AND locked_by = \(lease.worker) AND attempts = \(lease.attempt)
            """
        )
    }

    /// Enqueues a periodic job if its time has come; the row of the schedule makes one server of many the first.
    ///
    /// - Parameters:
    ///   - kind: the kind.
    ///   - interval: in seconds.
    ///   - connection: the transaction.
    /// - Throws: `DatabaseError`.
    static func enqueueIfDue(_ kind: String, every interval: Double, on connection: Connection) throws {
        let isDue = try connection.queryFirst(
            """
            INSERT INTO job_schedule (kind, next_at) VALUES (\(kind), now() + make_interval(secs => \(interval)))
            ON CONFLICT (kind) DO UPDATE SET next_at = EXCLUDED.next_at
            WHERE job_schedule.next_at <= now() OR job_schedule.next_at > EXCLUDED.next_at
            RETURNING true AS due
            """
        ) { row in try row.get("due", as: Bool.self) }
        if isDue == true { _ = try enqueue(NewJob(kind: kind, dedupeKey: "periodic"), on: connection) }
    }

    /// Removes jobs that were done or cancelled so long ago, and dead letters of a month.
    static func removeFinished(olderThan seconds: Double, on connection: Connection) throws -> Int {
        try connection.execute(
            """
            DELETE FROM job WHERE id IN (
                SELECT id FROM job
                WHERE finished_at < now() - make_interval(secs => \(seconds))
                    AND (state <> 'dead' OR finished_at < now() - interval '30 days')
                LIMIT 5000
            )
            """
        )
    }

    /// An id that nobody guesses: `job_` and 22 characters of 62.
    private static func newID() -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        // The bytes over 247 would favour the first characters: drawn again.
        var characters: [Character] = []
        while characters.count < 22 {
            characters += Randomness.bytes(32).filter { $0 < 248 }.prefix(22 - characters.count).map {
                alphabet[Int($0) % 62]
            }
        }
        return "job_" + String(characters)
    }
}

extension Duration {
    /// The seconds, with a fraction.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
