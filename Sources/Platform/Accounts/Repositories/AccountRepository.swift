internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What an account may be in (`account.status`).
enum AccountStatus: String, Sendable, Codable, PostgresValue {
    /// May sign in.
    case active
    /// An administrator shut it: nothing of it works, and everything is kept.
    case disabled
    /// A tombstone.
    case deleted
}

/// A row of `account`.
struct AccountRow: Sendable, Equatable {
    let id: Int64
    let publicID: String
    /// `nil` of a tombstone.
    let email: String?
    let handle: String
    /// `nil` of a tombstone.
    let passwordHash: String?
    let displayName: String
    let about: String
    let status: AccountStatus
    let version: Int
    let createdAt: Date
    let passwordChangedAt: Date

    init(_ row: Row) throws {
        id = try row.get("id")
        publicID = try row.get("public_id")
        email = try row.get("email")
        handle = try row.get("handle")
        passwordHash = try row.get("password_hash")
        displayName = try row.get("display_name")
        about = try row.get("about")
        status = try row.get("status")
        version = try row.get("version")
        createdAt = try row.get("created_at")
        passwordChangedAt = try row.get("password_changed_at")
    }

    var reference: AccountReference { AccountReference(id: id, publicID: publicID, handle: handle) }

    /// What a password of this account may not be made of.
    var passwordContext: [String] { [email ?? "", handle, displayName] }
}

/// The statements about `account`.
enum AccountRepository {
    private static let columns: SQL = """
        id, public_id, email, handle, password_hash, display_name, about, status, version, created_at, password_changed_at
        """

    static func find(id: Int64, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst("SELECT \(fragment: columns) FROM account WHERE id = \(id)", AccountRow.init)
    }

    /// The row, which no other transaction changes until this one ends.
    static func lock(id: Int64, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst(
            "SELECT \(fragment: columns) FROM account WHERE id = \(id) FOR UPDATE",
            AccountRow.init
        )
    }

    static func find(email: String, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst(
            "SELECT \(fragment: columns) FROM account WHERE email = \(email)::citext",
            AccountRow.init
        )
    }

    static func find(publicID: String, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst(
            "SELECT \(fragment: columns) FROM account WHERE public_id = \(publicID)",
            AccountRow.init
        )
    }

    static func lock(publicID: String, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst(
            "SELECT \(fragment: columns) FROM account WHERE public_id = \(publicID) FOR UPDATE",
            AccountRow.init
        )
    }

    static func isTaken(handle: String, on connection: Connection) throws -> Bool {
        try connection.queryFirst("SELECT EXISTS (SELECT FROM account WHERE handle = \(handle)::citext)") {
            try $0.get(0)
        } ?? false
    }

    /// Makes an account.
    ///
    /// - Returns: `nil` when its address or its handle was taken in the meantime.
    static func insert(_ account: PendingAccount, at now: Date, on connection: Connection) throws -> AccountRow? {
        try connection.queryFirst(
            """
            INSERT INTO account (public_id, email, handle, password_hash, display_name, created_at, password_changed_at)
            VALUES (\(PublicID.draw("acc_")), \(account.email)::citext, \(account.handle)::citext, \(account.passwordHash),
                \(account.displayName), \(now), \(now))
            ON CONFLICT DO NOTHING
            RETURNING \(fragment: columns)
            """,
            AccountRow.init
        )
    }

    /// Changes what is given, if the row is still of this version.
    static func update(
        _ id: Int64,
        _ changes: ProfileChanges,
        version: Int,
        on connection: Connection
    ) throws -> AccountRow? {
        try connection.queryFirst(
            """
            UPDATE account SET
                handle = coalesce(\(changes.handle)::citext, handle),
                display_name = coalesce(\(changes.displayName)::text, display_name),
                about = coalesce(\(changes.about)::text, about),
                version = version + 1
            WHERE id = \(id) AND version = \(version)
            RETURNING \(fragment: columns)
            """,
            AccountRow.init
        )
    }

    /// Counts the version on for a change that is not in the row, as that of the avatar.
    static func touch(_ id: Int64, on connection: Connection) throws {
        try connection.execute("UPDATE account SET version = version + 1 WHERE id = \(id)")
    }

    static func setPassword(_ hash: String, of id: Int64, at now: Date, on connection: Connection) throws {
        try connection.execute(
            "UPDATE account SET password_hash = \(hash), password_changed_at = \(now) WHERE id = \(id) AND status <> 'deleted'"
        )
    }

    /// Keeps the same password made with more, unless it was changed in the meantime.
    static func rehash(_ hash: String, insteadOf old: String, of id: Int64, on connection: Connection) throws {
        try connection.execute("UPDATE account SET password_hash = \(hash) WHERE id = \(id) AND password_hash = \(old)")
    }

    /// - Returns: whether it was free.
    static func setEmail(_ email: String, of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE account SET email = \(email)::citext, version = version + 1
            WHERE id = \(id) AND status = 'active'
                AND NOT EXISTS (SELECT FROM account other WHERE other.email = \(email)::citext AND other.id <> \(id))
            """
        ) == 1
    }

    static func setStatus(_ status: AccountStatus, of id: Int64, on connection: Connection) throws {
        try connection.execute("UPDATE account SET status = \(status), version = version + 1 WHERE id = \(id)")
    }

    /// Leaves a tombstone: the handle, and nothing personal.
    static func bury(_ id: Int64, at now: Date, on connection: Connection) throws {
        try connection.execute(
            """
            UPDATE account SET email = NULL, password_hash = NULL, display_name = '', about = '', status = 'deleted',
                deleted_at = \(now), version = version + 1
            WHERE id = \(id)
            """
        )
        try connection.execute("DELETE FROM account_role WHERE account_id = \(id)")
        try connection.execute("DELETE FROM avatar WHERE account_id = \(id)")
    }
}

/// An account that is not there yet.
struct PendingAccount: Codable, Sendable, Equatable {
    let email: String
    let handle: String
    let displayName: String
    let passwordHash: String
}

/// What somebody changes of a profile; `nil` leaves as it is.
struct ProfileChanges: Sendable, Equatable {
    var handle: String?
    var displayName: String?
    var about: String?
}
