import NIOCore

/// Keeps a connection's times and ends it when one is exceeded, and reads no requests while answers wait to be sent.
///
/// First in the pipeline, where the bytes pass. One timer runs per connection; requests and responses only store a moment, see
/// ``ConnectionTimes``.
///
/// Each handler that a request and its answer pass costs as much as looking up a playlist does. So this is one, and it takes the
/// shortest way: bytes that were read before on the same event loop (``KnownRequests``) go to the last handler past the parser.
final class ConnectionWatchHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let answerer: MediaRequestHandler
    private let known: KnownRequests
    private var boundary = RequestBoundary()
    private var times: ConnectionTimes
    private var timer: Scheduled<Void>?
    /// What was to be sent at the last check, in bytes.
    private var buffered = 0
    private var isWritable = true
    private var hasPendingRead = false

    /// - Parameters:
    ///   - answerer: the handler behind the parser.
    ///   - known: requests that were read before on this event loop.
    ///   - limits: what is allowed.
    ///   - now: this moment.
    init(before answerer: MediaRequestHandler, _ known: KnownRequests, limits: OriginLimits, now: NIODeadline) {
        self.answerer = answerer
        self.known = known
        times = ConnectionTimes(limits: limits, now: now)
    }

    /// Over TLS it comes to a connection that is active already.
    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { check(context: context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        if timer == nil { check(context: context) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        times.received(now: context.eventLoop.now)
        let bytes = unwrapInboundIn(data)
        if boundary.isAtRequest, let request = known[bytes] { return answerer.receive(request) }
        let decoded = answerer.decoded
        context.fireChannelRead(data)
        guard boundary.passed(bytes, decoded: decoded, answerer.decoded), let head = answerer.lastHead else { return }
        answerer.learn(head, from: bytes, in: known)
    }

    /// Pipelined requests of a client that takes no answers stay in the system's buffers.
    func read(context: ChannelHandlerContext) {
        if isWritable { context.read() } else { hasPendingRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable, hasPendingRead {
            hasPendingRead = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        times.responded(byteCount: unwrapOutboundIn(data).readableBytes, now: context.eventLoop.now)
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        switch event {
        case let hold as ConnectionTimes.Hold: times.held(until: hold.deadline, now: context.eventLoop.now)
        case is ConnectionTimes.BodyAwaited: times.received(now: context.eventLoop.now)
        default: return context.triggerUserOutboundEvent(event, promise: promise)
        }
        promise?.succeed()
    }

    private func check(context: ChannelHandlerContext) {
        let before = buffered
        buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if buffered > 0, buffered == before { context.fireUserInboundEventTriggered(ConnectionTimes.Standstill()) }
        switch times.check(bufferedBytes: buffered, now: context.eventLoop.now) {
        case .check(let deadline):
            timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
                self.check(context: context)
            }
        case .expire(let expiry):
            timer = nil
            context.fireUserInboundEventTriggered(expiry)
            if expiry == .hold { check(context: context) }
        }
    }
}

@available(*, unavailable)
extension ConnectionWatchHandler: Sendable {}
