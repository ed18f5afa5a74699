internal import Logging
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What somebody gives to have an account.
struct SignUp: Decodable, Sendable {
    let email: String
    let handle: String
    let displayName: String?
    let password: String

    enum CodingKeys: String, CodingKey {
        case email, handle, password
        case displayName = "display_name"
    }
}

/// What the holder of a confirmation link gives.
struct Confirmation: Decodable, Sendable {
    let token: String
    let password: String
    /// Another handle than at sign-up, which somebody may have taken since.
    let handle: String?
}

/// Makes accounts.
///
/// Nothing is an account until its address is confirmed by somebody who has both the link and the password. So nobody
/// can make one with another's address and wait for the owner to confirm it; and a sign-up for an address that has an
/// account looks and takes the same as any other (ASVS 6.3.8): the owner gets a mail, the asker the same answer.
struct SignUpService: Sendable {
    let ground: AccountGround
    let sessions: SessionService

    /// Takes a sign-up and mails its address.
    ///
    /// - Throws: ``Problem`` 422 for what is wrong with the fields. Handles are public, so that one is taken is told.
    func signUp(_ request: SignUp, by caller: Caller) async throws {
        let (email, handle, name) = try Self.checked(request)
        let isTaken = try await ground.database.run { try AccountRepository.isTaken(handle: handle.text, on: $0) }
        guard !isTaken else { throw AccountProblem.handleTaken }
        let hash = try await ground.hash(request.password)
        let pending = PendingAccount(email: email.text, handle: handle.text, displayName: name, passwordHash: hash)
        let payload = String(decoding: try JSONCoding.bytes(pending), as: UTF8.self)
        let verdict = await ground.limiter.take(.resetName, subject: email.folded, now: caller.now)
        caller.logger.info("sign-up taken")
        // A mailbox that strangers fill gets no more for a while; the answer is the same.
        guard verdict.isAllowed else { return }
        let mails = ground.mails
        let token = BearerToken.draw()
        try await ground.change(by: caller) { connection, trail in
            if try AccountRepository.find(email: email.text, on: connection) != nil {
                try trail.mail(mails.alreadyHere(to: email.text))
                return
            }
            try OneTimeTokenRepository.insert(
                token,
                .confirmEmail,
                email: email.text,
                payload: payload,
                now: caller.now,
                on: connection
            )
            try trail.mail(mails.confirmation(to: email.text, handle: handle.text, token: token))
        }
    }

    /// The address and the handle a confirmation link is for.
    ///
    /// - Throws: ``Problem`` 422 when the link is spent or too old.
    func pending(_ token: String, now: Date) async throws -> PendingAccount {
        let row = try await ground.database.run {
            try OneTimeTokenRepository.find(token, .confirmEmail, now: now, on: $0)
        }
        guard let row else { throw AccountProblem.token }
        return try Self.pending(row)
    }

    /// Makes the account that waits for a link, and signs in.
    ///
    /// - Throws: ``Problem`` 422 for a link that is spent, a wrong password, or a handle that was taken meanwhile.
    func confirm(_ request: Confirmation, by caller: Caller) async throws -> NewSession {
        let waiting = try await pending(request.token, now: caller.now)
        guard try await ground.verify(request.password, against: waiting.passwordHash).isCorrect else {
            caller.logger.notice("confirmation refused")
            throw AccountProblem.currentPassword("password")
        }
        let handle = try request.handle.map { try Self.handle($0) }
        let account = PendingAccount(
            email: waiting.email,
            handle: handle?.text ?? waiting.handle,
            displayName: waiting.displayName,
            passwordHash: waiting.passwordHash
        )
        let sessions = sessions
        return try await ground.change(by: caller) { connection, trail in
            guard
                try OneTimeTokenRepository.spend(request.token, .confirmEmail, now: caller.now, on: connection) != nil
            else { throw AccountProblem.token }
            guard let row = try AccountRepository.insert(account, at: caller.now, on: connection) else {
                // Rolled back, so that the link still works with another handle.
                let isTaken = try AccountRepository.isTaken(handle: account.handle, on: connection)
                throw isTaken ? AccountProblem.handleTaken : AccountProblem.token
            }
            try OneTimeTokenRepository.deleteAll(.confirmEmail, email: account.email, on: connection)
            try trail.record("account.created", of: row.publicID)
            return try sessions.begin(for: row, by: caller, on: connection)
        }
    }

