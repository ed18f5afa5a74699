/// Passwords that are tried first: told by how they are made rather than by a list of them.
///
/// A guesser's first thousands are a word with a year, a name with `123`, a walk over the keyboard, digits in order, one
/// thing said twice. Each of these is a rule here, so that the rules refuse far more than the 3000 that ASVS 6.2.4 asks
/// for (350 words with any digits and signs around them and letters written as digits), and no data of others is copied.
enum CommonPasswords {
    /// Whether a password is one of them.
    ///
    /// - Parameters:
    ///   - password: as it was typed.
    ///   - context: words that belong to this account: its address, handle and name.
    /// - Returns: whether it is.
    static func contains(_ password: String, context: [String] = []) -> Bool {
        let folded = Array(password.lowercased().unicodeScalars)
        return isMonotonous(folded) || isWalk(folded) || isDate(folded) || isMadeOfWord(folded)
            || isMadeOfContext(folded, context)
    }

    /// One thing said again and again: `aaaaaaaa`, `12121212`, `passpass`; a period of up to four, or one said twice when
    /// it is a common word (``isMadeOfWord(_:)``).
    private static func isMonotonous(_ text: [Unicode.Scalar]) -> Bool {
        (1...4).contains { period in
            text.count >= 2 * period && text.indices.allSatisfy { $0 < period || text[$0] == text[$0 - period] }
        }
    }

    /// Runs over the keyboard or the alphabet, of at most three pieces: `qwertyuiop`, `1234qwer`, `abcdefgh`, `zxcvbnm1`.
    private static func isWalk(_ text: [Unicode.Scalar]) -> Bool {
        guard text.count >= 2 else { return true }
        var runs = 1
        var steps = Steps.any
        for index in 1..<text.count {
            steps.formIntersection(Steps(from: text[index - 1], to: text[index]))
            if steps.isEmpty {
                runs += 1
                steps = .any
            }
        }
        // A run needs three keys to be one: eight characters of four runs are a word.
        return runs * 3 <= text.count && runs <= 3
    }

    /// The ways a step of a walk can be meant: along a row, along a column, on in the alphabet, or staying.
    private struct Steps: OptionSet {
        let rawValue: UInt8

        static let staying = Steps(rawValue: 1)
        static let right = Steps(rawValue: 2)
        static let left = Steps(rawValue: 4)
        static let down = Steps(rawValue: 8)
        static let up = Steps(rawValue: 16)
        static let forward = Steps(rawValue: 32)
        static let backward = Steps(rawValue: 64)
        static let any = Steps(rawValue: 127)

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        init(from: Unicode.Scalar, to: Unicode.Scalar) {
            self = from == to ? .staying : []
            if from.properties.isAlphabetic, to.properties.isAlphabetic {
                if to.value == from.value + 1 { insert(.forward) }
                if from.value == to.value + 1 { insert(.backward) }
            }
            guard let here = CommonPasswords.keys[from], let there = CommonPasswords.keys[to] else { return }
            switch (there.row - here.row, there.column - here.column) {
            case (0, 1): insert(.right)
            case (0, -1): insert(.left)
            case (1, 0): insert(.down)
            case (-1, 0): insert(.up)
            default: break
            }
        }
    }

    /// Where a key is.
    ///
    /// The rows of the US, German and French layouts differ by letters that are walked the same way.
    private static let keys: [Unicode.Scalar: (row: Int, column: Int)] = {
        var keys: [Unicode.Scalar: (row: Int, column: Int)] = [:]
        for (row, line) in ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"].enumerated() {
            for (column, key) in line.unicodeScalars.enumerated() { keys[key] = (row, column) }
        }
        for (column, key) in "!@#$%^&*()_+".unicodeScalars.enumerated() { keys[key] = (0, column) }
        return keys
    }()

    /// Digits that are a day, with or without separators: `31121999`, `1999-12-31`, `12/31/1999`.
    private static func isDate(_ text: [Unicode.Scalar]) -> Bool {
        let digits = text.compactMap { ("0"..."9").contains($0) ? Int($0.value) - 0x30 : nil }
        let others = text.filter { !("0"..."9").contains($0) }
        guard digits.count == 8, others.count <= 2, others.allSatisfy({ "-/. ".unicodeScalars.contains($0) }) else {
            return false
        }
        func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + $1 } }
        func isDay(year: Int, _ first: Int, _ second: Int) -> Bool {
            (1900...2100).contains(year) && (1...31).contains(first) && (1...31).contains(second)
                && min(first, second) <= 12
        }
        return isDay(year: number(4..<8), number(0..<2), number(2..<4))
            || isDay(year: number(0..<4), number(4..<6), number(6..<8))
    }

    /// A common word, or two, with digits and signs around them and with letters written as digits.
    private static func isMadeOfWord(_ text: [Unicode.Scalar]) -> Bool {
        readings(of: text).contains { core in
            // A word next to many digits of no order is a password like another.
            let others = text.filter { !$0.properties.isAlphabetic }
            guard !core.isEmpty, text.count - core.unicodeScalars.count <= 6 || isWalk(others) || isDate(others) else {
                return false
            }
            if words.contains(core) { return true }
            let letters = Array(core)
            return letters.indices.dropFirst(2).contains { split in
                words.contains(String(letters[..<split])) && words.contains(String(letters[split...]))
            }
        }
    }

    /// What is left of a password without the digits and signs around it and inside of it, the letters meant by digits
    /// put back: `p@ssw0rd1!` is `password`.
    ///
    /// Digits at the end may be letters or not (`l0ve`, `love0`), so both are read.
    private static func readings(of text: [Unicode.Scalar]) -> Set<String> {
        func letters(_ text: some Sequence<Unicode.Scalar>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: text.filter { $0.properties.isAlphabetic })
            return String(view)
        }
        func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic }
        let core = text.drop { !isLetter($0) }.reversed().drop { !isLetter($0) }.reversed()
        let whole = text.map { meant[$0] ?? $0 }
        return [
            letters(core), letters(core.map { meant[$0] ?? $0 }), letters(whole),
            letters(text.reversed().drop { !isLetter($0) }.reversed().map { meant[$0] ?? $0 }),
            letters(core.map { $0 == "1" ? "l" : meant[$0] ?? $0 }),
        ]
    }

    private static let meant: [Unicode.Scalar: Unicode.Scalar] = [
        "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i",
        "|": "l", "+": "t",
    ]

    /// What belongs to the account, with at most six characters around it, fewer than four of them letters.
    private static func isMadeOfContext(_ text: [Unicode.Scalar], _ context: [String]) -> Bool {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text)
        let password = String(view)
        let pieces = (context + ["lyceum"]).flatMap { word in
            [word.lowercased()] + word.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        }
        return pieces.contains { piece in
            guard piece.unicodeScalars.count >= 3, let range = password.firstRange(of: piece) else { return false }
            let rest = Array((password[..<range.lowerBound] + password[range.upperBound...]).unicodeScalars)
            return rest.count <= 6 && rest.count { $0.properties.isAlphabetic } < 4
        }
    }
}
