internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// A row of `session`, as its owner sees it.
struct SessionRow: Sendable, Equatable {
    let publicID: String
    let createdAt: Date
    let lastSeenAt: Date
    let expiresAt: Date
    let network: String
    let agent: String

    init(_ row: Row) throws {
        publicID = try row.get("public_id")
        createdAt = try row.get("created_at")
        lastSeenAt = try row.get("last_seen_at")
        expiresAt = try row.get("expires_at")
        network = try row.get("network")
        agent = try row.get("agent")
    }
}

/// The statements about `session` and `known_device`.
enum SessionRepository {
    /// More than anybody has; signing in once more ends the oldest.
    static let maximumPerAccount = 50
    /// More browsers than anybody uses.
    static let maximumDevices = 20

    /// What one statement tells of a session's token.
    struct Found: Sendable {
        let session: SessionInfo
        let actor: Actor
        let lastSeenAt: Date
    }

    /// Who has a session: session, account and roles in one statement.
    static func find(digest: [UInt8], now: Date, idle: Double, on connection: Connection) throws -> Found? {
        try connection.queryFirst(
            """
            SELECT s.public_id AS session_id, s.created_at, s.expires_at, s.last_seen_at, a.id, a.public_id, a.handle,
                (SELECT string_agg(r.role || ':' || r.scope_kind || ':' || r.scope_id, ',')
                 FROM account_role r WHERE r.account_id = a.id) AS grants
            FROM session s JOIN account a ON a.id = s.account_id
            WHERE s.token_sha256 = \(digest) AND s.expires_at > \(now)
                AND s.last_seen_at > \(now.addingTimeInterval(-idle)) AND a.status = 'active'
            """
        ) { row in
            let session = SessionInfo(
                publicID: try row.get("session_id"),
                createdAt: try row.get("created_at"),
                expiresAt: try row.get("expires_at")
            )
            let account = AccountReference(
                id: try row.get("id"),
                publicID: try row.get("public_id"),
                handle: try row.get("handle")
            )
            let grants = RoleRepository.grants(joined: try row.get("grants"))
            return Found(
                session: session,
                actor: Actor(account: account, grants: grants),
                lastSeenAt: try row.get("last_seen_at")
            )
        }
    }

    /// Notes the last use; a read waits for no disk because of it, and a crash may lose the latest.
    static func touch(digest: [UInt8], now: Date, on connection: Connection) throws {
        try connection.execute(
            """
            UPDATE session SET last_seen_at = \(now)
            FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
            WHERE token_sha256 = \(digest) AND last_seen_at < \(now)
            """
        )
    }

    static func insert(
        _ token: BearerToken,
        for id: Int64,
        network: String,
        agent: String,
        now: Date,
        expires: Date,
        on connection: Connection
    ) throws -> SessionInfo {
        let publicID = PublicID.draw("ses_")
        try connection.execute(
            """
            INSERT INTO session (token_sha256, public_id, account_id, created_at, last_seen_at, expires_at, network, agent)
            VALUES (\(token.digest), \(publicID), \(id), \(now), \(now), \(expires), \(network), \(agent))
            """
        )
        try connection.execute(
            """
            DELETE FROM session WHERE token_sha256 IN (
                SELECT token_sha256 FROM session WHERE account_id = \(id)
                ORDER BY last_seen_at DESC OFFSET \(maximumPerAccount)
            )
            """
        )
        return SessionInfo(publicID: publicID, createdAt: now, expiresAt: expires)
    }

    /// The sessions that hold, the last used first.
    static func list(of id: Int64, now: Date, idle: Double, on connection: Connection) throws -> [SessionRow] {
        try connection.query(
            """
            SELECT public_id, created_at, last_seen_at, expires_at, network, agent FROM session
            WHERE account_id = \(id) AND expires_at > \(now) AND last_seen_at > \(now.addingTimeInterval(-idle))
            ORDER BY last_seen_at DESC, public_id LIMIT \(maximumPerAccount)
            """,
            SessionRow.init
        )
    }

    static func delete(publicID: String, of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute("DELETE FROM session WHERE public_id = \(publicID) AND account_id = \(id)") == 1
    }

    /// Ends the sessions of an account.
    ///
    /// - Parameters:
    ///   - id: the account.
    ///   - kept: the public id of the one that goes on; `nil` ends all.
    ///   - connection: in the transaction of the change.
    /// - Returns: how many ended.
    /// - Throws: `DatabaseError`.
    @discardableResult
    static func deleteAll(of id: Int64, except kept: String?, on connection: Connection) throws -> Int {
        try connection.execute(
            "DELETE FROM session WHERE account_id = \(id) AND public_id IS DISTINCT FROM \(kept)::text"
        )
    }

    // MARK: Devices

    static func isKnown(device digest: [UInt8], of id: Int64, now: Date, on connection: Connection) throws -> Bool {
        try connection.queryFirst(
            """
            SELECT EXISTS (
                SELECT FROM known_device WHERE token_sha256 = \(digest) AND account_id = \(id) AND expires_at > \(now)
            )
            """
        ) { try $0.get(0) } ?? false
    }

    static func insertDevice(
        _ token: BearerToken,
        of id: Int64,
        now: Date,
        expires: Date,
        on connection: Connection
    ) throws {
        try connection.execute(
            """
            INSERT INTO known_device (token_sha256, account_id, created_at, expires_at)
            VALUES (\(token.digest), \(id), \(now), \(expires))
            """
        )
        try connection.execute(
            """
            DELETE FROM known_device WHERE token_sha256 IN (
                SELECT token_sha256 FROM known_device WHERE account_id = \(id)
                ORDER BY created_at DESC OFFSET \(maximumDevices)
            )
            """
        )
    }

    static func deleteDevices(of id: Int64, on connection: Connection) throws {
        try connection.execute("DELETE FROM known_device WHERE account_id = \(id)")
    }
}
