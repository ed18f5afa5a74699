public import FoundationEssentials
public import Kernel
public import Postgres
public import Web

/// Accounts: people, how they sign in, and what they may do.
public struct AccountsModule: PlatformModule {
    let ground: AccountGround
    let pages: PageRenderer
    private let now: @Sendable () -> Date

    /// The module.
    ///
    /// - Parameters:
    ///   - database: where accounts are.
    ///   - settings: what they are run with.
    ///   - pages: the renderer, made with ``AccountTemplates/all`` among its templates.
    ///   - limiter: the limiter of the request pipeline.
    ///   - hasher: makes and checks passwords' hashes; shut it down when the server stops.
    ///   - now: the clock of jobs; requests bring their own.
    public init(
        database: Database,
        settings: AccountSettings,
        pages: PageRenderer,
        limiter: RateLimiter,
        hasher: PasswordHasher,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        ground = AccountGround(database: database, hasher: hasher, limiter: limiter, settings: settings)
        self.pages = pages
        self.now = now
    }

    /// Ends the threads of the hasher.
    public func stop() async { await ground.hasher.shutDown() }

    /// Says whose a session or an API token is, for the request pipeline.
    public var authenticator: DatabaseSessionAuthenticator {
        DatabaseSessionAuthenticator(database: ground.database, rules: ground.settings.sessions)
    }

    /// The jobs that accounts enqueue, for the ``WorkQueue``.
    public var jobHandlers: [JobHandler] { [ResetJob.handler(settings: ground.settings, now: now)] }

    /// The jobs that come round: what has run out is removed.
    public var periodicJobs: [PeriodicJob] { [ExpiryRepository.cleanUp(rules: ground.settings, now: now)] }

    /// The pages and the API.
    public var endpoints: [Endpoint] {
        let entry = [signUpEndpoints, signInEndpoints, passwordEndpoints]
        let own = [profileEndpoints, sessionEndpoints, tokenEndpoints, secondFactorEndpoints, dataEndpoints]
        let doors = [entryPages, resetPages, confirmationPages, firstAccountPages]
        let rooms = [profilePages, credentialPages, secondFactorPages, sessionPages, tokenPages, dataPages]
        let all = entry + own + doors + rooms + [administrationEndpoints, administrationPages]
        return all.flatMap { $0 }
    }

    /// The link that makes the first account, an administrator's; print it where only who runs the server sees it.
    ///
    /// It works once, for a day, and each start makes another. There is no account before (ASVS 6.3.2).
    ///
    /// - Returns: `nil` when there is an administrator.
    public func firstAccountLink() async throws -> String? {
        let now = now()
        let token = BearerToken.draw()
        let isMade = try await ground.database.transaction { connection in
            guard try !RoleRepository.hasAdministrator(on: connection) else { return false }
            try OneTimeTokenRepository.insert(token, .firstAccount, now: now, on: connection)
            return true
        }
        return isMade ? "\(ground.settings.origin)/first-account/\(token.text)" : nil
    }
}

extension AccountsModule {
    var sessions: SessionService { SessionService(ground: ground) }
    var secondFactor: SecondFactorService { SecondFactorService(ground: ground) }
    var signUps: SignUpService { SignUpService(ground: ground, sessions: sessions) }
    var signIns: SignInService { SignInService(ground: ground, sessions: sessions, secondFactor: secondFactor) }
    var passwords: PasswordService { PasswordService(ground: ground, sessions: sessions) }
    var emails: EmailService { EmailService(ground: ground) }
    var tokens: TokenService { TokenService(ground: ground) }
    var profiles: ProfileService { ProfileService(ground: ground) }
    var personalData: PersonalDataService { PersonalDataService(ground: ground) }
    var administration: AccountAdministration { AccountAdministration(ground: ground) }
}
