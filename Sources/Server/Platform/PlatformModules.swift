import Accounts
import Kernel
import Postgres

/// The parts of the platform, as far as they are the same for every command.
enum PlatformModules {
    /// What the database is made of, those first on which others build.
    static let migrations: [[Migration]] = [KernelMigrations.all, AccountMigrations.all]
}
