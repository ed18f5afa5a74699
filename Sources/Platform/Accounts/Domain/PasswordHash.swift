internal import Cryptography

/// A password's hash with what it was made with, as text in the PHC string format:
/// `$scrypt$ln=17,r=8,p=1$<salt>$<hash>`, both in base64 without padding.
public struct PasswordHash: Sendable, Equatable {
    /// The cost a hash is made with; the default is what OWASP and ASVS 5.0 appendix C advise.
    public struct Cost: Sendable, Equatable {
        /// The binary logarithm of N.
        public let logN: Int
        /// The block size.
        public let r: Int
        /// The parallelization.
        public let p: Int

        /// N = 2^17, r = 8, p = 1: 128 MiB and about half a second.
        public static let standard = Cost(logN: 17, r: 8, p: 1)

        /// A cost.
        public init(logN: Int, r: Int, p: Int) {
            self.logN = logN
            self.r = r
            self.p = p
        }
    }

    /// The size of a salt in bytes (RFC 7914 has none; NIST SP 800-63B §5.1.1.2 asks for 32 bits at least).
    static let saltSize = 16
    /// The size of a hash in bytes.
    static let hashSize = 32

    /// What it was made with.
    public let cost: Cost
    let salt: [UInt8]
    let hash: [UInt8]

    /// A hash that is already there.
    init(cost: Cost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// Hashes a password, which takes its thread for as long as the cost says.
    ///
    /// - Returns: `nil` when there is no memory, or the cost is none.
    init?(password: String, cost: Cost, salt: [UInt8]) {
        guard let scrypt = Scrypt.Cost(logN: cost.logN, r: cost.r, p: cost.p),
            let hash = Scrypt.key(password: Array(password.utf8), salt: salt, cost: scrypt, size: Self.hashSize)
        else { return nil }
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// Reads a PHC string.
    ///
    /// - Returns: `nil` when it is none of scrypt's, or its cost is out of the ranges.
    public init?(phc: String) {
        let parts = phc.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let parameters = parts[2].split(separator: ",").map { $0.split(separator: "=") }
        guard parameters.count == 3, parameters.allSatisfy({ $0.count == 2 }),
            parameters.map({ $0[0] }) == ["ln", "r", "p"]
        else { return nil }
        let numbers = parameters.compactMap { Int($0[1]) }
        guard numbers.count == 3, Scrypt.Cost(logN: numbers[0], r: numbers[1], p: numbers[2]) != nil,
            let salt = Base64.bytes(parts[3]), let hash = Base64.bytes(parts[4]),
            (8...64).contains(salt.count), hash.count == Self.hashSize
        else { return nil }
        self.cost = Cost(logN: numbers[0], r: numbers[1], p: numbers[2])
        self.salt = salt
        self.hash = hash
    }

    /// The PHC string.
    public var phc: String {
        "$scrypt$ln=\(cost.logN),r=\(cost.r),p=\(cost.p)$\(Base64.text(salt))$\(Base64.text(hash))"
    }

    /// Whether a password is the one; it takes as long as making the hash.
    func matches(_ password: String) -> Bool {
        guard let other = PasswordHash(password: password, cost: cost, salt: salt) else { return false }
        return ConstantTime.isEqual(hash, other.hash)
    }

    /// Whether the hash should be made anew, now that the password is known: it was made with less than is usual.
    public func needsRehash(for standard: Cost) -> Bool {
        cost.logN < standard.logN || cost.r < standard.r || cost.p < standard.p
    }
}
