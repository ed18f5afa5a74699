/// The modules of a code while it is drawn.
struct QRMatrix {
    let version: QRVersion
    let size: Int
    private(set) var isDark: [Bool]
    /// Whether a module belongs to a pattern that no data and no mask touches.
    private var isFixed: [Bool]

    /// The patterns of a version, with room for format and data.
    init(_ version: QRVersion) {
        self.version = version
        size = version.size
        isDark = Array(repeating: false, count: size * size)
        isFixed = isDark
        drawTiming()
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawFinder(row, column) }
        drawAlignments()
        drawFormat(mask: 0)
        drawVersion()
    }

    private mutating func fix(_ row: Int, _ column: Int, _ dark: Bool) {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return }
        isDark[row * size + column] = dark
        isFixed[row * size + column] = true
    }

    private mutating func drawTiming() {
        for place in 0..<size {
            fix(6, place, place % 2 == 0)
            fix(place, 6, place % 2 == 0)
        }
    }

    /// The eye of a corner and the light line around it (§6.3.3, §6.3.4).
    private mutating func drawFinder(_ row: Int, _ column: Int) {
        for down in -4...4 {
            for right in -4...4 {
                let distance = max(abs(down), abs(right))
                fix(row + down, column + right, distance != 2 && distance != 4)
            }
        }
    }

    private mutating func drawAlignments() {
        let last = version.alignments.last ?? 0
        for row in version.alignments {
            for column in version.alignments {
                // Three of the places are those of the eyes.
                guard !((row == 6 && column == 6) || (row == 6 && column == last) || (row == last && column == 6))
                else {
                    continue
                }
                for down in -2...2 {
                    for right in -2...2 { fix(row + down, column + right, max(abs(down), abs(right)) != 1) }
                }
            }
        }
    }

    /// Level M and the mask, twice, with 10 bits of BCH code (§7.9).
    private mutating func drawFormat(mask: Int) {
        var remainder = mask
        for _ in 0..<10 { remainder = remainder << 1 ^ (remainder >> 9 == 1 ? 0x537 : 0) }
        let bits = (mask << 10 | remainder) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0..<6 { fix(index, 8, bit(index)) }
        fix(7, 8, bit(6))
        fix(8, 8, bit(7))
        fix(8, 7, bit(8))
        for index in 9..<15 { fix(8, 14 - index, bit(index)) }
        for index in 0..<8 { fix(8, size - 1 - index, bit(index)) }
        for index in 8..<15 { fix(size - 15 + index, 8, bit(index)) }
        fix(size - 8, 8, true)
    }

    /// The version, twice, with 12 bits of BCH code, from version 7 on (§7.10).
    private mutating func drawVersion() {
        guard version.number >= 7 else { return }
        var remainder = version.number
        for _ in 0..<12 { remainder = remainder << 1 ^ (remainder >> 11 == 1 ? 0x1F25 : 0) }
        let bits = version.number << 12 | remainder
        for index in 0..<18 {
            let dark = bits >> index & 1 == 1
            fix(index / 3, size - 11 + index % 3, dark)
            fix(size - 11 + index % 3, index / 3, dark)
        }
    }

    /// The codewords in pairs of columns from the right, upwards and downwards in turn (§7.7.3).
    func filled(with codewords: [UInt8]) -> QRMatrix {
        var matrix = self
        var index = 0
        for right in [Int](stride(from: size - 1, through: 8, by: -2)) + [5, 3, 1] {
            // The column of the timing pattern is in no pair.
            let isUpward = (size - 1 - (right < 6 ? right + 1 : right)) / 2 % 2 == 0
            for step in 0..<size {
                let row = isUpward ? size - 1 - step : step
                for column in [right, right - 1] where !isFixed[row * size + column] && index < codewords.count * 8 {
                    matrix.isDark[row * size + column] = codewords[index / 8] >> (7 - index % 8) & 1 == 1
                    index += 1
                }
            }
        }
        return matrix
    }

    /// The code with one of the eight masks over its data (§7.8.2, table 10).
    func masked(_ mask: Int) -> QRMatrix {
        var matrix = self
        for row in 0..<size {
            for column in 0..<size where !isFixed[row * size + column] {
                let isFlipped =
                    switch mask {
                    case 0: (row + column) % 2 == 0
                    case 1: row % 2 == 0
                    case 2: column % 3 == 0
                    case 3: (row + column) % 3 == 0
                    case 4: (row / 2 + column / 3) % 2 == 0
                    case 5: row * column % 2 + row * column % 3 == 0
                    case 6: (row * column % 2 + row * column % 3) % 2 == 0
                    default: ((row + column) % 2 + row * column % 3) % 2 == 0
                    }
                if isFlipped { matrix.isDark[row * size + column].toggle() }
            }
        }
        matrix.drawFormat(mask: mask)
        return matrix
    }

    /// How hard the code is to read (§7.8.3): runs, blocks, what looks like an eye, and too much of one colour.
    var penalty: Int {
        let rows = (0..<size).map { row in Array(isDark[row * size..<(row + 1) * size]) }
        let columns = (0..<size).map { column in rows.map { $0[column] } }
        let lines = (rows + columns).reduce(0) { $0 + Self.runs($1) + Self.eyes($1) }
        var blocks = 0
        for row in 1..<size {
            for column in 1..<size {
                let dark = rows[row][column]
                if rows[row - 1][column] == dark, rows[row][column - 1] == dark, rows[row - 1][column - 1] == dark {
                    blocks += 3
                }
            }
        }
        let share = isDark.count { $0 } * 100 / isDark.count
        return lines + blocks + abs(share - 50) / 5 * 10
    }

    private static func runs(_ line: [Bool]) -> Int {
        var penalty = 0
        var length = 0
        for (index, dark) in line.enumerated() {
            length = index > 0 && line[index - 1] == dark ? length + 1 : 1
            if length == 5 { penalty += 3 } else if length > 5 { penalty += 1 }
        }
        return penalty
    }

    /// An eye with four light modules on one side of it, eleven modules as bits.
    private static func eyes(_ line: [Bool]) -> Int {
        var penalty = 0
        var window = 0
        for (index, dark) in line.enumerated() {
            window = (window << 1 | (dark ? 1 : 0)) & 0x7FF
            if index >= 10, window == 0b101_1101_0000 || window == 0b000_0101_1101 { penalty += 40 }
        }
        return penalty
    }
}
