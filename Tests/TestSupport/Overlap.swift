internal import Foundation
internal import Synchronization

/// Runs closures at the same time, each on a thread of its own, all let go at the same moment.
///
/// Tasks would not do: the pool that they share has no more threads than the machine has cores, and other tests use it.
///
/// - Parameter bodies: what to run.
/// - Returns: the results in the order of the bodies.
public func overlapping<Result: Sendable>(_ bodies: [@Sendable () -> Result]) async -> [Result] {
    let missing = Countdown(bodies.count)
    let results = Observed<[Int: Result]>([:])
    for (index, body) in bodies.enumerated() {
        let thread = Thread {
            missing.arriveAndWait()
            let result = body()
            results.update { $0[index] = result }
        }
        thread.start()
    }
    let all = try? await results.first { $0.count == bodies.count ? $0 : nil }
    return bodies.indices.compactMap { all?[$0] }
}

/// Holds threads until all have come.
private final class Countdown: Sendable {
    private let missing: Atomic<Int>

    init(_ count: Int) { missing = Atomic(count) }

    func arriveAndWait() {
        missing.subtract(1, ordering: .acquiringAndReleasing)
        while missing.load(ordering: .acquiring) > 0 { sched_yield() }
    }
}
