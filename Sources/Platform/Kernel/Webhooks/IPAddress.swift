internal import Glibc

/// An address of the Internet Protocol, by its bytes: 4 of them or 16.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The bytes in network order: 4 (version 4) or 16 (version 6).
    public let bytes: [UInt8]

    /// Reads the usual text of an address, without brackets, zone or port.
    ///
    /// - Returns: nil for anything else, the short and octal forms of `inet_aton` (`127.1`, `0177.0.0.1`) among it.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            bytes = withUnsafeBytes(of: &six) { Array($0) }
        } else {
            return nil
        }
    }

    /// The address of these bytes.
    ///
    /// - Returns: nil unless there are 4 or 16.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Whether it is of version 4.
    public var isVersion4: Bool { bytes.count == 4 }

    /// The text of the address: dotted decimal, or RFC 5952's form.
    public var description: String {
        var room = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(isVersion4 ? AF_INET : AF_INET6, bytes, &room, socklen_t(room.count))
        return String(decoding: room.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The network the address lies in as it is written to logs: 24 bits of version 4, 48 bits of version 6.
    ///
    /// It tells a neighbourhood, not a person.
    public var prefix: String {
        AddressRange(self, bits: isVersion4 ? 24 : 48).description
    }

    /// The version 4 address within a mapped (`::ffff:0:0/96`, RFC 4291 §2.5.5.2), NAT64 (`64:ff9b::/96`, RFC 6052
    /// §2.1) or 6to4 (`2002::/16`, RFC 3056) one: a connection to it can end there.
    var embeddedVersion4: IPAddress? {
        guard !isVersion4 else { return nil }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        if bytes.starts(with: mapped) || bytes.starts(with: translated) { return IPAddress(bytes: Array(bytes[12...])) }
        if bytes.starts(with: [0x20, 0x02]) { return IPAddress(bytes: Array(bytes[2..<6])) }
        return nil
    }
}

/// A network: an address and how many of its bits count.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// The first address of the network.
    public let address: IPAddress

    /// How many bits are the network's, from the left.
    public let bits: Int

    /// The network of an address; `bits` is taken into the address's width.
    public init(_ address: IPAddress, bits: Int) {
        let bits = min(max(bits, 0), address.bytes.count * 8)
        let masked = address.bytes.enumerated().map { index, byte in
            let kept = min(max(bits - index * 8, 0), 8)
            return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
        }
        self.address = IPAddress(bytes: masked) ?? address
        self.bits = bits
    }

    /// Reads `address/bits`, or an address alone, which is a network of one.
    ///
    /// - Returns: nil when the address is none or has fewer bits.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        let width = address.bytes.count * 8
        guard parts.count == 2 else {
            self.init(address, bits: width)
            return
        }
        guard let bits = Int(parts[1]), (0...width).contains(bits) else { return nil }
        self.init(address, bits: bits)
    }

    /// Whether an address lies in the network; those of the other version never do.
    public func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count && AddressRange(other, bits: bits).address == address
    }

    /// `address/bits`.
    public var description: String { "\(address)/\(bits)" }
}
