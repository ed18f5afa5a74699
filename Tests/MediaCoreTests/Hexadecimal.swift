/// The bytes of a hexadecimal text, which the tests write without mistakes.
func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Writes bits and Exp-Golomb codes, for parameter sets that no encoder at hand makes.
struct BitWriter {
    private(set) var bits: [UInt8] = []

    mutating func write(_ value: UInt64, _ count: Int) {
        for shift in stride(from: count - 1, through: 0, by: -1) { bits.append(UInt8(value >> UInt64(shift) & 1)) }
    }

    /// ue(v) of ISO/IEC 14496-10 §9.1.
    mutating func writeUnsigned(_ value: UInt64) {
        let length = 64 - (value + 1).leadingZeroBitCount
        write(0, length - 1)
        write(value + 1, length)
    }

    /// se(v) of ISO/IEC 14496-10 §9.1.1.
    mutating func writeSigned(_ value: Int64) {
        writeUnsigned(value > 0 ? UInt64(value) * 2 - 1 : UInt64(-value) * 2)
    }

    /// The bits, the stop bit and zeros up to a whole byte, with emulation prevention (§7.3.1).
    var nalUnit: [UInt8] {
        var padded = bits + [1]
        while padded.count % 8 != 0 { padded.append(0) }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: padded.count, by: 8) {
            let byte = padded[start..<start + 8].reduce(0) { $0 << 1 | $1 }
            if byte <= 3, bytes.suffix(2) == [0, 0] { bytes.append(3) }
            bytes.append(byte)
        }
        return bytes
    }
}
