internal import NIOCore

/// Which unit of work has which connection next, and when a connection may be made.
///
/// Each worker is a thread with one connection at most.
///
/// ```
///             start                       finished
///   idle --------------> busy ------------------------> idle
///                         |  ^
///     mayConnect == true  v  |  connected, connectFailed
///                       connecting
/// ```
///
/// Connections are made while the server is `up`. After one that could not be made it is `down`: one attempt is allowed when the
/// back-off is over (`probing`), and its outcome decides for all. Connections that live go on being used all the while: a server
/// that has no connection to give still answers those that it has.
///
/// Invariants:
/// 1. Units start in the order in which they were submitted.
/// 2. A unit is waiting, or started once, or refused once.
/// 3. No unit waits while a worker is idle that is connected, or that may connect.
/// 4. No unit waits when no worker is busy: it would wait for nobody.
struct PoolState {
    enum Action: Equatable {
        /// A worker, which is idle, begins with a unit.
        case start(unit: UInt64, worker: Int)
        /// A unit will not be done.
        case refuse(unit: UInt64, DatabaseError)
        /// A worker ends its thread.
        case stop(worker: Int)
    }

    private struct Worker {
        var isBusy = false
        var isConnected = false
    }

    private enum Server {
        case up
        case down(retry: NIODeadline, failures: Int, why: String)
        /// A worker makes the one attempt.
        case probing(worker: Int, failures: Int, why: String)
    }

    private struct Waiter {
        let unit: UInt64
        let deadline: NIODeadline
    }

    /// How many units may wait: each is some memory, and the last would come after its deadline anyway.
    static let maximumWaiting = 10_000
    /// The back-off after the first failure; each further one doubles it.
    static let firstBackOff: TimeAmount = .milliseconds(50)
    /// The longest back-off.
    static let longestBackOff: TimeAmount = .seconds(2)

    private let acquireTimeout: TimeAmount
    private var workers: [Worker]
    private var server = Server.up
    private var waiting = CircularBuffer<Waiter>()
    private var isShutDown = false

    init(size: Int, acquireTimeout: TimeAmount) {
        workers = Array(repeating: Worker(), count: max(1, size))
        self.acquireTimeout = acquireTimeout
    }

    /// The moment when the first of those that wait has waited too long.
    var nextDeadline: NIODeadline? { waiting.first?.deadline }
    var waitingCount: Int { waiting.count }

    // MARK: Events

    mutating func submitted(_ unit: UInt64, now: NIODeadline) -> [Action] {
        if isShutDown { return [.refuse(unit: unit, .shutDown)] }
        guard waiting.count < Self.maximumWaiting else { return [.refuse(unit: unit, .acquireTimeout)] }
        waiting.append(Waiter(unit: unit, deadline: now + acquireTimeout))
        return advance(now)
    }

    /// A task does not wait any more.
    mutating func cancelled(_ unit: UInt64) -> [Action] {
        guard let index = waiting.firstIndex(where: { $0.unit == unit }) else { return [] }
        waiting.remove(at: index)
        return [.refuse(unit: unit, .cancelled)]
    }

    mutating func timePassed(now: NIODeadline) -> [Action] {
        var actions: [Action] = []
        while let first = waiting.first, first.deadline <= now {
            waiting.removeFirst()
            actions.append(.refuse(unit: first.unit, .acquireTimeout))
        }
        return actions
    }

    /// A busy worker has no connection, or lost it.
    ///
    /// - Returns: why it may not make one now; `nil` when it may.
    mutating func mayConnect(_ worker: Int, now: NIODeadline) -> DatabaseError? {
        workers[worker].isConnected = false
        switch server {
        case .up: return nil
        case .probing(let prober, _, let why): return prober == worker ? nil : .unavailable(why)
        case .down(let retry, let failures, let why):
            guard now >= retry else { return .unavailable(why) }
            server = .probing(worker: worker, failures: failures, why: why)
            return nil
        }
    }

    mutating func connected(_ worker: Int, now: NIODeadline) -> [Action] {
        workers[worker].isConnected = true
        server = .up
        return advance(now)
    }

    /// A connection could not be made.
    ///
    /// The jitter is from 0 to 1; makes the back-off up to half as long, so that servers of one database do not knock together.
    mutating func connectFailed(_ worker: Int, why: String, now: NIODeadline, jitter: Double) {
        let failures: Int
        switch server {
        case .up: failures = 1
        case .probing(worker, let before, _): failures = before + 1
        case .probing, .down: return
        }
        let doubled = Self.firstBackOff.nanoseconds << min(failures - 1, 10)
        let longest = min(doubled, Self.longestBackOff.nanoseconds)
        let wait = Double(longest) * (1 - min(max(jitter, 0), 1) / 2)
        server = .down(retry: now + .nanoseconds(Int64(wait)), failures: failures, why: why)
    }

    mutating func finished(_ worker: Int, isConnected: Bool, now: NIODeadline) -> [Action] {
        workers[worker] = Worker(isBusy: false, isConnected: isConnected)
        // The worker that was let through to try may have been cancelled before it did.
        if case .probing(worker, let failures, let why) = server {
            server = .down(retry: now, failures: failures, why: why)
        }
        return isShutDown ? [.stop(worker: worker)] : advance(now)
    }

    mutating func shutDown() -> [Action] {
        guard !isShutDown else { return [] }
        isShutDown = true
        let refused = waiting.map { Action.refuse(unit: $0.unit, .shutDown) }
        waiting.removeAll()
        return refused + workers.indices.filter { !workers[$0].isBusy }.map { Action.stop(worker: $0) }
    }

    // MARK: Steps

    private mutating func advance(_ now: NIODeadline) -> [Action] {
        var actions: [Action] = []
        while let first = waiting.first {
            if let worker = nextWorker(now) {
                workers[worker].isBusy = true
                actions.append(.start(unit: first.unit, worker: worker))
            } else if workers.contains(where: \.isBusy) {
                break
            } else {
                actions.append(.refuse(unit: first.unit, .unavailable(reason)))
            }
            waiting.removeFirst()
        }
        return actions
    }

    private mutating func nextWorker(_ now: NIODeadline) -> Int? {
        if let worker = workers.firstIndex(where: { !$0.isBusy && $0.isConnected }) { return worker }
        guard let worker = workers.firstIndex(where: { !$0.isBusy }) else { return nil }
        switch server {
        case .up: return worker
        case .down(let retry, let failures, let why) where now >= retry:
            server = .probing(worker: worker, failures: failures, why: why)
            return worker
        case .down, .probing: return nil
        }
    }

    private var reason: String {
        switch server {
        case .up: "no connection"
        case .down(_, _, let why), .probing(_, _, let why): why
        }
    }
}
