internal import Cryptography

/// A token of 256 unpredictable bits that is handed out once and kept only as its SHA-256 (ASVS 7.2.3, 11.5.1).
///
/// Nobody can find the token from the digest, which is also what a database can look up by without comparing secrets.
public struct BearerToken: Sendable, CustomStringConvertible {
    /// What the holder gets: 43 characters of base64url, after a prefix when it has one.
    public let text: String
    /// What is stored: 32 bytes.
    public var digest: [UInt8] { Self.digest(of: text) }

    /// Never the token, so that it cannot come into a log.
    public var description: String { "<redacted>" }

    /// A fresh token.
    ///
    /// - Parameter prefix: what it begins with, as `pat_`.
    /// - Returns: the token.
    public static func draw(prefix: String = "") -> BearerToken {
        BearerToken(text: prefix + Randomness.token(bits: 256))
    }

    /// What is stored of a token somebody shows.
    public static func digest(of token: String) -> [UInt8] {
        SHA256.digest(of: Array(token.utf8))
    }

    /// Whether a text can be such a token at all, so that nothing else is looked up.
    static func isPlausible(_ token: String, prefix: String = "") -> Bool {
        token.utf8.count == prefix.utf8.count + 43 && token.hasPrefix(prefix)
            && token.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
    }
}
