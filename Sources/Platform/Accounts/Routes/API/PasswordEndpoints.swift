internal import HTTPTypes
internal import Hummingbird
internal import Kernel

extension AccountsModule {
    /// Passwords and the address, in the API.
    var passwordEndpoints: [Endpoint] {
        [
            Endpoint(
                .post,
                "/api/v1/password-resets",
                .api,
                "requestPasswordReset",
                "Asks for a new password; the address gets a mail",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .reset,
                body: .json(AccountSchemas.resetRequest),
                responses: [
                    EndpointResponse(
                        202,
                        "Taken, whether there is such an account or not.",
                        schema: AccountSchemas.message
                    )
                ],
                statementBudget: 8
            ) { request, context in
                let body = try context.decodeBody(EmailOnly.self)
                try await passwords.requestReset(body.email, by: Caller(request, context))
                return try .json(Message(message: Self.resetAnswer), status: .accepted)
            },
            Endpoint(
                .post,
                "/api/v1/password-resets/completion",
                .api,
                "resetPassword",
                "Sets a new password with the link of a mail",
                tag: "Accounts",
                access: .everyone,
                rateLimit: .signIn,
                body: .json(AccountSchemas.reset),
                idempotency: Endpoint.Idempotency.none,
                responses: [.noContent],
                statementBudget: 28
            ) { request, context in
                let body = try context.decodeBody(PasswordReset.self)
                let device = try await passwords.reset(
                    token: body.token,
                    password: body.password,
                    by: Caller(request, context)
                )
                return Response.noContent.knowing(device, context)
            },
            Endpoint(
                .put,
                "/api/v1/me/password",
                .api,
                "changePassword",
                "Changes the password; the other sessions end, and the present one gets a new cookie",
                tag: "Account",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.passwordChange),
                responses: [.noContent],
                statementBudget: 30
            ) { request, context in
                let body = try context.decodeBody(PasswordChange.self)
                let session = try await passwords.change(
                    from: body.current,
                    to: body.password,
                    by: Caller(request, context)
                )
                return Response.noContent.starting(session, context)
            },
            Endpoint(
                .post,
                "/api/v1/me/email",
                .api,
                "changeEmail",
                "Asks for another address, which gets a mail",
                tag: "Account",
                access: .signedIn,
                rateLimit: .reset,
                body: .json(AccountSchemas.emailChange),
                idempotency: Endpoint.Idempotency.none,
                responses: [EndpointResponse(202, "Taken.", schema: AccountSchemas.message)],
                statementBudget: 26
            ) { request, context in
                let body = try context.decodeBody(EmailChange.self)
                try await emails.requestChange(to: body.email, password: body.password, by: Caller(request, context))
                return try .json(Message(message: Self.emailChangeAnswer), status: .accepted)
            },
        ]
    }

    /// The same for every address (ASVS 6.3.8).
    static let resetAnswer = "If there is an account with this address, it gets a mail with a link."
    static let emailChangeAnswer = "If this address can have an account, it gets a mail with a link."
}
