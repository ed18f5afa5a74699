import Testing

@testable import Accounts

@Suite("One-time passwords by time")
struct TOTPTests {
    static let secret = Array("12345678901234567890".utf8)

    @Test(
        "the test vectors of RFC 6238 appendix B",
        arguments: [
            (59.0, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
        ]
    )
    func vectors(_ seconds: Double, _ code: String) {
        #expect(TOTP.code(secret: Self.secret, step: TOTP.step(at: seconds), digits: 8) == code)
    }

    @Test(
        "the codes of one step before and after are taken, of two are not",
        arguments: [(-2, false), (-1, true), (0, true), (1, true), (2, false)]
    )
    func window(_ offset: Int, _ isTaken: Bool) {
        let now = 1_234_567_890.0
        let step = TOTP.step(at: now) + Int64(offset)
        let code = TOTP.code(secret: Self.secret, step: step)
        let accepted = TOTP.acceptedStep(code: code, secret: Self.secret, at: now, lastUsed: nil)
        #expect(accepted == (isTaken ? step : nil))
    }

    @Test("ASVS 6.5.1: a code is taken once, and none that is older than the last")
    func reuse() {
        let now = 1_234_567_890.0
        let step = TOTP.step(at: now)
        let code = TOTP.code(secret: Self.secret, step: step)
        let older = TOTP.code(secret: Self.secret, step: step - 1)
        #expect(TOTP.acceptedStep(code: code, secret: Self.secret, at: now, lastUsed: step - 1) == step)
        #expect(TOTP.acceptedStep(code: code, secret: Self.secret, at: now, lastUsed: step) == nil)
        #expect(TOTP.acceptedStep(code: older, secret: Self.secret, at: now, lastUsed: step) == nil)
    }

    @Test(
        "what is no code is wrong; blanks in a code are skipped",
        arguments: ["", "1", "12345", "1234567", "abcdef", "１２３４５６", "-12345"]
    )
    func malformed(_ code: String) {
        #expect(TOTP.acceptedStep(code: code, secret: Self.secret, at: 0, lastUsed: nil) == nil)
        let right = TOTP.code(secret: Self.secret, step: 0)
        let spaced = right.prefix(3) + " " + right.suffix(3)
        #expect(TOTP.acceptedStep(code: String(spaced), secret: Self.secret, at: 0, lastUsed: nil) == 0)
    }

    @Test("times without end are some step, not a trap", arguments: [-1.0, .infinity, -.infinity, 1e300])
    func bounds(_ seconds: Double) {
        #expect(TOTP.step(at: seconds) >= 0)
    }

    @Test("the address for an app has the secret in base32 and everything else encoded")
    func uri() {
        let uri = TOTP.uri(secret: Self.secret, issuer: "My Lyceum", account: "a+b@example.org")
        #expect(
            uri == "otpauth://totp/My%20Lyceum:a%2Bb%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                + "&issuer=My%20Lyceum&algorithm=SHA1&digits=6&period=30"
        )
    }
}

@Suite("Base32 and base64")
struct BitTextTests {
    /// RFC 4648 §10, without padding.
    @Test(
        "the test vectors of RFC 4648",
        arguments: [
            ("", "", ""), ("f", "MY", "Zg"), ("fo", "MZXQ", "Zm8"), ("foo", "MZXW6", "Zm9v"),
            ("foob", "MZXW6YQ", "Zm9vYg"),
            ("fooba", "MZXW6YTB", "Zm9vYmE"), ("foobar", "MZXW6YTBOI", "Zm9vYmFy"),
        ]
    )
    func vectors(_ text: String, _ base32: String, _ base64: String) {
        let bytes = Array(text.utf8)
        #expect(Base32.text(bytes) == base32)
        #expect(Base64.text(bytes) == base64)
        #expect(Base32.bytes(base32) == bytes)
        #expect(Base64.bytes(base64) == bytes)
    }

    @Test(
        "other characters, padding and bits that say nothing are refused",
        arguments: ["M", "MZ", "MY======", "m", "M1", "MZX", "ÄÄ"]
    )
    func malformed(_ text: String) {
        #expect(Base32.bytes(text) == nil)
    }
}

@Suite("Recovery codes")
struct RecoveryCodeTests {
    @Test("ten codes of six groups, all different, found again however they are typed")
    func codes() throws {
        let codes = RecoveryCode.draw()
        #expect(Set(codes).count == 10)
        let code = try #require(codes.first)
        #expect(code.count == 29)
        let digest = try #require(RecoveryCode.digest(of: code))
        #expect(RecoveryCode.digest(of: code.lowercased()) == digest)
        #expect(RecoveryCode.digest(of: code.replacing("-", with: " ")) == digest)
        #expect(Set(codes.map { RecoveryCode.digest(of: $0) }).count == 10)
    }

    @Test(
        "what can be no code has no digest",
        arguments: ["", "123456", "ABCD", "ABCD-EFGH-IJKL-MNOP-QRST-UVW1", "ABCDEFGHIJKLMNOPQRSTUVWXY"]
    )
    func malformed(_ text: String) {
        #expect(RecoveryCode.digest(of: text) == nil)
    }
}
