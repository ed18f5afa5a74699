public import CoreMetrics
public import Logging
public import MediaCore
public import NIOCore
import Synchronization

/// Slows and then refuses the addresses that wrong stream keys come from, in front of any authorizer.
public final class ThrottlingPublishAuthorizer: PublishAuthorizer {
    private let base: any PublishAuthorizer
    private let logger: Logger
    private let wrongKeys: Counter
    private let refusedAddresses: Counter
    private let throttle = Mutex(WrongKeyThrottle())

    /// Puts itself in front of an authorizer.
    ///
    /// - Parameters:
    ///   - base: the authorizer.
    ///   - metrics: gets the counts of wrong keys and refused addresses.
    ///   - logger: told when an address is refused.
    public init(_ base: any PublishAuthorizer, metrics: any MetricsFactory, logger: Logger) {
        self.base = base
        self.logger = logger
        wrongKeys = Counter(label: "rtmp.server.wrong_keys", factory: metrics)
        refusedAddresses = Counter(label: "rtmp.server.refused_addresses", factory: metrics)
    }

    /// Answers as the authorizer behind it does, later with every wrong key, and after too many of them without asking it.
    public func authorize(
        _ request: PublishRequest,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<PublishDecision> {
        let address = request.peerAddress
        switch throttle.withLock({ $0.admit(address, now: eventLoop.now) }) {
        case .refuse(let time):
            let minutes = (time.nanoseconds / 60_000_000_000) + 1
            let reason = "too many wrong stream keys from your address: try again in \(minutes) minutes"
            return eventLoop.makeSucceededFuture(.deny(PublishRefusal(reason: reason)))
        case .ask:
            return base.authorize(request, on: eventLoop).hop(to: eventLoop).flatMap { decision in
                self.answer(decision, to: address, on: eventLoop)
            }
        }
    }

    private func answer(
        _ decision: PublishDecision,
        to address: String,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<PublishDecision> {
        switch decision {
        case .allow:
            throttle.withLock { $0.succeeded(address, now: eventLoop.now) }
        case .deny(let refusal) where refusal.kind == .denied:
            let (delay, isRefused) = throttle.withLock { $0.failed(address, now: eventLoop.now) }
            wrongKeys.increment()
            if isRefused {
                refusedAddresses.increment()
                logger.warning(
                    "too many wrong stream keys: the address is refused for a while",
                    metadata: [
                        "peer.address": "\(address)", "refusal.seconds": "\(WrongKeyThrottle.refusalTime.seconds)",
                    ]
                )
            }
            return eventLoop.scheduleTask(in: delay) { decision }.futureResult
        case .deny:
            break
        }
        return eventLoop.makeSucceededFuture(decision)
    }
}

extension TimeAmount {
    fileprivate var seconds: Int64 { nanoseconds / 1_000_000_000 }
}
