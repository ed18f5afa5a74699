internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import Kernel

/// What the API says when it did what was asked and may not say more.
struct Message: Encodable { let message: String }

/// Who has just signed in; the session itself is in the cookie.
struct SignedIn: Encodable {
    let account: String
    let handle: String
    let session: String
    let expiresAt: Date

    enum CodingKeys: String, CodingKey {
        case account, handle, session
        case expiresAt = "expires_at"
    }

    init(_ session: NewSession) {
        account = session.account.publicID
        handle = session.account.handle
        self.session = session.info.publicID
        expiresAt = session.info.expiresAt
    }
}

extension AccountsModule {
    /// Signing up, in the API.
    var signUpEndpoints: [Endpoint] {
        [
            Endpoint(
                .post,
                "/api/v1/accounts",
                .api,
                "signUp",
                "Asks for an account; its address gets a mail",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signUp,
                body: .json(AccountSchemas.signUp),
                responses: [
                    EndpointResponse(
                        202,
                        "Taken, whether the address has an account or not.",
                        schema: AccountSchemas.message
                    )
                ],
                statementBudget: 12
            ) { request, context in
                try await signUps.signUp(try context.decodeBody(SignUp.self), by: Caller(request, context))
                return try .json(Message(message: Self.signUpAnswer), status: .accepted)
            },
            Endpoint(
                .post,
                "/api/v1/email-confirmations",
                .api,
                "confirmEmail",
                "Makes the account of a confirmation link, and signs in",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: .json(AccountSchemas.confirmation),
                idempotency: Endpoint.Idempotency.none,
                responses: [.created(AccountSchemas.signedIn)],
                statementBudget: 26
            ) { request, context in
                let confirmation = try context.decodeBody(Confirmation.self)
                let session = try await signUps.confirm(confirmation, by: Caller(request, context))
                return try Response.created(SignedIn(session), at: "/api/v1/me").starting(session, context)
            },
            Endpoint(
                .post,
                "/api/v1/email-changes",
                .api,
                "confirmEmailChange",
                "Makes the address of a link the account's",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: .json(AccountSchemas.tokenOnly),
                responses: [.noContent],
                statementBudget: 16
            ) { request, context in
                let body = try context.decodeBody(TokenOnly.self)
                try await emails.confirm(token: body.token, by: Caller(request, context))
                return .noContent
            },
        ]
    }

    /// The same for every address (ASVS 6.3.8).
    static let signUpAnswer = "If this address can have an account, it gets a mail with a link."
}
