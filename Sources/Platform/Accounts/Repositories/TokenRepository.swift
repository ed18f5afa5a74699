internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// A row of `api_token`, as its owner sees it.
struct APITokenRow: Sendable, Equatable {
    let id: Int64
    let publicID: String
    let name: String
    let scopes: [String]
    let createdAt: Date
    let expiresAt: Date
    let lastUsedAt: Date?

    init(_ row: Row) throws {
        id = try row.get("id")
        publicID = try row.get("public_id")
        name = try row.get("name")
        scopes = try row.get("scopes")
        createdAt = try row.get("created_at")
        expiresAt = try row.get("expires_at")
        lastUsedAt = try row.get("last_used_at")
    }
}

/// The statements about `api_token`.
enum APITokenRepository {
    /// More than anybody has.
    static let maximumPerAccount = 100

    private static let columns: SQL = "id, public_id, name, scopes, created_at, expires_at, last_used_at"

    /// What one statement tells of a token.
    struct Found: Sendable {
        let publicID: String
        let actor: Actor
        let lastUsedAt: Date?
    }

    static func find(digest: [UInt8], now: Date, on connection: Connection) throws -> Found? {
        try connection.queryFirst(
            """
            SELECT t.public_id AS token_id, t.scopes, t.last_used_at, a.id, a.public_id, a.handle,
                (SELECT string_agg(r.role || ':' || r.scope_kind || ':' || r.scope_id, ',')
                 FROM account_role r WHERE r.account_id = a.id) AS grants
            FROM api_token t JOIN account a ON a.id = t.account_id
            WHERE t.token_sha256 = \(digest) AND t.expires_at > \(now) AND a.status = 'active'
            """
        ) { row in
            let account = AccountReference(
                id: try row.get("id"),
                publicID: try row.get("public_id"),
                handle: try row.get("handle")
            )
            let scopes: [String] = try row.get("scopes")
            let actor = Actor(
                account: account,
                grants: RoleRepository.grants(joined: try row.get("grants")),
                scopes: Set(scopes.map(Scope.init(rawValue:)))
            )
            return Found(publicID: try row.get("token_id"), actor: actor, lastUsedAt: try row.get("last_used_at"))
        }
    }

    /// Notes the last use; a read waits for no disk because of it, and a crash may lose the latest.
    static func touch(digest: [UInt8], now: Date, on connection: Connection) throws {
        try connection.execute(
            """
            UPDATE api_token SET last_used_at = \(now)
            FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
            WHERE token_sha256 = \(digest)
            """
        )
    }

    static func count(of id: Int64, on connection: Connection) throws -> Int {
        try connection.queryFirst("SELECT count(*) FROM api_token WHERE account_id = \(id)") { try $0.get(0) } ?? 0
    }

    static func insert(
        _ token: BearerToken,
        for id: Int64,
        name: String,
        scopes: [String],
        now: Date,
        expires: Date,
        on connection: Connection
    ) throws -> APITokenRow? {
        try connection.queryFirst(
            """
            INSERT INTO api_token (public_id, token_sha256, account_id, name, scopes, created_at, expires_at)
            VALUES (\(PublicID.draw("tok_")), \(token.digest), \(id), \(name), \(scopes), \(now), \(expires))
            RETURNING \(fragment: columns)
            """,
            APITokenRow.init
        )
    }

    static func list(of id: Int64, on connection: Connection) throws -> [APITokenRow] {
        try connection.query(
            "SELECT \(fragment: columns) FROM api_token WHERE account_id = \(id) ORDER BY id DESC LIMIT \(maximumPerAccount)",
            APITokenRow.init
        )
    }

    static func find(publicID: String, of id: Int64, on connection: Connection) throws -> APITokenRow? {
        try connection.queryFirst(
            "SELECT \(fragment: columns) FROM api_token WHERE public_id = \(publicID) AND account_id = \(id)",
            APITokenRow.init
        )
    }

    static func rename(
        publicID: String,
        of id: Int64,
        to name: String,
        on connection: Connection
    ) throws -> APITokenRow? {
        try connection.queryFirst(
            """
            UPDATE api_token SET name = \(name) WHERE public_id = \(publicID) AND account_id = \(id)
            RETURNING \(fragment: columns)
            """,
            APITokenRow.init
        )
    }

    static func delete(publicID: String, of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute("DELETE FROM api_token WHERE public_id = \(publicID) AND account_id = \(id)") == 1
    }

    @discardableResult
    static func deleteAll(of id: Int64, on connection: Connection) throws -> Int {
        try connection.execute("DELETE FROM api_token WHERE account_id = \(id)")
    }
}
