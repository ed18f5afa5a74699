import Cryptography
public import MediaCore

/// Lets whoever shows it watch one live until a moment, perhaps from one address only.
///
/// ```
/// main~1795561200~~mCz5…                 stream ~ end ~ address, or nothing ~ HMAC-SHA256 of what stands before
/// main~1795561200~192.0.2.7~h7Kq…
/// ```
///
/// Every character may stand in a path as it is (RFC 3986 §3.3), and a person can read what a token is for. The token stands in
/// front of the live's path, so that players put it in front of every playlist and segment by themselves.
public struct PlaybackToken: Hashable, Sendable {
    /// Why a token lets nobody in.
    public enum Fault: Error, Hashable, Sendable {
        /// It is none, or not one of this server's.
        case wrong
        /// Its time is over.
        case expired
        /// It is for another live.
        case otherStream
        /// It is for another address.
        case otherAddress
    }

    /// The live.
    public let stream: StreamID
    /// When it ends, in seconds since 1970.
    public let end: Int
    /// The one address that it may be used from; `nil` for every one.
    public let address: String?

    private static let separator: Character = "~"
    /// Longer texts are no tokens: a stream's name, a number, an address and a code.
    private static let maximumLength = 200

    /// A token for a live.
    public init(stream: StreamID, end: Int, address: String? = nil) {
        self.stream = stream
        self.end = end
        self.address = address
    }

    /// The token as it stands in an address.
    ///
    /// - Parameter key: the server's secret.
    /// - Returns: the text.
    public func text(key: Secret) -> String {
        claim + String(Self.separator) + Self.code(for: claim, key)
    }

    /// Reads a token and judges its signature, without regard to time and place.
    ///
    /// - Parameters:
    ///   - text: what somebody shows.
    ///   - key: the server's secret.
    /// - Throws: ``Fault/wrong``.
    public init(_ text: String, key: Secret) throws(Fault) {
        guard text.utf8.count <= Self.maximumLength, let mark = text.lastIndex(of: Self.separator) else { throw .wrong }
        let claim = String(text[..<mark])
        let code = Array(text[text.index(after: mark)...].utf8)
        guard ConstantTime.isEqual(code, Array(Self.code(for: claim, key).utf8)) else { throw .wrong }
        let parts = claim.split(separator: Self.separator, omittingEmptySubsequences: false)
        guard parts.count == 3, let stream = StreamID(parts[0]), let end = Int(parts[1]) else { throw .wrong }
        self.init(stream: stream, end: end, address: parts[2].isEmpty ? nil : String(parts[2]))
    }

    /// Judges whether the token lets somebody in.
    ///
    /// - Throws: ``Fault``.
    public func check(for wanted: StreamID, from peerAddress: String, at now: Int) throws(Fault) {
        guard stream == wanted else { throw .otherStream }
        guard now < end else { throw .expired }
        guard address.map({ Self.plain($0) == Self.plain(peerAddress) }) ?? true else { throw .otherAddress }
    }

    /// What stands in front of the paths of whoever shows a token; `nil` for a text that cannot be one.
    static func pathPrefix(_ token: String) -> String? {
        let isPlain = token.utf8.allSatisfy { byte in
            Character(Unicode.Scalar(byte)).isLetter && byte < 128 || "0123456789-_.~:".utf8.contains(byte)
        }
        return isPlain ? "/t/" + token : nil
    }

    private var claim: String {
        [stream.name, String(end), address ?? ""].joined(separator: String(Self.separator))
    }

    /// An IPv4 address is the same on a socket for both versions (RFC 4291 §2.5.5.2).
    private static func plain(_ address: String) -> Substring {
        address.hasPrefix("::ffff:") && address.contains(".") ? address.dropFirst(7) : address[...]
    }

    private static func code(for claim: String, _ key: Secret) -> String {
        // What else a secret may sign must not be taken for a token.
        let message = Array("lyceum playback 1\n\(claim)".utf8)
        return Base64URL.text(HMACSHA256.authenticationCode(for: message, key: Array(key.revealed.utf8)))
    }
}

extension PlaybackToken.Fault {
    /// The reason as a viewer reads it.
    var reason: String {
        switch self {
        case .wrong: "The link to this live is not valid."
        case .expired: "The link to this live has expired."
        case .otherStream: "The link is for another live."
        case .otherAddress: "The link to this live is for another network address."
        }
    }
}

/// Base 64 with the alphabet for addresses, without padding (RFC 4648 §5).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    static func text(_ bytes: [UInt8]) -> String {
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for digit in 0...group.count { text.append(alphabet[Int(bits >> (18 - 6 * UInt32(digit)) & 0x3F)]) }
        }
        return text
    }
}
