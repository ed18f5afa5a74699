/// How long a session lives, in seconds.
public struct SessionRules: Sendable, Equatable {
    /// A session that nobody used for so long is over: 7 days.
    public var idle: Double = 7 * 86_400
    /// A session is over so long after it began: 30 days.
    public var absolute: Double = 30 * 86_400
    /// A session of an administrator is over so long after it began: 12 hours.
    public var administrator: Double = 12 * 3_600
    /// How often its last use is written at most: every 5 minutes.
    ///
    /// A read is one statement, not two.
    public var touch: Double = 5 * 60

    /// A week without use, a month in all, and half a day for administrators.
    public init() {}

    /// How long after its begin a session is over.
    func lifetime(isAdministrator: Bool) -> Double { isAdministrator ? min(administrator, absolute) : absolute }

    /// Whether a use should be written, so long after the last that was.
    func shouldTouch(secondsSinceLastSeen seconds: Double) -> Bool { seconds >= touch }
}

/// The part of a peer's address and of its agent's name that a session keeps for its owner to know it by.
enum SessionLabel {
    /// The network of an address: 24 bits of IPv4, 48 of IPv6; less than an address, enough to tell home from elsewhere.
    static func network(of address: String) -> String {
        let v4 = address.split(separator: ".", omittingEmptySubsequences: false)
        if v4.count == 4, v4.allSatisfy({ UInt8($0) != nil }) { return v4.prefix(3).joined(separator: ".") + ".0/24" }
        guard address.contains(":"), !address.contains(":::"),
            address.utf8.allSatisfy({ $0 == 0x3A || isHexadecimal($0) })
        else { return "" }
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.split(separator: ":").map(String.init) }
        let missing = max(0, 8 - halves.reduce(0) { $0 + $1.count })
        let groups = halves.count < 2 ? halves[0] : halves[0] + Array(repeating: "0", count: missing) + halves[1]
        guard groups.count == 8 else { return "" }
        return groups.prefix(3).map { $0.lowercased() }.joined(separator: ":") + "::/48"
    }

    /// The agent's name, cut, without anything that could end a line or a field (ASVS 16.4.1).
    static func agent(_ userAgent: String?) -> String {
        var view = String.UnicodeScalarView()
        for scalar in (userAgent ?? "").unicodeScalars.prefix(200) {
            view.append(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? " " : scalar)
        }
        return String(view)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
