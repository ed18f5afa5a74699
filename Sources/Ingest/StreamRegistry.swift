import MediaCore
import NIOCore
import Synchronization

/// Who publishes which stream.
///
/// A stream has one holder and at most one connection that waits for it. Whoever claims a stream that is held takes it
/// over: the holder is told to let go, and when it has, the one that waits becomes the holder. So an encoder that
/// reconnects after a cable was pulled need not wait until its half-open connection is noticed.
///
/// Two encoders with one key that both reconnect by themselves would take the stream from each other for ever. So when it
/// has changed hands often within a short time, a holder that still sends media may keep it, and the claimant is refused.
///
/// Invariants:
/// 1. A connection that was granted a stream is its holder until it releases it; nobody else is granted it meanwhile.
/// 2. Every claim ends in `granted`, in `superseded`, in `refused` or in the claimant's own release.
/// 3. No callback runs under the lock.
final class StreamRegistry: Sendable {
    /// A connection that wants a stream.
    ///
    /// Its callbacks may be called on any thread.
    struct Claimant: Sendable {
        let id: ConnectionID
        /// The stream is this connection's now.
        let granted: @Sendable () -> Void
        /// Another connection has claimed the stream: release it, or, when it is contested, perhaps ``keep(_:by:)`` it.
        let superseded: @Sendable (_ isContested: Bool) -> Void
        /// The holder keeps the stream.
        let refused: @Sendable () -> Void
    }

    /// A stream is contested when holders that were sending media have lost it this often...
    static let takeoversUntilContested = 3
    /// ...within this time: OBS comes back 2 s after it has lost its connection.
    static let contestTime = TimeAmount.seconds(60)

    private struct Entry {
        var holder: Claimant
        var waiting: Claimant?
        /// When holders that were sending media have lost the stream, the latest at the end.
        var takeovers: [NIODeadline] = []

        func isContested(at now: NIODeadline) -> Bool {
            takeovers.count { now - $0 < contestTime } >= takeoversUntilContested
        }
    }

    private let entries = Mutex<[StreamID: Entry]>([:])

    /// Claims a stream, which may take it over from another connection.
    func claim(_ stream: StreamID, by claimant: Claimant, now: NIODeadline) {
        let callbacks = entries.withLock { entries -> [@Sendable () -> Void] in
            guard var entry = entries[stream] else {
                entries[stream] = Entry(holder: claimant)
                return [claimant.granted]
            }
            let earlier = entry.waiting ?? entry.holder
            let isContested = entry.waiting == nil && entry.isContested(at: now)
            entry.waiting = claimant
            entries[stream] = entry
            return [{ earlier.superseded(isContested) }]
        }
        for callback in callbacks { callback() }
    }

    /// Refuses the stream to the connection that waits for it.
    ///
    /// Does nothing for a connection that does not hold the stream.
    func keep(_ stream: StreamID, by id: ConnectionID) {
        let refused = entries.withLock { entries -> (@Sendable () -> Void)? in
            guard entries[stream]?.holder.id == id else { return nil }
            return entries[stream]?.waiting.take()?.refused
        }
        refused?()
    }

    /// Lets go of a stream, or gives up waiting for it.
    ///
    /// Does nothing for a connection that does neither.
    ///
    /// - Parameters:
    ///   - stream: the stream.
    ///   - id: the connection.
    ///   - wasSending: whether it sent media until now, so that it did not go by itself if another one waits.
    ///   - now: the time.
    func release(_ stream: StreamID, by id: ConnectionID, wasSending: Bool = false, now: NIODeadline) {
        let granted = entries.withLock { entries -> (@Sendable () -> Void)? in
            guard var entry = entries[stream] else { return nil }
            if entry.waiting?.id == id {
                entry.waiting = nil
                entries[stream] = entry
                return nil
            }
            guard entry.holder.id == id else { return nil }
            guard let next = entry.waiting else {
                entries[stream] = nil
                return nil
            }
            let takeovers = entry.takeovers.suffix(Self.takeoversUntilContested - 1) + (wasSending ? [now] : [])
            entries[stream] = Entry(holder: next, takeovers: Array(takeovers))
            return next.granted
        }
        granted?()
    }
}
