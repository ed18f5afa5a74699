internal import COpenSSL

/// Keys derived from passwords with scrypt (RFC 7914), which costs memory as well as time.
public enum Scrypt {
    /// What a derivation costs (RFC 7914 §2).
    public struct Cost: Sendable, Equatable {
        /// The binary logarithm of the cost parameter N, 1 to 24.
        public let logN: Int
        /// The block size r, 1 to 32.
        public let r: Int
        /// The parallelization parameter p, 1 to 16.
        public let p: Int

        /// A cost; `nil` outside of the ranges, which keep memory under 64 GiB and every product inside of an `Int`.
        public init?(logN: Int, r: Int, p: Int) {
            guard (1...24).contains(logN), (1...32).contains(r), (1...16).contains(p) else { return nil }
            // N must be less than 2^(128 * r / 8) (RFC 7914 §2); r = 1 allows up to 2^15.
            guard logN < 16 * r else { return nil }
            self.logN = logN
            self.r = r
            self.p = p
        }

        /// How many bytes libcrypto needs for it: p blocks of 128 r bytes, N + 2 of them to mix, and a little room.
        public var memory: UInt64 { UInt64(128 * r) * (UInt64(1) << UInt64(logN) + UInt64(p) + 2) + 4096 }
    }

    /// Derives a key.
    ///
    /// It blocks its thread for as long as the cost says (0.3 to 0.6 s at N = 2^17, r = 8, p = 1).
    ///
    /// - Parameters:
    ///   - password: the bytes of the password, exactly as they are.
    ///   - salt: 16 unpredictable bytes, in use.
    ///   - cost: N, r and p.
    ///   - size: the bytes wanted, 1 to 1024.
    /// - Returns: the key, or `nil` when there is no memory for it.
    public static func key(password: [UInt8], salt: [UInt8], cost: Cost, size: Int) -> [UInt8]? {
        precondition((1...1024).contains(size), "a key of 1 to 1024 bytes")
        var key = [UInt8](repeating: 0, count: size)
        let result = password.withUnsafeBytes { bytes in
            // The last argument but two is the limit of memory: 32 MiB unless said, too little for N = 2^15 at r = 8.
            EVP_PBE_scrypt(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count,
                salt,
                salt.count,
                UInt64(1) << UInt64(cost.logN),
                UInt64(cost.r),
                UInt64(cost.p),
                cost.memory,
                &key,
                size
            )
        }
        return result == 1 ? key : nil
    }
}
