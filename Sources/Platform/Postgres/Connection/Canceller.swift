internal import CLibPQ
internal import Synchronization

/// Ends what a connection's server does for one unit of work, from any thread.
///
/// The lock is held while the server is asked to: the connection cannot begin with other work, which would be hit instead, nor be
/// closed. The work that waits for the lock is the one that is being ended.
final class Canceller: Sendable {
    /// `PQcancel` may be called from any thread, on a handle that the connection does not change (PostgreSQL 15, 34.7).
    private struct Handle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private struct State {
        var handle: Handle?
        /// The unit of work that the connection does now.
        var current: UInt64?
    }

    private let state: Mutex<State>

    init(_ connection: OpaquePointer) {
        state = Mutex(State(handle: PQgetCancel(connection).map { Handle(pointer: $0) }))
    }

    /// The connection begins with a unit.
    func begin(_ unit: UInt64) { state.withLock { $0.current = unit } }

    /// The connection has done its unit; waits for a cancellation that is under way.
    func end() { state.withLock { $0.current = nil } }

    /// The connection is about to be closed.
    func close() {
        state.withLock { state in
            if let handle = state.handle { PQfreeCancel(handle.pointer) }
            state.handle = nil
        }
    }

    /// Asks the server to end the statement of a unit, if that unit is still at work; blocks for a connection to the server.
    ///
    /// - Returns: whether the unit is at work. The request may have come between two statements of it: ask again then.
    func cancel(_ unit: UInt64) -> Bool {
        state.withLock { state in
            guard state.current == unit, let handle = state.handle else { return false }
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                // What went wrong is of no use: either the server is gone, which the work sees too, or the next request helps.
                _ = PQcancel(handle.pointer, message.baseAddress, Int32(message.count))
            }
            return true
        }
    }
}
