import NIOCore

/// How much a publisher may send a second: a bucket that fills at that rate and holds some seconds of it.
///
/// Pure; the time comes in. A publisher that has emptied it is not read from until there is room again, so TCP slows the
/// encoder down; nothing is lost and nobody is disconnected.
struct ReadBudget {
    /// How many seconds' worth may come at once: an encoder that comes back sends what has piled up.
    static let burstSeconds = 4

    private let bytesPerSecond: Int
    private var available: Int
    private var filledAt: NIODeadline

    /// A full bucket.
    init(bytesPerSecond: Int, now: NIODeadline) {
        self.bytesPerSecond = bytesPerSecond
        available = bytesPerSecond * Self.burstSeconds
        filledAt = now
    }

    /// Bytes have come in.
    ///
    /// - Returns: how long not to read any more, or `nil` when there is room.
    mutating func spend(_ count: Int, now: NIODeadline) -> TimeAmount? {
        let elapsed = (now - filledAt).nanoseconds
        let capacity = bytesPerSecond * Self.burstSeconds
        // In this order the product of a long time and a high rate cannot overflow.
        let seconds = min(Double(elapsed) / 1_000_000_000, Double(Self.burstSeconds))
        available = min(capacity, available + Int(seconds * Double(bytesPerSecond))) - count
        filledAt = now
        guard available < 0 else { return nil }
        return .nanoseconds(Int64(Double(-available) / Double(bytesPerSecond) * 1_000_000_000) + 1)
    }
}
