public import Foundation
public import Postgres

/// What somebody did, to be remembered.
public struct AuditEntry: Sendable, Equatable {
    /// Who: the public id of an account, `visitor`, or `system`.
    public let actor: String
    /// What was done, such as `session.revoke`.
    public let action: String
    /// To what: a public id or a key, or nil.
    public let object: String?
    /// More about it: a JSON object without secrets.
    public let detail: String
    /// The network the request came from, from ``IPAddress/prefix``.
    public let ipPrefix: String?
    /// The request's id.
    public let requestID: String?

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - actor: the public id of an account, `visitor`, or `system`.
    ///   - action: what was done.
    ///   - object: what it was done to.
    ///   - detail: a JSON object.
    ///   - ipPrefix: the network the request came from.
    ///   - requestID: the request's id.
    public init(
        actor: String,
        action: String,
        object: String? = nil,
        detail: String = "{}",
        ipPrefix: String? = nil,
        requestID: String? = nil
    ) {
        self.actor = actor
        self.action = action
        self.object = object
        self.detail = detail
        self.ipPrefix = ipPrefix
        self.requestID = requestID
    }
}

/// An entry with the number and the time it was given.
public struct AuditRecord: Sendable, Equatable {
    /// The number it is sorted by.
    public let id: Int64
    /// When.
    public let at: Date
    /// What.
    public let entry: AuditEntry
}

/// Who did what, for ever: rows are added in the transaction of what they tell about, and the database refuses to
/// change or remove them.
public enum AuditLog {
    /// How many months after this one have a partition ready.
    static let monthsAhead = 3

    /// Writes an entry in the transaction of the connection.
    public static func record(_ entry: AuditEntry, on connection: Connection) throws {
        try connection.execute(
            """
            INSERT INTO audit_log (actor, action, object, detail, ip_prefix, request_id)
            VALUES (\(entry.actor), \(entry.action), \(entry.object as String?), \(JSONText(entry.detail)), \(entry.ipPrefix as String?),
                \(entry.requestID as String?))
            """
        )
    }

    /// Which entries a list shows; nil leaves a condition out.
    public struct Filter: Sendable, Equatable {
        /// Only what this actor did.
        public var actor: String?
        /// Only this action.
        public var action: String?
        /// Only what was done to this object.
        public var object: String?

        /// Makes a filter.
        public init(actor: String? = nil, action: String? = nil, object: String? = nil) {
            self.actor = actor
            self.action = action
            self.object = object
        }
    }

    /// A part of the log, the newest first; for a cursor back, the oldest of those first.
    ///
    /// - Parameters:
    ///   - filter: which entries.
    ///   - cursor: where to go on; nil at the newest.
    ///   - limit: how many at most.
    ///   - connection: where it is read.
    /// - Returns: the entries.
    /// - Throws: `DatabaseError`.
    public static func records(
        _ filter: Filter = Filter(),
        from cursor: Cursor? = nil,
        limit: Int,
        on connection: Connection
    ) throws -> [AuditRecord] {
        var sql: SQL = "SELECT id, at, actor, action, object, detail, ip_prefix, request_id FROM audit_log WHERE true"
        if let actor = filter.actor { sql += " AND actor = \(actor)" }
        if let action = filter.action { sql += " AND action = \(action)" }
        if let object = filter.object { sql += " AND object = \(object)" }
        return try connection.query(sql + cursor.keyset + " LIMIT \(limit)") { row in
            AuditRecord(
                id: try row.get("id"),
                at: try row.get("at"),
                entry: AuditEntry(
                    actor: try row.get("actor"),
                    action: try row.get("action"),
                    object: try row.get("object"),
                    detail: try row.get("detail", as: JSONText.self).text,
                    ipPrefix: try row.get("ip_prefix"),
                    requestID: try row.get("request_id")
                )
            )
        }
    }

    /// Keeps a partition ready for each of the coming months.
    public static var preparation: PeriodicJob {
        PeriodicJob(kind: "audit.prepare", every: .seconds(86_400)) { run in
            try await run.database.transaction { connection in
                try connection.execute("SELECT audit_log_prepare(\(Int32(monthsAhead)))")
                try run.finish(on: connection)
            }
        }
    }
}
