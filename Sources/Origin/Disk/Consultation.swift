internal import Synchronization

/// Something that blocks, such as a look at the disk, and what becomes of a request with its result.
///
/// It is done by one of the ``DiskReader``'s threads while the request is held, and is to be short: the threads are few, and
/// segments are read by them as well.
struct Consultation<Result: Sendable>: Sendable {
    /// What is done, and says how the request goes on.
    enum Work: Sendable {
        /// Something that blocks, off the event loops.
        case blocking(@Sendable () -> Result)
        /// Something that waits without a thread, such as for a store.
        case waiting(@Sendable () async -> Result)
    }

    /// What is done.
    let work: Work
    /// How the request goes on when too many wait for the disk, or it gives no answer; the work may be done nevertheless.
    let failure: @Sendable () -> Result

    /// Something that blocks.
    init(work: @escaping @Sendable () -> Result, failure: @escaping @Sendable () -> Result) {
        self.work = .blocking(work)
        self.failure = failure
    }

    /// Something that waits without a thread.
    init(waiting work: @escaping @Sendable () async -> Result, failure: @escaping @Sendable () -> Result) {
        self.work = .waiting(work)
        self.failure = failure
    }

    /// The same, with something else made of its result.
    func map<Next: Sendable>(_ transform: @escaping @Sendable (Result) -> Next) -> Consultation<Next> {
        let failure = failure
        return switch work {
        case .blocking(let work):
            Consultation<Next>(work: { transform(work()) }, failure: { transform(failure()) })
        case .waiting(let work):
            Consultation<Next>(waiting: { transform(await work()) }, failure: { transform(failure()) })
        }
    }
}

/// How many consultations wait or are under way.
final class ConsultationCount: Sendable {
    /// A quarter of a second of a slow disk, which does some thousand seeks a second; what is more would only wait for longer.
    static let usualLimit = 256

    private let limit: Int
    private let count = Atomic(0)

    /// None yet; so many at most.
    init(limit: Int = usualLimit) { self.limit = limit }

    /// Counts one in, if there is room.
    func admit() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            release()
            return false
        }
        return true
    }

    /// Counts one out that was admitted.
    func release() { count.subtract(1, ordering: .relaxed) }
}
