/// When a client of a stream is due a sign of life, and when its access is looked at again.
///
/// Pure: the time comes in, the next acts come out. Nothing is written unless access was confirmed at most
/// ``accessInterval`` before, so that a revocation takes effect within 5 s, and so that nothing is sent while it cannot
/// be asked for.
struct ClientPace: Sendable {
    /// How long a connection stays silent: proxies close those that are idle for 30 to 60 s.
    static let heartbeatInterval: Duration = .seconds(15)

    /// How long an answer about access counts; with a tick each second a revocation is seen within 5 s.
    static let accessInterval: Duration = .seconds(3)

    private var lastWrite: ContinuousClock.Instant
    private var lastAccess: ContinuousClock.Instant?

    /// The pace of a client that has just been connected.
    init(now: ContinuousClock.Instant) { lastWrite = now }

    /// Whether a sign of life is due.
    func isSilent(now: ContinuousClock.Instant) -> Bool { now - lastWrite >= Self.heartbeatInterval }

    /// Whether access was confirmed a short time ago.
    func mayWrite(now: ContinuousClock.Instant) -> Bool {
        guard let lastAccess else { return false }
        return now - lastAccess < Self.accessInterval
    }

    /// Access was confirmed, by a question asked at this time.
    mutating func confirmedAccess(askedAt: ContinuousClock.Instant) { lastAccess = askedAt }

    /// Something was written.
    mutating func wrote(now: ContinuousClock.Instant) { lastWrite = now }
}
