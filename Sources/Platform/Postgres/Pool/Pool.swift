internal import Dispatch
internal import Logging
internal import NIOCore
internal import Synchronization

/// Performs what ``PoolState`` decides.
final class Pool: Sendable {
    private struct State {
        var pool: PoolState
        /// Those that wait and those at work.
        var units: [UInt64: UnitOfWork] = [:]
        /// Which thread does which unit.
        var threads: [UInt64: Int] = [:]
        var started: Set<Int> = []
        var isTimerSet = false
    }

    private let threads: [ConnectionThread]
    private let logger: Logger
    private let state: Mutex<State>
    private let ids = Atomic<UInt64>(0)
    private let ended = DispatchGroup()
    private let timer = DispatchQueue(label: "postgres.pool")

    init(_ configuration: DatabaseConfiguration, logger: Logger) {
        let size = max(1, configuration.poolSize)
        let timeout = TimeAmount.milliseconds(configuration.acquireTimeout.milliseconds)
        state = Mutex(State(pool: PoolState(size: size, acquireTimeout: timeout)))
        threads = (0..<size).map { ConnectionThread(index: $0, configuration: configuration, logger: logger) }
        self.logger = logger
    }

    func nextIdentifier() -> UInt64 { ids.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Submits a unit of the current task.
    func submit(_ unit: UnitOfWork) {
        let steps: [Step]? = state.withLock { state in
            // A task that is cancelled later finds the unit here.
            if Task.isCancelled { return nil }
            state.units[unit.id] = unit
            return state.pool.submitted(unit.id, now: .now()).compactMap { step(for: $0, &state) }
        }
        guard let steps else { return unit.refuse(.cancelled) }
        perform(steps)
        setTimer()
    }

    /// The task of a unit does not want it any more.
    func cancel(_ id: UInt64) {
        guard let unit = state.withLock({ $0.units[id] }) else { return }
        unit.cancel()
        change { $0.cancelled(id) }
        // Not in the same step: the thread may have begun in between.
        if let thread = state.withLock({ $0.threads[id] }) { threads[thread].cancel(unit) }
    }

    var waitingCount: Int { state.withLock { $0.pool.waitingCount } }
    var isBusy: Bool { state.withLock { !$0.threads.isEmpty } }

    func shutDown() { change { $0.shutDown() } }

    /// Waits for the end of all threads.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            ended.notify(queue: timer) { continuation.resume() }
        }
    }

    // MARK: What threads report

    func mayConnect(_ thread: Int) -> DatabaseError? {
        state.withLock { $0.pool.mayConnect(thread, now: .now()) }
    }

    func connected(_ thread: Int) { change { $0.connected(thread, now: .now()) } }

    func connectFailed(_ thread: Int, _ error: DatabaseError) {
        let why = if case .unavailable(let why) = error { why } else { error.description }
        logger.warning("database connection refused", metadata: ["error.message": "\(why)"])
        let jitter = Double.random(in: 0...1)
        state.withLock { $0.pool.connectFailed(thread, why: why, now: .now(), jitter: jitter) }
    }

    func finished(_ thread: Int, isConnected: Bool) {
        change(forgetting: thread) { $0.finished(thread, isConnected: isConnected, now: .now()) }
    }

    // MARK: Performing

    private enum Step {
        case start(UnitOfWork, ConnectionThread, isNew: Bool)
        case refuse(UnitOfWork, DatabaseError)
        case stop(ConnectionThread)
    }

    /// Tells the machine what happened, and does what it wants outside of the lock.
    private func change(forgetting thread: Int? = nil, _ event: (inout PoolState) -> [PoolState.Action]) {
        let steps = state.withLock { state in
            if let thread, let done = state.threads.first(where: { $0.value == thread })?.key {
                state.threads[done] = nil
                state.units[done] = nil
            }
            return event(&state.pool).compactMap { step(for: $0, &state) }
        }
        perform(steps)
    }

    private func perform(_ steps: [Step]) {
        for step in steps {
            switch step {
            case .refuse(let unit, let error): unit.refuse(error)
            case .stop(let thread): thread.stop()
            case .start(let unit, let thread, let isNew):
                if isNew {
                    ended.enter()
                    thread.start(self) { [ended] in ended.leave() }
                }
                thread.assign(unit)
            }
        }
    }

    private func step(for action: PoolState.Action, _ state: inout State) -> Step? {
        switch action {
        case .start(let id, let thread):
            guard let unit = state.units[id] else { return nil }
            state.threads[id] = thread
            return .start(unit, threads[thread], isNew: state.started.insert(thread).inserted)
        case .refuse(let id, let error):
            return state.units.removeValue(forKey: id).map { .refuse($0, error) }
        case .stop(let thread): return .stop(threads[thread])
        }
    }

    /// Wakes up when the first of those that wait has waited too long: all wait equally long, so it is the first one.
    private func setTimer() {
        let deadline = state.withLock { state -> NIODeadline? in
            guard !state.isTimerSet, let deadline = state.pool.nextDeadline else { return nil }
            state.isTimerSet = true
            return deadline
        }
        guard let deadline else { return }
        timer.asyncAfter(deadline: DispatchTime(uptimeNanoseconds: deadline.uptimeNanoseconds)) { [weak self] in
            guard let self else { return }
            state.withLock { $0.isTimerSet = false }
            change { $0.timePassed(now: .now()) }
            setTimer()
        }
    }
}
