import MediaCore
import Synchronization

/// Who publishes which stream.
///
/// A stream has one holder and at most one connection that waits for it. Whoever claims a stream that is held takes it
/// over: the holder is told to let go, and when it has, the one that waits becomes the holder. So an encoder that
/// reconnects after a cable was pulled need not wait until its half-open connection is noticed.
///
/// Invariants:
/// 1. A connection that was granted a stream is its holder until it releases it; nobody else is granted it meanwhile.
/// 2. Every claim ends in `granted`, in `superseded` or in the claimant's own release.
/// 3. No callback runs under the lock.
final class StreamRegistry: Sendable {
    /// A connection that wants a stream.
    ///
    /// Its callbacks may be called on any thread.
    struct Claimant: Sendable {
        let id: ConnectionID
        /// The stream is this connection's now.
        let granted: @Sendable () -> Void
        /// Another connection has claimed the stream: release it.
        let superseded: @Sendable () -> Void
    }

    private struct Entry {
        var holder: Claimant
        var waiting: Claimant?
    }

    private let entries = Mutex<[StreamID: Entry]>([:])

    /// Claims a stream, which may take it over from another connection.
    func claim(_ stream: StreamID, by claimant: Claimant) {
        let callbacks = entries.withLock { entries -> [@Sendable () -> Void] in
            guard var entry = entries[stream] else {
                entries[stream] = Entry(holder: claimant)
                return [claimant.granted]
            }
            let earlier = entry.waiting ?? entry.holder
            entry.waiting = claimant
            entries[stream] = entry
            return [earlier.superseded]
        }
        for callback in callbacks { callback() }
    }

    /// Lets go of a stream, or gives up waiting for it.
    ///
    /// Does nothing for a connection that does neither.
    func release(_ stream: StreamID, by id: ConnectionID) {
        let granted = entries.withLock { entries -> (@Sendable () -> Void)? in
            guard var entry = entries[stream] else { return nil }
            if entry.waiting?.id == id {
                entry.waiting = nil
                entries[stream] = entry
                return nil
            }
            guard entry.holder.id == id else { return nil }
            entries[stream] = entry.waiting.map { Entry(holder: $0) }
            return entry.waiting?.granted
        }
        granted?()
    }
}
