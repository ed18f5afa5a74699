internal import Cryptography

/// Names of rows for the outside: a prefix and 22 characters of a-z, A-Z and 0-9, 131 bits that nobody can guess or count.
enum PublicID {
    static func draw(_ prefix: String) -> String { prefix + name() }

    /// 22 characters, for names without a prefix.
    static func name() -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var text: [UInt8] = []
        while text.count < 22 {
            // 248 is the greatest multiple of 62 a byte holds: what is above would make some characters likelier.
            text += Randomness.bytes(32).filter { $0 < 248 }.map { alphabet[Int($0 % 62)] }
        }
        return String(decoding: text.prefix(22), as: UTF8.self)
    }
}
