/// Base64 without padding (RFC 4648 §4, §3.2), as PHC strings have it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> String {
        BitText.text(bytes, alphabet: alphabet, bits: 6)
    }

    /// The bytes of a text, or `nil` when it is no such text.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        BitText.bytes(text, alphabet: alphabet, bits: 6)
    }
}

/// Base32 without padding (RFC 4648 §6): how authenticator apps take a secret, and people a recovery code.
enum Base32 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> String {
        BitText.text(bytes, alphabet: alphabet, bits: 5)
    }

    /// The bytes of a text in capital letters, or `nil` when it is no such text.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        BitText.bytes(text, alphabet: alphabet, bits: 5)
    }
}

/// Bytes as characters of so many bits each, the first bits first.
private enum BitText {
    static func text(_ bytes: [UInt8], alphabet: [UInt8], bits: Int) -> String {
        var text: [UInt8] = []
        var buffer = 0
        var count = 0
        for byte in bytes {
            buffer = (buffer << 8 | Int(byte)) & 0xFFFF
            count += 8
            while count >= bits {
                count -= bits
                text.append(alphabet[buffer >> count & (1 << bits - 1)])
            }
        }
        if count > 0 { text.append(alphabet[buffer << (bits - count) & (1 << bits - 1)]) }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(_ text: some StringProtocol, alphabet: [UInt8], bits: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = 0
        var count = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            buffer = (buffer << bits | value) & 0xFFFF
            count += bits
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> count))
            }
        }
        // What is left must be the fill of the last character: fewer bits than one has, all zero (RFC 4648 §3.5).
        guard count < bits, buffer & (1 << count - 1) == 0 else { return nil }
        return bytes
    }
}
