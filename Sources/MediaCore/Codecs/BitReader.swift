/// Reads bits, most significant first, and Exp-Golomb codes (ISO/IEC 14496-10 §9.1) from bytes that may end anywhere.
struct BitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    var remainingBits: Int { bytes.count * 8 - position }

    /// Reads an unsigned number of `count` bits, 32 at most.
    mutating func read(_ count: Int) throws(CodecConfigurationError) -> UInt32 {
        guard count <= remainingBits else { throw .truncated }
        var value: UInt32 = 0
        for _ in 0..<count {
            let bit = bytes[position >> 3] >> (7 - UInt8(position & 7)) & 1
            value = value << 1 | UInt32(bit)
            position += 1
        }
        return value
    }

    mutating func readFlag() throws(CodecConfigurationError) -> Bool { try read(1) == 1 }

    mutating func skip(_ count: Int) throws(CodecConfigurationError) {
        guard count <= remainingBits else { throw .truncated }
        position += count
    }

    /// ue(v): at most 31 leading zeros, so the value fits 32 bits.
    mutating func readUnsignedExpGolomb() throws(CodecConfigurationError) -> UInt32 {
        var zeros = 0
        while try !readFlag() {
            zeros += 1
            guard zeros < 32 else { throw .malformed("Exp-Golomb code longer than 63 bits") }
        }
        return (1 << UInt32(zeros)) - 1 + (try read(zeros))
    }

    /// se(v).
    mutating func readSignedExpGolomb() throws(CodecConfigurationError) -> Int64 {
        let code = Int64(try readUnsignedExpGolomb())
        return code & 1 == 1 ? (code + 1) / 2 : -(code / 2)
    }
}

/// What is wrong with a decoder configuration record or a parameter set.
public enum CodecConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The record ends before it should.
    case truncated
    /// A field has a value that it must not have.
    case malformed(String)

    /// The problem in words, with the value seen.
    public var description: String {
        switch self {
        case .truncated: "decoder configuration ends too early"
        case .malformed(let what): "decoder configuration: \(what)"
        }
    }
}
