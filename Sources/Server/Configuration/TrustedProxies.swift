import Glibc

/// The proxies whose word on a client's address is taken, and what they say.
struct TrustedProxies: Hashable, Sendable {
    /// A network: an address of 4 or 16 bytes and how many of its bits count.
    private struct Network: Hashable {
        let bytes: [UInt8]
        let bits: Int

        func contains(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            return (0..<bits).allSatisfy { bit in
                (address[bit / 8] ^ bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
            }
        }
    }

    private let networks: [Network]

    /// The proxies of a setting: addresses and networks separated by commas, or `none`; `nil` for anything else.
    init?(_ text: String) {
        guard text != "none" else {
            networks = []
            return
        }
        var networks: [Network] = []
        for part in text.split(separator: ",") {
            let pieces = part.filter { $0 != " " }.split(separator: "/", omittingEmptySubsequences: false)
            guard let first = pieces.first, pieces.count <= 2, let bytes = Self.bytes(String(first)) else { return nil }
            let bits = pieces.count == 2 ? Int(pieces[1]) ?? -1 : bytes.count * 8
            guard (0...bytes.count * 8).contains(bits) else { return nil }
            networks.append(Network(bytes: bytes, bits: bits))
        }
        self.networks = networks
    }

    /// Whether an address is that of a proxy.
    func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(address) else { return false }
        return networks.contains { $0.contains(bytes) }
    }

    /// Who asks, as far as proxies that are trusted tell.
    ///
    /// The list is read from its end, where the nearest proxy has written: the first address that is no trusted proxy's is the
    /// client's. What stands before it is the client's own word, and worth nothing.
    ///
    /// - Parameters:
    ///   - peer: the connection's other end.
    ///   - forwarded: the values of X-Forwarded-For, in the order of the fields.
    /// - Returns: the client's address.
    func client(of peer: String, forwarded: [String]) -> String {
        guard contains(peer) else { return peer }
        var client = peer
        let addresses = forwarded.joined(separator: ",").split(separator: ",").map { part in
            String(part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        for address in addresses.reversed() {
            guard Self.bytes(address) != nil else { return client }
            client = address
            if !contains(address) { return client }
        }
        return client
    }

    private static func bytes(_ address: String) -> [UInt8]? {
        var v4 = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, address, &v4) == 1 { return v4 }
        var v6 = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, address, &v6) == 1 else { return nil }
        let isMapped = v6.prefix(10).allSatisfy { $0 == 0 } && v6[10] == 0xFF && v6[11] == 0xFF
        return isMapped ? Array(v6.suffix(4)) : v6
    }
}
