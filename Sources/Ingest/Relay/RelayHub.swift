import MediaCore
import Synchronization

/// Told of lives as they come and go, on their publishers' event loops.
protocol RelayObserver: Sendable {
    /// An encoder publishes; perhaps again, after an interruption.
    func began(_ stream: StreamID, on relays: RelayHub)
    /// The encoder is gone and may come back.
    func interrupted(_ stream: StreamID, on relays: RelayHub)
    /// The live is over.
    func ended(_ stream: StreamID, on relays: RelayHub)
}

/// The relays of all lives.
///
/// A relay is there while its live is published, and while somebody waits for an encoder that was interrupted.
final class RelayHub: Sendable {
    private let relays = Mutex<[StreamID: LiveRelay]>([:])
    private let observer: (any RelayObserver)?

    /// A hub without relays.
    ///
    /// - Parameter observer: told of every live.
    init(observer: (any RelayObserver)? = nil) {
        self.observer = observer
    }

    /// A publish begins.
    ///
    /// - Returns: where its messages go.
    func begin(_ stream: StreamID) -> LiveRelay {
        let relay = relays.withLock { relays in
            let relay = relays[stream] ?? LiveRelay()
            relays[stream] = relay
            relay.begin()
            return relay
        }
        observer?.began(stream, on: self)
        return relay
    }

    /// The publish has ended.
    func end(_ stream: StreamID, _ end: PublishEnd) {
        relays.withLock { relays in
            let isAwaited = relays[stream]?.end(end) ?? false
            if end == .clean || !isAwaited { relays[stream] = nil }
        }
        switch end {
        case .clean: observer?.ended(stream, on: self)
        case .interrupted: observer?.interrupted(stream, on: self)
        }
    }

    /// Whether an encoder is there.
    func isPublished(_ stream: StreamID) -> Bool { relays.withLock { $0[stream] }?.isPublished ?? false }

    /// Adds a reader to a live.
    ///
    /// - Returns: whether there is such a live.
    func subscribe(_ subscription: RelaySubscription, to stream: StreamID) -> Bool {
        relays.withLock { relays in
            guard let relay = relays[stream] else { return false }
            relay.add(subscription)
            return true
        }
    }

    /// Lets a reader go; does nothing for one that was let go before.
    func unsubscribe(_ subscription: RelaySubscription, from stream: StreamID) {
        relays.withLock { relays in
            if relays[stream]?.remove(subscription) == false { relays[stream] = nil }
        }
    }
}
