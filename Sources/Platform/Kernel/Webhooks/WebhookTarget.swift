internal import Foundation

/// Where an outgoing webhook goes, once its URL has been found acceptable.
public struct WebhookTarget: Sendable, Equatable {
    /// The URL as it will be requested.
    public let url: String

    /// The name or address in it, lower case, without brackets.
    public let host: String

    /// The port, written or implied.
    public let port: Int
}

/// Why a webhook's target is refused.
public enum WebhookTargetError: Error, Sendable, Equatable {
    /// The text is no absolute URL of at most ``WebhookTargetPolicy/maximumLength`` bytes with a host.
    case malformed

    /// The scheme is neither `https` nor, where allowed, `http`.
    case scheme(String)

    /// The URL carries a user or a password: they would be logged and sent.
    case credentials

    /// The port is not one of those allowed.
    case port(Int)

    /// The name has no address.
    case unresolved(String)

    /// The name has an address that is not of the public Internet: it names our own network.
    case address(IPAddress)
}

/// Which targets a webhook may have: what a stranger writes into a form must not reach what only this machine can
/// (server-side request forgery; ASVS 5.0 1.3.6 and 15.3.2).
///
/// Two checks, both pure: ``target(_:)`` for the text, ``addresses(_:of:)`` for what its name resolves to. The
/// connection is then made to an address that was checked, not to the name: a second look-up could say something else
/// (DNS rebinding). Redirects are not followed.
public struct WebhookTargetPolicy: Sendable {
    /// The longest URL, in bytes.
    public static let maximumLength = 2000

    /// The ports there may be.
    public let ports: Set<Int>

    /// Whether `http` is taken too.
    public let allowsPlaintext: Bool

    /// Networks that are allowed though they are not public: an operator's own, or loopback under test.
    public let allowedRanges: [AddressRange]

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - ports: the ports there may be.
    ///   - allowsPlaintext: whether `http` is taken.
    ///   - allowedRanges: networks exempt from the check of addresses; their hosts may use any port.
    public init(
        ports: Set<Int> = [80, 443, 8080, 8443],
        allowsPlaintext: Bool = true,
        allowedRanges: [AddressRange] = []
    ) {
        self.ports = ports
        self.allowsPlaintext = allowsPlaintext
        self.allowedRanges = allowedRanges
    }

    /// Checks the text of a URL.
    ///
    /// - Throws: ``WebhookTargetError``.
    public func target(_ text: String) throws(WebhookTargetError) -> WebhookTarget {
        guard text.utf8.count <= Self.maximumLength, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let name = parts.host?.lowercased(), parts.fragment == nil
        else { throw .malformed }
        guard scheme == "https" || (scheme == "http" && allowsPlaintext) else { throw .scheme(scheme) }
        guard parts.user == nil, parts.password == nil else { throw .credentials }
        let host = bare(name)
        guard isHost(host) else { throw .malformed }
        let port = parts.port ?? (scheme == "https" ? 443 : 80)
        let literal = IPAddress(host)
        guard ports.contains(port) || literal.map(isAllowed) == true else { throw .port(port) }
        if let literal { _ = try addresses([literal], of: host) }
        // The host is written as it was checked, and must be the one that the client will see: two readers of a URL may
        // differ.
        var written = parts
        if literal == nil { written.host = host }
        guard let url = written.string, let seen = URL(string: url)?.host?.lowercased(), bare(seen) == host else {
            throw .malformed
        }
        return WebhookTarget(url: url, host: host, port: port)
    }

    /// Checks what a host resolved to: one address that is not public refuses all, since which one is taken is the
    /// resolver's choice.
    ///
    /// - Returns: the addresses, at least one.
    /// - Throws: ``WebhookTargetError/unresolved(_:)`` or ``WebhookTargetError/address(_:)``.
    public func addresses(_ found: [IPAddress], of host: String) throws(WebhookTargetError) -> [IPAddress] {
        guard !found.isEmpty else { throw .unresolved(host) }
        if let refused = found.first(where: { !isAllowed($0) && !Self.isPublic($0) }) { throw .address(refused) }
        return found
    }

    /// Whether an address may be reached by anybody from anywhere.
    public static func isPublic(_ address: IPAddress) -> Bool {
        if let embedded = address.embeddedVersion4 { return isPublic(embedded) }
        if !address.isVersion4, globalUnicast?.contains(address) != true { return false }
        return !special.contains { $0.contains(address) }
    }

    private func bare(_ host: String) -> String { String(host.trimmingPrefix("[").prefix { $0 != "]" }) }

    private func isAllowed(_ address: IPAddress) -> Bool {
        allowedRanges.contains { $0.contains(address) || (address.embeddedVersion4.map($0.contains) ?? false) }
    }

    /// Whether the text is an address, or a name of letters, digits, hyphens and dots with a letter in its last label.
    ///
    /// Numbers such as `2130706433`, `0x7f.1` and `127.1` are addresses to some resolvers and names to others: refused.
    private func isHost(_ host: String) -> Bool {
        if IPAddress(host) != nil { return true }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, let last = labels.last, let first = last.utf8.first else { return false }
        guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    /// All that is handed out for global unicast (RFC 4291 §2.4): loopback, unspecified, local (`fc00::/7`), link-local
    /// (`fe80::/10`) and multicast (`ff00::/8`) addresses lie outside.
    private static let globalUnicast = AddressRange("2000::/3")

    /// The special-purpose registries of IANA (RFC 6890), as far as they lie where ordinary addresses do.
    private static let special: [AddressRange] = [
        "0.0.0.0/8",  // this host (RFC 791)
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private (RFC 1918)
        "100.64.0.0/10",  // shared by carriers (RFC 6598); 100.100.100.200 gives one cloud's metadata
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local (RFC 3927); 169.254.169.254 gives a cloud's metadata
        "192.0.0.0/24",  // protocol assignments (RFC 6890)
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // documentation (RFC 5737)
        "192.88.99.0/24",  // 6to4 relays (RFC 7526)
        "198.18.0.0/15",  // benchmarks (RFC 2544)
        "224.0.0.0/4",  // multicast (RFC 5771)
        "240.0.0.0/4",  // reserved, with 255.255.255.255
        "2001::/23",  // protocol assignments, Teredo among them (RFC 2928)
        "2001:db8::/32", "3fff::/20",  // documentation (RFC 3849, RFC 9637)
    ].compactMap { AddressRange($0) }
}
