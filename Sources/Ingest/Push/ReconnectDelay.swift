import NIOCore

/// How long to wait before the next connection to a server that has failed.
///
/// Twice as long after each failure, up to a minute, and never the same for two that failed together.
struct ReconnectDelay {
    private static let longest = 60.0
    /// A connection that lasted so long was a good one: the next failure is a new story.
    static let goodTime = TimeAmount.seconds(30)

    private var failures = 0

    /// A connection has failed, or was never there.
    ///
    /// - Parameters:
    ///   - lasted: how long media went out on it.
    ///   - random: from 0 up to 1.
    /// - Returns: 0.75 to 1.25 times 1, 2, 4 … 60 s.
    mutating func next(after lasted: TimeAmount, random: Double) -> TimeAmount {
        if lasted >= Self.goodTime { failures = 0 }
        // 64 s is past the longest already.
        let seconds = min(Self.longest, Double(1 << min(failures, 6)))
        failures += 1
        return .milliseconds(Int64(seconds * (0.75 + random / 2) * 1000))
    }
}
