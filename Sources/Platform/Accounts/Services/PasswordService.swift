internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// Passwords: changed by who knows the present one, reset by who has the mailbox.
struct PasswordService: Sendable {
    let ground: AccountGround
    let sessions: SessionService

    /// Takes a wish for a new password; whether there is such an account is looked up later, by a job, so that the answer
    /// takes the same time for every address (ASVS 6.3.8).
    ///
    /// - Throws: ``Problem`` 422 for what is no address.
    func requestReset(_ text: String, by caller: Caller) async throws {
        guard let email = EmailAddress(text) else {
            throw Problem.invalid([FieldError(pointer: "/email", code: "format", detail: "is no e-mail address")])
        }
        let verdict = await ground.limiter.take(.resetName, subject: email.folded, now: caller.now)
        guard verdict.isAllowed else { return }
        let job = try ResetJob(email: email.text, network: caller.network, requestID: caller.requestID).job
        try await ground.database.transaction { try WorkQueue.enqueue(job, on: $0) }
    }

    /// Whether a link for a new password works.
    func isResetLink(_ token: String, now: Date) async throws -> Bool {
        try await ground.database.run { connection in
            try OneTimeTokenRepository.find(token, .resetPassword, now: now, on: connection) != nil
        }
    }

    /// Sets a new password with the link of a mail.
    ///
    /// All sessions end, and the browser is known from then on, since whoever uses it has the mailbox: a wait that
    /// strangers caused does not hold it up. The second factor stays.
    ///
    /// - Returns: the browser's device token.
    /// - Throws: ``Problem`` 422 for a link that is spent or a password that will not do.
    func reset(token: String, password: String, by caller: Caller) async throws -> BearerToken? {
        let found = try await ground.database.run { connection in
            try OneTimeTokenRepository.find(token, .resetPassword, now: caller.now, on: connection)?.accountID
                .flatMap { try AccountRepository.find(id: $0, on: connection) }
        }
        guard let found, found.status == .active else { throw AccountProblem.token }
        try ground.checkPolicy(password, context: found.passwordContext)
        let hash = try await ground.hash(password)
        let (sessions, mails) = (sessions, ground.mails)
        return try await ground.change(by: caller) { connection, trail in
            guard try OneTimeTokenRepository.spend(token, .resetPassword, now: caller.now, on: connection) != nil,
                let account = try AccountRepository.lock(id: found.id, on: connection), account.status == .active
            else { throw AccountProblem.token }
            try AccountRepository.setPassword(hash, of: account.id, at: caller.now, on: connection)
            try OneTimeTokenRepository.deleteAll(.resetPassword, of: account.id, on: connection)
            try OneTimeTokenRepository.deleteAll(.secondFactor, of: account.id, on: connection)
            try SessionRepository.deleteAll(of: account.id, except: nil, on: connection)
            try SessionRepository.deleteDevices(of: account.id, on: connection)
            if let email = account.email.flatMap({ EmailAddress($0) }) {
                try FailureRepository.clear([.address(email), .password(account.id)], on: connection)
                try trail.mail(mails.passwordChanged(to: email.text))
            }
            try trail.record("account.password_reset", of: account.publicID)
            return try sessions.knownDevice(for: account.id, by: caller, on: connection)
        }
    }

    /// Changes the password (ASVS 6.2.2, 6.2.3).
    ///
    /// The other sessions end, and the present one goes on under a new id.
    ///
    /// - Throws: ``Problem`` 422 for a wrong password or one that will not do, 429 after too many.
    func change(from current: String, to password: String, by caller: Caller) async throws -> NewSession {
        let account = try await ground.reauthenticate(caller, password: current, field: "current_password")
        try ground.checkPolicy(password, context: account.passwordContext)
        let hash = try await ground.hash(password)
        let (sessions, mails) = (sessions, ground.mails)
        return try await ground.change(by: caller) { connection, trail in
            guard let now = try AccountRepository.lock(id: account.id, on: connection), now.status == .active,
                now.passwordHash == account.passwordHash
            else { throw AccountProblem.currentPassword("current_password") }
            try AccountRepository.setPassword(hash, of: account.id, at: caller.now, on: connection)
            try OneTimeTokenRepository.deleteAll(.resetPassword, of: account.id, on: connection)
            try OneTimeTokenRepository.deleteAll(.secondFactor, of: account.id, on: connection)
            try SessionRepository.deleteAll(of: account.id, except: nil, on: connection)
            try trail.record("account.password_changed", of: account.publicID)
            if let email = account.email { try trail.mail(mails.passwordChanged(to: email)) }
            return try sessions.begin(for: now, by: caller, on: connection)
        }
    }
}

/// The work after a wish for a new password: finds the account, if there is one, and mails its owner.
struct ResetJob: Codable, Sendable {
    static let kind = "account.reset_password"

    let email: String
    let network: String
    let requestID: String

    var job: NewJob {
        get throws { try NewJob(kind: Self.kind, of: self) }
    }

    /// The handler of these jobs.
    static func handler(settings: AccountSettings, now: @escaping @Sendable () -> Date) -> JobHandler {
        let mails = Mails(settings: settings)
        return JobHandler(kind: kind, forgetsPayload: true) { run in
            let wish = try run.payload(as: ResetJob.self)
            try await run.database.transaction { connection in
                try wish.perform(mails, now: now(), on: connection)
                try run.finish(on: connection)
            }
        }
    }

    /// Mails the owner of the address a link, if there is one who may sign in.
    func perform(_ mails: Mails, now: Date, on connection: Connection) throws {
        guard let account = try AccountRepository.find(email: email, on: connection), account.status == .active,
            let address = account.email
        else { return }
        let token = BearerToken.draw()
        try OneTimeTokenRepository.insert(
            token,
            .resetPassword,
            account: account.id,
            email: address,
            now: now,
            on: connection
        )
        try AuditLog.record(
            AuditEntry(
                actor: "visitor",
                action: "account.password_reset_asked",
                object: account.publicID,
                ipPrefix: network,
                requestID: requestID
            ),
            on: connection
        )
        try MailQueue.enqueue(mails.reset(to: address, token: token), on: connection)
    }
}
