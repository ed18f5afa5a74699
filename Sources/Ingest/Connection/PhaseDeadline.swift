import NIOCore

/// How long a connection may go on in the phase that it is in.
///
/// One timer for each timeout, not one for each read: what a peer sends moves the deadline without touching the timer.
final class PhaseDeadline {
    private(set) var phase: ConnectionEnd.Phase
    private var deadline: NIODeadline
    private var check: Scheduled<Void>?
    private var isCancelled = false
    private let eventLoop: any EventLoop
    private let look: (_ isOver: Bool) -> Void

    /// Begins with a first phase.
    ///
    /// - Parameters:
    ///   - phase: the phase and what it allows.
    ///   - eventLoop: the connection's loop.
    ///   - look: called each time the deadline may have passed, and whether it has; a connection that is not ended then has
    ///     the phase's time again.
    init(_ phase: ConnectionEnd.Phase, on eventLoop: any EventLoop, look: @escaping (_ isOver: Bool) -> Void) {
        self.phase = phase
        self.eventLoop = eventLoop
        self.look = look
        deadline = eventLoop.now + phase.allowed
        schedule()
    }

    /// Begins another phase.
    func enter(_ phase: ConnectionEnd.Phase) {
        self.phase = phase
        deadline = eventLoop.now + phase.allowed
        schedule()
    }

    /// The peer has shown that it is there: the phase's time begins anew.
    func extend() { deadline = eventLoop.now + phase.allowed }

    /// Looks no more.
    func cancel() {
        isCancelled = true
        check?.cancel()
    }

    private func schedule() {
        check?.cancel()
        check = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.check = nil
            let isOver = self.eventLoop.now >= self.deadline
            self.look(isOver)
            guard !self.isCancelled, self.check == nil else { return }
            if isOver { self.extend() }
            self.schedule()
        }
    }
}

/// Bound to the connection's event loop.
@available(*, unavailable)
extension PhaseDeadline: Sendable {}

extension ConnectionEnd.Phase {
    fileprivate var allowed: TimeAmount {
        switch self {
        case .handshake(let allowed), .publish(let allowed), .media(let allowed), .play(let allowed),
            .encoderGone(let allowed):
            allowed
        }
    }
}
