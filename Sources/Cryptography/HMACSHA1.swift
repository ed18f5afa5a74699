internal import COpenSSL

/// Message authentication with HMAC-SHA1 (RFC 2104), which one-time passwords are made of (RFC 4226 §5.2).
///
/// SHA-1 is broken for signatures, not inside of an HMAC; authenticator apps know nothing else reliably.
public enum HMACSHA1 {
    /// The size of a code in bytes.
    public static let size = 20

    /// The authentication code of a message.
    ///
    /// - Parameters:
    ///   - message: the bytes to authenticate.
    ///   - key: the key, of any length.
    /// - Returns: 20 bytes.
    public static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: size)
        var length: UInt32 = 0
        let result = HMAC(EVP_sha1(), key, Int32(key.count), message, message.count, &code, &length)
        precondition(result != nil && length == UInt32(size), "libcrypto has no HMAC-SHA1")
        return code
    }
}
