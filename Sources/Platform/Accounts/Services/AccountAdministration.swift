internal import HTTPTypes
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// An account as administrators see it.
struct AdministeredAccount: Encodable, Sendable, Equatable {
    let id: String
    let email: String?
    let handle: String
    let displayName: String
    let status: AccountStatus
    let roles: [String]
    let createdAt: Date
    let lastSeenAt: Date?
    let hasSecondFactor: Bool
    /// The number the list is sorted by; it stays here.
    let row: Int64

    enum CodingKeys: String, CodingKey {
        case id, email, handle, status, roles
        case displayName = "display_name"
        case createdAt = "created_at"
        case lastSeenAt = "last_seen_at"
        case hasSecondFactor = "has_second_factor"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(email, forKey: .email)
        try container.encode(handle, forKey: .handle)
        try container.encode(displayName, forKey: .displayName)
        try container.encode(status, forKey: .status)
        try container.encode(roles, forKey: .roles)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(lastSeenAt, forKey: .lastSeenAt)
        try container.encode(hasSecondFactor, forKey: .hasSecondFactor)
    }
}

/// What administrators do with accounts; each with an audit record, and effective at the other's next request.
struct AccountAdministration: Sendable {
    let ground: AccountGround

    /// A part of the accounts, the newest first.
    ///
    /// - Parameters:
    ///   - search: the beginning of an address or handle, or a part of three characters or more; `nil` for all.
    ///   - page: which part.
    /// - Returns: up to one more than asked for, backwards for the page before.
    /// - Throws: `DatabaseError`.
    func accounts(_ search: String?, page: PageRequest) async throws -> [AdministeredAccount] {
        try await ground.database.transaction { try AdministrationRepository.list(search, page, on: $0) }
    }

    /// One account.
    ///
    /// - Throws: ``Problem`` 404.
    func account(_ publicID: String) async throws -> AdministeredAccount {
        let found = try await ground.database.run { try AdministrationRepository.find(publicID, on: $0) }
        guard let found else { throw Problem.notFound }
        return found
    }

    /// One account with its sessions and the latest of what was done to it.
    ///
    /// - Throws: ``Problem`` 404.
    func detail(
        _ publicID: String,
        now: Date
    ) async throws -> (AdministeredAccount, [SessionRow], [AuditRecord]) {
        let idle = ground.settings.sessions.idle
        return try await ground.database.run { connection in
            guard let account = try AdministrationRepository.find(publicID, on: connection) else {
                throw Problem.notFound
            }
            return (
                account,
                try SessionRepository.list(of: account.row, now: now, idle: idle, on: connection),
                try AuditLog.records(AuditLog.Filter(object: publicID), limit: 50, on: connection)
            )
        }
    }

    /// Gives a role.
    ///
    /// The account's sessions end: with what it may do, the id of its session changes (ASVS 7.2.4).
    ///
    /// - Throws: ``Problem`` 404, 409 for an account that is not active.
    func grant(_ role: Role, to publicID: String, by caller: Caller) async throws -> AdministeredAccount {
        try await changeRoles(of: publicID, by: caller, action: "role.granted", role) { row, connection in
            guard row.status == .active else { throw Self.notActive }
            return try RoleRepository.insert(role, for: row.id, at: caller.now, on: connection)
        }
    }

    /// Takes a role away, effective at the account's next request (ASVS 8.3.2).
    ///
    /// - Throws: ``Problem`` 404, 409 for the last administrator.
    func revoke(_ role: Role, of publicID: String, by caller: Caller) async throws -> AdministeredAccount {
        try await changeRoles(of: publicID, by: caller, action: "role.revoked", role) { row, connection in
            if role == .admin { try Self.requireOtherAdministrator(than: row, on: connection) }
            return try RoleRepository.delete(role, of: row.id, on: connection)
        }
    }

