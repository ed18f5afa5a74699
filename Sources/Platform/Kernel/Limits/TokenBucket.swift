internal import FoundationEssentials

/// A limit at one moment: what is left of it, and since when.
///
/// Uses come back evenly over the window, so that a limit is never won back in one piece.
struct TokenBucket: Sendable, Hashable {
    /// Uses left, with the part of one that is coming back.
    private(set) var tokens: Double
    /// When that was so.
    private(set) var at: Date

    /// A limit that nobody has used.
    init(full limit: RateLimitClass, at now: Date) {
        tokens = Double(limit.capacity)
        at = now
    }

    init(tokens: Double, at: Date) {
        self.tokens = tokens
        self.at = at
    }

    private mutating func refill(_ limit: RateLimitClass, _ now: Date) {
        // A clock set back gives nothing and takes nothing.
        let elapsed = max(0, now.timeIntervalSince(at))
        tokens = min(Double(limit.capacity), tokens + elapsed * Double(limit.capacity) / Double(limit.window))
        at = max(at, now)
    }

    /// Uses it once, if something is left.
    mutating func take(_ limit: RateLimitClass, now: Date) -> RateLimitVerdict {
        refill(limit, now)
        let isAllowed = tokens >= 1
        if isAllowed { tokens -= 1 }
        return verdict(limit, isAllowed: isAllowed)
    }

    /// Whether nothing of it is used up any more.
    func isFull(_ limit: RateLimitClass, now: Date) -> Bool {
        var copy = self
        copy.refill(limit, now)
        return copy.tokens >= Double(limit.capacity)
    }

    func verdict(_ limit: RateLimitClass, isAllowed: Bool) -> RateLimitVerdict {
        let perSecond = Double(limit.capacity) / Double(limit.window)
        return RateLimitVerdict(
            isAllowed: isAllowed,
            limit: limit.capacity,
            remaining: max(0, Int(tokens)),
            retryAfter: isAllowed ? 0 : max(1, Int(((1 - tokens) / perSecond).rounded(.up))),
            reset: max(0, Int(((Double(limit.capacity) - tokens) / perSecond).rounded(.up)))
        )
    }
}

/// Whether something may be done once more.
public struct RateLimitVerdict: Sendable, Hashable {
    /// Whether it may.
    public let isAllowed: Bool
    /// How many at once.
    public let limit: Int
    /// How many are left.
    public let remaining: Int
    /// In how many seconds it may be tried again; 0 when it may now.
    public let retryAfter: Int
    /// In how many seconds all of it is back.
    public let reset: Int
    /// Whether somebody has counted; otherwise it is refused because nobody can.
    public var isCounted = true

    /// A verdict: what a ``SharedBuckets`` gives.
    public init(isAllowed: Bool, limit: Int, remaining: Int, retryAfter: Int, reset: Int) {
        self.isAllowed = isAllowed
        self.limit = limit
        self.remaining = remaining
        self.retryAfter = retryAfter
        self.reset = reset
    }
}
