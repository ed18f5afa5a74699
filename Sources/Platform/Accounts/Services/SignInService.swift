internal import Logging
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What somebody signs in with.
struct SignIn: Decodable, Sendable {
    let email: String
    let password: String
}

/// What comes of a right password.
enum SignInOutcome: Sendable {
    /// Signed in.
    case signedIn(NewSession)
    /// A code of the second factor is to follow, with this token.
    case secondFactor(challenge: BearerToken)
}

/// Signs in and out.
///
/// A try is counted as wrong before it is looked at (``SignInThrottle`` says for whom), then the password is hashed, whether
/// there is an account or not: neither answers nor times tell (ASVS 6.3.8). Only a right password leads to statements that
/// are about an account.
struct SignInService: Sendable {
    let ground: AccountGround
    let sessions: SessionService
    let secondFactor: SecondFactorService

    /// Signs in.
    ///
    /// - Throws: ``Problem`` 401 for a wrong password or address, 429 after too many, 403 for a disabled account.
    func signIn(_ request: SignIn, by caller: Caller) async throws -> SignInOutcome {
        guard let email = EmailAddress(request.email) else {
            _ = try await ground.verify(request.password, against: nil)
            throw AccountProblem.credentials
        }
        let (account, subject) = try await take(email, caller)
        let verdict = try await ground.verify(request.password, against: account?.passwordHash)
        guard verdict.isCorrect, let account else {
            caller.logger.notice("sign-in refused", metadata: ["peer.network": "\(caller.network)"])
            throw AccountProblem.credentials
        }
        let outcome = try await finish(account, verdict, clearing: [subject, .address(email)], caller)
        caller.logger.info("signed in", metadata: ["account.id": "\(account.publicID)"])
        return outcome
    }

    /// Takes a try, and finds the account.
    private func take(
        _ email: EmailAddress,
        _ caller: Caller
    ) async throws -> (AccountRow?, FailureRepository.Subject) {
        let throttle = ground.settings.throttle
        let (account, subject, wait) = try await ground.database.transaction { connection in
            let account = try AccountRepository.find(email: email.text, on: connection)
            var subject = FailureRepository.Subject.address(email)
            if let device = caller.device, BearerToken.isPlausible(device) {
                let digest = BearerToken.digest(of: device)
                let isKnown = try SessionRepository.isKnown(
                    device: digest,
                    of: account?.id ?? 0,
                    now: caller.now,
                    on: connection
                )
                if isKnown { subject = .device(digest, email) }
            }
            let wait = try FailureRepository.take(subject, throttle: throttle, now: caller.now, on: connection)
            return (account, subject, wait)
        }
        guard wait <= 0 else {
            caller.logger.notice("sign-in slowed down", metadata: ["peer.network": "\(caller.network)"])
            throw AccountProblem.wait(wait)
        }
        return (account, subject)
    }

    private func finish(
        _ found: AccountRow,
        _ verdict: PasswordHasher.Verdict,
        clearing subjects: [FailureRepository.Subject],
        _ caller: Caller
    ) async throws -> SignInOutcome {
        let sessions = sessions
        return try await ground.change(by: caller) { connection, trail in
            // The hash took half a second: the account may have changed in the meantime.
            guard let account = try AccountRepository.lock(id: found.id, on: connection),
                account.passwordHash == found.passwordHash
            else { throw AccountProblem.credentials }
            guard account.status == .active else { throw AccountProblem.disabled }
            try FailureRepository.clear(subjects, on: connection)
            if let rehash = verdict.rehash, let old = found.passwordHash {
                try AccountRepository.rehash(rehash, insteadOf: old, of: account.id, on: connection)
            }
            guard try SecondFactorRepository.isOn(for: account.id, on: connection) else {
                return .signedIn(try Self.begin(account, sessions, trail, connection))
            }
            let challenge = BearerToken.draw()
            try OneTimeTokenRepository.insert(
                challenge,
                .secondFactor,
                account: account.id,
                now: caller.now,
                on: connection
            )
            return .secondFactor(challenge: challenge)
        }
    }

    /// Signs in with the second factor, after the password.
    ///
    /// - Throws: ``Problem`` 422 for a wrong code or a challenge that is spent, 429 after too many.
    func signIn(challenge: String, code: String, by caller: Caller) async throws -> NewSession {
        let waiting = try await ground.database.run { connection in
            try OneTimeTokenRepository.find(challenge, .secondFactor, now: caller.now, on: connection)
        }
        guard let id = waiting?.accountID else { throw AccountProblem.token }
        try await secondFactor.takeTry(of: id, caller)
        let (sessions, secondFactor) = (sessions, secondFactor)
        do {
            return try await ground.change(by: caller) { connection, trail in
                guard let account = try AccountRepository.lock(id: id, on: connection), account.status == .active,
                    try OneTimeTokenRepository.spend(challenge, .secondFactor, now: caller.now, on: connection) != nil
                else { throw AccountProblem.token }
                // Thrown, the challenge is not spent: the next try may use it.
                guard try secondFactor.accept(code, of: account, caller, on: connection) else {
                    throw AccountProblem.code
                }
                try FailureRepository.clear([.factor(id)], on: connection)
                return try Self.begin(account, sessions, trail, connection)
            }
        } catch let problem as Problem {
            caller.logger.notice("second factor refused", metadata: ["peer.network": "\(caller.network)"])
            throw problem
        }
    }

    private static func begin(
        _ account: AccountRow,
        _ sessions: SessionService,
        _ trail: Trail,
        _ connection: Connection
    ) throws -> NewSession {
        let session = try sessions.begin(for: account, by: trail.caller, on: connection)
        try trail.record(
            "session.began",
            of: account.publicID,
            detail: ["session": .string(session.info.publicID), "network": .string(trail.caller.network)]
        )
        return session
    }

    /// Ends the present session (ASVS 7.4.1).
    func signOut(_ caller: Caller) async throws {
        guard let session = caller.session else { return }
        try await sessions.end(session.publicID, by: caller)
    }
}
