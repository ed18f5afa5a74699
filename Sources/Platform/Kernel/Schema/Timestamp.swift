public import FoundationEssentials

/// Moments as text: RFC 3339 in UTC, with milliseconds when there are any.
public enum Timestamp {
    /// The text of a moment, as `2026-11-26T21:30:00Z` or `2026-11-26T21:30:00.125Z`.
    ///
    /// Moments before the year 0 or after 9999 become the nearest one that has a text.
    public static func text(_ date: Date) -> String {
        let bounded = min(max(date.timeIntervalSince1970, -62_167_219_200), 253_402_300_799)
        let milliseconds = Int((bounded * 1000).rounded(.down))
        let seconds = floorDivide(milliseconds, by: 1000)
        let days = floorDivide(seconds, by: 86_400)
        let time = seconds - days * 86_400
        let (year, month, day) = civil(days: days)
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        text += "T\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))"
        let fraction = milliseconds - seconds * 1000
        return text + (fraction == 0 ? "Z" : ".\(padded(fraction, 3))Z")
    }

    /// The moment a text names; `nil` when it is not of the form of RFC 3339 §5.6 or names no moment.
    public static func date(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count),
            let year = number(bytes, 0, 4), bytes[4] == UInt8(ascii: "-"),
            let month = number(bytes, 5, 2), bytes[7] == UInt8(ascii: "-"),
            let day = number(bytes, 8, 2), bytes[10] | 0x20 == UInt8(ascii: "t"),
            let hour = number(bytes, 11, 2), bytes[13] == UInt8(ascii: ":"),
            let minute = number(bytes, 14, 2), bytes[16] == UInt8(ascii: ":"),
            let second = number(bytes, 17, 2),
            (1...12).contains(month), (1...lastDay(of: month, year)).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var rest = bytes[19...]
        let fraction = takeFraction(&rest)
        guard let fraction, let offset = offset(Array(rest)) else { return nil }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }

    private static func takeFraction(_ rest: inout ArraySlice<UInt8>) -> Double? {
        guard rest.first == UInt8(ascii: ".") else { return 0 }
        let digits = rest.dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(1 + digits.count)
        return digits.isEmpty ? nil : Double("0.\(String(decoding: digits, as: UTF8.self))")
    }

    private static func offset(_ bytes: [UInt8]) -> Int? {
        if bytes.count == 1 { return bytes[0] | 0x20 == UInt8(ascii: "z") ? 0 : nil }
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            let hours = number(bytes, 1, 2), bytes[3] == UInt8(ascii: ":"), let minutes = number(bytes, 4, 2),
            hours < 24, minutes < 60
        else { return nil }
        return (bytes[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
        var value = 0
        for byte in bytes[start..<start + count] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ value: Int, by divisor: Int) -> Int {
        value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func lastDay(of month: Int, _ year: Int) -> Int {
        [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Days since 1970-01-01 of the Gregorian calendar: 365 for each year before, and the leap days between.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let before = year - 1
        let leapDays = floorDivide(before, by: 4) - floorDivide(before, by: 100) + floorDivide(before, by: 400)
        let inYear = (1..<month).reduce(0) { $0 + lastDay(of: $1, year) }
        return before * 365 + leapDays - 719_162 + inYear + day - 1
    }

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        // The mean year is a little longer than 365 days: the guess is right or one off.
        var year = 1970 + floorDivide(days * 400, by: 146_097)
        while Self.days(year, 1, 1) > days { year -= 1 }
        while Self.days(year + 1, 1, 1) <= days { year += 1 }
        var month = 1
        var rest = days - Self.days(year, 1, 1)
        while rest >= lastDay(of: month, year) {
            rest -= lastDay(of: month, year)
            month += 1
        }
        return (year, month, rest + 1)
    }
}
