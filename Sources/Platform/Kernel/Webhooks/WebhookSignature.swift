internal import Cryptography

/// How a receiver tells that a webhook is ours and new: `t=<seconds>,v1=<hexadecimal HMAC-SHA256 of
/// "<seconds>.<body>">`.
///
/// The time is signed with the body, so that a recorded request cannot be replayed later; a receiver refuses what is
/// older than some minutes.
public enum WebhookSignature {
    /// The name of the header.
    public static let header = "Lyceum-Signature"

    /// The header's value.
    ///
    /// - Parameters:
    ///   - body: the bytes as they are sent.
    ///   - seconds: the time of sending, in seconds since 1970.
    ///   - secret: the secret shared with the receiver.
    /// - Returns: the time and the code.
    public static func value(for body: [UInt8], at seconds: Int64, secret: [UInt8]) -> String {
        "t=\(seconds),v1=\(code(body, seconds, secret))"
    }

    /// Whether a header's value is the signature of these bytes, made at most so long ago.
    ///
    /// What a receiver does; here for our own receivers and for documentation.
    public static func isValid(
        _ value: String,
        for body: [UInt8],
        now: Int64,
        tolerance: Int64 = 300,
        secret: [UInt8]
    ) -> Bool {
        var seconds: Int64?
        var signature: Substring?
        for part in value.split(separator: ",").prefix(8) {
            if part.hasPrefix("t=") { seconds = Int64(part.dropFirst(2)) }
            if part.hasPrefix("v1=") { signature = part.dropFirst(3) }
        }
        guard let seconds, let signature else { return false }
        let (age, isOverflow) = now.subtractingReportingOverflow(seconds)
        guard !isOverflow, (-tolerance...tolerance).contains(age) else { return false }
        return ConstantTime.isEqual(Array(signature.utf8), Array(code(body, seconds, secret).utf8))
    }

    private static func code(_ body: [UInt8], _ seconds: Int64, _ secret: [UInt8]) -> String {
        Hexadecimal.text(HMACSHA256.authenticationCode(for: Array("\(seconds).".utf8) + body, key: secret))
    }
}
