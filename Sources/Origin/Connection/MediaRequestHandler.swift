internal import Glibc
import Logging
import NIOCore
import NIOHTTP1
import Storage

/// Answers the requests of one connection, in order, and closes it when that is due.
///
/// Few requests have a body that is taken, and most answers are in memory: a request is answered the moment it is complete,
/// unless it asks for what is not there yet or what lies on disk. Then those behind it wait too, so that answers keep the
/// order of requests.
final class MediaRequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = IOData

    /// The largest body, in bytes, that is copied behind its head to be sent in one piece.
    ///
    /// The copy costs less than one more write on its way through the pipeline. Most playlists are below, segments
    /// above.
    private static let largestCopiedBody = 8 << 10
    /// How many requests may wait behind one that is held.
    ///
    /// Players pipeline none, or a few.
    private static let largestQueue = 64

    private let router: Router
    private let peerAddress: String
    private let preamble: ResponsePreamble
    private let gate: ConnectionGate
    private let lingerTime: TimeAmount
    private let sendsRegions: Bool
    private let logger: Logger
    /// Set with the last response; whatever the peer sends after it is dropped.
    private var isClosing = false
    /// The request whose answer is not there yet.
    private var held: HeldRequest?
    /// The response whose body comes from the disk.
    private var transfer: Transfer?
    private var isSendingOn = false
    /// What the system is sending of files, or is to send next.
    private var outgoing: [OpenRegion] = []
    /// The requests behind it.
    private var queue: [ArrivedRequest] = []
    /// The last request, if its body is on its way.
    private var arriving: ArrivingRequest?
    /// Whether the peer sends no more.
    private var hasInputEnded = false
    /// What the parser has made of the connection so far.
    private(set) var decoded = RequestBoundary.Decoded()
    /// The last request that the parser has made of it, if it has no body.
    private(set) var lastHead: HTTPRequestHead?
    /// The last request that was known, and who asks for it.
    private var lastKnown: (request: KnownRequest, session: Int)?
    private var context: ChannelHandlerContext?

    private struct Transfer {
        let body: any BodyTransfer
        let persistence: Persistence
        /// What stands in front of the first chunk: should that fail, there is time for another response.
        var head: ByteBuffer?
    }

    /// Whether what arrives now has to wait.
    private var isBusy: Bool { held != nil || transfer != nil }

    /// - Parameters:
    ///   - answering: what the connection has.
    ///   - sendsRegions: whether the connection takes regions of files, as one without TLS does.
    init(_ answering: Answering, sendsRegions: Bool) {
        router = answering.router
        peerAddress = answering.peerAddress
        preamble = answering.preamble
        gate = answering.gate
        lingerTime = answering.limits.lingerTime
        self.sendsRegions = sendsRegions
        logger = answering.logger
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// A request has come past the parser, whole.
    func receive(_ request: KnownRequest) {
        guard !isClosing, let context else { return }
        guard !isBusy else { return receive(ArrivedRequest(head: request.head, content: .absent), context: context) }
        let session: Int
        if let lastKnown, lastKnown.request === request {
            session = lastKnown.session
        } else {
            session =
                Viewer(token: request.reading.token, peerAddress: peerAddress, headers: request.head.headers).session
            lastKnown = (request, session)
        }
        answer(request.head, router.outcome(of: request, session: session, from: peerAddress), context: context)
    }

    /// Keeps a request that the parser has read, if it may be read without the parser when it comes again.
    func learn(_ head: HTTPRequestHead, from bytes: ByteBuffer, in known: KnownRequests) {
        guard let reading = router.lastingReading(of: head) else { return }
        known.learn(head, reading, from: bytes)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head):
            decoded.heads += 1
            lastHead = nil
            if head.method == .CONNECT || head.headers.contains(name: "upgrade") { decoded.mayHaveStopped = true }
        case .end: decoded.ends += 1
        case .body: break
        }
        guard !isClosing else { return }
        switch part {
        case .head(let head):
            guard RequestContent.isAnnounced(by: head.headers) else {
                lastHead = head
                return receive(ArrivedRequest(head: head, content: .absent), context: context)
            }
            guard let limit = router.bodyLimit(of: head) else {
                return receive(ArrivedRequest(head: head), context: context)
            }
            arriving = ArrivingRequest(head, limit: limit)
            awaitBody(context: context)
        case .body(let bytes): if arriving?.received(bytes) == false { finishArriving(context: context) }
        case .end: finishArriving(context: context)
        }
    }

    /// The last request is there, or too large to be wanted.
    private func finishArriving(context: ChannelHandlerContext) {
        guard let request = arriving?.arrived else { return }
        arriving = nil
        receive(request, context: context)
    }

    private func receive(_ request: ArrivedRequest, context: ChannelHandlerContext) {
        guard isBusy else { return ask(request, context: context) }
        guard queue.count < Self.largestQueue else {
            logger.info("too many requests behind one that waits")
            return context.close(promise: nil)
        }
        queue.append(request)
    }

    /// Has the peer's time for a body run, and tells a peer that waits for it to send the body.
    ///
    /// Not before everything else was answered: the word would be taken for an answer to what came before.
    private func awaitBody(context: ChannelHandlerContext) {
        guard let arriving, !isBusy, !isClosing else { return }
        if arriving.awaitsContinue {
            self.arriving?.continued()
            context.writeAndFlush(
                wrapOutboundOut(.byteBuffer(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))),
                promise: nil
            )
        }
        context.triggerUserOutboundEvent(ConnectionTimes.BodyAwaited(), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        held?.cancel()
        held = nil
        transfer?.body.cancel()
        transfer = nil
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            // The peer sends no more but may still read: what was asked for goes out, then the connection ends.
            hasInputEnded = true
            // Of a stream that may stay silent for ever, nothing else would tell that its reader is gone.
            if transfer?.body.waitsForApplication == true { return context.close(promise: nil) }
            if !isBusy { finish(context: context) }
        case let expiry as ConnectionTimes.Expiry: expired(expiry, context: context)
        case is ConnectionTimes.Standstill: examineOutgoing(context: context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func ask(_ request: ArrivedRequest, context: ChannelHandlerContext) {
        let outcome = router.outcome(of: request.head, request.content, from: peerAddress)
        answer(request.head, outcome, context: context)
    }

    /// Answers a request, now or when what it asks for is there.
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
        // Most are answered at once, and need nothing of what follows.
        if case .answer(let answer) = outcome { return send(answer, to: head, context: context) }
        let settled = HeldRequest.settle(outcome, router, until: deadline, on: context.eventLoop) {
            [self] decision, deadline in
            guard held != nil else { return }
            held = nil
            answer(head, decision(context.eventLoop.now < deadline), until: deadline, context: context)
            answerQueue(context: context)
            context.flush()
        }
        switch settled {
        case .held(let request):
            held = request
            context.triggerUserOutboundEvent(ConnectionTimes.Hold(deadline: request.deadline), promise: nil)
        case .answered(let answer): send(answer, to: head, context: context)
        }
    }

    private func send(_ answer: Router.Answer, to head: HTTPRequestHead, context: ChannelHandlerContext) {
        var answer = answer
        let isUnframed = answer.response.stream != nil && head.version.minor == 0
        // Where nothing else tells the end of a body, the connection does (RFC 9112 §6.3).
        if gate.isDraining || isUnframed { answer.persistence = .close }
        logger.logAnswer(to: head, answer.response, minorVersion: head.version.minor)
        send(answer, isUnframed ? .bare : .chunked, context: context)
    }

    private func answerQueue(context: ChannelHandlerContext) {
        while !isBusy, !isClosing, !queue.isEmpty { ask(queue.removeFirst(), context: context) }
        if !isBusy, hasInputEnded { finish(context: context) }
        awaitBody(context: context)
    }

    /// Ends the connection behind what has been written.
    private func finish(context: ChannelHandlerContext) {
        isClosing = true
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer()))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is HTTPParserError, is NIOHTTPDecoderError:
            guard !isClosing else { return }
            logger.info("request refused", metadata: ["error.type": "\(error)"])
            // An answer now would be taken for that of the request that waits.
            guard !isBusy else { return context.close(promise: nil) }
            let isTooLarge = (error as? HTTPParserError) == .headerOverflow
            let response: Response =
                isTooLarge
                ? .plain(.requestHeaderFieldsTooLarge, "The header fields are too large.\n")
                : .plain(.badRequest, "This is not an HTTP/1.1 request.\n")
            send(Router.Answer(response: response, persistence: .close), context: context)
            context.flush()
        default:
            // A connection that the peer reset is everyday life and no news.
            logger.debug("connection failed", metadata: ["error.type": "\(error)"])
            context.close(promise: nil)
        }
    }

    private func send(
        _ answer: Router.Answer,
        _ framing: StreamTransfer.Framing = .bare,
        context: ChannelHandlerContext
    ) {
        let response = answer.response
        var lines = preamble.lines(response.status, answer.persistence)
        let byteCount = response.byteCount
        if response.stream != nil, framing == .chunked { lines.writeStaticString("Transfer-Encoding: chunked\r\n") }
        if let body = transfer(of: response, framing, on: context.eventLoop) {
            return begin(body, lines, response.fields, answer.persistence, context: context)
        }
        let isSmall = byteCount <= Self.largestCopiedBody
        var head = context.channel.allocator.buffer(
            capacity: lines.readableBytes + response.fields.readableBytes + (isSmall ? byteCount : 0)
        )
        head.writeImmutableBuffer(lines)
        head.writeImmutableBuffer(response.fields)
        guard !isSmall, let last = response.pieces.last else {
            for piece in response.pieces { head.writeImmutableBuffer(piece) }
            return write(last: .bytes(head), answer.persistence, context: context)
        }
        context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil)
        for piece in response.pieces.dropLast() { context.write(wrapOutboundOut(.byteBuffer(piece)), promise: nil) }
        write(last: .bytes(last), answer.persistence, context: context)
    }

    private func write(last chunk: BodyChunk, _ persistence: Persistence, context: ChannelHandlerContext) {
        guard persistence == .close else { return write(chunk, context: context) }
        isClosing = true
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { self.closeInSteps(context: context) }
        write(chunk, promise: promise, context: context)
    }

    private func write(
        _ chunk: BodyChunk,
        promise: EventLoopPromise<Void>? = nil,
        context: ChannelHandlerContext
    ) {
        switch chunk {
        case .bytes(let bytes): context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
        case .region(let open):
            outgoing.append(open)
            let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
            // Its file is open until then.
            sent.futureResult.assumeIsolated().whenComplete { _ in
                self.outgoing.removeAll { $0 === open }
            }
            context.write(wrapOutboundOut(.fileRegion(open.region)), promise: sent)
        }
    }

    /// Closes in two steps (RFC 9112 §9.6): closing at once while the peer still sends would reset the connection, and
    /// the peer might lose the response with it.
    private func closeInSteps(context: ChannelHandlerContext) {
        context.close(mode: .output, promise: nil)
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: lingerTime) {
            context.close(promise: nil)
        }
        context.channel.closeFuture.whenComplete { _ in timer.cancel() }
    }

    // MARK: - Bodies that are not in memory

    private func transfer(
        of response: Response,
        _ framing: StreamTransfer.Framing,
        on eventLoop: any EventLoop
    ) -> (any BodyTransfer)? {
        if let file = response.file {
            return FileTransfer(file, by: router.disk, sendsRegions: sendsRegions, on: eventLoop)
        }
        return response.stream.map { StreamTransfer($0, framing, on: eventLoop) }
    }

    private func begin(
        _ body: any BodyTransfer,
        _ lines: ByteBuffer,
        _ fields: ByteBuffer,
        _ persistence: Persistence,
        context: ChannelHandlerContext
    ) {
        var head = lines
        head.writeImmutableBuffer(fields)
        // Already now: what the peer sends behind such a request is no request, and the parser calls it an error.
        if persistence == .close { isClosing = true }
        transfer = Transfer(body: body, persistence: persistence, head: head)
        // However much waits before it: the first chunk decides which response this is.
        guard let first = body.next() else { return readOn(context: context) }
        send(first, context: context)
        sendOn(context: context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if transfer != nil, !isSendingOn, context.channel.isWritable {
            sendOn(context: context)
            finishTransfer(context: context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// Sends what can be sent now: what the page cache has at once, the rest when it was read.
    private func sendOn(context: ChannelHandlerContext) {
        // A flush that makes the connection writable again comes back here: the loop goes on then, and nothing recurses.
        isSendingOn = true
        defer { isSendingOn = false }
        while let body = transfer?.body, !body.isReading, context.channel.isWritable {
            guard let chunk = body.next() else { return readOn(context: context) }
            send(chunk, context: context)
            context.flush()
        }
    }

    private func readOn(context: ChannelHandlerContext) {
        transfer?.body.readOn { [self] result in
            switch result {
            case .success(let chunk):
                send(chunk, context: context)
                sendOn(context: context)
                finishTransfer(context: context)
            case .failure(let error): fail(error, context: context)
            }
        }
    }

    /// Sends a chunk of the body, with which the transfer may be at its end.
    private func send(_ chunk: BodyChunk, context: ChannelHandlerContext) {
        guard let transfer else { return }
        if let head = transfer.head { context.write(wrapOutboundOut(.byteBuffer(head)), promise: nil) }
        guard transfer.body.isAtEnd else {
            self.transfer?.head = nil
            return write(chunk, context: context)
        }
        self.transfer = nil
        write(last: chunk, transfer.persistence, context: context)
    }

    /// Answers those who wait, if nothing is left of the body, and has sent what was written.
    private func finishTransfer(context: ChannelHandlerContext) {
        if transfer == nil { answerQueue(context: context) }
        context.flush()
    }

    /// The length was promised with the head: behind that a body can only be broken off.
    private func fail(_ error: any Error, context: ChannelHandlerContext) {
        logger.warning("content broke off", metadata: ["error.type": "\(error)"])
        guard let transfer, transfer.head != nil else { return context.close(promise: nil) }
        self.transfer = nil
        send(Router.Answer(response: .unreadable, persistence: transfer.persistence), context: context)
        answerQueue(context: context)
        context.flush()
    }

    /// Ends the connection if the file that is being sent was cut off: the system would wait for the rest for ever.
    private func examineOutgoing(context: ChannelHandlerContext) {
        guard let first = outgoing.first else { return }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        router.disk.examine(first) {
            eventLoop.execute {
                let (handler, context) = bound.value
                guard handler.outgoing.first === first else { return }
                handler.logger.warning("file was cut off while it was sent")
                context.close(promise: nil)
            }
        }
    }

    private func expired(_ expiry: ConnectionTimes.Expiry, context: ChannelHandlerContext) {
        switch expiry {
        case .idle: context.close(promise: nil)
        case .hold: held?.expire()
        case .requestHead:
            logger.info("request took too long to arrive")
            guard !isClosing, !isBusy else { return context.close(promise: nil) }
            let response = Response.plain(.requestTimeout, "The request took too long.\n")
            send(Router.Answer(response: response, persistence: .close), context: context)
            context.flush()
        case .stalledWrite:
            logger.info("reader took nothing for too long")
            // A reset, so that the system does not go on offering what is left in its buffer.
            _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension MediaRequestHandler: Sendable {}
