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
