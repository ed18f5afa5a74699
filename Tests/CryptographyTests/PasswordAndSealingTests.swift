import Testing

@testable import Cryptography

@Suite("Scrypt")
struct ScryptTests {
    /// RFC 7914 §12; its fourth case wants 1 GiB of memory.
    struct Vector: Sendable {
        let password: String
        let salt: String
        let cost: [Int]
        let key: String
    }

    static let vectors = [
        Vector(
            password: "",
            salt: "",
            cost: [4, 1, 1],
            key: "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        Vector(
            password: "password",
            salt: "NaCl",
            cost: [10, 8, 16],
            key: "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        Vector(
            password: "pleaseletmein",
            salt: "SodiumChloride",
            cost: [14, 8, 1],
            key: "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ]

    @Test("the test vectors of RFC 7914", arguments: vectors)
    func rfc7914(_ vector: Vector) throws {
        let cost = try #require(Scrypt.Cost(logN: vector.cost[0], r: vector.cost[1], p: vector.cost[2]))
        let key = Scrypt.key(password: Array(vector.password.utf8), salt: Array(vector.salt.utf8), cost: cost, size: 64)
        #expect(key.map { Hexadecimal.text($0) } == vector.key)
    }

    @Test("N = 2^17, which libcrypto refuses within its own limit of memory, is derived")
    func memory() throws {
        let cost = try #require(Scrypt.Cost(logN: 17, r: 8, p: 1))
        #expect(Scrypt.key(password: [1], salt: [2], cost: cost, size: 32)?.count == 32)
    }

    @Test(
        "costs outside of the ranges are none",
        arguments: [(0, 8, 1), (25, 8, 1), (16, 1, 1), (17, 0, 1), (17, 8, 0), (17, 33, 1), (17, 8, 17), (-1, -1, -1)]
    )
    func ranges(_ logN: Int, _ r: Int, _ p: Int) {
        #expect(Scrypt.Cost(logN: logN, r: r, p: p) == nil)
    }
}

@Suite("HMAC-SHA1")
struct HMACSHA1Tests {
    /// RFC 2202 §3, cases 1, 2, 3 and 6.
    static let vectors: [([UInt8], [UInt8], String)] = [
        ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        ),
        (
            [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
        ),
        (
            [UInt8](repeating: 0xAA, count: 80),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        ),
    ]

    @Test("the test cases of RFC 2202", arguments: vectors)
    func rfc2202(_ key: [UInt8], _ message: [UInt8], _ code: String) {
        #expect(Hexadecimal.text(HMACSHA1.authenticationCode(for: message, key: key)) == code)
    }
}

@Suite("AES-256-GCM")
struct AES256GCMTests {
    /// Test cases 13, 14 and 16 of the proposal of GCM to NIST (McGrew and Viega, appendix B).
    struct Vector: Sendable {
        var key = String(repeating: "00", count: 32)
        var nonce = String(repeating: "00", count: 12)
        var message = ""
        var context = ""
        let text: String
        let tag: String
    }

    static let vectors = [
        Vector(text: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            message: String(repeating: "00", count: 16),
            text: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"
        ),
        Vector(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            context: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            text: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ]

    @Test("the test cases of the proposal", arguments: vectors)
    func cases(_ vector: Vector) throws {
        let key = try #require(Hexadecimal.bytes(vector.key))
        let nonce = try #require(Hexadecimal.bytes(vector.nonce))
        let message = try #require(Hexadecimal.bytes(vector.message))
        let context = try #require(Hexadecimal.bytes(vector.context))
        let box = AES256GCM.seal(message, key: key, nonce: nonce, context: context)
        #expect(Hexadecimal.text(box) == vector.nonce + vector.text + vector.tag)
        #expect(AES256GCM.open(box, key: key, context: context) == message)
    }

    @Test("a box that was changed anywhere, cut, moved to another context or opened with another key stays shut")
    func forgeries() {
        let key = Randomness.bytes(32)
        let box = AES256GCM.seal(Array("secret".utf8), key: key, context: [1])
        for index in box.indices {
            var other = box
            other[index] ^= 1
            #expect(AES256GCM.open(other, key: key, context: [1]) == nil)
        }
        for count in 0..<box.count {
            #expect(AES256GCM.open(Array(box.prefix(count)), key: key, context: [1]) == nil)
        }
        #expect(AES256GCM.open(box, key: key, context: [2]) == nil)
        #expect(AES256GCM.open(box, key: Randomness.bytes(32), context: [1]) == nil)
        #expect(AES256GCM.open(box, key: key, context: [1]) == Array("secret".utf8))
    }

    @Test("the same message is never sealed the same way")
    func nonces() {
        let key = Randomness.bytes(32)
        #expect(Set((0..<100).map { _ in AES256GCM.seal([1, 2, 3], key: key, context: []) }).count == 100)
    }
}
