/// The codewords of a text: data, error correction, in the order they are drawn in.
enum QRCodewords {
    /// The data and its error correction, block by block in turn (§7.6).
    static func interleaved(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
        let data = padded(bytes, version)
        var blocks: [(data: ArraySlice<UInt8>, correction: [UInt8])] = []
        var start = 0
        for group in version.blocks {
            for _ in 0..<group.count {
                let block = data[start..<start + group.data]
                blocks.append((block, ReedSolomon.remainder(of: block, count: version.correction)))
                start += group.data
            }
        }
        var codewords: [UInt8] = []
        let longest = blocks.map(\.data.count).max() ?? 0
        for index in 0..<longest {
            for block in blocks where index < block.data.count {
                codewords.append(block.data[block.data.startIndex + index])
            }
        }
        for index in 0..<version.correction { codewords += blocks.map { $0.correction[index] } }
        return codewords
    }

    /// Mode, count, bytes, terminator and pad codewords (§7.4.5, §7.4.9, §7.4.10).
    private static func padded(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for bit in stride(from: count - 1, through: 0, by: -1) { bits.append(value >> bit & 1 == 1) }
        }
        append(0b0100, 4)
        append(bytes.count, version.countBits)
        for byte in bytes { append(Int(byte), 8) }
        append(0, min(4, 8 * version.dataCount - bits.count))
        append(0, (8 - bits.count % 8) % 8)
        var codewords = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        let pads: [UInt8] = [0b1110_1100, 0b0001_0001]
        for index in 0..<(version.dataCount - codewords.count) { codewords.append(pads[index % 2]) }
        return codewords
    }
}

/// Reed-Solomon codes over the field of 256 elements with the polynomial x⁸ + x⁴ + x³ + x² + 1 (§7.5.2).
enum ReedSolomon {
    /// The remainder of the data, times x to the count, divided by the generator polynomial.
    static func remainder(of data: some Collection<UInt8>, count: Int) -> [UInt8] {
        let generator = generator(count)
        var remainder = [UInt8](repeating: 0, count: count)
        for byte in data {
            let factor = byte ^ remainder.removeFirst()
            remainder.append(0)
            for index in 0..<count { remainder[index] ^= product(generator[index], factor) }
        }
        return remainder
    }

    /// (x − α⁰)(x − α¹)…, without its leading 1, highest power first (annex A).
    private static func generator(_ count: Int) -> [UInt8] {
        var coefficients = [UInt8](repeating: 0, count: count - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<count {
            for index in 0..<count {
                coefficients[index] = product(coefficients[index], root)
                if index + 1 < count { coefficients[index] ^= coefficients[index + 1] }
            }
            root = product(root, 2)
        }
        return coefficients
    }

    private static func product(_ one: UInt8, _ other: UInt8) -> UInt8 {
        var product = 0
        for bit in stride(from: 7, through: 0, by: -1) {
            product = product << 1 ^ (product >> 7 == 1 ? 0x11D : 0)
            if other >> bit & 1 == 1 { product ^= Int(one) }
        }
        return UInt8(product)
    }
}
