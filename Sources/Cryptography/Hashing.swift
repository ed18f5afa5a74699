internal import COpenSSL

/// Message authentication with HMAC-SHA256 (RFC 2104, FIPS 180-4).
public enum HMACSHA256 {
    /// The size of a code in bytes.
    public static let size = 32

    /// The authentication code of a message.
    ///
    /// - Parameters:
    ///   - message: the bytes to authenticate.
    ///   - key: the key, of any length.
    /// - Returns: 32 bytes.
    public static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: size)
        var length: UInt32 = 0
        let result = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length)
        // HMAC with a built-in digest can only run out of memory, which nothing here survives either.
        precondition(result != nil && length == UInt32(size), "libcrypto has no HMAC-SHA256")
        return code
    }
}

/// Digests with SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// The size of a digest in bytes.
    public static let size = 32

    /// The digest of a message.
    ///
    /// - Parameter message: the bytes.
    /// - Returns: 32 bytes.
    public static func digest(of message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: size)
        var length: UInt32 = 0
        let result = EVP_Digest(message, message.count, &digest, &length, EVP_sha256(), nil)
        precondition(result == 1 && length == UInt32(size), "libcrypto has no SHA-256")
        return digest
    }
}

/// The SHA-256 of a message that comes in pieces (FIPS 180-4).
///
/// ```swift
/// var hasher = SHA256Hasher()
/// hasher.update(piece)
/// let digest = hasher.finish()
/// ```
public struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    /// A hasher that has seen nothing.
    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes some more of the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "libcrypto cannot hash")
    }

    /// Ends the message.
    ///
    /// - Returns: the digest, 32 bytes.
    public consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: SHA256.size)
        var length: UInt32 = 0
        let result = EVP_DigestFinal_ex(context, &digest, &length)
        precondition(result == 1 && length == UInt32(SHA256.size), "libcrypto cannot hash")
        return digest
    }
}

/// Checksums with MD5 (RFC 1321), for protocols that ask for one; it protects nothing against people.
public enum MD5 {
    /// The size of a digest in bytes.
    public static let size = 16

    /// The digest of a message; `nil` where libcrypto may not compute it, as in its FIPS mode.
    public static func digest(of message: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: size)
        var length: UInt32 = 0
        let result = EVP_Digest(message, message.count, &digest, &length, EVP_md5(), nil)
        return result == 1 && length == UInt32(size) ? digest : nil
    }
}

/// Bytes as text of hexadecimal digits.
public enum Hexadecimal {
    /// Two small digits for each byte.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0x0F)]] })
    }

    /// The bytes of a text, or `nil` when it is not digits in pairs.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.map { character -> UInt8? in
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
