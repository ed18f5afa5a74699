import LiveStore
import NIOCore

/// A request that waits for what is not there yet, or for the disk.
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

    /// The live that has what it waits for; `nil` when it waits for the disk.
    private let stream: LiveStream?
    private let again: Router.Decision<Router.Outcome>
    private let meters: OriginMetrics?
    private let resume: Resume
    /// When it is answered at the latest; whoever holds it calls ``expire()`` then.
    let deadline: NIODeadline
    private var wait: UInt64?
    private var isLoading = false

    /// Answers a request, or holds it.
    ///
    /// - Parameters:
    ///   - outcome: what was decided about it.
    ///   - router: where waits are noted, and the disk is.
    ///   - deadline: when it is answered at the latest; `nil` before it was held.
    ///   - eventLoop: the connection's.
    ///   - resume: called once if it is held, unless it is cancelled before.
    /// - Returns: the answer, or the request that is held.
    static func settle(
        _ outcome: Router.Outcome,
        _ router: Router,
        until deadline: NIODeadline?,
        on eventLoop: any EventLoop,
        _ resume: @escaping Resume
    ) -> Settlement {
        var deadline = deadline
        var outcome = outcome
        while true {
            switch outcome {
            case .answer(let answer): return .answered(answer)
            case .hold(let hold, let again):
                let limit = deadline ?? eventLoop.now + hold.longest
                deadline = limit
                let request = HeldRequest(hold.stream, again, until: limit, router.meters, resume)
                if request.begin(hold, on: eventLoop) { return .held(request) }
                // It has come in between.
                outcome = again(eventLoop.now < limit)
            case .load(let load, let again):
                let limit = eventLoop.now + Router.Load.longest
                let request = HeldRequest(nil, { _ in again(.failed) }, until: limit, nil, resume)
                if request.begin(load, again, by: router, on: eventLoop) { return .held(request) }
                outcome = again(.failed)
            case .consult(let consultation):
                let limit = eventLoop.now + Router.Load.longest
                let request = HeldRequest(nil, { _ in consultation.failure() }, until: limit, nil, resume)
                if request.begin(consultation, by: router, on: eventLoop) { return .held(request) }
                outcome = consultation.failure()
            case .commission(let commission):
                let limit = eventLoop.now + commission.longest
                let request = HeldRequest(nil, { _ in commission.expiry() }, until: limit, nil, resume)
                request.begin(commission, on: eventLoop)
                return .held(request)
            }
        }
    }

    private init(
        _ stream: LiveStream?,
        _ again: @escaping Router.Decision<Router.Outcome>,
        until deadline: NIODeadline,
        _ meters: OriginMetrics?,
        _ resume: @escaping Resume
    ) {
        self.stream = stream
        self.again = again
        self.meters = meters
        self.deadline = deadline
        self.resume = resume
    }

    /// Begins to wait for a live; false when there is nothing to wait for.
    private func begin(_ hold: Router.Hold, on eventLoop: any EventLoop) -> Bool {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        wait = hold.stream.wait(for: hold.awaited, on: eventLoop) { bound.value.wake() }
        return wait != nil
    }

    /// Begins to wait for the disk; false when that has too much to do.
    private func begin(
        _ load: Router.Load,
        _ again: @escaping @Sendable (Router.Loaded) -> Router.Outcome,
        by router: Router,
        on eventLoop: any EventLoop
    ) -> Bool {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        isLoading = router.loadedSegments.load(load, by: router.disk) { loaded in
            eventLoop.execute { bound.value.settle { _ in again(loaded) } }
        }
        return isLoading
    }

    /// Begins to wait for what blocks; false when the disk has too much to do.
    private func begin(
        _ consultation: Consultation<Router.Outcome>,
        by router: Router,
        on eventLoop: any EventLoop
    ) -> Bool {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        isLoading = router.disk.consult(consultation) { outcome in
            eventLoop.execute { bound.value.settle { _ in outcome } }
        }
        return isLoading
    }

    /// Begins to wait for what somebody makes.
    private func begin(_ commission: Commission<Router.Outcome>, on eventLoop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        isLoading = true
        commission.begin { outcome in
            eventLoop.execute { bound.value.settle { _ in outcome } }
        }
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
        guard wait != nil || isLoading else { return }
        cancel()
        resume(again, deadline)
    }

    private func wake() {
        guard wait != nil else { return }
        wait = nil
        if let stream { meters?.answered(after: .now() - stream.publishedAt) }
        resume(again, deadline)
    }

    /// The disk has answered.
    private func settle(_ again: @escaping Router.Decision<Router.Outcome>) {
        guard isLoading else { return }
        isLoading = false
        resume(again, deadline)
    }
}

@available(*, unavailable)
extension HeldRequest: Sendable {}
