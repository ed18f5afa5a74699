internal import Glibc

/// Whom an address stands for: one IPv4 address, or the /64 of an IPv6 address, which is what one customer gets at least.
enum PeerNetwork {
    /// The name of the network; addresses that are none are one network together.
    static func name(of address: String) -> String {
        var v4 = in_addr()
        if inet_pton(AF_INET, address, &v4) == 1 { return address }
        var v6 = in6_addr()
        // A scope, as in fe80::1%eth0, is not part of the address.
        guard inet_pton(AF_INET6, String(address.prefix { $0 != "%" }), &v6) == 1 else { return "unknown" }
        let bytes = withUnsafeBytes(of: &v6) { Array($0) }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        if isMapped { return bytes[12...].map { String($0) }.joined(separator: ".") }
        return bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }
}
