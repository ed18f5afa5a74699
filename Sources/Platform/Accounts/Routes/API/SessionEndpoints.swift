internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel

/// A session, as the API shows it.
struct SessionView: Encodable {
    let id: String
    let createdAt: Date
    let lastSeenAt: Date
    let expiresAt: Date
    let network: String
    let agent: String
    let isCurrent: Bool

    enum CodingKeys: String, CodingKey {
        case id, network, agent
        case createdAt = "created_at"
        case lastSeenAt = "last_seen_at"
        case expiresAt = "expires_at"
        case isCurrent = "is_current"
    }

    init(_ row: SessionRow, current: SessionInfo?) {
        id = row.publicID
        createdAt = row.createdAt
        lastSeenAt = row.lastSeenAt
        expiresAt = row.expiresAt
        network = row.network
        agent = row.agent
        isCurrent = row.publicID == current?.publicID
    }
}

/// A list that is short by its nature.
struct List<Element: Encodable>: Encodable { let data: [Element] }

extension AccountsModule {
    /// Sessions, in the API.
    var sessionEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/me/sessions",
                .api,
                "sessions",
                "One's sessions, the last used first",
                tag: "Sessions",
                access: .signedIn,
                scope: "account:read",
                responses: [.ok(AccountSchemas.sessions)],
                statementBudget: 3
            ) { request, context in
                let rows = try await sessions.list(for: Caller(request, context))
                return try .json(List(data: rows.map { SessionView($0, current: context.session) }))
            },
            Endpoint(
                .delete,
                "/api/v1/me/sessions/{id}",
                .api,
                "endSession",
                "Ends one of one's sessions",
                tag: "Sessions",
                access: .signedIn,
                scope: "account:write",
                parameters: [.path("id", .text(format: .publicID("ses_")))],
                responses: [.noContent],
                statementBudget: 8
            ) { request, context in
                let id = try context.parameter("id")
                try await sessions.end(id, by: Caller(request, context))
                return id == context.session?.publicID ? Response.noContent.endingSession(context) : .noContent
            },
            Endpoint(
                .delete,
                "/api/v1/me/sessions",
                .api,
                "endOtherSessions",
                "Ends one's sessions but the present one",
                tag: "Sessions",
                access: .signedIn,
                scope: "account:write",
                responses: [.noContent],
                statementBudget: 8
            ) { request, context in
                try await sessions.endAll(by: Caller(request, context), exceptPresent: true)
                return .noContent
            },
        ]
    }
}
