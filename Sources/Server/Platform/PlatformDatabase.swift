import Administration
import EmbeddedPostgres
import Kernel
import Logging
import MediaCore
import Postgres

/// The platform's database: one of the server's own, or one that the settings name.
struct PlatformDatabase: Sendable {
    /// How long to wait before the next try, from the first one on.
    private static let pauses: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2), .seconds(5)]

    /// The one of the server's own; `nil` where the settings name another.
    let embedded: EmbeddedPostgres?
    let database: Database
    /// Changes its schema.
    let migrator: Migrator
    /// What libpq's programs connect with.
    let connectionString: String
    private let logger: Logger

    /// A database that nothing was done with.
    ///
    /// - Throws: ``StartFailure`` when the address is none.
    init(_ settings: PlatformSettings, dataDirectory: String, logger: Logger) throws(StartFailure) {
        var configuration: DatabaseConfiguration
        var cluster = EmbeddedPostgresConfiguration(
            dataDirectory: dataDirectory,
            binariesDirectory: settings.databasePrograms
        )
        // Besides the pool's: three that wait for notifications, three that PostgreSQL keeps for its superuser, and commands.
        cluster.maximumConnections = max(cluster.maximumConnections, settings.databaseConnections + 14)
        let embedded = settings.databaseURL == nil ? EmbeddedPostgres(cluster, logger: logger) : nil
        connectionString = settings.databaseURL?.revealed ?? embedded?.connectionString ?? ""
        do throws(DatabaseError) {
            configuration = try DatabaseConfiguration(url: connectionString)
        } catch {
            throw StartFailure(
                description: "\(ConfigurationKey.databaseURL.environmentName): \(error)",
                exitCode: .wrongConfiguration
            )
        }
        configuration.poolSize = settings.databaseConnections
        self.embedded = embedded
        self.logger = logger
        database = Database(configuration, logger: logger)
        migrator = Migrator(database, modules: PlatformModules.migrations, logger: logger)
    }

    /// Starts the database, if it is the server's own, and brings its schema to where this version wants it.
    ///
    /// What time may mend is tried again until it works: media goes on meanwhile.
    ///
    /// - Throws: ``StartFailure`` for what somebody has to do something about, or `CancellationError`.
    func open() async throws {
        try await persistently { () async throws(EmbeddedPostgresError) in
            _ = try await embedded?.start()
        } isTemporary: {
            $0.isTemporary
        }
        try await persistently {
            try await migrator.up()
        } isTemporary: { error in
            (error as? DatabaseError)?.isUnavailable ?? false
        }
    }

    /// What an administrator is told of the server's own database.
    var healthChecks: [HealthReport.Check] {
        guard let embedded else { return [] }
        return [
            {
                switch embedded.state {
                case .ready: HealthReport.Part("PostgreSQL", isWell: true, detail: "the server's own, running")
                case .starting: HealthReport.Part("PostgreSQL", isWell: false, detail: "starting")
                case .stopped: HealthReport.Part("PostgreSQL", isWell: false, detail: "not running")
                case .restarting(let why), .failed(let why): HealthReport.Part("PostgreSQL", isWell: false, detail: why)
                }
            }
        ]
    }

    /// Ends the connections, and the database if it is the server's own.
    func close() async {
        await database.shutDown()
        await embedded?.stop()
    }

    private func persistently<Failure: Error>(
        _ work: () async throws(Failure) -> Void,
        isTemporary: (Failure) -> Bool
    ) async throws {
        var attempt = 0
        while true {
            do {
                return try await work()
            } catch {
                try Task.checkCancellation()
                guard isTemporary(error) else { throw StartFailure.unavailable("\(error)") }
                logger.error("database not ready, media goes on without it", metadata: ["error": "\(error)"])
                try await Task.sleep(for: Self.pauses[min(attempt, Self.pauses.count - 1)])
                attempt += 1
            }
        }
    }
}
