internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// The statements of the administrators' list of accounts.
enum AdministrationRepository {
    private static let columns: SQL = """
        a.id, a.public_id, a.email, a.handle, a.display_name, a.status, a.created_at,
        (SELECT array_agg(r.role ORDER BY r.role) FROM account_role r WHERE r.account_id = a.id AND r.scope_kind = '') AS roles,
        (SELECT max(s.last_seen_at) FROM session s WHERE s.account_id = a.id) AS last_seen_at,
        coalesce((SELECT t.confirmed_at IS NOT NULL FROM totp t WHERE t.account_id = a.id), false) AS has_second_factor
        """

    /// A part of the accounts, the newest first; backwards for the page before.
    ///
    /// In a transaction.
    static func list(
        _ search: String?,
        _ page: PageRequest,
        on connection: Connection
    ) throws -> [AdministeredAccount] {
        // One scan by id, or by trigrams when there is something to look for, with the subqueries for one page only.
        var sql: SQL = "SELECT \(fragment: columns) FROM account a WHERE true"
        if let search, !search.isEmpty {
            // A plan for any pattern reads all accounts from the newest on, which takes 76 ms of 100 000 when none matches;
            // the plan for this one takes the trigrams, and 2 ms.
            try connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            let pattern = self.pattern(search)
            sql += " AND (lower(a.email::text) LIKE \(pattern) OR lower(a.handle::text) LIKE \(pattern))"
        }
        switch page.cursor {
        case nil: sql += " ORDER BY a.id DESC"
        case .some(let cursor) where cursor.direction == .next: sql += " AND a.id < \(cursor.id) ORDER BY a.id DESC"
        case .some(let cursor): sql += " AND a.id > \(cursor.id) ORDER BY a.id"
        }
        return try connection.query(sql + " LIMIT \(page.limit + 1)", view)
    }

    static func find(_ publicID: String, on connection: Connection) throws -> AdministeredAccount? {
        try connection.queryFirst("SELECT \(fragment: columns) FROM account a WHERE a.public_id = \(publicID)", view)
    }

    /// What is looked for, as a pattern of LIKE: a beginning, or a part from the three characters on that trigrams need.
    static func pattern(_ search: String) -> String {
        var escaped = ""
        for character in search.lowercased() {
            if "\\%_".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return search.count < 3 ? "\(escaped)%" : "%\(escaped)%"
    }

    private static func view(_ row: Row) throws -> AdministeredAccount {
        let roles: [String]? = try row.get("roles")
        return AdministeredAccount(
            id: try row.get("public_id"),
            email: try row.get("email"),
            handle: try row.get("handle"),
            displayName: try row.get("display_name"),
            status: try row.get("status"),
            roles: ["member"] + (roles ?? []),
            createdAt: try row.get("created_at"),
            lastSeenAt: try row.get("last_seen_at"),
            hasSecondFactor: try row.get("has_second_factor"),
            row: try row.get("id")
        )
    }
}
