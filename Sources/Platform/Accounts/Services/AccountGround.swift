internal import Logging
internal import HTTPTypes
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What all services of accounts stand on.
struct AccountGround: Sendable {
    let database: Database
    let hasher: PasswordHasher
    let limiter: RateLimiter
    let settings: AccountSettings

    var mails: Mails { Mails(settings: settings) }

    /// Runs a change in one transaction with its trail.
    func change<Result: Sendable>(
        by caller: Caller,
        _ work: @escaping @Sendable (Connection, Trail) throws -> Result
    ) async throws -> Result {
        try await database.transaction { connection in
            try work(connection, Trail(caller: caller, connection: connection))
        }
    }

    /// A password's hash.
    ///
    /// - Throws: ``Problem`` 503.
    func hash(_ password: String) async throws -> String {
        do {
            return try await hasher.hash(password)
        } catch let busy as PasswordHasher.Busy {
            throw AccountProblem.busy(busy)
        }
    }

    /// Whether a password is the one of a hash.
    ///
    /// - Throws: ``Problem`` 503.
    func verify(_ password: String, against phc: String?) async throws -> PasswordHasher.Verdict {
        do {
            return try await hasher.verify(password, against: phc)
        } catch let busy as PasswordHasher.Busy {
            throw AccountProblem.busy(busy)
        }
    }

    /// Asks a signed-in person for the password again, before something that a stolen session must not do.
    ///
    /// - Parameters:
    ///   - caller: who asks.
    ///   - password: what was typed.
    ///   - field: where it stood, for the answer.
    /// - Returns: the account, as it was then.
    /// - Throws: ``Problem`` 422 for a wrong one, 429 after too many.
    func reauthenticate(_ caller: Caller, password: String, field: String) async throws -> AccountRow {
        let id = try caller.signedIn().id
        let throttle = settings.throttle
        let (account, wait) = try await database.transaction { connection in
            let wait = try FailureRepository.take(.password(id), throttle: throttle, now: caller.now, on: connection)
            return (try AccountRepository.find(id: id, on: connection), wait)
        }
        guard wait <= 0 else { throw AccountProblem.wait(wait) }
        guard let account, account.status == .active else { throw Problem(.unauthorized) }
        guard try await verify(password, against: account.passwordHash).isCorrect else {
            caller.logger.notice("password refused", metadata: ["account.id": "\(account.publicID)"])
            throw AccountProblem.currentPassword(field)
        }
        try await database.run { try FailureRepository.clear([.password(id)], on: $0) }
        return account
    }

    /// Checks a password that somebody wants to have.
    ///
    /// - Throws: ``Problem`` 422.
    func checkPolicy(_ password: String, context: [String], field: String = "password") throws {
        do throws(PasswordPolicy.Refusal) {
            try PasswordPolicy.check(password, context: context)
        } catch {
            throw Problem.invalid([error.fieldError(field)])
        }
    }
}
