internal import Synchronization

/// Something that blocks, such as a look at the disk, and what becomes of a request with its result.
///
/// It is done by one of the ``DiskReader``'s threads while the request is held, and is to be short: the threads are few, and
/// segments are read by them as well.
struct Consultation<Result: Sendable>: Sendable {
    /// Blocks, off the event loops, and says how the request goes on.
    let work: @Sendable () -> Result
    /// How the request goes on when too many wait for the disk, or it gives no answer; the work may be done nevertheless.
    let failure: @Sendable () -> Result

    /// The same, with something else made of its result.
    func map<Next: Sendable>(_ transform: @escaping @Sendable (Result) -> Next) -> Consultation<Next> {
        let (work, failure) = (work, failure)
        return Consultation<Next>(work: { transform(work()) }, failure: { transform(failure()) })
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
