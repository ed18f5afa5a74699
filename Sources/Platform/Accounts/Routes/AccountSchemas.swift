internal import Kernel

/// The shapes of what accounts take and give.
///
/// What is not named here is refused on the way in (ASVS 15.3.3) and not written on the way out (15.3.1).
enum AccountSchemas {
    // Both bounds of the policy are checked with it, so that there is one place that says what is wrong.
    static let newPassword = Schema.text(PasswordPolicy.minimumLength...PasswordPolicy.maximumLength).secret()
    static let password = Schema.text(1...1024).secret()
    static let token = Schema.text(43...43).secret()
    static let code = Schema.text(6...40).secret()
    static let email = Schema.text(format: .email)
    static let displayName = Schema.text(0...ProfileText.maximumName)

    static let signUp = Schema.object(
        "SignUp",
        [
            .required("email", email), .required("handle", .text(format: .handle)),
            .optional("display_name", displayName), .required("password", newPassword),
        ]
    )
    static let confirmation = Schema.object(
        "EmailConfirmation",
        [
            .required("token", token), .required("password", password.described("The one given at sign-up.")),
            .optional("handle", .text(format: .handle).described("Another one, if the first was taken meanwhile.")),
        ]
    )
    static let signIn = Schema.object("SignIn", [.required("email", .text(1...254)), .required("password", password)])
    static let secondStep = Schema.object(
        "SecondStep",
        [
            .required("challenge", token),
            .required("code", code.described("Six digits of the authenticator, or a recovery code.")),
        ]
    )
    static let resetRequest = Schema.object("PasswordResetRequest", [.required("email", email)])
    static let reset = Schema.object("PasswordReset", [.required("token", token), .required("password", newPassword)])
    static let passwordChange = Schema.object(
        "PasswordChange",
        [.required("current_password", password), .required("password", newPassword)]
    )
    static let emailChange = Schema.object("EmailChange", [.required("email", email), .required("password", password)])
    static let tokenOnly = Schema.object("OneTimeToken", [.required("token", token)])
    static let passwordOnly = Schema.object("PasswordAgain", [.required("password", password)])
    static let codeOnly = Schema.object("Code", [.required("code", code)])
    static let deletion = Schema.object(
        "AccountDeletion",
        [.required("password", password), .required("handle", .text(1...30).described("Typed again."))]
    )
    static let profilePatch = Schema.object(
        "ProfilePatch",
        [
            .optional("handle", .text(format: .handle)), .optional("display_name", displayName),
            .optional("about", .text(0...ProfileText.maximumAbout).multiline()),
        ]
    )
    static let newToken = Schema.object(
        "NewAPIToken",
        [
            .required("name", .text(1...ProfileText.maximumName)), .required("scopes", .array(.text(1...60), 1...30)),
            .required("expires_in_days", .integer(1...365)),
        ]
    )
    static let tokenPatch = Schema.object("APITokenPatch", [.required("name", .text(1...ProfileText.maximumName))])

    // MARK: Answers

    static let message = Schema.object("Message", [.required("message", .text())])
    static let session = Schema.object(
        "Session",
        [
            .required("id", .text(format: .publicID("ses_"))), .required("created_at", .timestamp),
            .required("last_seen_at", .timestamp), .required("expires_at", .timestamp),
            .required("network", .text(0...60)), .required("agent", .text(0...200)), .required("is_current", .boolean),
        ]
    )
    static let sessions = Schema.object("SessionList", [.required("data", .array(session, 0...100))])
    static let signedIn = Schema.object(
        "SignedIn",
        [
            .required("account", .text(format: .publicID("acc_"))), .required("handle", .text(format: .handle)),
            .required("session", .text(format: .publicID("ses_"))), .required("expires_at", .timestamp),
        ]
    )
    static let challenge = Schema.object("SecondFactorChallenge", [.required("challenge", .text(43...43))])
    static let current = Schema.object(
        "CurrentSession",
        [
            .required("session", .text(format: .publicID("ses_"))), .required("expires_at", .timestamp),
            .required("csrf_token", .text(1...100).described("For the field X-CSRF-Token of what changes something.")),
        ]
    )
    static let profile = Schema.object(
        "Profile",
        [
            .required("id", .text(format: .publicID("acc_"))), .required("email", email),
            .required("handle", .text(format: .handle)), .required("display_name", displayName),
            .required("about", .text(0...ProfileText.maximumAbout).multiline()),
            .required("avatar", .text(1...100).nullable().described("The path of the picture.")),
            .required("roles", .array(.word(Role.self), 0...5)), .required("created_at", .timestamp),
            .required("version", .integer(1...Int(Int32.max))),
        ]
    )
    static let apiToken = Schema.object(
        "APIToken",
        [
            .required("id", .text(format: .publicID("tok_"))), .required("name", .text(1...80)),
            .required("scopes", .array(.text(1...60), 1...30)), .required("created_at", .timestamp),
            .required("expires_at", .timestamp), .required("last_used_at", Schema.timestamp.nullable()),
        ]
    )
    static let apiTokens = Schema.object("APITokenList", [.required("data", .array(apiToken, 0...100))])
    static let createdToken = Schema.object(
        "CreatedAPIToken",
        [.required("token", .text(47...47).described("Shown this once.")), .required("api_token", apiToken)]
    )
    static let secondFactor = Schema.object(
        "SecondFactor",
        [
            .required("is_on", .boolean), .required("confirmed_at", Schema.timestamp.nullable()),
            .required("recovery_codes_left", .integer(0...10)),
        ]
    )
    static let enrolment = Schema.object(
        "SecondFactorEnrolment",
        [.required("secret", .text(1...100)), .required("uri", .text(1...1000))]
    )
    static let recoveryCodes = Schema.object("RecoveryCodes", [.required("codes", .array(.text(29...29), 0...10))])
    static let administered = Schema.object(
        "Account",
        [
            .required("id", .text(format: .publicID("acc_"))),
            .required("email", Schema.text(format: .email).nullable()),
            .required("handle", .text(format: .handle)), .required("display_name", displayName),
            .required("status", .word(["active", "disabled", "deleted"])),
            .required("roles", .array(.word(Role.self), 0...5)), .required("created_at", .timestamp),
            .required("last_seen_at", Schema.timestamp.nullable()), .required("has_second_factor", .boolean),
        ]
    )
}

/// The bodies that hold little.
struct TokenOnly: Decodable { let token: String }
struct PasswordOnly: Decodable { let password: String }
struct CodeOnly: Decodable { let code: String }
struct EmailOnly: Decodable { let email: String }
struct SecondStep: Decodable {
    let challenge: String
    let code: String
}
struct PasswordReset: Decodable {
    let token: String
    let password: String
}
struct EmailChange: Decodable {
    let email: String
    let password: String
}
struct Deletion: Decodable {
    let password: String
    let handle: String
}
struct PasswordChange: Decodable {
    let current: String
    let password: String

    enum CodingKeys: String, CodingKey {
        case password
        case current = "current_password"
    }
}
