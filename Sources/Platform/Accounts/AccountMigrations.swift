public import Postgres

/// The migrations of accounts.
public enum AccountMigrations {
    /// The name they are recorded under.
    public static let module = "accounts"

    /// All of them, in order.
    public static let all: [Migration] = [
        migration(1, "account", PackageResources._001_account_up_sql, PackageResources._001_account_down_sql),
        migration(2, "session", PackageResources._002_session_up_sql, PackageResources._002_session_down_sql),
        migration(3, "token", PackageResources._003_token_up_sql, PackageResources._003_token_down_sql),
        migration(
            4,
            "second_factor",
            PackageResources._004_second_factor_up_sql,
            PackageResources._004_second_factor_down_sql
        ),
        migration(5, "avatar", PackageResources._005_avatar_up_sql, PackageResources._005_avatar_down_sql),
    ]

    private static func migration(_ number: Int, _ name: String, _ up: [UInt8], _ down: [UInt8]) -> Migration {
        Migration(module: module, number: number, name: name, up: up, down: down)
    }
}
