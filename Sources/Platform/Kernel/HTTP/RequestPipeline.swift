internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird

/// The way of a request to its endpoint's handler and back, for a path where something stands.
///
/// Each step either changes the context or throws the ``Problem`` that is the answer. Cheap steps and those that protect come
/// before those that cost:
///
/// 1. who asks (cookie or Bearer token),
/// 2. the limit on everything,
/// 3. flag, access, scope,
/// 4. the shape of the path,
/// 5. the body's size, type and form,
/// 6. whether another site made the browser ask,
/// 7. the endpoint's own limit,
/// 8. query and body against their schemas,
/// 9. If-Match and Idempotency-Key,
/// 10. the handler,
/// 11. entity tag and If-None-Match.
struct RequestPipeline: Sendable {
    let services: PlatformServices

    func respond(to request: Request, _ context: inout PlatformContext, _ endpoint: Endpoint) async throws -> Response {
        var request = request
        try await authenticate(request, &context, endpoint)
        var verdict = try await countCaller(context)
        try checkAccess(request, context, endpoint)
        try checkPath(context, endpoint)
        let body = try await BodyReader(endpoint: endpoint).read(&request)
        try checkOrigin(request, context, endpoint, body)
        if let limit = endpoint.rateLimit { verdict = try await count(limit, context) }
        try checkQuery(request, &context, endpoint)
        try check(body, &context, endpoint)
        try readPreconditions(request, &context, endpoint)
        var response = try await runOnce(request, context, endpoint, body)
        if endpoint.kind == .api, let verdict { verdict.tell(in: &response.headers) }
        return try await conditional(response, request, endpoint)
    }
}

extension RequestPipeline {
    private func authenticate(_ request: Request, _ context: inout PlatformContext, _ endpoint: Endpoint) async throws {
        let trace = ClientTrace(
            peerAddress: context.peerAddress,
            userAgent: LogText.sanitised(request.headers[.userAgent] ?? ""),
            now: context.now
        )
        defer { context.isFlagOn = services.flags(context.actor) }
        // Files of pages are the same for everybody, and are there while the database is not.
        guard endpoint.statementBudget > 0 else { return }
        // A page has no use for API tokens: it would show forms that no cookie belongs to.
        if endpoint.kind == .api, let token = Self.bearerToken(request.headers) {
            try await authenticate(token: token, trace, &context)
            return
        }
        guard let token = CookieJar(request.headers).secret(SessionCookie.name(isSecure: context.isSecure)),
            let found = try await services.authenticator.actor(forSessionToken: token, from: trace)
        else { return }
        context.actor = found.actor
        context.session = found.session
        context.sessionToken = token
        context.csrf.bind(to: token)
        let (authenticator, now) = (services.authenticator, services.now)
        context.recheck = {
            try await authenticator.actor(forSessionToken: token, from: trace.at(now()))?.actor == found.actor
        }
    }

    private func authenticate(token: SecretToken?, _ trace: ClientTrace, _ context: inout PlatformContext) async throws
    {
        let found: Authenticated? =
            if let token { try await services.authenticator.actor(forAPIToken: token, from: trace) } else { nil }
        guard let found else {
            // Guessing counts like everything else of the address.
            let network = PeerNetwork.name(of: context.peerAddress)
            try await services.limiter.require(.address, subject: network, now: context.now)
            throw Problem(
                .unauthorized,
                code: "token_invalid",
                detail: "This API token is unknown, expired or revoked.",
                headers: [.wwwAuthenticate: "Bearer realm=\"api\", error=\"invalid_token\""]
            )
        }
        context.actor = found.actor
        context.tokenID = found.tokenID
        let (authenticator, now) = (services.authenticator, services.now)
        context.recheck = {
            guard let token else { return false }
            return try await authenticator.actor(forAPIToken: token, from: trace.at(now()))?.actor == found.actor
        }
    }

