public import Logging

/// Brings a database's schema to where this program wants it.
///
/// What has been applied is in the table `schema_migration`. Only one migrator works at a time, however many servers start: the
/// others wait, and find the work done.
public struct Migrator: Sendable {
    /// The key of the advisory lock: "lyceum" in ASCII.
    private static let lockKey: Int64 = 0x6C79_6365_756D
    /// How often a migrator that waits asks whether it is its turn.
    private static let lockInterval: Duration = .milliseconds(100)
    /// How often a step is tried that does not get its locks.
    private static let attempts = 5

    private let database: Database
    private let known: [Migration]
    private let logger: Logger

    /// A migrator.
    ///
    /// - Parameters:
    ///   - database: the database; needs one free connection.
    ///   - modules: the steps of each module, the modules on which others build first.
    ///   - logger: told of each step.
    public init(_ database: Database, modules: [[Migration]], logger: Logger) {
        self.database = database
        known = modules.flatMap { module in module.sorted { $0.number < $1.number } }
        self.logger = logger
    }

    /// Applies what is not applied yet, in order.
    ///
    /// - Returns: the names of the steps that were applied.
    /// - Throws: ``MigrationError`` or ``DatabaseError``.
    @discardableResult
    public func up() async throws -> [String] {
        try await locked { connection, plan in
            try plan.up().map { migration in
                try apply(migration, migration.up, on: connection) { connection in
                    try connection.execute(
                        """
                        INSERT INTO schema_migration (module, number, name, checksum)
                        VALUES (\(migration.module), \(migration.number), \(migration.name), \(migration.checksum))
                        """
                    )
                }
            }
        }
    }

    /// Undoes steps, the last ones first.
    ///
    /// - Parameter target: how far.
    /// - Returns: the names of the steps that were undone.
    /// - Throws: ``MigrationError`` or ``DatabaseError``.
    @discardableResult
    public func down(to target: MigrationTarget) async throws -> [String] {
        try await locked { connection, plan in
            try plan.down(to: target).map { migration in
                try apply(migration, migration.down, on: connection) { connection in
                    try connection.execute(
                        """
                        DELETE FROM schema_migration
                        WHERE module = \(migration.module) AND number = \(migration.number)
                        """
                    )
                }
            }
        }
    }

    /// What the database has.
    ///
    /// - Throws: ``DatabaseError``.
    public func status() async throws -> [MigrationStatus] { try await plan().status }

    /// Looks whether the database has exactly the steps that this program knows, from the same files.
    ///
    /// - Throws: ``MigrationError`` when it has not, or ``DatabaseError``.
    public func verify() async throws { try await plan().verify() }

    // MARK: Steps

    private func plan() async throws -> MigrationPlan {
        let known = known
        return try await database.run { connection in
            let table = try connection.queryFirst("SELECT to_regclass('schema_migration') IS NOT NULL") { row in
                try row.get(0, as: Bool.self)
            }
            return MigrationPlan(known: known, applied: table == true ? try Self.applied(connection) : [])
        }
    }

    private static func applied(_ connection: Connection) throws -> [AppliedMigration] {
        try connection.query("SELECT module, number, name, checksum FROM schema_migration ORDER BY module, number") {
            row in
            AppliedMigration(
                module: try row.get("module"),
                number: try row.get("number"),
                name: try row.get("name"),
                checksum: try row.get("checksum")
            )
        }
    }

    /// Calls with what has to be done while nobody else migrates.
    ///
    /// Who waits asks again and again: a statement that waits on the server keeps a snapshot meanwhile, for whose end
    /// `CREATE INDEX CONCURRENTLY` waits in turn.
    private func locked(
        _ work: @escaping @Sendable (Connection, MigrationPlan) throws -> [String]
    ) async throws -> [String] {
        let known = known
        while true {
            let done = try await database.run { connection -> [String]? in
                guard try Self.lock(connection) else { return nil }
                defer {
                    // When this does not work the connection is gone, and the lock and the settings with it.
                    _ = try? connection.executeControl(
                        "SELECT pg_advisory_unlock(\(Self.lockKey)); RESET lock_timeout; RESET statement_timeout"
                    )
                }
                try connection.executeScript("SET lock_timeout = '3s'; SET statement_timeout = 0")
                try Self.makeTable(connection)
                return try work(connection, MigrationPlan(known: known, applied: try Self.applied(connection)))
            }
            if let done { return done }
            try await Task.sleep(for: Self.lockInterval)
        }
    }

    private static func lock(_ connection: Connection) throws -> Bool {
        try connection.queryFirst("SELECT pg_try_advisory_lock(\(lockKey))") { try $0.get(0, as: Bool.self) } == true
    }

    private static func makeTable(_ connection: Connection) throws {
        try connection.executeScript(
            """
            CREATE TABLE IF NOT EXISTS schema_migration (
                module text NOT NULL,
                number integer NOT NULL CHECK (number > 0),
                name text NOT NULL,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (module, number)
            )
            """
        )
    }

    /// Does one step and writes it down.
    private func apply(
        _ migration: Migration,
        _ script: String,
        on connection: Connection,
        _ record: (Connection) throws -> Void
    ) throws -> String {
        for attempt in 1... {
            do {
                if Migration.isTransactional(script) {
                    try connection.inTransaction(.readCommitted) { connection in
                        try connection.executeScript(script)
                        try record(connection)
                    }
                } else {
                    try connection.executeOnce(script)
                    try record(connection)
                }
                break
            } catch let error as DatabaseError {
                // Better to let readers through and to try again than to hold up all that come after this step.
                if error.sqlState == .lockNotAvailable, attempt < Self.attempts { continue }
                throw MigrationError.failed(migration.label, error)
            }
        }
        logger.info("migration done", metadata: ["db.migration": "\(migration.label)"])
        return migration.label
    }
}
