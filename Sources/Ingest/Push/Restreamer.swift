import Logging
import MediaCore
import NIOCore
import Synchronization

/// Pushes lives to other servers: which ones where, from the beginning of each live to its end.
///
/// A live whose encoder has gone keeps its pushes for as long as it waits for the encoder.
final class Restreamer: RelayObserver, RestreamDirectory {
    private struct Push {
        let stop: EventLoopPromise<Void>
        let done: EventLoopFuture<Void>
        var status: RestreamStatus?
    }

    private struct Live {
        var pushes: [PushTarget: Push] = [:]
        /// Set while the encoder is gone.
        var giveUp: Scheduled<Void>?
    }

    private struct State {
        var targets: [StreamID: [PushTarget]] = [:]
        var lives: [StreamID: Live] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())
    private let group: any EventLoopGroup
    private let makeEnvironment: @Sendable (RelayHub) -> RestreamPush.Environment
    private let encoderReturnTimeout: TimeAmount

    /// A restreamer without targets.
    ///
    /// - Parameters:
    ///   - group: whose loops the pushes run on.
    ///   - encoderReturnTimeout: how long a live waits for its encoder.
    ///   - makeEnvironment: what the pushes from a hub use.
    init(
        group: any EventLoopGroup,
        encoderReturnTimeout: TimeAmount,
        makeEnvironment: @escaping @Sendable (RelayHub) -> RestreamPush.Environment
    ) {
        self.group = group
        self.encoderReturnTimeout = encoderReturnTimeout
        self.makeEnvironment = makeEnvironment
    }

    func restreams(of stream: StreamID) -> [RestreamStatus] {
        state.withLock { $0.lives[stream]?.pushes.values.compactMap(\.status) ?? [] }.sorted { $0.target < $1.target }
    }

    // MARK: - What changes

    /// Takes other targets from now on, also for the lives that run.
    func set(_ targets: [StreamID: [PushTarget]], relays: RelayHub) {
        state.withLock { $0.targets = targets }
        for stream in state.withLock({ Array($0.lives.keys) }) { adjust(stream, relays) }
    }

    func began(_ stream: StreamID, on relays: RelayHub) {
        state.withLock { state in
            var live = state.lives[stream] ?? Live()
            live.giveUp?.cancel()
            live.giveUp = nil
            state.lives[stream] = live
        }
        adjust(stream, relays)
    }

    func interrupted(_ stream: StreamID, on relays: RelayHub) {
        state.withLock { state in
            guard state.lives[stream] != nil else { return }
            state.lives[stream]?.giveUp?.cancel()
            state.lives[stream]?.giveUp = group.next().scheduleTask(in: encoderReturnTimeout) { self.end(stream) }
        }
    }

    func ended(_ stream: StreamID, on relays: RelayHub) { end(stream) }

    /// Ends every push and begins no more.
    ///
    /// - Returns: done when the last connection has ended.
    func shutDown() async {
        let streams = state.withLock { state in
            state.isStopped = true
            return Array(state.lives.keys)
        }
        for stream in streams { for push in end(stream) { try? await push.get() } }
    }

    // MARK: - Pushes

    @discardableResult
    private func end(_ stream: StreamID) -> [EventLoopFuture<Void>] {
        let live = state.withLock { $0.lives.removeValue(forKey: stream) }
        live?.giveUp?.cancel()
        let pushes = live.map { Array($0.pushes.values) } ?? []
        for push in pushes { push.stop.succeed() }
        return pushes.map(\.done)
    }

    /// Begins the pushes that a live should have, and ends those that it should not.
    private func adjust(_ stream: StreamID, _ relays: RelayHub) {
        let (begun, ended) = state.withLock { state -> ([(PushTarget, Push, EventLoopPromise<Void>)], [Push]) in
            guard !state.isStopped, var live = state.lives[stream] else { return ([], []) }
            let wanted = state.targets[stream] ?? []
            let unwanted = live.pushes.filter { !wanted.contains($0.key) }
            for target in unwanted.keys { live.pushes[target] = nil }
            var begun: [(PushTarget, Push, EventLoopPromise<Void>)] = []
            for target in wanted where live.pushes[target] == nil {
                let eventLoop = group.next()
                let done = eventLoop.makePromise(of: Void.self)
                let push = Push(stop: eventLoop.makePromise(), done: done.futureResult)
                live.pushes[target] = push
                begun.append((target, push, done))
            }
            state.lives[stream] = live
            return (begun, Array(unwanted.values))
        }
        for push in ended { push.stop.succeed() }
        for (target, push, done) in begun { begin(stream, target, push, done, relays) }
    }

    private func begin(
        _ stream: StreamID,
        _ target: PushTarget,
        _ push: Push,
        _ done: EventLoopPromise<Void>,
        _ relays: RelayHub
    ) {
        let eventLoop = done.futureResult.eventLoop
        eventLoop.execute {
            let restream = RestreamPush(
                stream,
                to: target,
                self.makeEnvironment(relays),
                on: eventLoop,
                report: { status in self.state.withLock { $0.lives[stream]?.pushes[target]?.status = status } },
                done: done
            )
            push.stop.futureResult.assumeIsolated().whenSuccess { restream.stop() }
            restream.connect()
        }
    }
}