    /// The token of `Authorization: Bearer` (RFC 6750 §2.1): `nil` without the field, a `nil` token when it is no token.
    private static func bearerToken(_ headers: HTTPFields) -> SecretToken?? {
        let values = headers[values: .authorization]
        guard let value = values.first, value.prefix(6).lowercased() == "bearer" else { return .none }
        let token = value.dropFirst(6).drop { $0 == " " }
        let isToken =
            values.count == 1 && (20...256).contains(token.utf8.count)
            && token.utf8.allSatisfy {
                TextRules.isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
        return .some(isToken ? SecretToken(String(token)) : nil)
    }

    private func countCaller(_ context: PlatformContext) async throws -> RateLimitVerdict? {
        if context.tokenID != nil { return try await count(.token, context) }
        return try await count(context.actor.isVisitor ? .address : .account, context)
    }

    private func count(_ limit: RateLimitClass, _ context: PlatformContext) async throws -> RateLimitVerdict? {
        let network = PeerNetwork.name(of: context.peerAddress)
        let subject: String
        switch limit.subject {
        case .named: return nil
        case .address: subject = network
        case .caller: subject = context.tokenID ?? context.actor.account?.publicID ?? network
        }
        let verdict = await services.limiter.take(limit, subject: subject, now: context.now)
        guard verdict.isAllowed else { throw Problem.tooMany(verdict) }
        return verdict
    }
}

extension RequestPipeline {
    private func checkAccess(_ request: Request, _ context: PlatformContext, _ endpoint: Endpoint) throws {
        if let flag = endpoint.flag, !context.isOn(flag) { throw Problem.notFound }
        try checkScope(context.actor, endpoint)
        switch endpoint.access {
        case .everyone: return
        case .visitor:
            guard !context.actor.isVisitor else { return }
            throw Problem(.forbidden, code: "signed_in", detail: "You are signed in already.")
        case .signedIn:
            guard context.actor.isVisitor else { return }
        case .role(let roles):
            guard context.actor.isVisitor else {
                if context.actor.roles.isDisjoint(with: roles) { throw Problem.notFound }
                return
            }
        }
        throw Problem(
            .unauthorized,
            code: "sign_in_required",
            detail: "Sign in to go on.",
            headers: [.wwwAuthenticate: "Bearer realm=\"api\""]
        )
    }

    private func checkScope(_ actor: Actor, _ endpoint: Endpoint) throws {
        guard let scopes = actor.scopes else { return }
        guard let scope = endpoint.scope else {
            if endpoint.access == .everyone { return }
            throw Problem(.forbidden, code: "token_refused", detail: "API tokens cannot be used for this.")
        }
        guard !scopes.contains(scope) else { return }
        throw Problem(
            .forbidden,
            code: "scope_missing",
            detail: "The API token has not the scope \(scope.rawValue).",
            headers: [
                .wwwAuthenticate: "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
            ]
        )
    }

    private func checkPath(_ context: PlatformContext, _ endpoint: Endpoint) throws {
        for parameter in endpoint.parameters where parameter.location == .path {
            let value = context.pathParameters[parameter.name] ?? ""
            let fields = FormFields([FormFields.Field(parameter.name, value)])
            let shape = Schema.object([.required(parameter.name, parameter.schema)])
            guard shape.errors(in: fields.object(as: shape)).isEmpty else { throw Problem.notFound }
        }
    }

