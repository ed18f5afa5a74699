import NIOCore
import Synchronization

/// One reader's inbox at a ``LiveRelay``.
///
/// The publisher's event loop fills it, the reader's empties it. The reader is woken when the first thing lies in it, and
/// not again before it has emptied it. What it holds is bounded: a reader that falls behind loses what waits and goes on
/// with a keyframe.
final class RelaySubscription: Sendable {
    /// What the reader finds.
    enum Event {
        case message(RTMPMessage)
        /// The encoder is gone and may come back.
        case interrupted
        /// An encoder is there again.
        case resumed
        /// The live is over. Nothing follows.
        case ended
    }

    private struct State {
        var inbox: [Event] = []
        var bytes = 0
        /// Whether messages flow; else the next one that can be first begins anew.
        var isFlowing = false
        var isAwake = false
        var dropped = 0

        mutating func append(_ message: RTMPMessage) {
            inbox.append(.message(message))
            bytes += message.payload.readableBytes
        }

        /// Leaves out what waits, but for the turns of the live.
        mutating func forget() {
            let before = inbox.count
            inbox.removeAll { if case .message = $0 { true } else { false } }
            dropped += before - inbox.count
            bytes = 0
            isFlowing = false
        }
    }

    private let state = Mutex(State())
    private let maximumBytes: Int
    private let wake: @Sendable () -> Void

    /// An empty inbox.
    ///
    /// - Parameters:
    ///   - maximumBytes: the payload that may wait.
    ///   - wake: called on the publisher's event loop when there is something to take; must only pass the word on.
    init(maximumBytes: Int, wake: @escaping @Sendable () -> Void) {
        self.maximumBytes = maximumBytes
        self.wake = wake
    }

    /// Puts a message in, or leaves it out.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - canBeFirst: whether a decoder can begin with it, once it has the preamble.
    ///   - preamble: the headers that a decoder needs before.
    func offer(_ message: RTMPMessage, canBeFirst: Bool, preamble: @autoclosure () -> [RTMPMessage]) {
        put { state in
            if state.isFlowing, state.bytes + message.payload.readableBytes > maximumBytes { state.forget() }
            guard state.isFlowing || canBeFirst else { return }
            if !state.isFlowing {
                state.isFlowing = true
                for header in preamble() { state.append(header) }
            }
            state.append(message)
        }
    }

    /// Puts a turn of the live in.
    func offer(_ event: Event) {
        put { state in
            state.inbox.append(event)
            // Another encoder's pictures begin with a keyframe of theirs.
            state.isFlowing = false
        }
    }

    private func put(_ change: (inout State) -> Void) {
        let mustWake = state.withLock { state in
            change(&state)
            guard !state.inbox.isEmpty, !state.isAwake else { return false }
            state.isAwake = true
            return true
        }
        if mustWake { wake() }
    }

    /// Takes what lies there, in order.
    ///
    /// - Parameter limit: about how many bytes to take; at least one event, if there is one.
    /// - Returns: the events. When there are none the reader is woken by the next one; until then it is not woken.
    func take(upTo limit: Int) -> [Event] {
        state.withLock { state in
            var taken = 0
            let count = state.inbox.firstIndex { event in
                defer { taken += event.size }
                return taken >= limit
            }
            let events = Array(state.inbox.prefix(count ?? state.inbox.count))
            state.inbox.removeFirst(events.count)
            state.bytes -= events.reduce(0) { $0 + $1.size }
            state.isAwake = !events.isEmpty
            return events
        }
    }

    /// How many messages were left out since the last call.
    func takeDropped() -> Int {
        state.withLock { state in
            defer { state.dropped = 0 }
            return state.dropped
        }
    }
}

extension RelaySubscription.Event {
    fileprivate var size: Int {
        if case .message(let message) = self { message.payload.readableBytes } else { 0 }
    }
}
