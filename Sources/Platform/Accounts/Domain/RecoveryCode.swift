internal import Cryptography

/// A code that stands in once for the second factor, when the authenticator is lost.
///
/// It has 120 bits, so that a plain digest is enough to keep it by (ASVS 6.5.2 asks for a password hash below 112).
enum RecoveryCode {
    /// How many an account has.
    static let count = 10
    private static let size = 15

    /// A fresh set, each as six groups of four: `ABCD-EFGH-IJKL-MNOP-QRST-UVWX`.
    static func draw(random: (Int) -> [UInt8] = Randomness.bytes) -> [String] {
        (0..<count).map { _ in
            let text = Array(Base32.text(random(size)))
            return stride(from: 0, to: text.count, by: 4).map { String(text[$0..<min($0 + 4, text.count)]) }
                .joined(separator: "-")
        }
    }

    /// What is stored of a code: its SHA-256, whatever case and separators it was typed with.
    ///
    /// - Returns: `nil` when it can be no code.
    static func digest(of typed: String) -> [UInt8]? {
        let text = typed.uppercased().filter { $0 != "-" && $0 != " " }
        guard let bytes = Base32.bytes(text), bytes.count == size else { return nil }
        return SHA256.digest(of: bytes)
    }
}
