internal import COpenSSL

/// Unpredictable bytes from libcrypto's generator.
public enum Randomness {
    /// So many unpredictable bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // RAND_bytes fails only when the kernel gives no entropy: going on would mean guessable secrets.
        precondition(RAND_bytes(&bytes, Int32(count)) == 1, "libcrypto has no entropy")
        return bytes
    }

    /// An unpredictable token of the characters A-Z, a-z, 0-9, `-` and `_` (base64url, RFC 4648 §5).
    ///
    /// - Parameter bits: how many bits nobody can guess, rounded up to a multiple of 6.
    /// - Returns: one character for every 6 bits.
    public static func token(bits: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        return String(bytes((bits + 5) / 6).map { alphabet[Int($0 & 0x3F)] })
    }
}
