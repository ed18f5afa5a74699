internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// The statements about `account_role`.
enum RoleRepository {
    static func grants(of id: Int64, on connection: Connection) throws -> Set<RoleGrant> {
        let grants = try connection.query(
            "SELECT role, scope_kind, scope_id FROM account_role WHERE account_id = \(id)"
        ) { row in
            try grant(role: row.get("role"), kind: row.get("scope_kind"), id: row.get("scope_id"))
        }
        return Set(grants.compactMap { $0 })
    }

    /// The grants of a text like `admin::0,seller:product:12`, which the one statement of a session has instead of rows.
    static func grants(joined text: String?) -> Set<RoleGrant> {
        let parts = (text ?? "").split(separator: ",").map {
            $0.split(separator: ":", omittingEmptySubsequences: false)
        }
        return Set(
            parts.compactMap { part in
                guard part.count == 3, let id = Int64(part[2]) else { return nil }
                return grant(role: String(part[0]), kind: String(part[1]), id: id)
            }
        )
    }

    private static func grant(role: String, kind: String, id: Int64) -> RoleGrant? {
        Role(rawValue: role).map { RoleGrant($0, scope: kind.isEmpty ? .site : .object(kind: kind, id: id)) }
    }

    /// - Returns: whether it was not there.
    static func insert(_ role: Role, for id: Int64, at now: Date, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            INSERT INTO account_role (account_id, role, granted_at) VALUES (\(id), \(role.rawValue), \(now))
            ON CONFLICT DO NOTHING
            """
        ) == 1
    }

    /// - Returns: whether it was there.
    static func delete(_ role: Role, of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute(
            "DELETE FROM account_role WHERE account_id = \(id) AND role = \(role.rawValue) AND scope_kind = ''"
        ) == 1
    }

    /// Whether there is an active administrator.
    static func hasAdministrator(on connection: Connection) throws -> Bool {
        try connection.queryFirst(
            """
            SELECT EXISTS (
                SELECT FROM account_role JOIN account ON account.id = account_role.account_id
                WHERE role = 'admin' AND scope_kind = '' AND status = 'active'
            )
            """
        ) { try $0.get(0) } ?? false
    }

    /// Whether there is an active administrator besides one account; no two transactions find so at the same time.
    static func hasOtherAdministrator(than id: Int64, on connection: Connection) throws -> Bool {
        // 0x61646D696E is "admin": an advisory lock of this question alone.
        _ = try connection.queryFirst("SELECT pg_advisory_xact_lock(418380900718)") { _ in true }
        return try connection.queryFirst(
            """
            SELECT EXISTS (
                SELECT FROM account_role JOIN account ON account.id = account_role.account_id
                WHERE role = 'admin' AND scope_kind = '' AND account_id <> \(id) AND status = 'active'
            )
            """
        ) { try $0.get(0) } ?? false
    }
}
