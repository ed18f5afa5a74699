/// Who is admitted where, written down by hand a second time: what an endpoint says of itself is what is being tested.
enum Admittance: Sendable {
    /// Everybody.
    case everyone
    /// Everybody who knows the rest of the address, which nobody in the tests does: it may also be not found.
    case whoKnowsTheAddress
    /// Who is not signed in; others are led to the first page.
    case visitors
    /// Who is signed in. An API token needs the scope; `nil` where no token will do.
    case signedIn(scope: String?)
    /// Administrators; to others who are signed in there is nothing.
    case administrators(scope: String?)
}

/// What is known of one route.
struct RouteExpectation: Sendable {
    let route: String
    let admitted: Admittance
    /// The limit besides the one on everything.
    let limit: String?

    init(_ route: String, _ admitted: Admittance, _ limit: String? = nil) {
        self.route = route
        self.admitted = admitted
        self.limit = limit
    }

    static let all: [RouteExpectation] = open + entry + own + ownPages + administration + administrationPages

    private static let open: [RouteExpectation] = [
        .init("GET /", .everyone),
        .init("GET /static/*", .everyone),
        .init("POST /theme", .everyone),
        .init("GET /avatars/{name}", .whoKnowsTheAddress),
        .init("GET /api/v1/openapi.json", .everyone),
        .init("POST /api/v1/accounts", .everyone, "sign_up"),
        .init("POST /api/v1/email-confirmations", .everyone, "sign_in"),
        .init("POST /api/v1/email-changes", .everyone, "sign_in"),
        .init("POST /api/v1/password-resets", .everyone, "reset"),
        .init("POST /api/v1/password-resets/completion", .everyone, "sign_in"),
        .init("POST /api/v1/sessions", .everyone, "sign_in"),
        .init("POST /api/v1/sessions/second-step", .everyone, "sign_in"),
        .init("GET /password/reset", .everyone),
        .init("POST /password/reset", .everyone, "reset"),
        .init("GET /password/reset/{token}", .whoKnowsTheAddress),
        .init("POST /password/reset/completion", .everyone, "sign_in"),
        .init("GET /confirm-email/{token}", .whoKnowsTheAddress),
        .init("POST /confirm-email", .everyone, "sign_in"),
        .init("GET /confirm-new-email/{token}", .whoKnowsTheAddress),
        .init("POST /confirm-new-email", .everyone, "sign_in"),
        .init("GET /first-account/{token}", .whoKnowsTheAddress),
        .init("POST /first-account", .everyone, "sign_in"),
    ]

    private static let entry: [RouteExpectation] = [
        .init("GET /sign-up", .visitors),
        .init("POST /sign-up", .visitors, "sign_up"),
        .init("GET /sign-in", .visitors),
        .init("POST /sign-in", .visitors, "sign_in"),
        .init("POST /sign-in/second-step", .visitors, "sign_in"),
    ]

    private static let own: [RouteExpectation] = [
        .init("GET /api/v1/me", .signedIn(scope: "account:read")),
        .init("PATCH /api/v1/me", .signedIn(scope: "account:write")),
        .init("PUT /api/v1/me/avatar", .signedIn(scope: "account:write"), "media"),
        .init("DELETE /api/v1/me/avatar", .signedIn(scope: "account:write")),
        .init("POST /api/v1/me/deletion", .signedIn(scope: nil), "sign_in"),
        .init("POST /api/v1/me/email", .signedIn(scope: nil), "reset"),
        .init("GET /api/v1/me/export", .signedIn(scope: nil), "media"),
        .init("PUT /api/v1/me/password", .signedIn(scope: nil), "sign_in"),
        .init("POST /api/v1/me/recovery-codes", .signedIn(scope: nil), "sign_in"),
        .init("GET /api/v1/me/second-factor", .signedIn(scope: nil)),
        .init("POST /api/v1/me/second-factor", .signedIn(scope: nil), "sign_in"),
        .init("POST /api/v1/me/second-factor/confirmation", .signedIn(scope: nil), "sign_in"),
        .init("POST /api/v1/me/second-factor/removal", .signedIn(scope: nil), "sign_in"),
        .init("GET /api/v1/me/session", .signedIn(scope: nil)),
        .init("DELETE /api/v1/me/session", .signedIn(scope: nil)),
        .init("GET /api/v1/me/sessions", .signedIn(scope: "account:read")),
        .init("DELETE /api/v1/me/sessions", .signedIn(scope: "account:write")),
        .init("DELETE /api/v1/me/sessions/{id}", .signedIn(scope: "account:write")),
        .init("GET /api/v1/me/tokens", .signedIn(scope: nil)),
        .init("POST /api/v1/me/tokens", .signedIn(scope: nil), "media"),
        .init("GET /api/v1/me/tokens/{id}", .signedIn(scope: nil)),
        .init("PATCH /api/v1/me/tokens/{id}", .signedIn(scope: nil)),
        .init("DELETE /api/v1/me/tokens/{id}", .signedIn(scope: nil)),
    ]

