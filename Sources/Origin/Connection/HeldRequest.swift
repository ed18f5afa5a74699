import LiveStore
import NIOCore
import NIOHTTP1

/// A request that waits for what is not there yet, or for the disk.
///
/// Belongs to its connection's event loop.
final class HeldRequest {
    /// What has become of a request.
    enum Settlement {
        case answered(Router.Answer)
        case held(HeldRequest)
    }

    /// Called when the request is to be settled again, with the moment at which it is answered at the latest and what was
    /// loaded for it.
    typealias Resume = (NIODeadline, Router.Loaded?) -> Void

    /// The live that has what it waits for; `nil` when it waits for the disk.
    private let stream: LiveStream?
    private let meters: OriginMetrics?
    private let resume: Resume
    /// When it is answered at the latest; whoever holds it calls ``expire()`` then.
    let deadline: NIODeadline
    private var wait: UInt64?
    private var isLoading = false

    /// Answers a request, or holds it.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - router: decides about it.
    ///   - peerAddress: who asks.
    ///   - deadline: when it is answered at the latest; `nil` before it was held.
    ///   - loaded: what was loaded for it.
    ///   - eventLoop: the connection's.
    ///   - resume: called once if it is held, unless it is cancelled before.
    /// - Returns: the answer, or the request that is held.
    static func settle(
        _ head: HTTPRequestHead,
        by router: Router,
        for peerAddress: String,
        until deadline: NIODeadline?,
        with loaded: Router.Loaded? = nil,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) -> Settlement {
        var (deadline, loaded) = (deadline, loaded)
        while true {
            let mayHold = deadline.map { eventLoop.now < $0 } ?? true
            switch router.outcome(of: head, from: peerAddress, mayHold: mayHold, loaded: loaded) {
            case .answer(let answer): return .answered(answer)
            case .load(let load):
                let request = HeldRequest(until: eventLoop.now + Router.Load.longest, resume)
                if request.begin(load, by: router, on: eventLoop) { return .held(request) }
                loaded = .failed
            case .hold(let hold):
                let limit = deadline ?? eventLoop.now + hold.longest
                deadline = limit
                // It may have come in between.
                if let request = HeldRequest(hold, until: limit, router.meters, on: eventLoop, resume) {
                    return .held(request)
                }
            }
        }
    }

    private init?(
        _ hold: Router.Hold,
        until deadline: NIODeadline,
        _ meters: OriginMetrics?,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) {
        stream = hold.stream
        self.meters = meters
        self.deadline = deadline
        self.resume = resume
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        wait = hold.stream.wait(for: hold.awaited, on: eventLoop) { bound.value.wake() }
        if wait == nil { return nil }
    }

    /// A request that is to wait for the disk.
    private init(until deadline: NIODeadline, _ resume: @escaping Resume) {
        stream = nil
        meters = nil
        self.deadline = deadline
        self.resume = resume
    }

    /// Begins to wait for the disk; false when it has too much to do.
    private func begin(_ load: Router.Load, by router: Router, on eventLoop: any EventLoop) -> Bool {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        isLoading = router.loadedSegments.load(load, by: router.disk) { loaded in
            eventLoop.execute { bound.value.finishLoading(loaded) }
        }
        return isLoading
    }

    private func finishLoading(_ loaded: Router.Loaded) {
        guard isLoading else { return }
        isLoading = false
        resume(deadline, loaded)
    }

    /// Lets go of the request: nobody wants its answer any more.
    func cancel() {
        isLoading = false
        guard let wait else { return }
        self.wait = nil
        stream?.cancel(wait)
    }

    /// It has been held for long enough.
    func expire() {
        finishLoading(.failed)
        guard wait != nil else { return }
        cancel()
        resume(deadline, nil)
    }

    private func wake() {
        guard wait != nil else { return }
        wait = nil
        if let stream { meters?.answered(after: .now() - stream.publishedAt) }
        resume(deadline, nil)
    }
}

@available(*, unavailable)
extension HeldRequest: Sendable {}
