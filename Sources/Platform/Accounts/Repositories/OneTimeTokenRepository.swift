internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What a one-time token is for (`one_time_token.kind`).
enum OneTimeTokenKind: String, Sendable, PostgresValue {
    /// Makes the account that waits in the payload.
    case confirmEmail = "confirm_email"
    /// Sets a new password.
    case resetPassword = "reset_password"
    /// Makes the address in the row the account's.
    case changeEmail = "change_email"
    /// Makes the first account, an administrator's.
    case firstAccount = "first_account"
    /// The password was right, the second factor is still to come.
    case secondFactor = "second_factor"

    /// How long it holds, in seconds.
    ///
    /// What a person reads in a mail may be delayed by the mail; what a browser holds between two steps is short (ASVS
    /// 6.5.5: at most 10 minutes).
    var lifetime: Double {
        switch self {
        case .confirmEmail, .firstAccount: 86_400
        case .resetPassword: 1_800
        case .changeEmail: 3_600
        case .secondFactor: 300
        }
    }
}

/// A row of `one_time_token` that has just been spent or looked at.
struct OneTimeTokenRow: Sendable, Equatable {
    let accountID: Int64?
    let email: String?
    let payload: String

    init(_ row: Row) throws {
        accountID = try row.get("account_id")
        email = try row.get("email")
        payload = try row.get("payload", as: JSONText.self).text
    }
}

/// The statements about `one_time_token`.
enum OneTimeTokenRepository {
    static func insert(
        _ token: BearerToken,
        _ kind: OneTimeTokenKind,
        account: Int64? = nil,
        email: String? = nil,
        payload: String = "{}",
        now: Date,
        on connection: Connection
    ) throws {
        try connection.execute(
            """
            INSERT INTO one_time_token (token_sha256, kind, account_id, email, payload, created_at, expires_at)
            VALUES (\(token.digest), \(kind), \(account), \(email)::citext, \(JSONText(payload)), \(now),
                \(now.addingTimeInterval(kind.lifetime)))
            """
        )
    }

    /// The token, unspent.
    static func find(
        _ text: String,
        _ kind: OneTimeTokenKind,
        now: Date,
        on connection: Connection
    ) throws -> OneTimeTokenRow? {
        guard BearerToken.isPlausible(text) else { return nil }
        return try connection.queryFirst(
            """
            SELECT account_id, email, payload FROM one_time_token
            WHERE token_sha256 = \(BearerToken.digest(of: text)) AND kind = \(kind) AND expires_at > \(now)
            """,
            OneTimeTokenRow.init
        )
    }

    /// Spends the token, of which nothing is kept: of two who try at the same time one gets it.
    static func spend(
        _ text: String,
        _ kind: OneTimeTokenKind,
        now: Date,
        on connection: Connection
    ) throws -> OneTimeTokenRow? {
        guard BearerToken.isPlausible(text) else { return nil }
        return try connection.queryFirst(
            """
            DELETE FROM one_time_token
            WHERE token_sha256 = \(BearerToken.digest(of: text)) AND kind = \(kind) AND expires_at > \(now)
            RETURNING account_id, email, payload
            """,
            OneTimeTokenRow.init
        )
    }

    static func deleteAll(_ kind: OneTimeTokenKind, of id: Int64, on connection: Connection) throws {
        try connection.execute("DELETE FROM one_time_token WHERE account_id = \(id) AND kind = \(kind)")
    }

    static func deleteAll(of id: Int64, on connection: Connection) throws {
        try connection.execute("DELETE FROM one_time_token WHERE account_id = \(id)")
    }

    static func deleteAll(_ kind: OneTimeTokenKind, on connection: Connection) throws {
        try connection.execute("DELETE FROM one_time_token WHERE kind = \(kind)")
    }

    static func deleteAll(_ kind: OneTimeTokenKind, email: String, on connection: Connection) throws {
        try connection.execute("DELETE FROM one_time_token WHERE email = \(email)::citext AND kind = \(kind)")
    }

    /// The address that a change is under way to.
    static func pendingEmail(of id: Int64, now: Date, on connection: Connection) throws -> String? {
        try connection.queryFirst(
            """
            SELECT email FROM one_time_token
            WHERE account_id = \(id) AND kind = 'change_email' AND expires_at > \(now)
            ORDER BY created_at DESC LIMIT 1
            """
        ) { try $0.get("email") }
    }
}
