/// Base64 with the alphabet for addresses, without padding (RFC 4648 §5, §3.2).
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var bits = 0
        var value = 0
        for byte in bytes {
            value = value << 8 | Int(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                result.append(alphabet[value >> bits & 0x3F])
            }
            value &= 0xFF
        }
        if bits > 0 { result.append(alphabet[value << (6 - bits) & 0x3F]) }
        return String(decoding: result, as: UTF8.self)
    }

    /// The bytes of a text; `nil` for other characters, a length no bytes have, or bits that stand for nothing.
    static func bytes(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var bits = 0
        var value = 0
        for character in text.utf8 {
            guard let digit = digit(character) else { return nil }
            value = value << 6 | digit
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: value >> bits))
                value &= (1 << bits) - 1
            }
        }
        return bits < 6 && value == 0 ? result : nil
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