    private func changeRoles(
        of publicID: String,
        by caller: Caller,
        action: String,
        _ role: Role,
        _ work: @escaping @Sendable (AccountRow, Connection) throws -> Bool
    ) async throws -> AdministeredAccount {
        guard role != .member else {
            throw Problem(.conflict, code: "role_implied", detail: "Everybody with an account is a member.")
        }
        return try await change(publicID, by: caller) { row, connection, trail in
            // Nothing changed: nothing ends and nobody is told.
            guard try work(row, connection) else { return }
            try SessionRepository.deleteAll(of: row.id, except: nil, on: connection)
            try trail.record(action, of: row.publicID, detail: ["role": .string(role.rawValue)])
            if let email = row.email { try trail.mail(ground.mails.roles(to: email)) }
        }
    }

    /// Ends all sessions of an account.
    ///
    /// - Throws: ``Problem`` 404.
    func endSessions(of publicID: String, by caller: Caller) async throws -> AdministeredAccount {
        try await change(publicID, by: caller) { row, connection, trail in
            let count = try SessionRepository.deleteAll(of: row.id, except: nil, on: connection)
            guard count > 0 else { return }
            try trail.record("session.ended_all", of: row.publicID, detail: ["count": .integer(Int64(count))])
        }
    }

    /// Shuts an account: all of its sessions end (ASVS 7.4.2), its tokens work no more, and nobody can sign in.
    ///
    /// - Throws: ``Problem`` 404, 409 for the last administrator.
    func disable(_ publicID: String, by caller: Caller) async throws -> AdministeredAccount {
        try await change(publicID, by: caller) { row, connection, trail in
            guard row.status != .disabled else { return }
            guard row.status == .active else { throw Self.notActive }
            try Self.requireOtherAdministrator(than: row, on: connection)
            try AccountRepository.setStatus(.disabled, of: row.id, on: connection)
            try SessionRepository.deleteAll(of: row.id, except: nil, on: connection)
            try SessionRepository.deleteDevices(of: row.id, on: connection)
            try OneTimeTokenRepository.deleteAll(of: row.id, on: connection)
            try trail.record("account.disabled", of: row.publicID)
            if let email = row.email { try trail.mail(ground.mails.status(to: email, isDisabled: true)) }
        }
    }

    /// Opens an account again.
    ///
    /// - Throws: ``Problem`` 404.
    func enable(_ publicID: String, by caller: Caller) async throws -> AdministeredAccount {
        try await change(publicID, by: caller) { row, connection, trail in
            guard row.status != .active else { return }
            guard row.status == .disabled else { throw Self.notActive }
            try AccountRepository.setStatus(.active, of: row.id, on: connection)
            try trail.record("account.enabled", of: row.publicID)
            if let email = row.email { try trail.mail(ground.mails.status(to: email, isDisabled: false)) }
        }
    }

    private func change(
        _ publicID: String,
        by caller: Caller,
        _ work: @escaping @Sendable (AccountRow, Connection, Trail) throws -> Void
    ) async throws -> AdministeredAccount {
        try await ground.change(by: caller) { connection, trail in
            guard let row = try AccountRepository.lock(publicID: publicID, on: connection) else {
                throw Problem.notFound
            }
            try work(row, connection, trail)
            guard let view = try AdministrationRepository.find(publicID, on: connection) else { throw Problem.notFound }
            return view
        }
    }

    /// - Throws: ``Problem`` 409 when an account is the last administrator.
    static func requireOtherAdministrator(than row: AccountRow, on connection: Connection) throws {
        let grants = try RoleRepository.grants(of: row.id, on: connection)
        guard grants.contains(RoleGrant(.admin)) else { return }
        guard try RoleRepository.hasOtherAdministrator(than: row.id, on: connection) else {
            throw AccountProblem.lastAdministrator
        }
    }

    private static let notActive = Problem(.conflict, code: "account_not_active", detail: "The account is not active.")
}
