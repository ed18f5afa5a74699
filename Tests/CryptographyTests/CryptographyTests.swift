import Cryptography
import Testing

@Suite("HMAC-SHA256")
struct HMACSHA256Tests {
    /// The test cases of RFC 4231 §4; the fifth there is about truncated output, which this type does not offer.
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let key: [UInt8]
        let message: [UInt8]
        let code: String
    }

    static let vectors = [
        Vector(
            testDescription: "1: a key of 20 bytes",
            key: [UInt8](repeating: 0x0B, count: 20),
            message: Array("Hi There".utf8),
            code: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        Vector(
            testDescription: "2: a key shorter than the output",
            key: Array("Jefe".utf8),
            message: Array("what do ya want for nothing?".utf8),
            code: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        Vector(
            testDescription: "3: key and message longer than 64 bytes together",
            key: [UInt8](repeating: 0xAA, count: 20),
            message: [UInt8](repeating: 0xDD, count: 50),
            code: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        Vector(
            testDescription: "4: another combination",
            key: Array(0x01...0x19),
            message: [UInt8](repeating: 0xCD, count: 50),
            code: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        Vector(
            testDescription: "6: a key longer than a block",
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            code: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        Vector(
            testDescription: "7: key and message longer than a block",
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm.").utf8
            ),
            code: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test("the test cases of RFC 4231", arguments: vectors)
    func rfc4231(_ vector: Vector) {
        let code = HMACSHA256.authenticationCode(for: vector.message, key: vector.key)
        #expect(code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == vector.code)
    }

    @Test("an empty key and an empty message have a code")
    func empty() {
        let code = HMACSHA256.authenticationCode(for: [], key: [])
        #expect(code.prefix(4) == [0xB6, 0x13, 0x67, 0x9A])
        #expect(code.count == HMACSHA256.size)
    }
}

@Suite("Constant-time comparison")
struct ConstantTimeTests {
    @Test("equal bytes are equal, and any difference is seen")
    func comparison() {
        let secret = Array("a secret of some length".utf8)
        #expect(ConstantTime.isEqual(secret, secret))
        #expect(ConstantTime.isEqual([], []))
        #expect(!ConstantTime.isEqual(secret, secret + [0]))
        #expect(!ConstantTime.isEqual(secret, []))
        for index in secret.indices {
            var other = secret
            other[index] ^= 0x80
            #expect(!ConstantTime.isEqual(secret, other))
        }
    }
}

@Suite("Randomness")
struct RandomnessTests {
    @Test("bytes come in the number asked for, and no two draws are alike")
    func draws() {
        #expect(Randomness.bytes(0).isEmpty)
        #expect(Randomness.bytes(33).count == 33)
        #expect(Set((0..<1000).map { _ in Randomness.bytes(16) }).count == 1000)
    }

    @Test("tokens are as long as their bits need", arguments: [(6, 1), (7, 2), (120, 20), (128, 22), (256, 43)])
    func length(_ bits: Int, _ characters: Int) {
        #expect(Randomness.token(bits: bits).count == characters)
    }

    @Test("tokens use the whole alphabet of base64url, nothing else, and each character about as often")
    func alphabet() {
        let token = Randomness.token(bits: 6 * 64 * 1000)
        let counts = Dictionary(grouping: token.utf8) { $0 }.mapValues(\.count)
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        #expect(Set(counts.keys) == allowed)
        // 1000 of each are expected; 8 standard deviations (31.4 each) leave nothing to chance.
        #expect(counts.values.allSatisfy { (750...1250).contains($0) })
    }
}

@Suite("Digests")
struct DigestTests {
    @Test("a message that comes in pieces has the digest of the whole")
    func pieces() {
        let message = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for size in [1, 63, 64, 65, 10_000] {
            var hasher = SHA256Hasher()
            for start in stride(from: 0, to: message.count, by: size) {
                message[start..<min(start + size, message.count)].withUnsafeBytes { hasher.update($0) }
            }
            #expect(hasher.finish() == SHA256.digest(of: message), "\(size)")
        }
        #expect(SHA256Hasher().finish() == SHA256.digest(of: []))
    }

    @Test("MD5 is that of RFC 1321")
    func md5() throws {
        let digest = try #require(MD5.digest(of: Array("message digest".utf8)))
        #expect(Hexadecimal.text(digest) == "f96b697d7cb7938d525a2f31aaf161d0")
    }
}
