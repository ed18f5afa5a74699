internal import LiveStore
internal import NIOCore
internal import Recordings
internal import Synchronization

/// Shows parts to viewers when they are in the recording, so that what was listed once is there after a crash.
///
/// The disk's page cache takes a part within a fraction of a millisecond. A disk that takes longer than ``patience`` is not
/// waited for: not for this part, nor for any other until it has caught up.
///
/// Used by the event loop of the live and by the storage's writer, which shows what it has written.
final class ListingGate: Sendable {
    /// How long a part may wait for the disk: less than viewers or the measure of latency would notice.
    static let patience = TimeAmount.milliseconds(20)

    private struct State {
        var newest = 0
        var pending: LiveStream.Snapshot?
        var isSlow = false
        var deadline = NIODeadline.distantFuture
    }

    private let stream: LiveStream
    private let writer: RecordingWriter
    private let state = Mutex(State())

    init(_ stream: LiveStream, _ writer: RecordingWriter) {
        self.stream = stream
        self.writer = writer
    }

    /// Shows a snapshot when what was given to the recording before is written.
    func list(_ snapshot: LiveStream.Snapshot, now: NIODeadline) {
        let number = state.withLock { state in
            state.newest += 1
            if let pending = state.pending {
                // The one before has not been written yet.
                state.isSlow = true
                stream.publish(pending)
            }
            state.pending = state.isSlow ? nil : snapshot
            state.deadline = now + Self.patience
            if state.isSlow { stream.publish(snapshot) }
            return state.newest
        }
        writer.afterwards { self.written(number) }
    }

    /// Shows what has waited for long enough.
    func expire(now: NIODeadline) {
        state.withLock { state in
            guard let pending = state.pending, now >= state.deadline else { return }
            state.pending = nil
            state.isSlow = true
            stream.publish(pending)
        }
    }

    /// Shows what waits, now.
    func release() { expire(now: .distantFuture) }

    /// All up to a snapshot is written or lost.
    ///
    /// Snapshots are shown under the lock, which keeps them in their order; showing one calls nobody, it wakes loops.
    private func written(_ number: Int) {
        state.withLock { state in
            guard number == state.newest else { return }
            state.isSlow = false
            guard let pending = state.pending else { return }
            state.pending = nil
            stream.publish(pending)
        }
    }
}
