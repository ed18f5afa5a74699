internal import Cryptography

/// Time-based one-time passwords (RFC 6238) as every authenticator app knows them: HMAC-SHA1, six digits, 30 seconds.
public enum TOTP {
    /// The seconds of a step (RFC 6238 §4.1, X).
    public static let period = 30
    /// How many digits a code has.
    public static let digits = 6
    /// The steps before and after the present one that are taken as well, for clocks that differ (RFC 6238 §5.2).
    public static let window = 1
    /// The size of a secret in bytes (RFC 4226 §4, R6: 160 bits are advised).
    public static let secretSize = 20

    /// The step a time is in (RFC 6238 §4.2, T).
    ///
    /// - Parameter seconds: since 1970.
    /// - Returns: the number of steps since then.
    public static func step(at seconds: Double) -> Int64 {
        Int64(max(0, min(seconds, 1e15))) / Int64(period)
    }

    /// The code of a step (RFC 4226 §5.3).
    ///
    /// - Parameters:
    ///   - secret: the shared secret.
    ///   - step: the number of the step.
    ///   - digits: 6 to 8.
    /// - Returns: so many digits.
    static func code(secret: [UInt8], step: Int64, digits: Int = digits) -> String {
        let message = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: step >> Int64($0)) }
        let mac = HMACSHA1.authenticationCode(for: message, key: secret)
        let offset = Int(mac[19] & 0x0F)
        let number = mac[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let text = String(number)
        let padded = String(repeating: "0", count: max(0, digits - text.count)) + text
        return String(padded.suffix(digits))
    }

    /// The step a code belongs to.
    ///
    /// - Parameters:
    ///   - code: as it was typed; spaces in it are skipped.
    ///   - secret: the shared secret.
    ///   - seconds: now, since 1970.
    ///   - lastUsed: the latest step whose code was taken, so that none is taken twice (RFC 6238 §5.2).
    /// - Returns: `nil` when the code is wrong, too old, too new or used.
    static func acceptedStep(code: String, secret: [UInt8], at seconds: Double, lastUsed: Int64?) -> Int64? {
        let typed = Array(code.utf8.filter { $0 != UInt8(ascii: " ") })
        guard typed.count == digits else { return nil }
        let now = step(at: seconds)
        var accepted: Int64?
        // All are compared whatever comes of the first, so that time tells nothing.
        for step in max(0, now - Int64(window))...now + Int64(window) {
            let isEqual = ConstantTime.isEqual(typed, Array(Self.code(secret: secret, step: step).utf8))
            if isEqual, step > lastUsed ?? -1 { accepted = step }
        }
        return accepted
    }

    /// The address an authenticator app reads (Key URI format), for a link and for a QR code.
    ///
    /// - Parameters:
    ///   - secret: the shared secret.
    ///   - issuer: the platform's name.
    ///   - account: the account's address.
    /// - Returns: the address.
    static func uri(secret: [UInt8], issuer: String, account: String) -> String {
        let label = "\(percentEncoded(issuer)):\(percentEncoded(account))"
        return "otpauth://totp/\(label)?secret=\(Base32.text(secret))&issuer=\(percentEncoded(issuer))"
            + "&algorithm=SHA1&digits=\(digits)&period=\(period)"
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~".utf8.contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hexadecimal.text([byte]).uppercased()
        }.joined()
    }
}
