import LiveStore
import NIOCore

/// A request that waits for what is not there yet.
///
/// Belongs to its connection's event loop.
final class HeldRequest {
    /// What has become of a request.
    enum Settlement {
        case answered(Router.Answer)
        case held(HeldRequest)
    }

    /// Called when the request is to be settled again, with the moment at which it is answered at the latest.
    typealias Resume = (_ ask: Router.Decision<Router.Outcome>, NIODeadline) -> Void

    private let stream: LiveStream
    private let again: Router.Decision<Router.Outcome>
    private let meters: OriginMetrics?
    private let resume: Resume
    /// When it is answered at the latest; whoever holds it calls ``expire()`` then.
    let deadline: NIODeadline
    private var wait: UInt64?

    /// Answers a request, or holds it.
    ///
    /// - Parameters:
    ///   - ask: decides about it.
    ///   - meters: where the wait is noted.
    ///   - deadline: when it is answered at the latest; `nil` before it was held.
    ///   - eventLoop: the connection's.
    ///   - resume: called once if it is held, unless it is cancelled before.
    /// - Returns: the answer, or the request that is held.
    static func settle(
        by ask: Router.Decision<Router.Outcome>,
        _ meters: OriginMetrics?,
        until deadline: NIODeadline?,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) -> Settlement {
        var deadline = deadline
        var outcome = ask(deadline.map { eventLoop.now < $0 } ?? true)
        while true {
            switch outcome {
            case .answer(let answer): return .answered(answer)
            case .hold(let hold, let again):
                let limit = deadline ?? eventLoop.now + hold.longest
                deadline = limit
                if let request = HeldRequest(hold, again, until: limit, meters, on: eventLoop, resume) {
                    return .held(request)
                }
                // It has come in between.
                outcome = again(eventLoop.now < limit)
            }
        }
    }

    private init?(
        _ hold: Router.Hold,
        _ again: @escaping Router.Decision<Router.Outcome>,
        until deadline: NIODeadline,
        _ meters: OriginMetrics?,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) {
        stream = hold.stream
        self.again = again
        self.meters = meters
        self.deadline = deadline
        self.resume = resume
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        wait = stream.wait(for: hold.awaited, on: eventLoop) { bound.value.wake() }
        if wait == nil { return nil }
    }

    /// Lets go of the request: nobody wants its answer any more.
    func cancel() {
        guard let wait else { return }
        self.wait = nil
        stream.cancel(wait)
    }

    /// It has been held for long enough.
    func expire() {
        guard wait != nil else { return }
        cancel()
        resume(again, deadline)
    }

    private func wake() {
        guard wait != nil else { return }
        wait = nil
        meters?.answered(after: .now() - stream.publishedAt)
        resume(again, deadline)
    }
}

@available(*, unavailable)
extension HeldRequest: Sendable {}
