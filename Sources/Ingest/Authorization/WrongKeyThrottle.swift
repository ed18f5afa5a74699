import Glibc
import NIOCore

/// How attempts with wrong stream keys from one address are slowed and then refused.
///
/// Pure; the time comes in. An address is an IPv4 address or the first 64 bits of an IPv6 one, which is what one customer
/// gets.
///
/// Each wrong key from an address makes the answer to the next one later: 250 ms, 500 ms, up to 4 s. After ten of them within ten
/// minutes nothing more is asked for that address until five minutes have passed. An address from which a right key has come
/// within a day is slowed, but never refused: a streamer must not be locked out by a neighbour behind the same router, and
/// a guess in 4 s on each of a few connections gets nowhere near a key of 128 bits.
struct WrongKeyThrottle {
    /// What to do with an attempt.
    enum Admission: Hashable {
        /// Ask whether the key is right.
        case ask
        /// Refuse it without asking; it may be tried again after this time.
        case refuse(after: TimeAmount)
    }

    static let firstDelay = TimeAmount.milliseconds(250)
    static let longestDelay = TimeAmount.seconds(4)
    static let failuresUntilRefused = 10
    static let memory = TimeAmount.minutes(10)
    static let refusalTime = TimeAmount.minutes(5)
    static let trustTime = TimeAmount.hours(24)
    /// Addresses that are remembered: an attacker with more of them than this has enough not to need any one twice.
    static let maximumAddresses = 10_000

    private struct Record {
        var failures = 0
        var lastFailure: NIODeadline?
        var refusedUntil: NIODeadline?
        var lastSuccess: NIODeadline?

        func isTrusted(at now: NIODeadline) -> Bool { lastSuccess.map { now - $0 < trustTime } ?? false }

        /// Whether nothing of it counts any more.
        func isForgotten(at now: NIODeadline) -> Bool {
            let isFailureOver = lastFailure.map { now - $0 >= memory } ?? true
            return isFailureOver && (refusedUntil.map { $0 <= now } ?? true) && !isTrusted(at: now)
        }
    }

    private var records: [String: Record] = [:]
    /// Attempts with wrong keys, and those that were refused without asking, since the start.
    private(set) var wrongKeys = 0
    private(set) var refusals = 0

    /// An attempt comes.
    mutating func admit(_ address: String, now: NIODeadline) -> Admission {
        guard let until = records[Self.network(of: address)]?.refusedUntil, until > now else { return .ask }
        refusals += 1
        return .refuse(after: until - now)
    }

    /// The attempt had a wrong key.
    ///
    /// - Returns: how long the answer is held back, and whether the address is refused from now on.
    mutating func failed(_ address: String, now: NIODeadline) -> (delay: TimeAmount, isRefused: Bool) {
        wrongKeys += 1
        let network = Self.network(of: address)
        makeRoom(for: network, now: now)
        var record = records[network] ?? Record()
        if let last = record.lastFailure, now - last >= Self.memory { record.failures = 0 }
        record.failures += 1
        record.lastFailure = now
        let isRefused = record.failures >= Self.failuresUntilRefused && !record.isTrusted(at: now)
        if isRefused {
            record.refusedUntil = now + Self.refusalTime
            record.failures = 0
        }
        records[network] = record
        let exponent = min(max(record.failures - 1, 0), 10)
        return (min(Self.longestDelay, Self.firstDelay * (1 << exponent)), isRefused)
    }

    /// The attempt had a right key.
    mutating func succeeded(_ address: String, now: NIODeadline) {
        let network = Self.network(of: address)
        makeRoom(for: network, now: now)
        records[network] = Record(lastSuccess: now)
    }

    /// Forgets what is over, and when that is not enough the addresses whose last attempt is longest ago.
    private mutating func makeRoom(for network: String, now: NIODeadline) {
        guard records[network] == nil, records.count >= Self.maximumAddresses else { return }
        records = records.filter { !$0.value.isForgotten(at: now) }
        guard records.count >= Self.maximumAddresses else { return }
        func last(_ record: Record) -> NIODeadline {
            max(record.lastFailure ?? .distantPast, record.lastSuccess ?? .distantPast)
        }
        let oldest = records.sorted { last($0.value) < last($1.value) }.prefix(Self.maximumAddresses / 10)
        for (network, _) in oldest { records[network] = nil }
    }

    private static func network(of address: String) -> String {
        var version6 = in6_addr()
        guard inet_pton(AF_INET6, address, &version6) == 1 else { return address }
        return withUnsafeBytes(of: version6) { bytes in
            // An IPv4 address in IPv6 form (RFC 4291 §2.5.5.2) counts as a whole.
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return bytes.prefix(isMapped ? 16 : 8).map { String($0, radix: 16) }.joined(separator: ".")
        }
    }
}
