import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOPosix
import NIOSSL

/// The push of one live to one server, for as long as the live lasts: connects, publishes, and connects again.
///
/// Bound to one event loop.
///
/// ```
///            connected                 Publish.Start
/// connecting ---------> (handshake …) ---------------> live
///     ^                      |                           |
///     |  time is over        v                           |
///     +------------------ waiting <----------------------+          stopped: from each of them
/// ```
final class RestreamPush {
    /// What all pushes use.
    struct Environment: Sendable {
        let relays: RelayHub
        let limits: IngestLimits
        /// What rtmps connections are secured with.
        let tls: NIOSSLContext
        let metrics: IngestMetrics
        let wallClock: @Sendable () -> WallClockTime
        /// From 0 up to 1.
        let random: @Sendable () -> Double
        let logger: Logger
    }

    private static let connectTimeout = TimeAmount.seconds(10)
    private static let reportInterval = TimeAmount.seconds(1)

    private let stream: StreamID
    private var target: PushTarget
    private let home: PushTarget
    private let environment: Environment
    private let eventLoop: any EventLoop
    private let report: (RestreamStatus) -> Void
    private let done: EventLoopPromise<Void>
    private var logger: Logger

    private var status: RestreamStatus
    private var delay = ReconnectDelay()
    private var retry: Scheduled<Void>?
    private var reporting: Scheduled<Void>?
    /// On the connections before the newest one.
    private var bytesBefore = 0
    private var handler: RTMPPushHandler?
    /// Of the newest connection.
    private var closed: EventLoopFuture<Void>?
    private var isStopped = false
    private var isDone = false

    /// A push that has not begun.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - target: where it goes.
    ///   - environment: what it uses.
    ///   - eventLoop: where everything of it happens.
    ///   - report: told how it stands, whenever that changes.
    ///   - done: succeeds after ``stop()``, when the last connection has ended.
    init(
        _ stream: StreamID,
        to target: PushTarget,
        _ environment: Environment,
        on eventLoop: any EventLoop,
        report: @escaping (RestreamStatus) -> Void,
        done: EventLoopPromise<Void>
    ) {
        self.stream = stream
        self.target = target
        home = target
        self.environment = environment
        self.eventLoop = eventLoop
        self.report = report
        self.done = done
        logger = environment.logger
        logger[metadataKey: "stream.id"] = "\(stream)"
        logger[metadataKey: "restream.target"] = "\(target)"
        status = RestreamStatus(stream: stream, target: "\(target)", since: environment.wallClock())
    }

    /// Connects.
    func connect() {
        guard !isStopped else { return }
        // Nobody wants a publisher that sends nothing.
        guard environment.relays.isPublished(stream) else { return connect(in: .seconds(1)) }
        set(.connecting)
        let target = target
        let push = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try push.value.configure(channel, for: target) }
            }
            .connect(host: target.host, port: target.port)
            .assumeIsolated()
            .whenFailure { error in
                let end = PushEnd.disconnected(RTMPPushHandler.words(for: error))
                self.ended(.init(end: end, liveSince: nil, bytes: 0, droppedMessages: 0))
            }
    }

    private func configure(_ channel: any Channel, for target: PushTarget) throws {
        if target.isSecure {
            let isAddress = (try? SocketAddress(ipAddress: target.host, port: 0)) != nil
            let tls = try NIOSSLClientHandler(
                context: environment.tls,
                serverHostname: isAddress ? nil : target.host
            )
            try channel.pipeline.syncOperations.addHandler(tls)
        }
        let handler = RTMPPushHandler(
            stream,
            to: target,
            from: environment.relays,
            limits: environment.limits,
            logger: logger,
            opened: { [self] in opened($0, $1) },
            becameLive: { [self] in becameLive() },
            ended: { [self] in ended($0) }
        )
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private func opened(_ handler: RTMPPushHandler, _ channel: any Channel) {
        self.handler = handler
        closed = channel.closeFuture
        if isStopped { handler.finish() }
    }

    private func becameLive() {
        set(.live)
        logger.info("live is pushed")
        environment.metrics.activePushes.increment()
        bytesBefore = status.bytes
        reportRegularly()
    }

    private func reportRegularly() {
        reporting = eventLoop.assumeIsolated().scheduleTask(in: Self.reportInterval) { [self] in
            status.bytes = bytesBefore + (handler?.sentBytes ?? 0)
            report(status)
            reportRegularly()
        }
    }

    private func ended(_ outcome: RTMPPushHandler.Outcome) {
        handler = nil
        reporting?.cancel()
        status.bytes = bytesBefore + outcome.bytes
        bytesBefore = status.bytes
        status.droppedMessages += outcome.droppedMessages
        if outcome.liveSince != nil { environment.metrics.activePushes.decrement() }
        environment.metrics.pushedBytes.increment(by: outcome.bytes)
        guard !isStopped, outcome.end != .finished else { return finish() }
        let lasted = outcome.liveSince.map { eventLoop.now - $0 } ?? .zero
        let wait = delay.next(after: lasted, random: environment.random())
        if case .moved(let place) = outcome.end, lasted > .seconds(5) {
            logger.info("push moves", metadata: ["restream.to": "\(place ?? target)"])
            target = place ?? target
            return connect(in: .zero)
        }
        // Where a server has sent us to may be gone by now.
        target = home
        environment.metrics.failedPushes.increment()
        status.failures += 1
        status.lastError = "\(outcome.end)"
        set(.waiting)
        logger.warning(
            "push failed",
            metadata: ["reason": "\(outcome.end)", "restream.retry_ms": "\(wait.nanoseconds / 1_000_000)"]
        )
        connect(in: wait)
    }

    private func connect(in wait: TimeAmount) {
        retry = eventLoop.assumeIsolated().scheduleTask(in: wait) { self.connect() }
    }

    /// Ends the push, and the publish with it.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        retry?.cancel()
        guard let handler else { return finish() }
        handler.finish()
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        isStopped = true
        retry?.cancel()
        logger.info("push ended", metadata: ["restream.bytes": "\(status.bytes)"])
        guard let closed else { return done.succeed() }
        closed.cascade(to: done)
    }

    private func set(_ state: RestreamStatus.State) {
        status.state = state
        status.since = environment.wallClock()
        report(status)
    }
}

/// Bound to its event loop.
@available(*, unavailable)
extension RestreamPush: Sendable {}
