import Cryptography
import Glibc
import Logging
import MediaCore
import NIOCore
import NIOPosix
import NIOSSL

/// The I/O of one connection to a server that a live is pushed to.
///
/// Everything runs on the connection's event loop. What the server says goes through the handshake and the chunk decoder to
/// the ``RTMPPushStateMachine``; media comes from the live's relay and goes out as fast as the server takes it.
final class RTMPPushHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What became of the connection.
    struct Outcome {
        let end: PushEnd
        /// When media began to go out, if it did.
        let liveSince: NIODeadline?
        let bytes: Int
        let droppedMessages: Int
    }

    private let stream: StreamID
    private let relays: RelayHub
    private let limits: IngestLimits
    private let logger: Logger
    private let opened: (RTMPPushHandler, any Channel) -> Void
    private let becameLive: () -> Void
    private let ended: (Outcome) -> Void

    private var context: ChannelHandlerContext?
    private var handshake = RTMPClientHandshake()
    private var isOpen = false
    private var window = AcknowledgementWindow()
    private var decoder: RTMPChunkDecoder
    private var encoder = RTMPChunkEncoder()
    private var machine: RTMPPushStateMachine
    private var play: PlaySession?
    private var liveSince: NIODeadline?
    private var deadline: Scheduled<Void>?
    private var lastProgress = NIODeadline.distantPast
    private var problem: String?
    private var hasEnded = false

    /// The handler of a connection that is being made.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - target: where it goes.
    ///   - relays: where its media comes from.
    ///   - limits: what the server is held to.
    ///   - logger: the push's.
    ///   - opened: called with the handler when there is a connection: of the addresses of a name only one gets so far.
    ///   - becameLive: called when media begins to go out.
    ///   - ended: called once after `opened`, at the end.
    init(
        _ stream: StreamID,
        to target: PushTarget,
        from relays: RelayHub,
        limits: IngestLimits,
        logger: Logger,
        opened: @escaping (RTMPPushHandler, any Channel) -> Void,
        becameLive: @escaping () -> Void,
        ended: @escaping (Outcome) -> Void
    ) {
        self.stream = stream
        self.relays = relays
        self.limits = limits
        self.logger = logger
        self.opened = opened
        self.becameLive = becameLive
        self.ended = ended
        machine = RTMPPushStateMachine(target, amfLimits: limits.amf)
        decoder = RTMPChunkDecoder(
            limits: RTMPChunkDecoder.Limits(
                messageLength: limits.maximumCommandLength,
                partialBytes: 2 * limits.maximumCommandLength,
                chunkStreams: limits.maximumChunkStreams
            )
        )
    }

    /// The payload bytes of the media that has gone out.
    var sentBytes: Int { play?.bytes ?? 0 }

    /// Ends the publish properly, after what waits for it.
    func finish() {
        writeMedia()
        perform(machine.end(.finished))
    }

    // MARK: - Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        let allowed = limits.handshakeTimeout
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: allowed) {
            let words = "the server let nobody publish for \(allowed.nanoseconds / 1_000_000_000) s"
            self.perform(self.machine.end(.timedOut(words)))
        }
        opened(self, context.channel)
        context.fireChannelActive()
        write(RTMPClientHandshake.opening(random: Randomness.bytes(RTMPHandshake.packetSize)))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        let sequenceNumber = window.receive(input.readableBytes)
        receive(&input)
        if let sequenceNumber, isOpen { perform([.send(RTMPReply.acknowledgement(sequenceNumber))]) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        writeMedia()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.disconnected(problem ?? "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        problem = Self.words(for: error)
        context.close(promise: nil)
    }

    /// An error of the network or of TLS, as an operator wants to read it.
    static func words(for error: any Error) -> String {
        switch error {
        case let error as NIOSSLError:
            if case .handshakeFailed(let reason) = error { return "no TLS: \(reason)" }
            return "TLS: \(error)"
        case let error as IOError: return "no connection: \(String(cString: strerror(error.errnoCode)))"
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first?.error else { return "\(error.host) has no address" }
            return words(for: first)
        case ChannelError.connectTimeout(let allowed):
            return "no connection within \(allowed.nanoseconds / 1_000_000_000) s"
        default: return "\(error)"
        }
    }

    // MARK: - What the server says

    private func receive(_ input: inout ByteBuffer) {
        do {
            if !isOpen { try receiveHandshake(&input) }
            while isOpen, !hasEnded, let message = try decoder.nextMessage(from: &input) {
                perform(try machine.receive(message))
            }
        } catch let error as RTMPHandshakeError {
            perform(machine.end(.protocolError("\(error)")))
        } catch {
            perform(machine.end(.protocolError("\(error)")))
        }
    }

    private func receiveHandshake(_ input: inout ByteBuffer) throws(RTMPHandshakeError) {
        while true {
            switch try handshake.receive(&input) {
            case .wait: return
            case .reply(let c2): write(c2)
            case .complete:
                isOpen = true
                return perform(machine.start())
            }
        }
    }

    private func perform(_ effects: [RTMPPushStateMachine.Effect]) {
        var output = ByteBuffer()
        for effect in effects {
            switch effect {
            case .send(let message): encoder.write(message, to: &output)
            case .setWindow(let size): window.set(size: size)
            case .beginMedia(let messageStreamID): beginMedia(on: messageStreamID)
            case .close(let end):
                self.end(end)
                return close(lastWords: output)
            }
        }
        write(output)
    }

    private func write(_ output: ByteBuffer) {
        guard let context, output.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
    }

    // MARK: - Media

    private func beginMedia(on messageStreamID: UInt32) {
        guard let eventLoop = context?.eventLoop else { return }
        deadline?.cancel()
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let subscription = RelaySubscription(maximumBytes: limits.maximumUnsentMedia) {
            eventLoop.execute { handler.value.writeMedia() }
        }
        play = PlaySession(stream, subscription, messageStreamID: messageStreamID) { message in
            if message.isMetadata { message.addSetDataFrame() }
        }
        guard relays.subscribe(subscription, to: stream) else { return perform(machine.end(.finished)) }
        liveSince = eventLoop.now
        lastProgress = eventLoop.now
        watchProgress()
        becameLive()
    }

    private func writeMedia() {
        guard let context, !hasEnded, let play else { return }
        var turn: PlaySession.Turn?
        while turn != .ended, context.channel.isWritable {
            turn = nil
            guard let output = play.next(&turn, encoder: &encoder) else { break }
            write(output)
            lastProgress = context.eventLoop.now
        }
        if turn == .ended { perform(machine.end(.finished)) }
    }

    /// A server that takes nothing, though something waits for it, is as good as gone.
    private func watchProgress() {
        guard let context else { return }
        let allowed = limits.playerStallTimeout
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: allowed) {
            guard let context = self.context, !self.hasEnded else { return }
            guard context.channel.isWritable || context.eventLoop.now - self.lastProgress < allowed else {
                let words = "the server took nothing for \(allowed.nanoseconds / 1_000_000_000) s"
                return self.perform(self.machine.end(.timedOut(words)))
            }
            self.watchProgress()
        }
    }

    // MARK: - The end

    private func end(_ end: PushEnd) {
        guard !hasEnded else { return }
        hasEnded = true
        deadline?.cancel()
        if let play { relays.unsubscribe(play.subscription, from: stream) }
        ended(
            Outcome(
                end: end,
                liveSince: liveSince,
                bytes: sentBytes,
                droppedMessages: play?.subscription.takeDropped() ?? 0
            )
        )
    }

    private func close(lastWords: ByteBuffer) {
        guard let context else { return }
        guard lastWords.readableBytes > 0 else { return context.close(promise: nil) }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(lastWords), promise: written)
        // The server may not read any more.
        context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTimeout) { self.context?.close(promise: nil) }
    }
}

/// Bound to the connection's event loop.
@available(*, unavailable)
extension RTMPPushHandler: Sendable {}

extension RTMPMessage {
    /// Whether it is onMetaData, which a publisher sends behind `@setDataFrame`.
    fileprivate var isMetadata: Bool {
        let name: [UInt8] = [AMF0Value.Marker.string, 0, 10] + Array("onMetaData".utf8)
        return typeID == TypeID.dataAMF0 && payload.readableBytesView.starts(with: name)
    }
}
