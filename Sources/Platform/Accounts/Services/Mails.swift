internal import Kernel

/// The mails of accounts: short, plain, each saying why it came and what to do when one did not ask for it.
struct Mails: Sendable {
    let settings: AccountSettings

    private func message(to address: String, _ subject: String, _ lines: [String]) -> MailMessage {
        MailMessage(
            to: address,
            subject: "\(subject) - \(settings.siteName)",
            text: lines.joined(separator: "\n") + "\n\n-- \n\(settings.siteName), \(settings.origin)\n",
            messageID: MailQueue.newMessageID()
        )
    }

    /// One-time tokens stand in the path, not in the query: neither Referer nor the log of a query shows them (ASVS 14.2.1).
    private func link(_ path: String, _ token: BearerToken) -> String { "\(settings.origin)\(path)/\(token.text)" }

    func confirmation(to address: String, handle: String, token: BearerToken) -> MailMessage {
        message(
            to: address,
            "Confirm your e-mail address",
            [
                "Somebody wants to make the account \"\(handle)\" with this address. If it was you, open",
                "", link("/confirm-email", token), "",
                "and enter the password you chose. The link works once, for 24 hours.",
                "If it was not you, do nothing: without the password no account is made.",
            ]
        )
    }

    func alreadyHere(to address: String) -> MailMessage {
        message(
            to: address,
            "You already have an account",
            [
                "Somebody wanted to use this address for an account, but it has one already.",
                "If it was you, sign in at", "", "\(settings.origin)/sign-in", "",
                "or choose a new password at", "", "\(settings.origin)/password/reset", "",
                "If it was not you, there is nothing to do.",
            ]
        )
    }

    func reset(to address: String, token: BearerToken) -> MailMessage {
        message(
            to: address,
            "Choose a new password",
            [
                "Somebody asked to choose a new password for your account. If it was you, open",
                "", link("/password/reset", token), "",
                "The link works once, for 30 minutes. If it was not you, there is nothing to do.",
            ]
        )
    }

    func passwordChanged(to address: String) -> MailMessage {
        notice(to: address, "Your password was changed", "The password of your account was changed just now.")
    }

    func emailChange(to address: String, token: BearerToken) -> MailMessage {
        message(
            to: address,
            "Confirm your new e-mail address",
            [
                "Somebody wants to make this the address of an account. If it was you, open",
                "", link("/confirm-new-email", token), "",
                "The link works once, for an hour. If it was not you, there is nothing to do.",
            ]
        )
    }

    func emailChangeAsked(to address: String) -> MailMessage {
        notice(
            to: address,
            "Your e-mail address is about to change",
            "A change of your account's address was asked for. It happens when the new address is confirmed."
        )
    }

    func emailChanged(to address: String) -> MailMessage {
        notice(to: address, "Your e-mail address was changed", "Your account has another e-mail address from now on.")
    }

    func secondFactor(to address: String, isOn: Bool) -> MailMessage {
        notice(
            to: address,
            "The second factor is \(isOn ? "on" : "off")",
            "The second factor of your account was turned \(isOn ? "on" : "off") just now."
        )
    }

    func recoveryCodes(to address: String) -> MailMessage {
        notice(
            to: address,
            "New recovery codes",
            "New recovery codes were made for your account; the old ones are void."
        )
    }

    func tokenMade(to address: String, name: String) -> MailMessage {
        notice(to: address, "A new API token", "The API token \"\(name)\" was made, which can act for you.")
    }

    func roles(to address: String) -> MailMessage {
        notice(
            to: address,
            "Your roles were changed",
            "An administrator changed what you may do here. You have to sign in again."
        )
    }

    func status(to address: String, isDisabled: Bool) -> MailMessage {
        message(
            to: address,
            isDisabled ? "Your account was disabled" : "Your account works again",
            [
                isDisabled
                    ? "An administrator disabled your account: nobody can sign in to it."
                    : "An administrator enabled your account again."
            ]
        )
    }

    func deleted(to address: String) -> MailMessage {
        message(
            to: address,
            "Your account was deleted",
            ["Your account and what belonged to it were deleted, as you asked. This address is not kept."]
        )
    }

    /// Something that happened, which its owner should know in case it was somebody else.
    private func notice(to address: String, _ subject: String, _ text: String) -> MailMessage {
        message(
            to: address,
            subject,
            [
                text, "",
                "If it was not you, choose a new password now, and look at your sessions and API tokens:",
                "", "\(settings.origin)/password/reset",
            ]
        )
    }
}
