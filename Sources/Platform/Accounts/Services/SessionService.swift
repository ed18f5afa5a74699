internal import FoundationEssentials
public import Kernel
public import Postgres

/// A session that has just begun, with its secrets for the browser.
struct NewSession: Sendable {
    let token: BearerToken
    let info: SessionInfo
    let account: AccountReference
    /// A new device token; `nil` when the browser has one.
    let device: BearerToken?

    /// How long the browser keeps the session's cookie, in seconds.
    var maximumAge: Int { Int(info.expiresAt.timeIntervalSince(info.createdAt)) }
}

/// Sessions: begun, listed, ended.
struct SessionService: Sendable {
    /// How long a browser is known, in seconds: a year.
    static let deviceLifetime: Double = 365 * 86_400

    let ground: AccountGround

    /// Begins a session; the one the caller came with ends (ASVS 7.2.4).
    func begin(for account: AccountRow, by caller: Caller, on connection: Connection) throws -> NewSession {
        let grants = try RoleRepository.grants(of: account.id, on: connection)
        let actor = Actor(account: account.reference, grants: grants)
        let lifetime = ground.settings.sessions.lifetime(isAdministrator: actor.has(.admin))
        if let old = caller.session, let owner = caller.account {
            _ = try SessionRepository.delete(publicID: old.publicID, of: owner.id, on: connection)
        }
        let token = BearerToken.draw()
        let info = try SessionRepository.insert(
            token,
            for: account.id,
            network: caller.network,
            agent: caller.agent,
            now: caller.now,
            expires: caller.now.addingTimeInterval(lifetime),
            on: connection
        )
        let device = try knownDevice(for: account.id, by: caller, on: connection)
        return NewSession(token: token, info: info, account: account.reference, device: device)
    }

    /// Makes the browser known, unless it is.
    ///
    /// - Returns: the token it gets; `nil` when it has one.
    func knownDevice(for id: Int64, by caller: Caller, on connection: Connection) throws -> BearerToken? {
        if let device = caller.device,
            try SessionRepository.isKnown(
                device: BearerToken.digest(of: device),
                of: id,
                now: caller.now,
                on: connection
            )
        {
            return nil
        }
        let token = BearerToken.draw()
        try SessionRepository.insertDevice(
            token,
            of: id,
            now: caller.now,
            expires: caller.now.addingTimeInterval(Self.deviceLifetime),
            on: connection
        )
        return token
    }

    /// The sessions of the caller.
    func list(for caller: Caller) async throws -> [SessionRow] {
        let id = try caller.signedIn().id
        let idle = ground.settings.sessions.idle
        return try await ground.database.run { connection in
            try SessionRepository.list(of: id, now: caller.now, idle: idle, on: connection)
        }
    }

    /// Ends one session of the caller (ASVS 7.4.1, 7.5.2).
    ///
    /// - Throws: ``Problem`` 404 when the caller has no such session.
    func end(_ publicID: String, by caller: Caller) async throws {
        let account = try caller.signedIn()
        try await ground.change(by: caller) { connection, trail in
            guard try SessionRepository.delete(publicID: publicID, of: account.id, on: connection) else {
                throw Problem.notFound
            }
            try trail.record("session.ended", of: account.publicID, detail: ["session": .string(publicID)])
        }
    }

    /// Ends the sessions of the caller but the present one, or all.
    ///
    /// - Returns: how many.
    @discardableResult
    func endAll(by caller: Caller, exceptPresent: Bool) async throws -> Int {
        let account = try caller.signedIn()
        return try await ground.change(by: caller) { connection, trail in
            let kept = exceptPresent ? caller.session?.publicID : nil
            let count = try SessionRepository.deleteAll(of: account.id, except: kept, on: connection)
            try trail.record("session.ended_all", of: account.publicID, detail: ["count": .integer(Int64(count))])
            return count
        }
    }
}

/// Says whose a session or an API token is: one statement for each request, and a second at most every five minutes.
///
/// Nothing is remembered between requests: what an administrator takes away is gone at the next one (ASVS 8.3.2).
public struct DatabaseSessionAuthenticator: SessionAuthenticator {
    private let database: Database
    private let rules: SessionRules

    /// An authenticator over a database.
    ///
    /// - Parameters:
    ///   - database: where sessions and tokens are.
    ///   - rules: how long sessions live.
    public init(database: Database, rules: SessionRules = SessionRules()) {
        self.database = database
        self.rules = rules
    }

    /// Whose session it is.
    public func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        guard BearerToken.isPlausible(token.text) else { return nil }
        let digest = BearerToken.digest(of: token.text)
        let rules = rules
        return try await database.run { connection in
            guard
                let found = try SessionRepository.find(
                    digest: digest,
                    now: trace.now,
                    idle: rules.idle,
                    on: connection
                )
            else { return nil }
            if rules.shouldTouch(secondsSinceLastSeen: trace.now.timeIntervalSince(found.lastSeenAt)) {
                try SessionRepository.touch(digest: digest, now: trace.now, on: connection)
            }
            return .session(found.session, actor: found.actor)
        }
    }

    /// Whose API token it is.
    public func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        guard BearerToken.isPlausible(token.text, prefix: TokenService.prefix) else { return nil }
        let digest = BearerToken.digest(of: token.text)
        let rules = rules
        return try await database.run { connection in
            guard let found = try APITokenRepository.find(digest: digest, now: trace.now, on: connection) else {
                return nil
            }
            let last = found.lastUsedAt.map { trace.now.timeIntervalSince($0) } ?? .infinity
            if rules.shouldTouch(secondsSinceLastSeen: last) {
                try APITokenRepository.touch(digest: digest, now: trace.now, on: connection)
            }
            return .token(id: found.publicID, actor: found.actor)
        }
    }
}
