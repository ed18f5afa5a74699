internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel

/// An API token, as the API shows it: never the token itself.
struct APITokenView: Encodable {
    let id: String
    let name: String
    let scopes: [String]
    let createdAt: Date
    let expiresAt: Date
    let lastUsedAt: Date?

    enum CodingKeys: String, CodingKey {
        case id, name, scopes
        case createdAt = "created_at"
        case expiresAt = "expires_at"
        case lastUsedAt = "last_used_at"
    }

    init(_ row: APITokenRow) {
        id = row.publicID
        name = row.name
        scopes = row.scopes
        createdAt = row.createdAt
        expiresAt = row.expiresAt
        lastUsedAt = row.lastUsedAt
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(scopes, forKey: .scopes)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(expiresAt, forKey: .expiresAt)
        // Said even when it was never used.
        try container.encode(lastUsedAt, forKey: .lastUsedAt)
    }
}

/// A token that was just made.
struct CreatedAPIToken: Encodable {
    let token: String
    let apiToken: APITokenView

    enum CodingKeys: String, CodingKey {
        case token
        case apiToken = "api_token"
    }
}

struct APITokenPatch: Decodable { let name: String }

extension AccountsModule {
    private static let idParameter: [Parameter] = [.path("id", .text(format: .publicID("tok_")))]

    /// API tokens, in the API.
    ///
    /// Only people make them: a token cannot make another that outlives it.
    var tokenEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/me/tokens",
                .api,
                "apiTokens",
                "One's API tokens, the newest first",
                tag: "API tokens",
                access: .signedIn,
                responses: [.ok(AccountSchemas.apiTokens)],
                statementBudget: 3
            ) { request, context in
                let rows = try await tokens.list(for: Caller(request, context))
                return try .json(List(data: rows.map(APITokenView.init)))
            },
            Endpoint(
                .post,
                "/api/v1/me/tokens",
                .api,
                "createAPIToken",
                "Makes an API token, which is shown this once",
                tag: "API tokens",
                access: .signedIn,
                rateLimit: .media,
                body: .json(AccountSchemas.newToken),
                idempotency: Endpoint.Idempotency.none,
                responses: [.created(AccountSchemas.createdToken), .problem(409, "There are too many tokens.")],
                statementBudget: 14
            ) { request, context in
                let body = try context.decodeBody(NewAPIToken.self)
                let (row, token) = try await tokens.create(body, by: Caller(request, context))
                return try .created(
                    CreatedAPIToken(token: token.text, apiToken: APITokenView(row)),
                    at: "/api/v1/me/tokens/\(row.publicID)"
                )
            },
            Endpoint(
                .get,
                "/api/v1/me/tokens/{id}",
                .api,
                "apiToken",
                "One of one's API tokens",
                tag: "API tokens",
                access: .signedIn,
                parameters: Self.idParameter,
                responses: [.ok(AccountSchemas.apiToken)],
                statementBudget: 3
            ) { request, context in
                let row = try await tokens.find(try context.parameter("id"), for: Caller(request, context))
                return try .json(APITokenView(row))
            },
            Endpoint(
                .patch,
                "/api/v1/me/tokens/{id}",
                .api,
                "renameAPIToken",
                "Calls an API token something else",
                tag: "API tokens",
                access: .signedIn,
                parameters: Self.idParameter,
                body: .json(AccountSchemas.tokenPatch),
                responses: [.ok(AccountSchemas.apiToken)],
                statementBudget: 8
            ) { request, context in
                let name = try context.decodeBody(APITokenPatch.self).name
                let row = try await tokens.rename(
                    try context.parameter("id"),
                    to: name,
                    by: Caller(request, context)
                )
                return try .json(APITokenView(row))
            },
            Endpoint(
                .delete,
                "/api/v1/me/tokens/{id}",
                .api,
                "revokeAPIToken",
                "Revokes an API token",
                tag: "API tokens",
                access: .signedIn,
                parameters: Self.idParameter,
                responses: [.noContent],
                statementBudget: 8
            ) { request, context in
                try await tokens.revoke(try context.parameter("id"), by: Caller(request, context))
                return .noContent
            },
        ]
    }
}
