internal import HTTPTypes
internal import Cryptography
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// The second factor: set up, confirmed, asked for, turned off.
struct SecondFactorService: Sendable {
    /// What an authenticator app is given.
    struct Enrolment: Sendable {
        /// The secret in base32, in groups of four.
        let secret: String
        /// The same as an address.
        let uri: String
    }

    /// What an account has.
    struct State: Sendable {
        /// When it was turned on; `nil` when it is off.
        let confirmedAt: Date?
        /// The secret while it is being set up.
        let enrolment: Enrolment?
        /// How many recovery codes are left.
        let codesLeft: Int
    }

    let ground: AccountGround

    /// The state of the caller's second factor.
    func state(for caller: Caller) async throws -> State {
        let account = try caller.signedIn()
        let (row, email, codes) = try await ground.database.run { connection in
            (
                try SecondFactorRepository.find(of: account.id, on: connection),
                try AccountRepository.find(id: account.id, on: connection)?.email,
                try SecondFactorRepository.codesLeft(of: account.id, on: connection)
            )
        }
        guard let row else { return State(confirmedAt: nil, enrolment: nil, codesLeft: 0) }
        let secret = row.confirmedAt == nil ? open(row.sealedSecret, of: account) : nil
        return State(
            confirmedAt: row.confirmedAt,
            enrolment: secret.map { enrolment($0, label: email ?? account.handle) },
            codesLeft: row.confirmedAt == nil ? 0 : codes
        )
    }

    /// Begins to set it up; the password is asked for, since it locks the owner out when somebody else does it.
    ///
    /// - Throws: ``Problem`` 422 for a wrong password, 409 when it is on.
    func begin(password: String, by caller: Caller) async throws -> Enrolment {
        let account = try await ground.reauthenticate(caller, password: password, field: "password")
        let secret = Randomness.bytes(TOTP.secretSize)
        let sealed = AES256GCM.seal(secret, key: ground.settings.sealingKey, context: Self.context(account.reference))
        try await ground.change(by: caller) { connection, trail in
            guard try SecondFactorRepository.begin(sealed: sealed, of: account.id, now: caller.now, on: connection)
            else { throw Problem(.conflict, code: "second_factor_on", detail: "The second factor is on already.") }
            try trail.record("second_factor.begun", of: account.publicID)
        }
        return enrolment(secret, label: account.email ?? account.handle)
    }

    /// Turns it on, once a code shows that the app has the secret.
    ///
    /// - Returns: the recovery codes, which are shown this once.
    /// - Throws: ``Problem`` 422 for a wrong code, 409 when nothing is being set up.
    func confirm(code: String, by caller: Caller) async throws -> [String] {
        let account = try caller.signedIn()
        try await takeTry(of: account.id, caller)
        let codes = RecoveryCode.draw()
        let digests = codes.compactMap { RecoveryCode.digest(of: $0) }
        return try await ground.change(by: caller) { connection, trail in
            let row = try SecondFactorRepository.find(of: account.id, on: connection)
            guard let row, row.confirmedAt == nil, let secret = open(row.sealedSecret, of: account) else {
                throw Problem(.conflict, code: "second_factor_not_begun", detail: "Begin to set it up first.")
            }
            let now = caller.now.timeIntervalSince1970
            guard let step = TOTP.acceptedStep(code: code, secret: secret, at: now, lastUsed: row.lastStep),
                try SecondFactorRepository.confirm(step: step, of: account.id, now: caller.now, on: connection)
            else { throw AccountProblem.code }
            try FailureRepository.clear([.factor(account.id)], on: connection)
            try SecondFactorRepository.replaceCodes(digests, of: account.id, on: connection)
            try trail.record("second_factor.on", of: account.publicID)
            try mail(account, trail) { ground.mails.secondFactor(to: $0, isOn: true) }
            return codes
        }
    }

