import NIOCore

/// Keeps a connection's times and ends it when one is exceeded.
///
/// First in the pipeline, where the bytes pass.
///
/// One timer runs per connection; requests and responses only store a moment, see ``ConnectionTimes``.
final class ConnectionWatchHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private var times: ConnectionTimes
    private var timer: Scheduled<Void>?
    /// What was to be sent at the last check, in bytes.
    private var buffered = 0

    init(limits: OriginLimits, now: NIODeadline) {
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
        context.fireChannelRead(data)
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
