import Logging
import NIOCore

/// Whether a connection is read from: only while nothing holds it.
///
/// Bound to the connection's event loop. Switching reading off has no effect on a peer that has closed already: what it
/// has sent comes all the same.
final class ReadGate {
    /// Why a connection is not read from.
    struct Hold: OptionSet {
        let rawValue: UInt8
        /// An answer is waited for before the peer's next message can be understood.
        static let decision = Self(rawValue: 1)
        /// The peer sends more than it may.
        static let throttle = Self(rawValue: 2)
    }

    private let channel: any Channel
    private let logger: Logger
    private var holds: Hold = []
    private var releaseOfThrottle: Scheduled<Void>?

    /// The gate of a connection that is read from.
    init(_ channel: any Channel, logger: Logger) {
        self.channel = channel
        self.logger = logger
    }

    /// Whether an answer is waited for.
    var waitsForDecision: Bool { holds.contains(.decision) }

    /// Holds, for a while or until ``open(_:)``.
    func close(_ hold: Hold) { set(holds.union(hold)) }

    /// Lets go of one reason, or of all.
    func open(_ hold: Hold) {
        if hold.contains(.throttle) { releaseOfThrottle?.cancel() }
        set(holds.subtracting(hold))
    }

    /// Does not read for a while; TCP then tells the peer to slow down.
    ///
    /// One event of the socket may bring several reads: the last of them knows how long it takes.
    func throttle(for time: TimeAmount) {
        releaseOfThrottle?.cancel()
        close(.throttle)
        releaseOfThrottle = channel.eventLoop.assumeIsolated().scheduleTask(in: time) { self.open(.throttle) }
    }

    private func set(_ newHolds: Hold) {
        let mustSwitch = newHolds.isEmpty != holds.isEmpty
        holds = newHolds
        guard mustSwitch else { return }
        channel.setOption(.autoRead, value: holds.isEmpty).whenFailure { [logger] error in
            logger.debug("reading not switched", metadata: ["error": "\(error)"])
        }
    }
}

/// Bound to the connection's event loop.
@available(*, unavailable)
extension ReadGate: Sendable {}
