internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import Kernel

/// A session that waits for the second factor.
struct Challenge: Encodable { let challenge: String }

extension AccountsModule {
    /// Signing in and out, in the API.
    var signInEndpoints: [Endpoint] {
        [
            Endpoint(
                .post,
                "/api/v1/sessions",
                .api,
                "signIn",
                "Signs in; the session is in the cookie",
                tag: "Sessions",
                access: .everyone,
                rateLimit: .signIn,
                body: .json(AccountSchemas.signIn),
                idempotency: Endpoint.Idempotency.none,
                responses: [
                    .created(AccountSchemas.signedIn, "Signed in."),
                    EndpointResponse(
                        202,
                        "The password is right; the second factor is to follow.",
                        schema: AccountSchemas.challenge
                    ),
                ],
                statementBudget: 32
            ) { request, context in
                switch try await signIns.signIn(try context.decodeBody(SignIn.self), by: Caller(request, context)) {
                case .signedIn(let session):
                    return try Response.created(SignedIn(session), at: "/api/v1/me/session").starting(session, context)
                case .secondFactor(let challenge):
                    return try .json(Challenge(challenge: challenge.text), status: .accepted)
                }
            },
            Endpoint(
                .post,
                "/api/v1/sessions/second-step",
                .api,
                "signInSecondStep",
                "Signs in with the second factor",
                tag: "Sessions",
                access: .everyone,
                rateLimit: .signIn,
                body: .json(AccountSchemas.secondStep),
                idempotency: Endpoint.Idempotency.none,
                responses: [.created(AccountSchemas.signedIn, "Signed in.")],
                statementBudget: 32
            ) { request, context in
                let step = try context.decodeBody(SecondStep.self)
                let caller = Caller(request, context)
                let session = try await signIns.signIn(challenge: step.challenge, code: step.code, by: caller)
                return try Response.created(SignedIn(session), at: "/api/v1/me/session").starting(session, context)
            },
            Endpoint(
                .get,
                "/api/v1/me/session",
                .api,
                "currentSession",
                "The present session, and its CSRF token",
                tag: "Sessions",
                access: .signedIn,
                responses: [.ok(AccountSchemas.current)],
                statementBudget: 2
            ) { _, context in
                guard let session = context.session else { throw Problem.notFound }
                return try .json(
                    CurrentSession(
                        session: session.publicID,
                        expiresAt: session.expiresAt,
                        csrfToken: context.csrfToken
                    )
                )
            },
            Endpoint(
                .delete,
                "/api/v1/me/session",
                .api,
                "signOut",
                "Signs out",
                tag: "Sessions",
                access: .signedIn,
                responses: [.noContent],
                statementBudget: 8
            ) { request, context in
                try await signIns.signOut(Caller(request, context))
                return Response.noContent.endingSession(context)
            },
        ]
    }
}

/// The present session.
struct CurrentSession: Encodable {
    let session: String
    let expiresAt: Date
    let csrfToken: String

    enum CodingKeys: String, CodingKey {
        case session
        case expiresAt = "expires_at"
        case csrfToken = "csrf_token"
    }
}
