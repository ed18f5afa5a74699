import Logging
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// Answers the one request of an HTTP/2 stream.
///
/// Most answers are in memory when they are due, as over HTTP/1.1. The body goes out in pieces as the client takes them: what
/// waits costs a reference, not a copy, however wide the client opens its window. A body on disk is read as the client takes
/// it.
final class HTTP2RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// How much of a body is given to the connection at a time.
    static let pieceSize = 64 << 10

    private enum State {
        case waitingForHead
        /// The head is there, its end of stream is not; a body may come only where it is taken.
        case waitingForEnd(ArrivingRequest)
        /// What is asked for is not there yet.
        case held(HeldRequest)
        /// What is left in memory of the body, the next piece last; what is left on disk comes behind it.
        case sending([ByteBuffer])
        case done
    }

    private let router: Router
    private let peerAddress: String
    private let preamble: ResponsePreamble
    private let gate: ConnectionGate
    private let limits: OriginLimits
    private let logger: Logger
    private var state = State.waitingForHead
    private var resetsWhenSent = false
    /// The rest of a body on disk.
    private var transfer: (any BodyTransfer)?
    /// What stands in front of a body on disk: should its first chunk fail, there is time for another response.
    private var pendingHead: HTTP2Frame.FramePayload.Headers?
    private var timer: Scheduled<Void>?

    init(_ answering: Answering) {
        router = answering.router
        peerAddress = answering.peerAddress
        preamble = answering.preamble
        gate = answering.gate
        limits = answering.limits
        logger = answering.logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.headers(let head), .waitingForHead): receive(head, context: context)
        // Trailer fields say nothing here.
        case (.headers(let trailers), .waitingForEnd(let request)) where trailers.endStream:
            answer(request.arrived, context: context)
        case (.data(let data), .waitingForEnd(let request)): receive(data, of: request, context: context)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if writePieces(context: context) { watchProgress(context: context) }
        context.flush()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .held(let request) = state { request.cancel() }
        state = .done
        transfer?.cancel()
        transfer = nil
        timer?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("stream failed", metadata: ["error.type": "\(error)"])
        context.close(promise: nil)
    }

    // MARK: - The request

    private func receive(_ head: HTTP2Frame.FramePayload.Headers, context: ChannelHandlerContext) {
        let request: HTTPRequestHead
        do {
            request = try HTTP2Head.request(head.headers)
        } catch {
            let response = Response.plain(.badRequest, "This is not an HTTP/2 request.\n")
            return send(response, isComplete: head.endStream, context: context)
        }
        guard !head.endStream else { return answer(ArrivedRequest(head: request), context: context) }
        let limit = router.bodyLimit(of: request)
        var arriving = ArrivingRequest(request, limit: limit ?? 0)
        if limit != nil, arriving.awaitsContinue {
            arriving.continued()
            context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: [":status": "100"]))), promise: nil)
        }
        state = .waitingForEnd(arriving)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.requestHeadTime) {
            self.send(.plain(.requestTimeout, "The request took too long.\n"), isComplete: false, context: context)
            context.flush()
        }
    }

    private func receive(
        _ data: HTTP2Frame.FramePayload.Data,
        of request: ArrivingRequest,
        context: ChannelHandlerContext
    ) {
        guard case .byteBuffer(let bytes) = data.data else { return }
        var request = request
        if bytes.readableBytes > 0, !request.received(bytes) {
            return send(router.bodyRefusal(request.head), isComplete: data.endStream, context: context)
        }
        state = .waitingForEnd(request)
        if data.endStream { answer(request.arrived, context: context) }
    }

    private func answer(_ request: ArrivedRequest, context: ChannelHandlerContext) {
        let outcome = router.outcome(of: request.head, request.content, from: peerAddress)
        answer(request.head, outcome, context: context)
    }

    /// Answers a request that has come in full, now or when what it asks for is there.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - outcome: what was decided about it.
    ///   - deadline: when it is answered at the latest; `nil` before it was held.
    ///   - context: the handler's.
    private func answer(
        _ head: HTTPRequestHead,
        _ outcome: Router.Outcome,
        until deadline: NIODeadline? = nil,
        context: ChannelHandlerContext
    ) {
        cancelTimer()
        state = .done
        // Most are answered at once, and need nothing of what follows.
        if case .answer(let answer) = outcome { return send(answer, to: head, context: context) }
        let settled = HeldRequest.settle(outcome, router, until: deadline, on: context.eventLoop) {
            [self] decision, deadline in
            guard case .held = state else { return }
            answer(head, decision(context.eventLoop.now < deadline), until: deadline, context: context)
            context.flush()
        }
        switch settled {
        case .held(let request):
            state = .held(request)
            timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: request.deadline) { request.expire() }
        case .answered(let answer): send(answer, to: head, context: context)
        }
    }

    private func send(_ answer: Router.Answer, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        logger.logAnswer(to: head, answer.response, minorVersion: nil)
        if gate.isDraining {
            // The connection takes no further streams and closes after the last (RFC 9113 §6.8).
            context.channel.parent?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
        send(answer.response, isComplete: true, context: context)
    }

    // MARK: - The response

    /// Sends a response.
    ///
    /// - Parameters:
    ///   - response: the response.
    ///   - isComplete: whether the request had come in full; else the stream is reset behind the response (§8.1).
    ///   - context: the handler's.
    private func send(_ response: Response, isComplete: Bool, context: ChannelHandlerContext) {
        cancelTimer()
        let fields = preamble.fields(of: response)
        let isEmpty = response.byteCount == 0 && response.stream == nil
        let head = HTTP2Frame.FramePayload.Headers(headers: fields, endStream: isEmpty)
        if let file = response.file, !isEmpty {
            transfer = FileTransfer(file, by: router.disk, on: context.eventLoop)
            pendingHead = head
        } else if let stream = response.stream {
            transfer = StreamTransfer(stream, .bare, on: context.eventLoop)
            pendingHead = head
        } else {
            context.write(wrapOutboundOut(.headers(head)), promise: nil)
        }
        state = isEmpty ? .done : .sending(response.pieces.reversed())
        resetsWhenSent = !isComplete
        writePieces(context: context)
        watchProgress(context: context)
    }

    /// Gives the connection as much of the body as it takes.
    ///
    /// - Returns: whether it has taken any.
    @discardableResult
    private func writePieces(context: ChannelHandlerContext) -> Bool {
        var hasWritten = false
        while case .sending(var pieces) = state, context.channel.isWritable {
            guard var body = pieces.popLast() else {
                readOn(context: context)
                break
            }
            state = .done
            guard let piece = body.readSlice(length: min(Self.pieceSize, body.readableBytes)) else { break }
            hasWritten = true
            if body.readableBytes > 0 { pieces.append(body) }
            let isLast = pieces.isEmpty && transfer?.isAtEnd ?? true
            if !isLast { state = .sending(pieces) }
            let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(piece), endStream: isLast))
            guard isLast, resetsWhenSent else {
                context.write(wrapOutboundOut(payload), promise: nil)
                continue
            }
            context.writeAndFlush(wrapOutboundOut(payload)).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        }
        return hasWritten
    }

    /// Reads the next chunk of a body on disk, unless one is being read.
    private func readOn(context: ChannelHandlerContext) {
        guard let transfer, !transfer.isReading else { return }
        transfer.readOn { [self] result in
            guard case .sending = state else { return }
            switch result {
            case .success(let chunk):
                guard case .bytes(let bytes) = chunk else { break }
                if let head = pendingHead { context.write(wrapOutboundOut(.headers(head)), promise: nil) }
                pendingHead = nil
                state = .sending([bytes])
                writePieces(context: context)
                watchProgress(context: context)
                context.flush()
            case .failure(let error): fail(error, context: context)
            }
        }
    }

    /// The length was promised with the head: behind that a body can only be broken off.
    private func fail(_ error: any Error, context: ChannelHandlerContext) {
        logger.warning("content broke off", metadata: ["error.type": "\(error)"])
        transfer = nil
        guard pendingHead != nil else { return context.close(promise: nil) }
        pendingHead = nil
        send(.unreadable, isComplete: !resetsWhenSent, context: context)
        context.flush()
    }

    /// A client that takes nothing of a body, or a disk that gives nothing, costs the stream.
    ///
    /// Most responses are with the connection as a whole at once, and have no timer.
    private func watchProgress(context: ChannelHandlerContext) {
        cancelTimer()
        guard case .sending(let pieces) = state, !pieces.isEmpty || transfer?.waitsForApplication != true else {
            return
        }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.stalledWriteTime) {
            self.logger.info("reader took nothing for too long")
            context.close(promise: nil)
        }
    }

    private func cancelTimer() {
        timer?.cancel()
        timer = nil
    }
}

@available(*, unavailable)
extension HTTP2RequestHandler: Sendable {}
