internal import HTTPTypes
internal import Kernel

/// What goes wrong with accounts, in words that tell nobody whether an account is there.
enum AccountProblem {
    /// The password, or the account, is not the one.
    static let credentials = Problem(
        .unauthorized,
        code: "credentials_invalid",
        title: "Not signed in",
        detail: "E-mail address and password do not belong together.",
        headers: [.wwwAuthenticate: "Session"]
    )

    /// A code of the second factor is wrong, used or too old.
    static let code = Problem.invalid([
        FieldError(pointer: "/code", code: "code_invalid", detail: "is wrong, too old or used already")
    ])

    /// A one-time token is unknown, spent or too old.
    static let token = Problem(
        .unprocessableContent,
        code: "token_invalid",
        title: "This link does not work",
        detail: "It was used already, is too old, or was not copied whole. Ask for a new one.",
        errors: [FieldError(pointer: "/token", code: "token_invalid", detail: "was used already or is too old")]
    )

    /// Only the owner of the right password learns it.
    static let disabled = Problem(
        .forbidden,
        code: "account_disabled",
        title: "The account is disabled",
        detail: "An administrator disabled this account."
    )

    static let lastAdministrator = Problem(
        .conflict,
        code: "last_administrator",
        detail: "This is the last administrator: make somebody else one first."
    )

    static let handleTaken = Problem.invalid([
        FieldError(pointer: "/handle", code: "taken", detail: "belongs to somebody else")
    ])

    static func currentPassword(_ field: String) -> Problem {
        .invalid([FieldError(pointer: "/\(field)", code: "wrong", detail: "is not your password")])
    }

    /// Too many wrong ones in a row.
    static func wait(_ seconds: Double) -> Problem {
        let rounded = Int(max(1, seconds.rounded(.up)))
        return Problem(
            .tooManyRequests,
            code: "too_many_failures",
            title: "Too many wrong tries",
            detail: "Wait \(rounded) seconds before the next try, or choose a new password by mail.",
            headers: [.retryAfter: String(rounded)]
        )
    }

    static func busy(_ error: PasswordHasher.Busy) -> Problem {
        Problem(
            .serviceUnavailable,
            code: "busy",
            detail: "Too many people sign in at the moment: try again in \(error.retryAfter) seconds.",
            headers: [.retryAfter: String(error.retryAfter)]
        )
    }
}

extension PasswordPolicy.Refusal {
    /// What is wrong, at a field.
    func fieldError(_ field: String) -> FieldError {
        switch self {
        case .tooShort:
            FieldError(
                pointer: "/\(field)",
                code: "too_short",
                detail: "must have at least \(PasswordPolicy.minimumLength) characters"
            )
        case .tooLong:
            FieldError(
                pointer: "/\(field)",
                code: "too_long",
                detail: "must have at most \(PasswordPolicy.maximumLength) characters"
            )
        case .tooCommon:
            FieldError(
                pointer: "/\(field)",
                code: "too_common",
                detail:
                    "is one of the passwords that are tried first; three or four words that do not belong together are better"
            )
        }
    }
}

extension Handle.Refusal {
    /// What is wrong.
    var fieldError: FieldError {
        switch self {
        case .shape:
            FieldError(pointer: "/handle", code: "shape", detail: "must be 3 to 30 of a-z, 0-9 and _")
        case .reserved:
            FieldError(pointer: "/handle", code: "reserved", detail: "is reserved")
        }
    }
}
