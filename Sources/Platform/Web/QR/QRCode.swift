/// A QR code (ISO/IEC 18004:2015), model 2: bytes at error correction level M, versions 1 to 10.
///
/// That is room for 213 bytes: the address that sets up an authenticator has fewer. What is longer gets no code; the text it
/// stands for is always there besides.
public struct QRCode: Sendable, Equatable {
    /// Modules on a side.
    public let size: Int
    /// The modules, row by row; `true` is dark.
    public let modules: [Bool]

    /// The code of a text in UTF-8; `nil` when it is too long.
    public init?(_ text: String) {
        guard let version = QRVersion.smallest(for: text.utf8.count) else { return nil }
        let codewords = QRCodewords.interleaved(Array(text.utf8), version)
        let blank = QRMatrix(version)
        let drawn = blank.filled(with: codewords)
        let best = (0..<8).map { drawn.masked($0) }.min { $0.penalty < $1.penalty }
        guard let best else { return nil }
        size = best.size
        modules = best.isDark
    }

    /// The dark modules as the data of one SVG path, in modules, with a quiet zone of four around it (§6.3.8).
    public var path: String {
        var path = ""
        for row in 0..<size {
            var column = 0
            while column < size {
                let start = column
                while column < size, modules[row * size + column] { column += 1 }
                if column > start { path += "M\(start + 4) \(row + 4)h\(column - start)v1h-\(column - start)z" }
                column += 1
            }
        }
        return path
    }
}

extension QRCode: ViewModel {
    /// What the template `part-qr` shows.
    public func view() throws(TemplateError) -> ViewNode {
        ViewNode(ViewGroup(["side": String(size + 8), "path": path]))
    }
}

/// How a version divides its codewords at level M (§6.5.1, table 9), and where it has alignment patterns (annex E).
struct QRVersion: Equatable {
    let number: Int
    /// Codewords for error correction in each block.
    let correction: Int
    /// How many blocks there are of how many data codewords.
    let blocks: [(count: Int, data: Int)]
    /// The rows and columns of the centres of alignment patterns.
    let alignments: [Int]

    static func == (one: QRVersion, other: QRVersion) -> Bool { one.number == other.number }

    var size: Int { 17 + 4 * number }
    var dataCount: Int { blocks.reduce(0) { $0 + $1.count * $1.data } }
    /// Bits of the count of bytes (§7.4.1, table 3).
    var countBits: Int { number < 10 ? 8 : 16 }

    /// The smallest version with room for so many bytes.
    static func smallest(for bytes: Int) -> QRVersion? {
        all.first { 4 + $0.countBits + 8 * bytes <= 8 * $0.dataCount }
    }

    private static let all = [
        QRVersion(number: 1, correction: 10, blocks: [(1, 16)], alignments: []),
        QRVersion(number: 2, correction: 16, blocks: [(1, 28)], alignments: [6, 18]),
        QRVersion(number: 3, correction: 26, blocks: [(1, 44)], alignments: [6, 22]),
        QRVersion(number: 4, correction: 18, blocks: [(2, 32)], alignments: [6, 26]),
        QRVersion(number: 5, correction: 24, blocks: [(2, 43)], alignments: [6, 30]),
        QRVersion(number: 6, correction: 16, blocks: [(4, 27)], alignments: [6, 34]),
        QRVersion(number: 7, correction: 18, blocks: [(4, 31)], alignments: [6, 22, 38]),
        QRVersion(number: 8, correction: 22, blocks: [(2, 38), (2, 39)], alignments: [6, 24, 42]),
        QRVersion(number: 9, correction: 22, blocks: [(3, 36), (2, 37)], alignments: [6, 26, 46]),
        QRVersion(number: 10, correction: 26, blocks: [(4, 43), (1, 44)], alignments: [6, 28, 50]),
    ]
}
