internal import COpenSSL

/// Comparisons whose time does not tell where two secrets differ.
public enum ConstantTime {
    /// Whether two byte strings are equal.
    ///
    /// Only their lengths can be learnt from the time it takes.
    public static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
