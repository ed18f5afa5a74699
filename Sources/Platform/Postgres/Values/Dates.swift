public import Foundation

// Moments are `timestamptz`, to the microsecond. Every connection's time zone is UTC.

extension Date: PostgresValue {
    /// PostgreSQL's `timestamptz`.
    public static var postgresType: PostgresType { .timestamptz }

    /// Seconds from the beginning of 1970 to that of PostgreSQL's own count.
    private static let epoch = 946_684_800
    /// What `timestamptz` can hold: from the year 1 to the year 9999 here.
    private static let seconds = -62_135_596_800.0..<253_402_300_800.0

    /// The moment in UTC; what is before the year 1 or after 9999 is not a valid value.
    public var postgresParameter: PostgresParameter {
        guard Self.seconds.contains(timeIntervalSince1970) else {
            return PostgresParameter(.timestamptz, .invalid("a moment outside of the years 1 to 9999"))
        }
        let microseconds = Int64((timeIntervalSince1970 * 1_000_000).rounded())
        let (second, fraction) = microseconds.quotientAndRemainder(flooringBy: 1_000_000)
        let (day, time) = second.quotientAndRemainder(flooringBy: 86400)
        let date = CivilDate(daysSince1970: Int(day))
        let fields = [(date.year, 4), (date.month, 2), (date.day, 2)].map(Self.padded).joined(separator: "-")
        let clock = [time / 3600, time / 60 % 60, time % 60].map { Self.padded(Int($0), 2) }.joined(separator: ":")
        return PostgresParameter(.timestamptz, .text("\(fields) \(clock).\(Self.padded(Int(fraction), 6))+00"))
    }

    /// The moment in a `timestamptz`, `timestamp` (taken for UTC) or `date` (its beginning); infinity is the distant past or
    /// future.
    public static func decode(_ field: PostgresField) -> Date? {
        if field.isBinary {
            guard field.type == .timestamptz, let microseconds = field.bigEndian(Int64.self) else { return nil }
            if microseconds == .max { return .distantFuture }
            if microseconds == .min { return .distantPast }
            let (seconds, fraction) = microseconds.quotientAndRemainder(flooringBy: 1_000_000)
            return Date(timeIntervalSince1970: Double(seconds + Int64(epoch)) + Double(fraction) / 1_000_000)
        }
        switch field.text {
        case "infinity": return .distantFuture
        case "-infinity": return .distantPast
        default: return parse(field.text)
        }
    }

    /// Reads a text such as `2026-01-31 23:59:59.123456+00`.
    private static func parse(_ text: String) -> Date? {
        let halves = text.split(separator: " ", maxSplits: 1)
        let date = halves.first.map { $0.split(separator: "-").compactMap { Int($0) } } ?? []
        guard date.count == 3, (1...294_276).contains(date[0]), (1...12).contains(date[1]), (1...31).contains(date[2])
        else { return nil }
        let days = CivilDate(year: date[0], month: date[1], day: date[2]).daysSince1970
        let midnight = Date(timeIntervalSince1970: Double(days) * 86400)
        guard halves.count == 2 else { return midnight }
        guard let (time, offset) = splitZone(halves[1]) else { return nil }
        let clock = time.split(separator: ":").map { Double($0) ?? -1 }
        guard clock.count == 3, (0...24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else {
            return nil
        }
        return midnight + (clock[0] * 3600 + clock[1] * 60 + clock[2] - Double(offset))
    }

    /// Takes `+05:30` from the end of a time.
    private static func splitZone(_ text: Substring) -> (time: Substring, offset: Int)? {
        guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return (text, 0) }
        var offset = 0
        for (part, unit) in zip(text[text.index(after: sign)...].split(separator: ":"), [3600, 60, 1]) {
            guard let number = Int(part), (0..<60).contains(number) else { return nil }
            offset += number * unit
        }
        return (text[..<sign], text[sign] == "-" ? -offset : offset)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// A day of the Gregorian calendar, carried back before its beginning as ISO 8601 does.
struct CivilDate: Hashable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    // Years are counted from March here, so that the day that some have more comes last; 400 of them have 146 097 days.

    init(daysSince1970 days: Int) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(flooringBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).quotientAndRemainder(flooringBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension BinaryInteger {
    /// The quotient rounded down, and what is left, which is never negative.
    fileprivate func quotientAndRemainder(flooringBy divisor: Self) -> (quotient: Self, remainder: Self) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
