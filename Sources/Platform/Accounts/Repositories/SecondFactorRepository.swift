internal import FoundationEssentials
internal import Postgres

/// A row of `totp`.
struct SecondFactorRow: Sendable, Equatable {
    let sealedSecret: [UInt8]
    let createdAt: Date
    /// `nil` while it is being set up.
    let confirmedAt: Date?
    let lastStep: Int64

    init(_ row: Row) throws {
        sealedSecret = try row.get("sealed_secret")
        createdAt = try row.get("created_at")
        confirmedAt = try row.get("confirmed_at")
        lastStep = try row.get("last_step")
    }
}

/// The statements about `totp` and `recovery_code`.
enum SecondFactorRepository {
    static func find(of id: Int64, on connection: Connection) throws -> SecondFactorRow? {
        try connection.queryFirst(
            "SELECT sealed_secret, created_at, confirmed_at, last_step FROM totp WHERE account_id = \(id)",
            SecondFactorRow.init
        )
    }

    /// Whether a second factor is asked for at sign-in.
    static func isOn(for id: Int64, on connection: Connection) throws -> Bool {
        try connection.queryFirst(
            "SELECT EXISTS (SELECT FROM totp WHERE account_id = \(id) AND confirmed_at IS NOT NULL)"
        ) { try $0.get(0) } ?? false
    }

    /// Begins anew, unless one is on.
    ///
    /// - Returns: whether none is.
    static func begin(sealed: [UInt8], of id: Int64, now: Date, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            INSERT INTO totp (account_id, sealed_secret, created_at) VALUES (\(id), \(sealed), \(now))
            ON CONFLICT (account_id) DO UPDATE SET sealed_secret = excluded.sealed_secret,
                created_at = excluded.created_at, last_step = -1
            WHERE totp.confirmed_at IS NULL
            """
        ) == 1
    }

    /// - Returns: whether it was being set up.
    static func confirm(step: Int64, of id: Int64, now: Date, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE totp SET confirmed_at = \(now), last_step = \(step) WHERE account_id = \(id) AND confirmed_at IS NULL
            """
        ) == 1
    }

    /// Spends a step: of two who show the same code at the same time one gets in.
    static func spend(step: Int64, of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute(
            "UPDATE totp SET last_step = \(step) WHERE account_id = \(id) AND last_step < \(step) AND confirmed_at IS NOT NULL"
        ) == 1
    }

    static func delete(of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute("DELETE FROM recovery_code WHERE account_id = \(id)")
        return try connection.execute("DELETE FROM totp WHERE account_id = \(id)") == 1
    }

    // MARK: Recovery codes

    static func replaceCodes(_ digests: [[UInt8]], of id: Int64, on connection: Connection) throws {
        try connection.execute("DELETE FROM recovery_code WHERE account_id = \(id)")
        for digest in digests {
            try connection.execute("INSERT INTO recovery_code (account_id, code_sha256) VALUES (\(id), \(digest))")
        }
    }

    static func spendCode(_ digest: [UInt8], of id: Int64, now: Date, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE recovery_code SET used_at = \(now)
            WHERE account_id = \(id) AND code_sha256 = \(digest) AND used_at IS NULL
            """
        ) == 1
    }

    static func codesLeft(of id: Int64, on connection: Connection) throws -> Int {
        try connection.queryFirst(
            "SELECT count(*) FROM recovery_code WHERE account_id = \(id) AND used_at IS NULL"
        ) { try $0.get(0) } ?? 0
    }
}
