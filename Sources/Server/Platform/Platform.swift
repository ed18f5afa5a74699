import Accounts
import Administration
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Postgres
import Synchronization
import Web

/// Accounts, pages and the API: what answers requests that are not for media, and what works in the background for them.
///
/// It answers from the first moment on, also while its database is not there: what needs the database says so then.
final class Platform: Sendable {
    /// What the origin asks.
    let application: HummingbirdApplication

    /// The OpenAPI document of its API.
    let description: [UInt8]
    /// Everything that it can be asked for.
    let table: RouteTable

    private let database: PlatformDatabase
    private let work: PlatformWork
    private let accounts: AccountsModule
    /// Whether the database has the schema that requests want.
    private let gate: Gate
    private let logger: Logger

    /// Whether the database was opened once.
    private final class Gate: Sendable {
        private let value = Mutex(false)

        var isOpen: Bool { value.withLock { $0 } }

        func open() { value.withLock { $0 = true } }
    }

    /// Puts the parts together; nothing is started yet.
    ///
    /// - Parameters:
    ///   - settings: what is set.
    ///   - site: where the server is.
    ///   - secret: what is signed and sealed with.
    ///   - lives: what is live and may be named to everybody.
    ///   - group: where connections to other servers live.
    ///   - logger: the log.
    /// - Throws: ``StartFailure`` for what cannot be used.
    init(
        _ settings: PlatformSettings,
        site: PlatformSite,
        secret: [UInt8],
        lives: @escaping HomeModule.Lives,
        on group: any EventLoopGroup,
        logger: Logger
    ) throws {
        self.logger = logger
        database = try PlatformDatabase(settings, dataDirectory: site.dataDirectory, logger: logger)
        let gate = Gate()
        self.gate = gate
        let limiter = RateLimiter(shared: PostgresBuckets(database.database), logger: logger)
        let renderer = try PageRenderer(templates: AccountTemplates.all + AdministrationTemplates.all, logger: logger)
        accounts = AccountsModule(
            database: database.database,
            settings: AccountSettings(origin: site.origin(settings), secret: secret),
            pages: renderer,
            limiter: limiter,
            hasher: PasswordHasher()
        )
        let mailer = try site.mailer(settings, on: group, logger: logger)
        work = PlatformWork(
            database.database,
            areas: settings.areas,
            handlers: accounts.jobHandlers + [MailQueue.handler(mailer)],
            periodic: accounts.periodicJobs,
            logger: logger
        )
        let modules: [any PlatformModule] = [
            WebModule(renderer), HomeModule(renderer, lives: lives), accounts,
            AdministrationModule(
                database: database.database,
                pages: renderer,
                health: HealthReport(
                    version: Version.text,
                    startedAt: Date(),
                    database: database.database,
                    migrations: { [migrator = database.migrator] in try await migrator.status() },
                    dataFolder: site.dataDirectory,
                    others: database.healthChecks
                ),
                areas: settings.areas,
                streams: work.streams
            ),
        ]
        let presenter = ErrorPresenter(renderer)
        let services = PlatformServices(
            secret: secret,
            authenticator: accounts.authenticator,
            replays: PostgresReplays(database.database),
            limiter: limiter,
            flags: { [flags = work.flags] actor in
                let (now, subject) = (flags.current, FlagRule.Subject(actor))
                return { now.isOn($0, for: subject) }
            },
            presentError: { presenter.response($0, request: $1, context: $2) },
            publicOrigin: settings.publicURL,
            isReady: { gate.isOpen },
            logger: logger
        )
        let endpoints = modules.flatMap(\.endpoints)
        let description = try DescriptionModule(of: endpoints)
        self.description = description.document
        table = try RouteTable(endpoints + description.endpoints)
        application = HummingbirdApplication(
            platform: PlatformResponder(table: table, services: services),
            proxies: settings.trustedProxies
        )
    }

    /// The OpenAPI document of a platform with these settings, which is not started.
    ///
    /// - Throws: ``StartFailure`` for what cannot be used.
    static func description(_ settings: PlatformSettings, dataDirectory: String) throws -> Data {
        let platform = try Platform(
            settings,
            site: PlatformSite(dataDirectory: dataDirectory, httpPort: 8080),
            // Nothing is signed with it.
            secret: Array(repeating: 0, count: 32),
            lives: { [] },
            on: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "lyceum") { _ in SwiftLogNoOpLogHandler() }
        )
        return Data(platform.description)
    }

    /// Opens the database and works until the task is cancelled.
    ///
    /// - Parameter tell: called with a link to make the first account, once, when there is none.
    /// - Throws: ``StartFailure`` for what somebody has to do something about.
    func run(tellFirstAccount tell: @Sendable (String) -> Void) async throws {
        do {
            try await database.open()
            if let link = try await accounts.firstAccountLink() { tell(link) }
            gate.open()
            logger.info("platform ready")
        } catch is CancellationError {
            return
        }
        await work.run()
    }

    /// Ends what is open; the origin answers nobody any more.
    func close() async {
        await accounts.stop()
        await database.close()
    }
}

extension FlagRule.Subject {
    /// Whom flags are asked for.
    fileprivate init(_ actor: Actor) {
        self.init(account: actor.account?.publicID, roles: Set(actor.roles.map(\.rawValue)))
    }
}
