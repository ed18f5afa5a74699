internal import Synchronization

/// A value that changes, and those who wait for it to become what they want.
///
/// Waiting is woken by the change itself: nothing looks at the value on a timer.
final class Observed<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var nextWaiter = 0
        /// Each looks at a new value and, when it is the wanted one, hands back what wakes its task.
        var waiters: [Int: Waiter] = [:]
    }

    private struct Waiter: Sendable {
        let look: @Sendable (Value) -> (@Sendable () -> Void)?
        let cancel: @Sendable () -> Void
    }

    private let state: Mutex<State>

    init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    var value: Value { state.withLock { $0.value } }

    func update(_ change: (inout Value) -> Void) {
        let wake = state.withLock { state in
            change(&state.value)
            var wake: [@Sendable () -> Void] = []
            for (number, waiter) in state.waiters {
                guard let resume = waiter.look(state.value) else { continue }
                wake.append(resume)
                state.waiters[number] = nil
            }
            return wake
        }
        for resume in wake { resume() }
    }

    /// Lets a waiter wait, or hands back what wakes it at once.
    private func register(_ waiter: Waiter, _ number: Int) -> (@Sendable () -> Void)? {
        state.withLock { state in
            if let resume = waiter.look(state.value) { return resume }
            if Task.isCancelled { return waiter.cancel }
            state.waiters[number] = waiter
            return nil
        }
    }

    /// The first result that `find` makes of the value, now or after a change.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    func first<Result: Sendable>(_ find: @escaping @Sendable (Value) -> Result?) async throws -> Result {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
                let waiter = Waiter(
                    look: { value in
                        guard let result = find(value) else { return nil }
                        return { continuation.resume(returning: result) }
                    },
                    cancel: { continuation.resume(throwing: CancellationError()) }
                )
                register(waiter, number)?()
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.cancel()
        }
    }
}

/// Something did not happen in time.
public struct DeadlineExceeded: Error, CustomStringConvertible {
    /// What was waited for, and what was seen instead.
    public let description: String
}

/// Runs an operation that is given up after a while.
///
/// - Parameters:
///   - limit: how long it may take.
///   - what: names what is waited for; asked only when the time is over.
///   - operation: must end soon after its task is cancelled.
/// - Returns: what the operation returns.
/// - Throws: ``DeadlineExceeded``, or what the operation throws.
public func withDeadline<Result: Sendable>(
    _ limit: Duration,
    _ what: @escaping @Sendable () -> String,
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask(operation: operation)
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlineExceeded(description: "\(what()) after \(limit)")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
