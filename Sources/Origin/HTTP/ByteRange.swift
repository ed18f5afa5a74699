/// What a Range field asks of a representation (RFC 9110 §14.2).
enum RangeRequest: Hashable, Sendable {
    /// Everything: no range, one that is malformed or of another unit, or several, which nobody needs of media.
    case whole
    /// These bytes, at least one.
    case part(Range<Int>)
    /// Nothing that exists: to be answered with 416.
    case unsatisfiable

    /// Reads a Range field's value against a representation's length in bytes.
    init(_ value: String, length: Int) {
        let prefix = value.prefix(6)
        guard prefix.isEqual(ignoringCaseOf: "bytes=") else {
            self = .whole
            return
        }
        let parts = value.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = Self.position(parts[0]), let last = Self.position(parts[1]) else {
            self = .whole
            return
        }
        self = Self.resolve(first: first, last: last, length: length)
    }

    private static func resolve(first: Int?, last: Int?, length: Int) -> RangeRequest {
        switch (first, last) {
        case (nil, nil): .whole
        case (nil, let suffix?): suffix == 0 || length == 0 ? .unsatisfiable : .part(max(0, length - suffix)..<length)
        case (let first?, let last?) where last < first: .whole
        case (let first?, _) where first >= length: .unsatisfiable
        case (let first?, let last): .part(first..<min(length, (last ?? length - 1).addingSaturated(1)))
        }
    }

    /// A position of digits alone, `nil` inside when it is empty, `nil` outside when it is anything else.
    ///
    /// One too large for the machine is beyond every representation, so the largest number stands for it.
    private static func position(_ digits: Substring) -> Int?? {
        guard !digits.isEmpty else { return .some(nil) }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return .some(Int(digits) ?? Int.max)
    }
}

extension Int {
    fileprivate func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? Int.max : sum
    }
}
