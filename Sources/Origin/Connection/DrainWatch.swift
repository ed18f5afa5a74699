import NIOCore

/// When a drain is over: at once if nobody is there and has been there of late, else when nobody has been there for a while.
struct DrainProgress {
    /// What to do next.
    enum Action: Hashable, Sendable {
        case wait
        /// Call ``quietTimeElapsed(_:)`` with this number when the quiet time is over.
        case startQuietTime(Int)
        case finish
    }

    private var hasSeenConnections = false
    private var isQuiet = false
    /// Tells the quiet times apart: one that a new connection broke counts for nothing.
    private var quietTimes = 0

    /// A drain that begins.
    ///
    /// - Parameter hasHadVisitors: whether somebody was there a moment ago. Players that use a connection for each request are
    ///   there between two of them as well.
    init(hasHadVisitors: Bool) { hasSeenConnections = hasHadVisitors }

    /// So many connections are open.
    mutating func connectionsChanged(to count: Int) -> Action {
        guard count == 0 else {
            hasSeenConnections = true
            isQuiet = false
            return .wait
        }
        guard hasSeenConnections else { return .finish }
        guard !isQuiet else { return .wait }
        isQuiet = true
        quietTimes += 1
        return .startQuietTime(quietTimes)
    }

    /// The quiet time of this number is over.
    func quietTimeElapsed(_ number: Int) -> Action { isQuiet && number == quietTimes ? .finish : .wait }
}

/// Performs a drain's waiting on one event loop.
final class DrainWatch {
    private var progress: DrainProgress
    private let eventLoop: any EventLoop
    private let quietTime: TimeAmount
    private let count: () -> Int
    private var finished: EventLoopPromise<Void>?

    /// Waits until the drain is over, at most for `time`.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop to wait on; the one this is called on.
    ///   - quietTime: how long nobody must have been connected.
    ///   - time: the longest wait.
    ///   - hasHadVisitors: whether somebody was there a moment ago.
    ///   - count: the open connections now. Asked again with each change instead of being sent along: changes come from
    ///     several threads and may overtake each other.
    ///   - finished: kept when the drain is over.
    init(
        on eventLoop: any EventLoop,
        quietTime: TimeAmount,
        within time: TimeAmount,
        hasHadVisitors: Bool,
        count: @escaping () -> Int,
        finished: EventLoopPromise<Void>
    ) {
        progress = DrainProgress(hasHadVisitors: hasHadVisitors)
        self.eventLoop = eventLoop
        self.quietTime = quietTime
        self.count = count
        self.finished = finished
        eventLoop.assumeIsolated().scheduleTask(in: time) { self.perform(.finish) }
    }

    /// The number of open connections has changed.
    func connectionsChanged() { perform(progress.connectionsChanged(to: count())) }

    private func perform(_ action: DrainProgress.Action) {
        switch action {
        case .wait: break
        case .startQuietTime(let number):
            eventLoop.assumeIsolated().scheduleTask(in: quietTime) {
                self.perform(self.progress.quietTimeElapsed(number))
            }
        case .finish:
            finished?.succeed()
            finished = nil
        }
    }
}

@available(*, unavailable)
extension DrainWatch: Sendable {}
