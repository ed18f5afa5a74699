import NIOCore

/// When a connection has taken too long: decided from what happened on it and when, without timers.
struct ConnectionTimes {
    /// Why a connection is to end.
    enum Expiry: Hashable, Sendable {
        /// A request began to arrive and did not get on.
        case requestHead
        /// Nothing was asked.
        case idle
        /// The client takes nothing of what it asked for.
        case stalledWrite
        /// What was asked for has not come; no reason for the connection to end.
        case hold
    }

    /// A request is complete, and is answered at this moment at the latest.
    struct Hold: Sendable {
        let deadline: NIODeadline
    }

    /// The head of a request is there, and its body is to follow in what is left of the time for a head.
    struct BodyAwaited: Sendable {}

    /// Since the last check nothing was sent of what is to be sent.
    struct Standstill: Sendable {}

    /// What to do after a check.
    enum Verdict: Hashable, Sendable {
        /// Check again at this moment, at the latest.
        case check(at: NIODeadline)
        /// End the connection.
        case expire(Expiry)
    }

    private let limits: OriginLimits
    /// The first byte of the request that is arriving; `nil` between requests.
    private var headBegan: NIODeadline?
    /// Until when a request is held: what arrives behind it has its time when that is over.
    private var heldUntil: NIODeadline?
    private var lastRequest: NIODeadline
    private var lastProgress: NIODeadline
    private var writtenBytes = 0
    private var sentBytes = 0

    /// The times of a connection that was accepted now.
    init(limits: OriginLimits, now: NIODeadline) {
        self.limits = limits
        lastRequest = now
        lastProgress = now
    }

    /// Bytes of a request arrived.
    mutating func received(now: NIODeadline) {
        if headBegan == nil, heldUntil == nil { headBegan = now }
    }

    /// A request is complete, but is answered later.
    mutating func held(until deadline: NIODeadline, now: NIODeadline) {
        heldUntil = deadline
        headBegan = nil
        lastRequest = now
    }

    /// A response of so many bytes was handed to the connection, so the request it answers is complete.
    mutating func responded(byteCount: Int, now: NIODeadline) {
        headBegan = nil
        heldUntil = nil
        lastRequest = now
        // A client that has nothing outstanding cannot have stalled before now.
        if sentBytes == writtenBytes { lastProgress = now }
        writtenBytes += byteCount
    }

    /// Judges the connection.
    ///
    /// - Parameters:
    ///   - bufferedBytes: how much of what was written the system has not taken yet.
    ///   - now: this moment.
    /// - Returns: when to judge again, or why the connection is to end.
    mutating func check(bufferedBytes: Int, now: NIODeadline) -> Verdict {
        if writtenBytes - bufferedBytes > sentBytes {
            sentBytes = writtenBytes - bufferedBytes
            lastProgress = now
        }
        if let heldUntil, bufferedBytes == 0 {
            guard now >= heldUntil else { return .check(at: min(heldUntil, now + shortestInterval)) }
            self.heldUntil = nil
            return .expire(.hold)
        }
        if bufferedBytes > 0 { return judge(.stalledWrite, after: limits.stalledWriteTime, from: lastProgress, now) }
        if let headBegan { return judge(.requestHead, after: limits.requestHeadTime, from: headBegan, now) }
        return judge(.idle, after: limits.idleTime, from: max(lastRequest, lastProgress), now)
    }

    private func judge(
        _ expiry: Expiry,
        after time: TimeAmount,
        from start: NIODeadline,
        _ now: NIODeadline
    ) -> Verdict {
        let deadline = start + time
        if now >= deadline { return .expire(expiry) }
        // Events between two checks are only stored, not timed: a check often enough finds the shorter limits.
        return .check(at: min(deadline, now + shortestInterval))
    }

    private var shortestInterval: TimeAmount {
        let shorter = min(limits.requestHeadTime, limits.stalledWriteTime, limits.idleTime)
        return .nanoseconds(max(1_000_000, shorter.nanoseconds / 4))
    }
}
