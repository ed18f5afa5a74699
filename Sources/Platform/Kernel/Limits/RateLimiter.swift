public import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import Synchronization

/// Counts for all servers on one database together.
public protocol SharedBuckets: Sendable {
    /// Counts one use.
    ///
    /// - Throws: when nobody can count at the moment.
    func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict
}

/// Counts what is done, in this process or for all servers on one database.
public struct RateLimiter: Sendable {
    private let memory = MemoryBuckets()
    private let shared: any SharedBuckets
    private let logger: Logger

    /// A limiter.
    ///
    /// - Parameters:
    ///   - shared: counts for all servers.
    ///   - logger: told when nobody can count.
    public init(shared: any SharedBuckets, logger: Logger) {
        self.shared = shared
        self.logger = logger
    }

    /// Counts one use.
    ///
    /// - Parameters:
    ///   - limit: what is counted.
    ///   - subject: whose use it is: an account, a token, a network, an e-mail address in small letters.
    ///   - now: the time.
    /// - Returns: whether it may be done. When nobody can count, the limit says which way it fails.
    public func take(_ limit: RateLimitClass, subject: String, now: Date) async -> RateLimitVerdict {
        let key = "\(limit.name):\(subject)"
        guard limit.isShared else { return memory.take(limit, key: key, now: now) }
        // Here first: who is over the limit in one process alone costs the database nothing.
        let local = memory.take(limit, key: key, now: now)
        guard local.isAllowed else { return local }
        do {
            return try await shared.take(limit, key: key, now: now)
        } catch {
            logger.warning(
                "rate limit cannot be counted",
                metadata: ["limit.name": "\(limit.name)", "error.type": "\(type(of: error))"]
            )
            guard limit.failsClosed else { return local }
            var verdict = RateLimitVerdict(
                isAllowed: false,
                limit: limit.capacity,
                remaining: 0,
                retryAfter: 5,
                reset: 5
            )
            verdict.isCounted = false
            return verdict
        }
    }

    /// Counts one use and refuses one too many.
    ///
    /// - Throws: ``Problem`` 429, or 503 when nobody can count.
    public func require(_ limit: RateLimitClass, subject: String, now: Date) async throws {
        let verdict = await take(limit, subject: subject, now: now)
        guard verdict.isAllowed else { throw Problem.tooMany(verdict) }
    }
}

extension Problem {
    /// 429 with how long to wait; 503 when nobody can count.
    static func tooMany(_ verdict: RateLimitVerdict) -> Problem {
        guard verdict.isCounted else { return .unavailable }
        var headers: HTTPFields = [.retryAfter: String(verdict.retryAfter)]
        verdict.tell(in: &headers)
        return Problem(
            .tooManyRequests,
            code: "rate_limited",
            detail: "This was done too often: try again in \(verdict.retryAfter) seconds.",
            headers: headers
        )
    }
}

extension RateLimitVerdict {
    /// Says what is left, in the fields that clients know.
    func tell(in headers: inout HTTPFields) {
        for (name, value) in [
            ("RateLimit-Limit", limit), ("RateLimit-Remaining", remaining), ("RateLimit-Reset", reset),
        ] {
            if let name = HTTPField.Name(name) { headers[name] = String(value) }
        }
    }
}

/// The limits of this process, at most so many at once.
final class MemoryBuckets: Sendable {
    private typealias Entry = (bucket: TokenBucket, limit: RateLimitClass)

    private struct State {
        var entries: [String: Entry] = [:]
        var sweptAt = Date.distantPast
    }

    private let maximumCount: Int
    private let state = Mutex(State())

    init(maximumCount: Int = 65_536) { self.maximumCount = maximumCount }

    /// Counts one use.
    func take(_ limit: RateLimitClass, key: String, now: Date) -> RateLimitVerdict {
        state.withLock { state in
            if state.entries[key] == nil, state.entries.count >= maximumCount { Self.sweep(&state, now) }
            var bucket = state.entries[key]?.bucket ?? TokenBucket(full: limit, at: now)
            let isKnown = state.entries[key] != nil
            // Crowded out by as many others: they are let through uncounted, unless the limit must hold.
            guard isKnown || state.entries.count < maximumCount else {
                return bucket.verdict(limit, isAllowed: !limit.failsClosed)
            }
            let verdict = bucket.take(limit, now: now)
            state.entries[key] = (bucket, limit)
            return verdict
        }
    }

    /// Forgets who has everything back.
    ///
    /// At most once in a second: it looks at all of them.
    private static func sweep(_ state: inout State, _ now: Date) {
        guard abs(now.timeIntervalSince(state.sweptAt)) >= 1 else { return }
        state.sweptAt = now
        state.entries = state.entries.filter { !$0.value.bucket.isFull($0.value.limit, now: now) }
    }
}
