internal import Foundation
internal import Logging
public import Postgres

/// A database that only one suite uses, on a real server that all suites share.
///
/// ```swift
/// let test = try await TestDatabase.make(migrations: [Kernel.migrations, Accounts.migrations])
/// try await test.database.run { ... }
/// ```
public struct TestDatabase: Sendable {
    /// The database, with four connections.
    public let database: Database
    /// How to reach it with other settings.
    public let configuration: DatabaseConfiguration

    /// Makes an empty database and applies migrations.
    ///
    /// - Parameters:
    ///   - migrations: those of each module, in order.
    ///   - poolSize: how many connections it has.
    /// - Returns: the database. It is there until the process ends.
    /// - Throws: ``PostgresMissing``, or what the server says.
    public static func make(migrations: [[Migration]] = [], poolSize: Int = 4) async throws -> TestDatabase {
        let cluster = try await TestCluster.shared.value
        return try await make(on: cluster, migrations: migrations, poolSize: poolSize)
    }

    /// Makes an empty database on a cluster.
    public static func make(
        on cluster: TestCluster,
        migrations: [[Migration]] = [],
        poolSize: Int = 4
    ) async throws -> TestDatabase {
        let name = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        var maintenance = cluster.configuration(database: "postgres")
        maintenance.poolSize = 1
        let administrator = Database(maintenance, logger: quietLogger)
        try await administrator.run { connection in
            // From template0: nobody is ever connected to that one, which would be in the way.
            try connection.execute("CREATE DATABASE \(identifier: name) TEMPLATE template0")
        }
        await administrator.shutDown()
        var configuration = cluster.configuration(database: name)
        configuration.poolSize = poolSize
        let database = Database(configuration, logger: quietLogger)
        if !migrations.isEmpty { try await Migrator(database, modules: migrations, logger: quietLogger).up() }
        return TestDatabase(database: database, configuration: configuration)
    }

    /// Another pool for the same database.
    public func connect(_ change: (inout DatabaseConfiguration) -> Void = { _ in }) -> Database {
        var configuration = configuration
        change(&configuration)
        return Database(configuration, logger: Self.quietLogger)
    }

    /// A logger that says nothing.
    private static var quietLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