    private func checkOrigin(
        _ request: Request,
        _ context: PlatformContext,
        _ endpoint: Endpoint,
        _ body: BodyReader.Content
    ) throws {
        guard !endpoint.method.isSafe, context.tokenID == nil else { return }
        let check = CrossSiteCheck(
            publicOrigin: services.publicOrigin,
            authority: request.head.authority,
            isSecure: context.isSecure
        )
        let header = HTTPField.Name("X-CSRF-Token").flatMap { request.headers[$0] }
        let token = header ?? body.csrfToken
        let refusal = check.refusal(
            request.headers,
            needsToken: endpoint.kind == .page || context.session != nil,
            tokenMatches: token.map(context.csrf.matches) ?? false
        )
        guard let refusal else { return }
        throw Problem(
            .forbidden,
            code: refusal.rawValue,
            detail:
                "This was not sent from a page of this site, or the page is too old: load it again and try once more."
        )
    }
}

extension RequestPipeline {
    private func checkQuery(_ request: Request, _ context: inout PlatformContext, _ endpoint: Endpoint) throws {
        let declared = endpoint.parameters.filter { $0.location == .query }
        let shape = Schema.object(
            declared.map { $0.isRequired ? .required($0.name, $0.schema) : .optional($0.name, $0.schema) }
        )
        var fields = try FormFields(encoded: (request.uri.query ?? "").utf8)
        // Addresses of pages are passed around and grow fields that mean nothing here.
        if endpoint.kind == .page { fields.fields.removeAll { field in !declared.contains { $0.name == field.name } } }
        let query = fields.object(as: shape)
        let errors = shape.errors(in: query)
        guard errors.isEmpty else {
            throw Problem.invalid(errors.map { FieldError(parameter: $0.field, code: $0.code, detail: $0.detail) })
        }
        context.query = query
    }

    private func check(_ body: BodyReader.Content, _ context: inout PlatformContext, _ endpoint: Endpoint) throws {
        guard let schema = endpoint.body?.schema else { return }
        switch body {
        case .nothing, .bytes: return
        case .json(let value, _):
            let errors = schema.errors(in: value)
            guard errors.isEmpty else { throw Problem.invalid(errors) }
            context.bodyValue = value
        case .form(var fields, let upload, _):
            context.upload = upload
            fields.fields.removeAll { $0.name == "csrf" }
            let value = fields.object(as: schema)
            context.bodyErrors = schema.errors(in: value)
            context.bodyValue = value
            let secrets = Set(schema.properties.filter(\.schema.isSecret).map(\.name))
            fields.fields.removeAll { secrets.contains($0.name) }
            context.bodyFields = fields
        }
    }

    private func readPreconditions(_ request: Request, _ context: inout PlatformContext, _ endpoint: Endpoint) throws {
        if let value = request.headers[.ifMatch] {
            guard let condition = EntityTagCondition(value) else {
                throw Problem.malformed("If-Match names no entity tag.")
            }
            context.ifMatch = condition
        } else if endpoint.precondition == .required {
            throw Problem(
                .preconditionRequired,
                code: "if_match_missing",
                detail: "Send If-Match with the ETag of the version that you have read."
            )
        }
    }

    /// Adds the entity tag of a GET's JSON, where its handler has not, and answers 304 to who has it already (RFC 9110 §13.1.2).
    private func conditional(_ answer: Response, _ request: Request, _ endpoint: Endpoint) async throws -> Response {
        var response = answer
        guard endpoint.method == .get, response.status == .ok else { return response }
        // A page has a nonce: no two are the same. What else has a version, as a style sheet, brings its tag itself.
        if endpoint.kind == .api, response.headers[.eTag] == nil,
            let bytes = try await response.body.collected(upTo: 1 << 20)
        {
            response.headers[.eTag] = EntityTag(of: bytes).text
        }
        guard let tag = response.headers[.eTag],
            let condition = request.headers[.ifNoneMatch].flatMap(EntityTagCondition.init),
            condition.matchesWeakly(tag)
        else { return response }
        response.headers[.contentType] = nil
        response.headers[.contentLength] = nil
        return Response(status: .notModified, headers: response.headers.withoutContentLength)
    }
}

extension HTTPFields {
    /// The fields but for the body's length.
    var withoutContentLength: HTTPFields {
        var copy = self
        copy[.contentLength] = nil
        return copy
    }
}
