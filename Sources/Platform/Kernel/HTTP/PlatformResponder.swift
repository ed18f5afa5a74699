internal import Cryptography
internal import FoundationEssentials
public import HTTPTypes
public import Hummingbird
internal import Logging

/// Answers requests for the platform: the one door between the server's listener and the endpoints.
///
/// ```swift
/// let responder = PlatformResponder(table: try RouteTable(modules.flatMap(\.endpoints)), services: services)
/// let response = await responder.respond(to: request, peerAddress: "192.0.2.7", isSecure: true)
/// ```
///
/// It never throws: whatever goes wrong is an answer. The request's body need not be complete; no more of it is read than
/// ``maximumBodySize(method:path:)`` says.
public struct PlatformResponder: Sendable {
    private let table: RouteTable
    private let pipeline: RequestPipeline
    private let cursors: CursorSigner
    private let csrfKey: [UInt8]
    let services: PlatformServices

    /// A responder for a table of endpoints.
    public init(table: RouteTable, services: PlatformServices) {
        self.table = table
        self.services = services
        pipeline = RequestPipeline(services: services)
        // A key for each purpose: what is signed for one proves nothing for the other.
        cursors = CursorSigner(key: HMACSHA256.authenticationCode(for: Array("cursor".utf8), key: services.secret))
        csrfKey = HMACSHA256.authenticationCode(for: Array("csrf".utf8), key: services.secret)
    }

    /// Whether a path is the platform's: something stands there, or it is below `/api/`, where faults are problems.
    ///
    /// - Parameter path: the request's path, with or without query.
    /// - Returns: whether to send the request here.
    public func takes(path: String) -> Bool {
        path.hasPrefix("/api/") || table.resource(at: path) != nil
    }

    /// How many bytes of a body are read for a request; what is longer is answered with 413.
    public func maximumBodySize(method: HTTPRequest.Method, path: String) -> Int {
        table.resource(at: path)?.endpoint(for: method)?.maximumBodySize ?? 0
    }

    /// How many SQL statements a request may take, for tests that count them with `StatementCounter`.
    public func statementBudget(method: HTTPRequest.Method, path: String) -> Int? {
        table.resource(at: path)?.endpoint(for: method)?.statementBudget
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: the request; for HTTP/2 with `:authority`, for HTTP/1 with Host as its authority.
    ///   - peerAddress: the client's IP address, as found out with the trusted proxies in mind.
    ///   - isSecure: whether the client uses TLS, up to this server or a trusted proxy.
    /// - Returns: the answer, whose body may be a stream; for HEAD without a body.
    public func respond(to request: Request, peerAddress: String, isSecure: Bool) async -> Response {
        let start = ContinuousClock.now
        var context = PlatformContext(source: source(request, peerAddress, isSecure))
        var response: Response
        do {
            response = try await route(request, &context)
        } catch {
            response = await answer(error, to: request, context)
        }
        finish(&response, request, context)
        log(response, request, context, took: ContinuousClock.now - start)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func source(_ request: Request, _ peerAddress: String, _ isSecure: Bool) -> PlatformRequestSource {
        let requestID = RequestID.of(request.headers)
        var logger = services.logger
        logger[metadataKey: "request.id"] = "\(requestID)"
        let visitor = CookieJar(request.headers).secret(SessionCookie.visitorName(isSecure: isSecure))
        return PlatformRequestSource(
            logger: logger,
            requestID: requestID,
            peerAddress: peerAddress,
            isSecure: isSecure,
            now: services.now(),
            nonce: Randomness.token(bits: 132),
            cursors: cursors,
            csrf: CSRFToken(
                visitorSecret: visitor ?? SecretToken(Randomness.token(bits: 256)),
                origin: visitor == nil ? .new : .present,
                key: csrfKey
            )
        )
    }

    private func route(_ request: Request, _ context: inout PlatformContext) async throws -> Response {
        guard let resource = table.resource(at: request.head.path ?? "") else { throw Problem.notFound }
        if request.method == .options {
            return Response(status: .noContent, headers: [.allow: resource.allow])
        }
        guard let endpoint = resource.endpoint(for: request.method) else {
            throw Problem(
                .methodNotAllowed,
                detail: "This can be asked for with \(resource.allow).",
                headers: [.allow: resource.allow]
            )
        }
        context.endpoint = endpoint
        context.pathParameters = resource.parameters
        context.coreContext.endpointPath.value = endpoint.path
        guard endpoint.statementBudget == 0 || services.isReady() else {
            throw Problem(
                .serviceUnavailable,
                code: "starting",
                detail: "The server is starting: try again in a moment.",
                headers: [.retryAfter: "2"]
            )
        }
        return try await pipeline.respond(to: request, &context, endpoint)
    }
}

/// Names a request.
enum RequestID {
    static let field = HTTPField.Name("X-Request-Id")

    /// What the client or a proxy named it, when that is 8 to 64 letters, digits, `.`, `_` or `-`; otherwise something new.
    static func of(_ headers: HTTPFields) -> String {
        if let field, let value = headers[field], (8...64).contains(value.utf8.count),
            value.utf8.allSatisfy({ TextRules.isAlphanumeric($0) || ".-_".utf8.contains($0) })
        {
            return value
        }
        return Randomness.token(bits: 132)
    }
}
