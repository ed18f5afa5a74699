import Cryptography
import MediaCore

/// A stream and the hash of a secret that lets an encoder publish it.
///
/// docs/decisions/0008 says why SHA-256 with a salt is enough here.
struct PublishKey: Hashable {
    /// The bits of a key of ours, which nobody can guess: as many as of an AES-128 key.
    static let bits = 128
    /// The shortest key that a person may choose, in characters.
    static let shortestSecret = 16
    /// The longest, so that a line stays a line.
    static let longestSecret = 256

    private static let scheme = "sha256"
    private static let saltSize = 16

    /// The stream.
    let stream: StreamID
    private let salt: [UInt8]
    private let digest: [UInt8]

    /// Hashes a secret.
    ///
    /// - Parameters:
    ///   - stream: the stream that it lets in.
    ///   - secret: what the encoder sends as its stream key.
    ///   - randomBytes: makes so many unpredictable bytes.
    init(stream: StreamID, secret: Secret, randomBytes: (Int) -> [UInt8] = Randomness.bytes) {
        self.stream = stream
        salt = randomBytes(Self.saltSize)
        digest = Self.digest(secret, salt: salt)
    }

    /// Reads the form in which the file keeps it, `sha256:SALT:DIGEST` in hexadecimal, or returns `nil` for any other text.
    init?(stream: StreamID, hashed text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.scheme, let salt = Hexadecimal.bytes(parts[1]),
            salt.count == Self.saltSize, let digest = Hexadecimal.bytes(parts[2]), digest.count == SHA256.size
        else { return nil }
        self.stream = stream
        self.salt = salt
        self.digest = digest
    }

    /// Whether a text looks like the hashed form, right or wrong.
    static func isHashed(_ text: some StringProtocol) -> Bool { text.hasPrefix(scheme + ":") }

    /// The form in which the file keeps it.
    var hashed: String { "\(Self.scheme):\(Hexadecimal.text(salt)):\(Hexadecimal.text(digest))" }

    /// Tells the keys of a stream apart without telling anything about them.
    var id: String { Hexadecimal.text(digest.prefix(4)) }

    /// Whether a secret is this key's.
    func matches(_ secret: Secret) -> Bool { ConstantTime.isEqual(digest, Self.digest(secret, salt: salt)) }

    private static func digest(_ secret: Secret, salt: [UInt8]) -> [UInt8] {
        SHA256.digest(of: salt + Array(secret.revealed.utf8))
    }
}
