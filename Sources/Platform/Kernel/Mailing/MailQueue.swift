internal import Cryptography
internal import Foundation
public import Postgres

/// Mails on their way out: enqueued in the transaction of the change they tell about, and sent by a job.
///
/// A mail is sent at least once, and once unless the process is killed between the next hop's answer and the note of
/// it; the second one then has the same `Message-ID`, by which mail systems know it again. The job's payload, which may
/// hold a secret link, is wiped when it is sent.
public enum MailQueue {
    /// The kind of the jobs.
    public static let kind = "mail.send"

    /// Sixteen attempts over about two days: what mail servers do for each other (RFC 5321 §4.5.4.1 asks for four to
    /// five days).
    static let retry = RetryPolicy(maximumAttempts: 16, first: .seconds(10), longest: .seconds(6 * 3600))

    /// How long it is remembered that a mail was sent, in seconds: longer than its attempts may go on.
    private static let remembered: Double = 30 * 86_400

    /// The id of a new mail, as the left part of `Message-ID`.
    public static func newMessageID() -> String { Randomness.token(bits: 132) }

    /// Enqueues a mail in the transaction of the connection.
    ///
    /// - Returns: the public id of its job; nil when the same mail waits already.
    @discardableResult
    public static func enqueue(_ message: MailMessage, on connection: Connection) throws -> String? {
        try WorkQueue.enqueue(try NewJob(kind: kind, of: message, dedupeKey: message.messageID), on: connection)
    }

    /// The handler that sends, to be given to the ``WorkQueue``.
    ///
    /// - Parameter mailer: what hands a mail to the next hop.
    /// - Returns: a handler.
    public static func handler(_ mailer: any Mailer) -> JobHandler {
        JobHandler(kind: kind, retry: retry, forgetsPayload: true) { run in
            let message = try run.payload(as: MailMessage.self)
            if try await run.database.run({ try wasSent(message.messageID, on: $0) }) { return }
            do {
                try await mailer.send(message)
            } catch MailError.permanent(let reason) {
                throw JobError.permanent(reason)
            }
            let id = message.messageID
            // The mail is out: that is noted even if the job is cancelled or the database is away for a while.
            try await run.database.patiently(within: .seconds(60)) { connection -> Void in
                try connection.execute("INSERT INTO mail_delivery (message_id) VALUES (\(id)) ON CONFLICT DO NOTHING")
            }
        }
    }

    /// Forgets mails that were sent long ago.
    public static var cleanUp: PeriodicJob {
        PeriodicJob(kind: "mail.clean_up", every: .seconds(86_400)) { run in
            try await run.database.run { connection -> Void in
                try connection.execute(
                    "DELETE FROM mail_delivery WHERE sent_at < now() - make_interval(secs => \(remembered))"
                )
            }
        }
    }

    private static func wasSent(_ messageID: String, on connection: Connection) throws -> Bool {
        try connection.queryFirst("SELECT EXISTS (SELECT FROM mail_delivery WHERE message_id = \(messageID)) AS sent") {
            try $0.get("sent")
        } ?? false
    }
}
