import Cryptography

/// The digest that Flash Player 9 and later put into C1, and what a server answers with.
///
/// RTMP 1.0 does not describe it. C1 holds, at a place that four of its bytes decide, the HMAC-SHA256 of all its other
/// bytes. There are two layouts: the block with the digest is the second half of C1 or the first.
struct RTMPDigest {
    /// Where the four bytes lie whose sum decides the place of the digest.
    enum Layout: Int, CaseIterable {
        case digestFirst = 8
        case keyFirst = 772
    }

    private static let size = HMACSHA256.size
    /// "Genuine Adobe Flash Player 001": what a client signs C1 with.
    private static let playerKey = Array("Genuine Adobe Flash Player 001".utf8)
    /// "Genuine Adobe Flash Media Server 001": what a server signs S1 with.
    private static let serverKey = Array("Genuine Adobe Flash Media Server 001".utf8)
    /// What both sides append to their key when they sign S2 and C2.
    private static let keyExtension: [UInt8] = [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ]
    /// ffmpeg checks S1's digest only when this version is 3 or more: the release of Flash Media Server we answer like.
    private static let serverVersion: [UInt8] = [3, 5, 1, 1]

    /// The layout that the client chose.
    let layout: Layout
    private let clientDigest: [UInt8]

    /// Finds the digest in a C1 of 1536 bytes, or returns `nil` when it has none in either layout.
    init?(c1: [UInt8]) {
        // Version 0 is the mark of the plain handshake (§5.2.3).
        guard c1[4..<8].contains(where: { $0 != 0 }) else { return nil }
        for layout in Layout.allCases {
            let place = Self.place(in: c1, layout: layout)
            if ConstantTime.isEqual(Self.digest(of: c1, without: place, key: Self.playerKey), Array(c1[place])) {
                self.layout = layout
                clientDigest = Array(c1[place])
                return
            }
        }
        return nil
    }

    /// Writes a version and the server's digest into an S1.
    func sign(s1: inout [UInt8]) {
        s1.replaceSubrange(4..<8, with: Self.serverVersion)
        let place = Self.place(in: s1, layout: layout)
        s1.replaceSubrange(place, with: Self.digest(of: s1, without: place, key: Self.serverKey))
    }

    /// An S2 that proves knowledge of the client's digest: random bytes, then their signature.
    ///
    /// - Parameter random: 1536 unpredictable bytes.
    /// - Returns: 1536 bytes.
    func s2(random: [UInt8]) -> [UInt8] {
        let key = HMACSHA256.authenticationCode(for: clientDigest, key: Self.serverKey + Self.keyExtension)
        let message = Array(random.dropLast(Self.size))
        return message + HMACSHA256.authenticationCode(for: message, key: key)
    }

    /// The range of the digest: the sum of four bytes, modulo what leaves room for it in a half of 764 bytes.
    private static func place(in packet: [UInt8], layout: Layout) -> Range<Int> {
        let start = layout.rawValue
        let sum = packet[start..<start + 4].reduce(0) { $0 + Int($1) }
        let digestStart = start + 4 + sum % 728
        return digestStart..<digestStart + size
    }

    private static func digest(of packet: [UInt8], without place: Range<Int>, key: [UInt8]) -> [UInt8] {
        let message = Array(packet[..<place.lowerBound] + packet[place.upperBound...])
        return HMACSHA256.authenticationCode(for: message, key: key)
    }
}