    // MARK: The first account

    /// Whether a link for the first account works.
    func isFirstAccountLink(_ token: String, now: Date) async throws -> Bool {
        try await ground.database.run { connection in
            try OneTimeTokenRepository.find(token, .firstAccount, now: now, on: connection) != nil
                && !RoleRepository.hasAdministrator(on: connection)
        }
    }

    /// Makes the first administrator, and signs in.
    ///
    /// - Throws: ``Problem`` 422 for what is wrong with the fields, or a link that is spent.
    func makeFirstAccount(_ request: SignUp, token: String, by caller: Caller) async throws -> NewSession {
        guard try await isFirstAccountLink(token, now: caller.now) else { throw AccountProblem.token }
        let (email, handle, name) = try Self.checked(request)
        let hash = try await ground.hash(request.password)
        let account = PendingAccount(email: email.text, handle: handle.text, displayName: name, passwordHash: hash)
        let sessions = sessions
        return try await ground.change(by: caller) { connection, trail in
            // Of two who hold a link of two servers one becomes the first.
            guard try !RoleRepository.hasOtherAdministrator(than: 0, on: connection),
                try OneTimeTokenRepository.spend(token, .firstAccount, now: caller.now, on: connection) != nil
            else { throw AccountProblem.token }
            guard let row = try AccountRepository.insert(account, at: caller.now, on: connection) else {
                throw AccountProblem.handleTaken
            }
            _ = try RoleRepository.insert(.admin, for: row.id, at: caller.now, on: connection)
            try OneTimeTokenRepository.deleteAll(.firstAccount, on: connection)
            try trail.record("account.created", of: row.publicID, detail: ["roles": ["admin"]])
            return try sessions.begin(for: row, by: caller, on: connection)
        }
    }

    // MARK: Checks

    /// Everything wrong with a sign-up, at once.
    private static func checked(_ request: SignUp) throws -> (EmailAddress, Handle, String) {
        var errors: [FieldError] = []
        let email = EmailAddress(request.email)
        if email == nil { errors.append(FieldError(pointer: "/email", code: "format", detail: "is no e-mail address")) }
        var handle: Handle?
        do throws(Handle.Refusal) { handle = try Handle(request.handle) } catch { errors.append(error.fieldError) }
        let name = ProfileText.line(request.displayName ?? "", maximum: ProfileText.maximumName)
        if name == nil { errors.append(ProfileText.fieldError("display_name")) }
        let context = [request.email, request.handle, request.displayName ?? ""]
        do throws(PasswordPolicy.Refusal) {
            try PasswordPolicy.check(request.password, context: context)
        } catch {
            errors.append(error.fieldError("password"))
        }
        guard let email, let handle, let name, errors.isEmpty else { throw Problem.invalid(errors) }
        return (email, handle, name)
    }

    private static func handle(_ text: String) throws -> Handle {
        do throws(Handle.Refusal) { return try Handle(text) } catch { throw Problem.invalid([error.fieldError]) }
    }

    private static func pending(_ row: OneTimeTokenRow) throws -> PendingAccount {
        do {
            return try JSONDecoder().decode(PendingAccount.self, from: Data(row.payload.utf8))
        } catch {
            throw AccountProblem.token
        }
    }
}

extension ProfileText {
    /// What is wrong with a text about oneself.
    static func fieldError(_ field: String) -> FieldError {
        FieldError(pointer: "/\(field)", code: "text", detail: "is too long or has characters that cannot be shown")
    }
}
