/// Whether an event loop has more to do than it can, from how much of its time it was not idle.
///
/// A loop that is busy all the time answers late, and every further connection makes it later for all that it has. It is
/// overloaded when it was as busy as ``threshold`` for ``patience``, so that a crowd's arrival alone does not count; and it is
/// so until it has been less busy than ``recovery`` for as long, so that those who leave are not made up for at once.
struct OverloadDetector: Sendable {
    /// How long a loop has to be busy, and then idle enough, until that counts.
    static let patience = Duration.seconds(3)
    /// By how much less busy than ``threshold`` a loop has to be before it gets newcomers again.
    static let hysteresis = 0.1

    /// From which share of its time on a loop has too much to do.
    let threshold: Double
    /// Below which share of its time a loop has room again.
    var recovery: Double { threshold - Self.hysteresis }

    /// Whether the loop has more to do than it can.
    private(set) var isOverloaded = false
    /// The share of the time between the last two readings in which the loop was not idle, from 0 to 1.
    private(set) var busyShare = 0.0

    private struct Reading {
        let occupied: Duration
        let moment: ContinuousClock.Instant
    }

    private var last: Reading?
    /// Since when the loop has been as it would have to be for ``isOverloaded`` to change.
    private var changing: ContinuousClock.Instant?

    /// A detector that has seen nothing yet.
    ///
    /// - Parameter threshold: the share from 0 to 1.
    init(threshold: Double) { self.threshold = threshold }

    /// Takes a reading.
    ///
    /// - Parameters:
    ///   - occupied: how long, in all, the loop's thread has run or waited for a processor.
    ///   - now: when that was read. A reading that is late counts for all the time since the one before.
    mutating func measured(occupied: Duration, at now: ContinuousClock.Instant) {
        let before = last
        last = Reading(occupied: occupied, moment: now)
        guard let before, now > before.moment else { return }
        busyShare = min(max((occupied - before.occupied) / (now - before.moment), 0), 1)
        guard isOverloaded ? busyShare < recovery : busyShare >= threshold else {
            changing = nil
            return
        }
        let since = changing ?? before.moment
        changing = since
        guard now - since >= Self.patience else { return }
        isOverloaded.toggle()
        changing = nil
    }
}
