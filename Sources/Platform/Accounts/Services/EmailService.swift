internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// Changes the address of an account: the password is asked for (ASVS 7.5.1), the new address confirms, the old one is told.
struct EmailService: Sendable {
    let ground: AccountGround

    /// Takes a wish for another address.
    ///
    /// An address that has an account gets a mail that says so; the asker gets the same answer.
    ///
    /// - Throws: ``Problem`` 422 for what is no address or a wrong password, 429 after too many.
    func requestChange(to text: String, password: String, by caller: Caller) async throws {
        guard let email = EmailAddress(text) else {
            throw Problem.invalid([FieldError(pointer: "/email", code: "format", detail: "is no e-mail address")])
        }
        let account = try await ground.reauthenticate(caller, password: password, field: "password")
        try await ground.limiter.require(.resetName, subject: email.folded, now: caller.now)
        let mails = ground.mails
        let token = BearerToken.draw()
        try await ground.change(by: caller) { connection, trail in
            try OneTimeTokenRepository.deleteAll(.changeEmail, of: account.id, on: connection)
            try OneTimeTokenRepository.insert(
                token,
                .changeEmail,
                account: account.id,
                email: email.text,
                now: caller.now,
                on: connection
            )
            let owner = try AccountRepository.find(email: email.text, on: connection)
            let isForeign = owner != nil && owner?.id != account.id
            try trail.mail(
                isForeign ? mails.alreadyHere(to: email.text) : mails.emailChange(to: email.text, token: token)
            )
            if let old = account.email { try trail.mail(mails.emailChangeAsked(to: old)) }
            try trail.record("account.email_change_asked", of: account.publicID)
        }
    }

    /// The address that a change is under way to.
    func pending(for caller: Caller) async throws -> String? {
        let id = try caller.signedIn().id
        return try await ground.database.run { connection in
            try OneTimeTokenRepository.pendingEmail(of: id, now: caller.now, on: connection)
        }
    }

    /// The address a link is for.
    ///
    /// - Throws: ``Problem`` 422 for a link that is spent.
    func address(of token: String, now: Date) async throws -> String {
        let row = try await ground.database.run { connection in
            try OneTimeTokenRepository.find(token, .changeEmail, now: now, on: connection)
        }
        guard let email = row?.email else { throw AccountProblem.token }
        return email
    }

    /// Makes the address of a link the account's.
    ///
    /// - Throws: ``Problem`` 422 for a link that is spent, or an address that got an account meanwhile.
    func confirm(token: String, by caller: Caller) async throws {
        let mails = ground.mails
        try await ground.change(by: caller) { connection, trail in
            guard let row = try OneTimeTokenRepository.spend(token, .changeEmail, now: caller.now, on: connection),
                let id = row.accountID, let email = row.email,
                let account = try AccountRepository.lock(id: id, on: connection),
                try AccountRepository.setEmail(email, of: id, on: connection)
            else { throw AccountProblem.token }
            // Links to a new password are in the old mailbox.
            try OneTimeTokenRepository.deleteAll(.resetPassword, of: id, on: connection)
            if let old = account.email { try trail.mail(mails.emailChanged(to: old)) }
            try trail.record("account.email_changed", of: account.publicID)
        }
    }
}
