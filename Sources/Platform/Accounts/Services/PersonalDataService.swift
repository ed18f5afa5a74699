internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// All that is kept about an account, for its owner to take along.
struct PersonalData: Encodable, Sendable {
    struct Session: Encodable, Sendable {
        let id: String
        let createdAt: Date
        let lastSeenAt: Date
        let network: String
        let agent: String

        enum CodingKeys: String, CodingKey {
            case id, network, agent
            case createdAt = "created_at"
            case lastSeenAt = "last_seen_at"
        }
    }

    struct Token: Encodable, Sendable {
        let id: String
        let name: String
        let scopes: [String]
        let createdAt: Date
        let expiresAt: Date

        enum CodingKeys: String, CodingKey {
            case id, name, scopes
            case createdAt = "created_at"
            case expiresAt = "expires_at"
        }
    }

    struct Activity: Encodable, Sendable {
        let at: Date
        let action: String
        let network: String?
    }

    let exportedAt: Date
    let profile: ProfileView
    /// The picture in base64, as it was sent.
    let avatar: String?
    let hasSecondFactor: Bool
    let sessions: [Session]
    let apiTokens: [Token]
    /// The latest entries of the audit log that the account made.
    let activity: [Activity]

    enum CodingKeys: String, CodingKey {
        case profile, avatar, sessions, activity
        case exportedAt = "exported_at"
        case hasSecondFactor = "has_second_factor"
        case apiTokens = "api_tokens"
    }
}

/// Takes one's data along, and deletes it.
struct PersonalDataService: Sendable {
    /// The most entries of the audit log in an export.
    private static let maximumActivity = 1000

    let ground: AccountGround

    /// All that is kept about the caller.
    func export(for caller: Caller) async throws -> PersonalData {
        let account = try caller.signedIn()
        let idle = ground.settings.sessions.idle
        return try await ground.database.transaction(.repeatableRead) { connection in
            guard let row = try AccountRepository.find(id: account.id, on: connection) else { throw Problem.notFound }
            let picture = try AvatarRepository.name(of: row.id, on: connection)
                .flatMap { try AvatarRepository.find(name: $0, on: connection) }
            return PersonalData(
                exportedAt: caller.now,
                profile: try ProfileService.view(row, on: connection),
                avatar: picture.map { Base64.text($0.bytes) },
                hasSecondFactor: try SecondFactorRepository.isOn(for: row.id, on: connection),
                sessions: try SessionRepository.list(of: row.id, now: caller.now, idle: idle, on: connection).map {
                    PersonalData.Session(
                        id: $0.publicID,
                        createdAt: $0.createdAt,
                        lastSeenAt: $0.lastSeenAt,
                        network: $0.network,
                        agent: $0.agent
                    )
                },
                apiTokens: try APITokenRepository.list(of: row.id, on: connection).map {
                    PersonalData.Token(
                        id: $0.publicID,
                        name: $0.name,
                        scopes: $0.scopes,
                        createdAt: $0.createdAt,
                        expiresAt: $0.expiresAt
                    )
                },
                activity: try AuditLog.records(
                    AuditLog.Filter(actor: row.publicID),
                    limit: Self.maximumActivity,
                    on: connection
                ).map { PersonalData.Activity(at: $0.at, action: $0.entry.action, network: $0.entry.ipPrefix) }
            )
        }
    }

    /// Deletes the caller's account: a tombstone with its handle is left, which nobody can take.
    ///
    /// - Parameters:
    ///   - password: the present one.
    ///   - handle: typed again, so that nobody deletes by accident.
    ///   - caller: who asks.
    /// - Throws: ``Problem`` 422 for a wrong password or handle, 409 for the last administrator.
    func delete(password: String, handle: String, by caller: Caller) async throws {
        let account = try await ground.reauthenticate(caller, password: password, field: "password")
        guard handle.lowercased() == account.handle.lowercased() else {
            throw Problem.invalid([
                FieldError(pointer: "/handle", code: "differs", detail: "is not the handle of this account")
            ])
        }
        let mails = ground.mails
        try await ground.change(by: caller) { connection, trail in
            guard let row = try AccountRepository.lock(id: account.id, on: connection), row.status == .active else {
                throw Problem.notFound
            }
            try AccountAdministration.requireOtherAdministrator(than: row, on: connection)
            if let email = row.email { try trail.mail(mails.deleted(to: email)) }
            try Self.erase(row, at: caller.now, on: connection)
            try trail.record("account.deleted", of: row.publicID)
        }
    }

    /// Takes away everything personal.
    static func erase(_ row: AccountRow, at now: Date, on connection: Connection) throws {
        try SessionRepository.deleteAll(of: row.id, except: nil, on: connection)
        try SessionRepository.deleteDevices(of: row.id, on: connection)
        try APITokenRepository.deleteAll(of: row.id, on: connection)
        try OneTimeTokenRepository.deleteAll(of: row.id, on: connection)
        _ = try SecondFactorRepository.delete(of: row.id, on: connection)
        try AccountRepository.bury(row.id, at: now, on: connection)
    }
}
