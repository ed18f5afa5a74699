internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import Logging

extension PlatformResponder {
    /// What went wrong as an answer: a problem for programs, a page for people.
    func answer(_ error: any Error, to request: Request, _ context: PlatformContext) async -> Response {
        let problem = problem(error, context)
        let path = request.head.path ?? ""
        let isProgram = context.endpoint.map { $0.kind == .api } ?? path.hasPrefix("/api/")
        guard !isProgram else {
            let instance = String(path.prefix { $0 != "?" }.prefix(512))
            var response = Response(
                status: problem.status,
                headers: problem.headers,
                body: ResponseBody(
                    byteBuffer: ByteBuffer(
                        bytes: problem.json(requestID: context.requestID, instance: instance).bytes
                    )
                )
            )
            response.headers[.contentType] = "application/problem+json; charset=utf-8"
            return response
        }
        if let elsewhere = Self.redirect(problem, request) { return elsewhere }
        var response = await services.presentError(problem, request, context)
        response.status = problem.status
        for field in problem.headers where response.headers[field.name] == nil && field.name != .wwwAuthenticate {
            response.headers.append(field)
        }
        return response
    }

    /// Where a page leads who may not see it: to sign in and back, or away from signing in.
    private static func redirect(_ problem: Problem, _ request: Request) -> Response? {
        switch problem.code {
        case "sign_in_required":
            let isReading = request.method == .get || request.method == .head
            guard isReading, let next = LocalPath(request.head.path ?? "") else { return .seeOther("/sign-in") }
            return .seeOther("/sign-in?next=\(PercentCoding.encoded(next.text))")
        case "signed_in": return .seeOther("/")
        default: return nil
        }
    }

    private func problem(_ error: any Error, _ context: PlatformContext) -> Problem {
        if let problem = error as? Problem { return problem }
        var metadata: Logger.Metadata = [
            "error.type": "\(type(of: error))", "http.route": "\(context.endpoint?.path ?? "-")",
        ]
        if let unavailable = Unavailability(error) {
            metadata["error.message"] = "\(LogText.sanitised(unavailable.reason))"
            context.logger.warning("database is not available", metadata: metadata)
            return .unavailable
        }
        // What an error says of itself may hold what people sent: only what is known to be harmless is written down.
        metadata["error.message"] = "\(LogText.sanitised(Unavailability.harmlessText(of: error)))"
        context.logger.error("request ended in an error nobody expected", metadata: metadata)
        return Problem(.internalServerError, code: "internal", detail: "Something went wrong on this side.")
    }
}

extension PlatformResponder {
    /// What every answer has.
    func finish(_ response: inout Response, _ request: Request, _ context: PlatformContext) {
        SecurityHeaders(path: request.head.path ?? "", isSecure: context.isSecure, nonce: context.nonce)
            .apply(to: &response.headers)
        if let field = RequestID.field { response.headers[field] = context.requestID }
        // Everything here is somebody's view, unless its handler says that it is everybody's (ASVS 14.3.2).
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if let secret = context.csrf.cookieToSet {
            response.headers.append(
                HTTPField(name: .setCookie, value: SessionCookie.visitor(secret, isSecure: context.isSecure))
            )
        }
        // RFC 9110 §8.6: neither has a body, so neither has its length.
        if response.status == .noContent || response.status == .notModified { response.headers[.contentLength] = nil }
    }

    func log(_ response: Response, _ request: Request, _ context: PlatformContext, took duration: Duration) {
        let status = Int(response.status.code)
        let level: Logger.Level =
            switch status {
            case 401, 403, 429: .info
            case 500...: .warning
            default: .debug
            }
        context.logger.log(
            level: level,
            "request",
            metadata: [
                "http.method": "\(request.method.rawValue)", "http.route": "\(context.endpoint?.path ?? "-")",
                "http.status": "\(status)", "duration.ms": "\(duration / .milliseconds(1))",
                "account.id": "\(context.actor.account?.publicID ?? "-")", "peer.address": "\(context.peerAddress)",
                "user_agent": "\(LogText.sanitised(request.headers[.userAgent] ?? "-"))",
            ]
        )
    }
}
