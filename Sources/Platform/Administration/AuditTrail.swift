internal import Kernel
internal import Postgres

/// Who asks, as the audit log names them: taken out of the context, so that it can go along to the database.
struct AuditTrail: Sendable {
    private let actor: String
    private let ipPrefix: String?
    private let requestID: String

    init(_ context: PlatformContext) {
        actor = context.actor.account?.publicID ?? "visitor"
        ipPrefix = IPAddress(context.peerAddress)?.prefix
        requestID = context.requestID
    }

    /// Writes down what is done, in the transaction in which it is done.
    func record(
        _ action: String,
        on object: String,
        _ detail: JSONValue = .object([]),
        _ connection: Connection
    ) throws {
        let entry = AuditEntry(
            actor: actor,
            action: action,
            object: object,
            detail: String(decoding: detail.bytes, as: UTF8.self),
            ipPrefix: ipPrefix,
            requestID: requestID
        )
        try AuditLog.record(entry, on: connection)
    }
}
