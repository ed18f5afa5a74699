internal import Cryptography
internal import HTTPTypes
internal import Hummingbird
internal import Logging

extension RequestPipeline {
    private static let keyField = HTTPField.Name("Idempotency-Key")
    private static let replayedField = HTTPField.Name("Idempotent-Replayed")
    /// The fields that are kept with an answer.
    private static let keptFields: [HTTPField.Name] = [.contentType, .location, .eTag]
    /// The largest answer that is kept.
    private static let maximumAnswer = 256 << 10

    /// Runs the handler; for a request with an Idempotency-Key once only.
    func runOnce(
        _ request: Request,
        _ context: PlatformContext,
        _ endpoint: Endpoint,
        _ body: BodyReader.Content
    ) async throws -> Response {
        guard let key = try replayKey(request, context, endpoint) else {
            return try await endpoint.handler(request, context)
        }
        let hash = Self.hash(request, body)
        switch try await services.replays.begin(key, requestSHA256: hash, now: context.now) {
        case .run: return try await runFirst(key, request, context, endpoint)
        case .running:
            throw Problem(
                .conflict,
                code: "idempotency_running",
                detail: "The first request with this Idempotency-Key has not ended."
            )
        case .otherRequest:
            throw Problem(
                .unprocessableContent,
                code: "idempotency_key_reused",
                detail: "This Idempotency-Key was used for another request."
            )
        case .replay(let answer): return Self.response(answer)
        }
    }

    private func replayKey(_ request: Request, _ context: PlatformContext, _ endpoint: Endpoint) throws -> ReplayKey? {
        guard endpoint.idempotency != .none, let name = Self.keyField else { return nil }
        guard let key = request.headers[name] else {
            guard endpoint.idempotency == .required else { return nil }
            throw Problem(.badRequest, code: "idempotency_key_missing", detail: "Send an Idempotency-Key.")
        }
        guard ReplayKey.isKey(key) else {
            throw Problem.malformed("An Idempotency-Key has 1 to 255 visible characters.")
        }
        // What a visitor does has no owner to keep the answer for: whoever guessed the key would read it.
        guard let account = context.actor.account else { return nil }
        return ReplayKey(scope: account.publicID, key: key)
    }

    private static func hash(_ request: Request, _ body: BodyReader.Content) -> [UInt8] {
        SHA256.digest(of: Array("\(request.method.rawValue) \(request.head.path ?? "")\n".utf8) + body.raw)
    }

    /// Runs it and keeps the answer.
    ///
    /// What went wrong on this side (5xx) is not kept: the client may try again.
    private func runFirst(
        _ key: ReplayKey,
        _ request: Request,
        _ context: PlatformContext,
        _ endpoint: Endpoint
    ) async throws -> Response {
        let response: Response
        do {
            response = try await endpoint.handler(request, context)
        } catch {
            // What was thrown came before the end of the work. When the row cannot be taken away it answers 409.
            try? await services.replays.forget(key)
            throw error
        }
        guard response.status.code < 500, let bytes = try await response.body.collected(upTo: Self.maximumAnswer) else {
            try? await services.replays.forget(key)
            return response
        }
        let kept = Self.keptFields.compactMap { name in response.headers[name].map { [name.canonicalName, $0] } }
        do {
            try await services.replays.finish(
                key,
                StoredAnswer(status: Int(response.status.code), headers: kept, body: bytes)
            )
        } catch {
            // The work is done and the client is told so; the same key answers 409 until it expires, and never runs again.
            context.logger.warning("answer was not kept", metadata: ["error.type": "\(type(of: error))"])
        }
        return response
    }

    private static func response(_ answer: StoredAnswer) -> Response {
        var headers: HTTPFields = [:]
        for pair in answer.headers where pair.count == 2 {
            if let name = HTTPField.Name(pair[0]) { headers[name] = pair[1] }
        }
        if let replayedField { headers[replayedField] = "true" }
        return Response(
            status: HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}
