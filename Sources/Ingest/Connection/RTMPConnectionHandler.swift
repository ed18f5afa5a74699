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
///              -> PublishSession (FLVDemuxer -> AccessUnitSink and LiveRelay)
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
        /// `nil` when nobody may play over RTMP.
        let playbackAuthorizer: (any PlaybackAuthorizer)?
        let admission: any Admission
        let registry: StreamRegistry
        let relays: RelayHub
        let board: PublishBoard
        let metrics: IngestMetrics
        let wallClock: @Sendable () -> WallClockTime
    }

    enum Stage {
        case handshake, open, lingering, closed
    }

    let id: ConnectionID
    let environment: Environment
    var logger: Logger
    var context: ChannelHandlerContext?

    var stage = Stage.handshake
    private var handshake = RTMPHandshake(randomBytes: Randomness.bytes)
    private var window = AcknowledgementWindow()
    var decoder: RTMPChunkDecoder
    var encoder = RTMPChunkEncoder()
    var machine: RTMPConnectionStateMachine

    var isSecured = false
    var encoderVersion = ""
    let peerAddress: String
    var readBudget: ReadBudget?
    private var hasToldOfThrottling = false
    private var backlog = ByteBuffer()
    var claimedStream: StreamID?
    var session: PublishSession?
    var play: PlaySession?
    var lastMedia: NIODeadline?
    var publishedAt = NIODeadline.distantPast

    var deadline: PhaseDeadline?
    var gate: ReadGate?
    private var lingering: Scheduled<Void>?
    var takeoverCheck: Scheduled<Void>?
    var timeLimitCheck: Scheduled<Void>?

    var limits: IngestLimits { environment.limits }

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
        gate = ReadGate(context.channel, logger: logger)
        deadline = PhaseDeadline(.handshake(limits.handshakeTimeout), on: context.eventLoop) { [unowned self] in
            checkDeadline(isOver: $0)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        let now = context.eventLoop.now
        let count = input.readableBytes
        let sequenceNumber = window.receive(count)
        if session != nil { deadline?.extend() }
        if waitsForDecision {
            backlog.writeBuffer(&input)
        } else {
            consume(&input)
        }
        if let sequenceNumber, stage == .open { perform([.send(RTMPReply.acknowledgement(sequenceNumber))]) }
        session?.report(to: environment, of: id, unacknowledgedBytes: window.unacknowledgedBytes, now: now)
        if let pause = readBudget?.spend(count, now: now), session != nil { throttle(for: pause) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writePlay()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isSecured, stage == .handshake {
            // ffmpeg with GnuTLS says no more than this about a certificate that it does not trust.
            logger.info("tls client left without a word: perhaps it does not trust the certificate")
        }
        perform(machine.end(.peerClosed))
        stage = .closed
        deadline?.cancel()
        lingering?.cancel()
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
            while stage == .open, !waitsForDecision, let message = try decoder.nextMessage(from: &input) {
                try receive(message)
            }
            if waitsForDecision { backlog.writeBuffer(&input) }
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
                deadline?.enter(.publish(limits.publishTimeout))
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

    var now: NIODeadline { context?.eventLoop.now ?? .now() }

    // MARK: - Effects

    func perform(_ effects: [RTMPConnectionStateMachine.Effect]) {
        var output = ByteBuffer()
        for effect in effects {
            switch effect {
            case .send(let message): encoder.write(message, to: &output)
            case .connected(let app, let encoder):
                encoderVersion = encoder
                logger.info("client connected", metadata: ["rtmp.app": "\(app)", "client.version": "\(encoder)"])
            case .setWindow(let size): window.set(size: size)
            case .ignored(let what): logger.debug("message ignored", metadata: ["rtmp.message": "\(what)"])
            case .authorize(let request): authorize(request)
            case .claim(let stream): claim(stream)
            case .beginPublish(let grant): beginPublish(grant)
            case .endPublish(let end): endPublish(end, because: effects.end)
            case .authorizePlay(let request): authorizePlay(request)
            case .join(let stream, let messageStreamID): join(stream, messageStreamID)
            case .endPlay: endPlay(because: effects.end)
            case .close(let end): return close(end, wasPublishing: effects.endAPublish, lastWords: output)
            }
        }
        write(output)
    }

    private func write(_ output: ByteBuffer) {
        guard let context, output.readableBytes > 0 else { return }
        // The high watermark of the channel is the limit on unsent bytes; a player's media waits in its inbox.
        guard context.channel.isWritable || play != nil else {
            return perform(machine.end(.peerDoesNotRead(allowed: limits.maximumUnsentBytes)))
        }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    // MARK: - Reading on and off, and time

    private var waitsForDecision: Bool { gate?.waitsForDecision ?? false }

    func resume() {
        guard waitsForDecision, stage == .open else { return }
        // This asks the socket to read; what it brings comes later than what has waited.
        gate?.open(.decision)
        var input = ByteBuffer()
        swap(&input, &backlog)
        consume(&input)
    }

    /// Does not read for a while from a publisher that sends more than it may.
    private func throttle(for time: TimeAmount) {
        environment.metrics.throttledReads.increment()
        if !hasToldOfThrottling {
            hasToldOfThrottling = true
            logger.warning(
                "the encoder sends more than allowed and is slowed down",
                metadata: ["limit.bytes_per_second": "\(limits.maximumBytesPerSecond)"]
            )
        }
        gate?.throttle(for: time)
    }

    private func checkDeadline(isOver: Bool) {
        guard let phase = deadline?.phase else { return }
        // Pings and metadata alone keep a connection, but no stream.
        if session != nil, now - (lastMedia ?? publishedAt) >= limits.mediaTimeout {
            return perform(machine.end(.timedOut(.media(limits.mediaTimeout))))
        }
        guard isOver else { return }
        // A player is slow only while something waits for it.
        if case .play = phase, context?.channel.isWritable == true { return }
        perform(machine.end(.timedOut(phase)))
    }

    // MARK: - The end

    private func close(_ end: ConnectionEnd, wasPublishing: Bool, lastWords: ByteBuffer) {
        guard stage != .lingering, stage != .closed else { return }
        stage = .closed
        backlog = ByteBuffer()
        deadline?.cancel()
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
        gate?.open([.decision, .throttle])
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.context?.close(mode: .output, promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(lastWords), promise: written)
        lingering = context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTimeout) {
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
        case .liveEnded, .timedOut(.encoderGone), .timedOut(.play): logger.debug("connection closed", metadata: reason)
        case .refused(let status) where status.isAboutPlay: logger.info("play refused", metadata: reason)
        case .refused, .takenOver: logger.info("publish refused", metadata: reason)
        default: logger.info("peer turned away", metadata: reason)
        }
    }
}

/// Bound to the connection's event loop.
@available(*, unavailable)
extension RTMPConnectionHandler: Sendable {}

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
