internal import Kernel
internal import Postgres

/// What every change leaves behind, in the transaction of the change: a record for those who ask later who did it, an event
/// for those who go on from it, and mails to those it concerns.
struct Trail {
    let caller: Caller
    let connection: Connection

    /// Records that something happened to an account, and publishes it.
    ///
    /// - Parameters:
    ///   - action: what happened, as `account.password_changed`; the event's kind too.
    ///   - account: the public id of the account it happened to.
    ///   - detail: what else is worth knowing; never a secret.
    /// - Throws: `DatabaseError`.
    func record(_ action: String, of account: String, detail: JSONValue = .object([])) throws {
        let json = String(decoding: detail.bytes, as: UTF8.self)
        try AuditLog.record(
            AuditEntry(
                actor: caller.account == nil ? account : caller.name,
                action: action,
                object: account,
                detail: json,
                ipPrefix: caller.network,
                requestID: caller.requestID
            ),
            on: connection
        )
        try Outbox.publish(OutboxEvent(kind: action, subject: account, payload: json), on: connection)
    }

    /// Queues a mail.
    func mail(_ message: MailMessage) throws {
        try MailQueue.enqueue(message, on: connection)
    }
}
