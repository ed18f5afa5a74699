import CoreMetrics
import Cryptography
import Logging
import MediaCore
import NIOCore
import NIOSSL
import NIOTLS

/// The I/O of one connection: carries bytes between the socket and the state machines and does what these answer.
///
/// Everything runs on the connection's event loop. Bytes go through the stages in this order and never back:
///
/// ```
/// handshake  RTMPHandshake                                          until C2 is in
/// open       RTMPChunkDecoder -> RTMPConnectionStateMachine         until an end, its own or the peer's
///              -> PublishSession (FLVDemuxer -> AccessUnitSink)
/// lingering  nothing is read any more; the peer may read our last words
/// closed
/// ```
///
/// While the authorizer or the registry is asked, reading from the socket is off, and what one read brought in beyond the
/// command waits in `backlog`: a few receive buffers at most.
final class RTMPConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a connection uses of the server.
    struct Environment: Sendable {
        let limits: IngestLimits
        let sinkProvider: any AccessUnitSinkProvider
        let authorizer: any PublishAuthorizer
        let registry: StreamRegistry
        let board: PublishBoard
        let metrics: IngestMetrics
        let wallClock: @Sendable () -> WallClockTime
    }

    private enum Stage {
        case handshake, open, lingering, closed
    }

    private let id: ConnectionID
    private let environment: Environment
    private var logger: Logger
    private var context: ChannelHandlerContext?

    private var stage = Stage.handshake
    private var handshake = RTMPHandshake(randomBytes: Randomness.bytes)
    private var window = AcknowledgementWindow()
    private var decoder: RTMPChunkDecoder
    private var encoder = RTMPChunkEncoder()
    private var machine: RTMPConnectionStateMachine

    private var isSecured = false
    private var encoderVersion = ""
    private let peerAddress: String
    private var readBudget: ReadBudget?
    private var hasToldOfThrottling = false
    private var isPaused = false
    private var backlog = ByteBuffer()
    private var claimedStream: StreamID?
    private var session: PublishSession?
    private var lastMedia: NIODeadline?
    private var publishedAt = NIODeadline.distantPast

    private var phase: ConnectionEnd.Phase
    private var deadline = NIODeadline.distantFuture
    private var deadlineCheck: Scheduled<Void>?
    private var takeoverCheck: Scheduled<Void>?
    private var timeLimitCheck: Scheduled<Void>?
    private var throttleCheck: Scheduled<Void>?

    private var limits: IngestLimits { environment.limits }

    /// The handler of a connection that has just been accepted.
    ///
    /// - Parameters:
    ///   - id: its number.
    ///   - peerAddress: the peer's address without its port.
    ///   - environment: what it uses of the server.
    ///   - logger: the server's.
    init(id: ConnectionID, peerAddress: String, environment: Environment, logger: Logger) {
        let limits = environment.limits
        self.id = id
        self.environment = environment
        self.peerAddress = peerAddress
        self.logger = logger
        self.logger[metadataKey: "peer.address"] = "\(peerAddress)"
        phase = .handshake(limits.handshakeTimeout)
        decoder = RTMPChunkDecoder(
            limits: RTMPChunkDecoder.Limits(
                messageLength: limits.maximumCommandLength,
                partialBytes: 2 * limits.maximumCommandLength,
                chunkStreams: limits.maximumChunkStreams
            )
        )
        machine = RTMPConnectionStateMachine(
            peerAddress: peerAddress,
            maximumMessageStreams: limits.maximumMessageStreams,
            amfLimits: limits.amf
        )
    }

    // MARK: - Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { enter(.handshake(limits.handshakeTimeout)) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(.handshake(limits.handshakeTimeout))
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        let now = context.eventLoop.now
        let count = input.readableBytes
        let sequenceNumber = window.receive(count)
        if case .media(let allowed) = phase { deadline = now + allowed }
        if isPaused {
            backlog.writeBuffer(&input)
        } else {
            consume(&input)
        }
        if let sequenceNumber, stage == .open { perform([.send(RTMPReply.acknowledgement(sequenceNumber))]) }
        session?.report(to: environment, of: id, unacknowledgedBytes: window.unacknowledgedBytes, now: now)
        if let pause = readBudget?.spend(count, now: now), session != nil { throttle(for: pause) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isSecured, stage == .handshake {
            // ffmpeg with GnuTLS says no more than this about a certificate that it does not trust.
            logger.info("tls client left without a word: perhaps it does not trust the certificate")
        }
        perform(machine.end(.peerClosed))
        stage = .closed
        deadlineCheck?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { perform(machine.end(.serverStopped)) }
        if case .handshakeCompleted? = event as? TLSUserEvent { isSecured = true }
        if let request = event as? DrainRequest { perform(machine.drain(request)) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that does not trust the certificate, or speaks too old a TLS, should be found in the log.
        let isTLS = error is NIOSSLError || error is BoringSSLError
        logger.log(
            level: stage == .handshake && isTLS ? .info : .debug,
            "connection error",
            metadata: ["error": "\(error)"]
        )
        context.close(promise: nil)
    }

    // MARK: - Bytes in

    private func consume(_ input: inout ByteBuffer) {
        do {
            if stage == .handshake { try receiveHandshake(&input) }
            while stage == .open, !isPaused, let message = try decoder.nextMessage(from: &input) {
                try receive(message)
            }
            if isPaused { backlog.writeBuffer(&input) }
        } catch let error as RTMPHandshakeError {
            perform(machine.end(.handshake(error)))
        } catch let error as RTMPChunkError {
            perform(machine.end(.chunk(error)))
        } catch let error as RTMPCommandError {
            perform(machine.end(.command(error)))
        } catch let error as MediaTagError {
            perform(machine.end(.media(error)))
        } catch {
            preconditionFailure("every error of a connection has one of the types above: \(error)")
        }
    }

    private func receiveHandshake(_ input: inout ByteBuffer) throws(RTMPHandshakeError) {
        while true {
            switch try handshake.receive(&input) {
            case .wait: return
            case .reply(let bytes): write(bytes)
            case .complete:
                stage = .open
                enter(.publish(limits.publishTimeout))
                return
            }
        }
    }

    private func receive(_ message: RTMPMessage) throws {
        switch try machine.receive(message) {
        case .video(let message):
            let now = now
            lastMedia = now
            try session?.receiveVideo(message, now: now)
        case .audio(let message):
            let now = now
            lastMedia = now
            try session?.receiveAudio(message, now: now)
        case .data(let message): try session?.receiveData(message)
        case .messages(let messages): for message in messages { try receive(message) }
        case .perform(let effects): perform(effects)
        }
    }

    private var now: NIODeadline { context?.eventLoop.now ?? .now() }

    // MARK: - Effects

    private func perform(_ effects: [RTMPConnectionStateMachine.Effect]) {
        var output = ByteBuffer()
        for effect in effects {
            switch effect {
            case .send(let message): encoder.write(message, to: &output)
            case .connected(let app, let encoder):
                encoderVersion = encoder
                logger.info("encoder connected", metadata: ["rtmp.app": "\(app)", "encoder.version": "\(encoder)"])
            case .setWindow(let size): window.set(size: size)
            case .ignored(let what): logger.debug("message ignored", metadata: ["rtmp.message": "\(what)"])
            case .authorize(let request): authorize(request)
            case .claim(let stream): claim(stream)
            case .beginPublish(let grant): beginPublish(grant)
            case .endPublish(let end): endPublish(end, because: effects.end)
            case .close(let end): return close(end, wasPublishing: effects.endAPublish, lastWords: output)
            }
        }
        write(output)
    }

    private func write(_ output: ByteBuffer) {
        guard let context, output.readableBytes > 0 else { return }
        // The high watermark of the channel is the limit on unsent bytes.
        guard context.channel.isWritable else {
            return perform(machine.end(.peerDoesNotRead(allowed: limits.maximumUnsentBytes)))
        }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    // MARK: - Publishing

    private func authorize(_ request: PublishRequest) {
        guard let eventLoop = context?.eventLoop else { return }
        pause()
        let answer = environment.authorizer.authorize(request, on: eventLoop).hop(to: eventLoop)
        answer.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let decision):
                self.perform(self.machine.authorized(decision))
            case .failure(let error):
                self.logger.warning("stream key not checked", metadata: ["error.type": "\(type(of: error))"])
                let refusal = PublishRefusal(reason: "the server could not check the stream key")
                self.perform(self.machine.authorized(.deny(refusal)))
            }
        }
    }

    private func claim(_ stream: StreamID) {
        guard let eventLoop = context?.eventLoop else { return }
        claimedStream = stream
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let claimant = StreamRegistry.Claimant(
            id: id,
            granted: { eventLoop.execute { handler.value.claimGranted() } },
            superseded: { contested in eventLoop.execute { handler.value.claimSuperseded(stream, contested) } },
            refused: { eventLoop.execute { handler.value.claimRefused() } }
        )
        takeoverCheck = eventLoop.assumeIsolated().scheduleTask(in: limits.takeoverTimeout) {
            self.perform(self.machine.end(.refused(.streamBusy)))
        }
        environment.registry.claim(stream, by: claimant, now: now)
    }

    private func claimGranted() {
        takeoverCheck?.cancel()
        perform(machine.claimed())
        resume()
    }

    private func claimSuperseded(_ stream: StreamID, _ isContested: Bool) {
        // The stream may have been released in the meantime, with this call under way.
        guard claimedStream == stream else { return }
        if isContested, isSending { return environment.registry.keep(stream, by: id) }
        perform(machine.end(.takenOver))
    }

    private func claimRefused() {
        perform(machine.end(.refused(.streamContested)))
    }

    /// Whether media came a moment ago: a half-open connection sends none.
    private var isSending: Bool { lastMedia.map { now - $0 < .seconds(2) } ?? false }

    private func beginPublish(_ grant: PublishGrant) {
        let stream = grant.stream
        if let limit = grant.timeLimit { scheduleEnd(after: limit) }
        decoder.limits.messageLength = limits.maximumMessageLength
        decoder.limits.partialBytes = limits.maximumPartialBytes
        enter(.media(limits.publisherIdleTimeout))
        logger[metadataKey: "stream.id"] = "\(stream)"
        let sink = environment.sinkProvider.beginPublish(stream)
        let status = PublishStatus(
            stream: stream,
            app: machine.app,
            peerAddress: peerAddress,
            isEncrypted: isSecured,
            startedAt: environment.wallClock(),
            encoder: encoderVersion.isEmpty ? nil : encoderVersion
        )
        session = PublishSession(status, sink: sink, amfLimits: limits.amf, logger: logger, now: now)
        publishedAt = now
        readBudget = ReadBudget(bytesPerSecond: limits.maximumBytesPerSecond, now: now)
        announce(status)
    }

    private func announce(_ status: PublishStatus) {
        guard let eventLoop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        environment.board.begin(status, of: id) {
            eventLoop.execute { handler.value.perform(handler.value.machine.end(.endedByOperator)) }
        }
        environment.metrics.startedPublishes.increment()
        environment.metrics.activePublishes.increment()
    }

    private func scheduleEnd(after limit: Duration) {
        timeLimitCheck = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            self.perform(self.machine.end(.timeLimitReached))
        }
    }

    private func endPublish(_ end: PublishEnd, because reason: ConnectionEnd?) {
        timeLimitCheck?.cancel()
        if let session = session.take() {
            let words = reason?.description ?? "the encoder ended the stream"
            session.finish(end, reason: words, to: environment, of: id, now: now)
            environment.metrics.activePublishes.decrement()
        }
        readBudget = nil
        if throttleCheck != nil {
            throttleCheck?.cancel()
            throttleCheck = nil
            setAutomaticReading(true)
        }
        releaseStream()
        logger[metadataKey: "stream.id"] = nil
        if reason == nil { enter(.publish(limits.publishTimeout)) }
    }

    private func releaseStream() {
        guard let stream = claimedStream.take() else { return }
        takeoverCheck?.cancel()
        environment.registry.release(stream, by: id, wasSending: isSending, now: now)
        lastMedia = nil
    }

    // MARK: - Reading on and off

    private func pause() {
        isPaused = true
        setAutomaticReading(false)
    }

    private func resume() {
        guard isPaused, stage == .open else { return }
        isPaused = false
        var input = ByteBuffer()
        swap(&input, &backlog)
        consume(&input)
        if !isPaused { setAutomaticReading(true) }
    }

    /// Does not read for a while from a publisher that sends more than it may; TCP tells it to slow down.
    private func throttle(for time: TimeAmount) {
        environment.metrics.throttledReads.increment()
        if !hasToldOfThrottling {
            hasToldOfThrottling = true
            logger.warning(
                "the encoder sends more than allowed and is slowed down",
                metadata: ["limit.bytes_per_second": "\(limits.maximumBytesPerSecond)"]
            )
        }
        setAutomaticReading(false)
        // One event of the socket may bring several reads: the last of them knows how long it takes.
        throttleCheck?.cancel()
        throttleCheck = context?.eventLoop.assumeIsolated().scheduleTask(in: time) {
            if !self.isPaused { self.setAutomaticReading(true) }
        }
    }

    private func setAutomaticReading(_ isOn: Bool) {
        context?.channel.setOption(.autoRead, value: isOn).whenFailure { [logger] error in
            logger.debug("reading not switched", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Time

    /// Begins a phase that may only take so long.
    private func enter(_ phase: ConnectionEnd.Phase) {
        self.phase = phase
        deadline = now + phase.allowed
        deadlineCheck?.cancel()
        scheduleDeadlineCheck()
    }

    private func scheduleDeadlineCheck() {
        deadlineCheck = context?.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.checkDeadline() }
    }

    /// Media moves the deadline without touching the timer: one timer a timeout, not one a read.
    private func checkDeadline() {
        let isSilent = now >= deadline
        // Pings and metadata alone keep a connection, but no stream.
        let lacksMedia = session != nil && now - (lastMedia ?? publishedAt) >= limits.mediaTimeout
        guard isSilent || lacksMedia else { return scheduleDeadlineCheck() }
        perform(machine.end(.timedOut(isSilent ? phase : .media(limits.mediaTimeout))))
    }

    // MARK: - The end

    private func close(_ end: ConnectionEnd, wasPublishing: Bool, lastWords: ByteBuffer) {
        guard stage != .lingering, stage != .closed else { return }
        stage = .closed
        backlog = ByteBuffer()
        deadlineCheck?.cancel()
        releaseStream()
        logEnd(end, wasPublishing: wasPublishing)
        environment.metrics.ended(end)
        guard let context else { return }
        guard lastWords.readableBytes > 0 else { return context.close(promise: nil) }
        linger(lastWords, context: context)
    }

    /// Sends the last words and waits a little for the peer to close.
    ///
    /// Closing at once with bytes of the peer unread would reset the connection, and a reset takes from the peer what
    /// it has not read yet.
    private func linger(_ lastWords: ByteBuffer, context: ChannelHandlerContext) {
        stage = .lingering
        isPaused = false
        setAutomaticReading(true)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.context?.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(lastWords), promise: written)
        deadlineCheck = context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTimeout) {
            self.context?.close(promise: nil)
        }
    }

    /// One line for each end.
    ///
    /// That of a publish was written by its session.
    private func logEnd(_ end: ConnectionEnd, wasPublishing: Bool) {
        let reason: Logger.Metadata = ["reason": "\(end)"]
        switch end {
        case _ where wasPublishing, .peerClosed, .serverStopped: logger.debug("connection closed", metadata: reason)
        case .refused, .takenOver: logger.info("publish refused", metadata: reason)
        default: logger.info("peer turned away", metadata: reason)
        }
    }
}

/// Bound to the connection's event loop.
@available(*, unavailable)
extension RTMPConnectionHandler: Sendable {}

extension ConnectionEnd.Phase {
    fileprivate var allowed: TimeAmount {
        switch self {
        case .handshake(let allowed), .publish(let allowed), .media(let allowed): allowed
        }
    }
}

extension [RTMPConnectionStateMachine.Effect] {
    /// Whether a publish ends.
    fileprivate var endAPublish: Bool {
        contains { if case .endPublish = $0 { true } else { false } }
    }

    /// The end of the connection, if that is among the effects: the reason for the end of a publish.
    fileprivate var end: ConnectionEnd? {
        for case .close(let end) in self { return end }
        return nil
    }
}