    /// Turns it off.
    ///
    /// - Throws: ``Problem`` 422 for a wrong password, 409 when there is none.
    func disable(password: String, by caller: Caller) async throws {
        let account = try await ground.reauthenticate(caller, password: password, field: "password")
        try await ground.change(by: caller) { connection, trail in
            guard try SecondFactorRepository.delete(of: account.id, on: connection) else { throw Self.isOff }
            try OneTimeTokenRepository.deleteAll(.secondFactor, of: account.id, on: connection)
            try trail.record("second_factor.off", of: account.publicID)
            try mail(account.reference, trail) { ground.mails.secondFactor(to: $0, isOn: false) }
        }
    }

    /// Makes new recovery codes, which replace those there are.
    ///
    /// - Throws: ``Problem`` 422 for a wrong password, 409 when the second factor is off.
    func renewCodes(password: String, by caller: Caller) async throws -> [String] {
        let account = try await ground.reauthenticate(caller, password: password, field: "password")
        let codes = RecoveryCode.draw()
        let digests = codes.compactMap { RecoveryCode.digest(of: $0) }
        return try await ground.change(by: caller) { connection, trail in
            guard try SecondFactorRepository.isOn(for: account.id, on: connection) else { throw Self.isOff }
            try SecondFactorRepository.replaceCodes(digests, of: account.id, on: connection)
            try trail.record("second_factor.codes_renewed", of: account.publicID)
            try mail(account.reference, trail) { ground.mails.recoveryCodes(to: $0) }
            return codes
        }
    }

    // MARK: Asked for at sign-in

    /// Takes a try, which counts as wrong until it is right.
    ///
    /// - Throws: ``Problem`` 429 after too many.
    func takeTry(of id: Int64, _ caller: Caller) async throws {
        let throttle = ground.settings.throttle
        let wait = try await ground.database.transaction { connection in
            try FailureRepository.take(.factor(id), throttle: throttle, now: caller.now, on: connection)
        }
        guard wait <= 0 else { throw AccountProblem.wait(wait) }
    }

    /// Whether a code is one of the authenticator or a recovery code, which is spent by it (ASVS 6.5.1).
    func accept(_ code: String, of account: AccountRow, _ caller: Caller, on connection: Connection) throws -> Bool {
        if let digest = RecoveryCode.digest(of: code) {
            return try SecondFactorRepository.spendCode(digest, of: account.id, now: caller.now, on: connection)
        }
        guard let row = try SecondFactorRepository.find(of: account.id, on: connection), row.confirmedAt != nil,
            let secret = open(row.sealedSecret, of: account.reference),
            let step = TOTP.acceptedStep(
                code: code,
                secret: secret,
                at: caller.now.timeIntervalSince1970,
                lastUsed: row.lastStep
            )
        else { return false }
        return try SecondFactorRepository.spend(step: step, of: account.id, on: connection)
    }

    private func mail(_ account: AccountReference, _ trail: Trail, _ make: (String) -> MailMessage) throws {
        let email = try AccountRepository.find(id: account.id, on: trail.connection)?.email
        if let email { try trail.mail(make(email)) }
    }

    private static let isOff = Problem(.conflict, code: "second_factor_off", detail: "The second factor is off.")

    /// A sealed secret belongs to one account: moved to another's row it does not open.
    private static func context(_ account: AccountReference) -> [UInt8] { Array("totp \(account.publicID)".utf8) }

    private func open(_ sealed: [UInt8], of account: AccountReference) -> [UInt8]? {
        AES256GCM.open(sealed, key: ground.settings.sealingKey, context: Self.context(account))
    }

    private func enrolment(_ secret: [UInt8], label: String) -> Enrolment {
        let text = Array(Base32.text(secret))
        let groups = stride(from: 0, to: text.count, by: 4).map { String(text[$0..<min($0 + 4, text.count)]) }
        return Enrolment(
            secret: groups.joined(separator: " "),
            uri: TOTP.uri(secret: secret, issuer: ground.settings.siteName, account: label)
        )
    }
}
