/// How wrong passwords slow the next ones down, for one address (ASVS 6.3.1).
///
/// There are three counters, and each protects from another attack:
/// - one per network address, of the Kernel's limits, against one machine that tries many accounts;
/// - one per e-mail address, known or not, against many machines that try one account. After ``free`` wrong passwords
///   each further one waits twice as long as the one before, up to ``longest``. Tries that come during the wait are
///   refused unread and do not make it longer, so that noise costs the attacker, not the owner;
/// - one per known device. A browser that signed in before holds a device token, which is counted by itself: strangers
///   who keep the wait of the address up never lock it out. Whoever has no such browser resets the password by mail,
///   which makes the browser known and takes the count back to nothing.
public struct SignInThrottle: Sendable, Equatable {
    /// Wrong passwords in a row that cost nothing.
    public var free = 5
    /// The first wait, in seconds.
    public var first: Double = 2
    /// The longest wait, in seconds: 15 minutes, which is 96 tries a day.
    public var longest: Double = 900
    /// Seconds without a wrong password after which the count begins anew: a day.
    public var memory: Double = 86_400

    /// The throttle as it is described above.
    public init() {}

    /// What is known of an address or a device.
    public struct Count: Sendable, Equatable {
        /// Wrong passwords in a row.
        public var failures: Int
        /// When the last was, in seconds since 1970.
        public var last: Double
    }

    /// The wait after so many wrong passwords in a row, in seconds.
    func wait(after failures: Int) -> Double {
        guard failures > free else { return 0 }
        return min(longest, first * Double(UInt64(1) << UInt64(min(failures - free - 1, 30))))
    }

    /// How many seconds a try has to wait yet; 0 when it may be made.
    func remaining(_ count: Count?, now: Double) -> Double {
        guard let count, now - count.last < memory else { return 0 }
        return max(0, count.last + wait(after: count.failures) - now)
    }

    /// The count after a wrong password.
    func counted(_ count: Count?, now: Double) -> Count {
        guard let count, now - count.last < memory else { return Count(failures: 1, last: now) }
        return Count(failures: min(count.failures + 1, 10_000), last: now)
    }
}
