/// How long to wait before PostgreSQL is started again: at once after the first end, longer and longer when it does not stay up.
struct RestartBackOff: Sendable {
    /// The shortest wait after the first that is none.
    static let first = Duration.milliseconds(200)
    /// The longest wait.
    static let longest = Duration.seconds(30)
    /// How long it must have been ready for its end to count as the first.
    static let settled = Duration.seconds(60)

    private var failures = 0

    /// The wait before the next start.
    ///
    /// - Parameter uptime: how long it was ready; `nil` when it never was.
    /// - Returns: none, or up to ``longest``.
    mutating func delay(uptime: Duration?) -> Duration {
        if let uptime, uptime >= Self.settled { failures = 0 }
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        return min(Self.first * (1 << min(failures - 1, 10)), Self.longest)
    }
}