    private static let ownPages: [RouteExpectation] = [
        .init("POST /sign-out", .signedIn(scope: nil)),
        .init("GET /account", .signedIn(scope: nil)),
        .init("GET /account/profile", .signedIn(scope: nil)),
        .init("POST /account/profile", .signedIn(scope: nil)),
        .init("POST /account/avatar", .signedIn(scope: nil), "media"),
        .init("POST /account/avatar/removal", .signedIn(scope: nil)),
        .init("GET /account/email", .signedIn(scope: nil)),
        .init("POST /account/email", .signedIn(scope: nil), "reset"),
        .init("GET /account/password", .signedIn(scope: nil)),
        .init("POST /account/password", .signedIn(scope: nil), "sign_in"),
        .init("GET /account/second-factor", .signedIn(scope: nil)),
        .init("POST /account/second-factor", .signedIn(scope: nil), "sign_in"),
        .init("POST /account/second-factor/confirmation", .signedIn(scope: nil), "sign_in"),
        .init("POST /account/second-factor/removal", .signedIn(scope: nil), "sign_in"),
        .init("POST /account/recovery-codes", .signedIn(scope: nil), "sign_in"),
        .init("GET /account/sessions", .signedIn(scope: nil)),
        .init("POST /account/sessions/end-others", .signedIn(scope: nil)),
        .init("POST /account/sessions/{id}/end", .signedIn(scope: nil)),
        .init("GET /account/tokens", .signedIn(scope: nil)),
        .init("POST /account/tokens", .signedIn(scope: nil), "media"),
        .init("POST /account/tokens/{id}/revocation", .signedIn(scope: nil)),
        .init("GET /account/data", .signedIn(scope: nil)),
        .init("POST /account/data/export", .signedIn(scope: nil), "media"),
        .init("POST /account/data/deletion", .signedIn(scope: nil), "sign_in"),
    ]

    private static let administration: [RouteExpectation] = [
        .init("GET /api/v1/admin/accounts", .administrators(scope: "admin:read")),
        .init("GET /api/v1/admin/accounts/{id}", .administrators(scope: "admin:read")),
        .init("PUT /api/v1/admin/accounts/{id}/roles/{role}", .administrators(scope: "admin:write")),
        .init("DELETE /api/v1/admin/accounts/{id}/roles/{role}", .administrators(scope: "admin:write")),
        .init("POST /api/v1/admin/accounts/{id}/sign-out", .administrators(scope: "admin:write")),
        .init("POST /api/v1/admin/accounts/{id}/disable", .administrators(scope: "admin:write")),
        .init("POST /api/v1/admin/accounts/{id}/enable", .administrators(scope: "admin:write")),
        .init("GET /api/v1/admin/audit", .administrators(scope: "admin:read")),
        .init("GET /api/v1/admin/flags", .administrators(scope: "admin:read")),
        .init("PUT /api/v1/admin/flags/{key}", .administrators(scope: "admin:write")),
        .init("DELETE /api/v1/admin/flags/{key}", .administrators(scope: "admin:write")),
        .init("GET /api/v1/admin/health", .administrators(scope: "admin:read")),
        .init("GET /api/v1/admin/jobs", .administrators(scope: "admin:read")),
        .init("GET /api/v1/admin/jobs/{id}", .administrators(scope: "admin:read")),
        .init("POST /api/v1/admin/jobs/{id}/retry", .administrators(scope: "admin:write")),
        .init("POST /api/v1/admin/jobs/{id}/cancel", .administrators(scope: "admin:write")),
    ]

    private static let administrationPages: [RouteExpectation] = [
        .init("GET /admin", .administrators(scope: nil)),
        .init("GET /admin/users", .administrators(scope: nil)),
        .init("GET /admin/users/{id}", .administrators(scope: nil)),
        .init("POST /admin/users/{id}/roles", .administrators(scope: nil)),
        .init("POST /admin/users/{id}/sign-out", .administrators(scope: nil)),
        .init("POST /admin/users/{id}/disable", .administrators(scope: nil)),
        .init("POST /admin/users/{id}/enable", .administrators(scope: nil)),
        .init("GET /admin/jobs", .administrators(scope: nil)),
        .init("GET /admin/jobs/{id}", .administrators(scope: nil)),
        .init("POST /admin/jobs/{id}/retry", .administrators(scope: nil)),
        .init("POST /admin/jobs/{id}/cancel", .administrators(scope: nil)),
        .init("GET /admin/jobs/{id}/events", .administrators(scope: nil)),
        .init("GET /admin/dead-letters", .administrators(scope: nil)),
        .init("GET /admin/dead-letters/events", .administrators(scope: nil)),
        .init("POST /admin/dead-letters/retry", .administrators(scope: nil)),
        .init("GET /admin/audit", .administrators(scope: nil)),
        .init("GET /admin/flags", .administrators(scope: nil)),
        .init("POST /admin/flags", .administrators(scope: nil)),
        .init("GET /admin/health", .administrators(scope: nil)),
    ]
}
