public import HTTPTypes
public import Hummingbird

/// One thing the server can be asked for: its place, who may ask, what it takes and gives, and what it does.
///
/// Everything that can be said beforehand is declared, and the request pipeline does it: finding out who asks, access, CSRF, rate
/// limits, reading and checking body and parameters, entity tags, replays. The handler is left with the work itself.
///
/// ```swift
/// // One of the API.
/// Endpoint(
///     .patch, "/api/v1/me", .api, "updateProfile", "Changes one's profile", tag: "Account",
///     access: .signedIn, scope: "account:write", body: .json(Profile.changes), precondition: .required,
///     responses: [.ok(Profile.schema)]
/// ) { request, context in
///     let changes = try context.decodeBody(Profile.Changes.self)
///     let profile = try await profiles.update(context.account.id, changes, ifMatch: context.ifMatch)
///     return try .json(profile, entityTag: EntityTag(version: profile.version))
/// }
///
/// // A page and the form on it.
/// Endpoint(.get, "/sign-up", .page, "signUpPage", "The page to sign up", tag: "Account", access: .visitor) { _, context in
///     pages.render("sign-up", SignUpPage(), context: context)
/// }
/// Endpoint(
///     .post, "/sign-up", .page, "signUp", "Signs up", tag: "Account",
///     access: .visitor, rateLimit: .signUp, body: .form(SignUp.schema)
/// ) { _, context in
///     guard context.bodyErrors.isEmpty else {
///         return pages.render("sign-up", SignUpPage(context.bodyFields, context.bodyErrors), context: context, status: .unprocessableContent)
///     }
///     try await accounts.signUp(try context.decodeBody(SignUp.self))
///     return .seeOther("/welcome")
/// }
/// ```
public struct Endpoint: Sendable {
    /// Does the work.
    ///
    /// What it throws becomes a problem: a ``Problem`` itself, anything else 500 or 503.
    public typealias Handler = @Sendable (Request, PlatformContext) async throws -> Response

    /// Whether a change must name the version it was made for.
    public enum Precondition: Sendable, Hashable {
        /// If-Match is looked at when it is there.
        case optional
        /// Without If-Match the answer is 428 (RFC 6585 §3).
        case required
    }

    /// Whether a client may ask for a request to run once only.
    public enum Idempotency: Sendable, Hashable {
        /// Idempotency-Key is not looked at.
        case none
        /// A request with an Idempotency-Key runs once; later ones get the first one's answer.
        case optional
        /// Without an Idempotency-Key the answer is 400.
        case required
    }

    /// The method; GET answers HEAD too.
    public let method: HTTPRequest.Method
    /// The path, as `/api/v1/me/sessions/{id}`.
    public let path: String
    /// Whether it answers programs or people.
    public let kind: EndpointKind
    /// Its name in the OpenAPI document: unique, lowerCamelCase.
    public let operationID: String
    /// What it does, in some words.
    public let summary: String
    /// The group it belongs to.
    public let tag: String
    /// Who may use it.
    public let access: Access
    /// What an API token must be allowed to do; with `nil`, API tokens cannot use it unless everyone can.
    public let scope: Scope?
    /// How often it may be used, besides the limit on everything.
    public let rateLimit: RateLimitClass?
    /// What it reads from path and query.
    public let parameters: [Parameter]
    /// The body it takes.
    public let body: EndpointBody?
    /// Whether a change must name the version it was made for.
    public let precondition: Precondition
    /// Whether a request can be made to run once only.
    public let idempotency: Idempotency
    /// Its good answers; the pipeline's own faults are added to the description.
    public let responses: [EndpointResponse]
    /// The feature flag that must be on; off, there is no such endpoint.
    public let flag: String?
    /// How many SQL statements one request may take, all in all; a test counts them.
    public let statementBudget: Int
    /// Does the work.
    public let handler: Handler

    /// An endpoint.
    public init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ kind: EndpointKind,
        _ operationID: String,
        _ summary: String,
        tag: String,
        access: Access,
        scope: Scope? = nil,
        rateLimit: RateLimitClass? = nil,
        parameters: [Parameter] = [],
        body: EndpointBody? = nil,
        precondition: Precondition = .optional,
        idempotency: Idempotency? = nil,
        responses: [EndpointResponse] = [],
        flag: String? = nil,
        statementBudget: Int = 6,
        handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.kind = kind
        self.operationID = operationID
        self.summary = summary
        self.tag = tag
        self.access = access
        self.scope = scope
        self.rateLimit = rateLimit
        self.parameters = parameters
        self.body = body
        self.precondition = precondition
        self.idempotency = idempotency ?? (kind == .api && method == .post ? .optional : .none)
        self.responses = responses.isEmpty && kind == .page ? [method == .get ? .page : .seeOther] : responses
        self.flag = flag
        self.statementBudget = statementBudget
        self.handler = handler
    }

    /// The largest body taken unless an endpoint takes bytes, which say so themselves.
    public static let maximumBody = 64 << 10

    /// The largest body in bytes; 0 when it takes none.
    public var maximumBodySize: Int {
        switch body {
        case .bytes(_, let maximum): maximum
        case .upload(_, let maximum): maximum + Self.maximumBody
        case .json, .form: Self.maximumBody
        // Sign-out and the like take no more than the CSRF token.
        case nil: method.isSafe ? 0 : Self.maximumBody
        }
    }
}

extension HTTPRequest.Method {
    /// Whether nothing is meant to change (RFC 9110 §9.2.1).
    public var isSafe: Bool { [.get, .head, .options, .trace].contains(self) }
}
