/// A moment of civil time in UTC, in milliseconds since 1970-01-01T00:00:00Z, as EXT-X-PROGRAM-DATE-TIME shows it.
public struct WallClockTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since the epoch.
    public let milliseconds: Int64

    /// A moment so many milliseconds after the epoch.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Whether one moment is before another.
    public static func < (left: WallClockTime, right: WallClockTime) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment so much media time after another, rounded to a millisecond.
    public static func + (left: WallClockTime, right: MediaTime) -> WallClockTime {
        WallClockTime(milliseconds: left.milliseconds + right.ticks(timescale: 1000))
    }

    /// The moment in the form of ISO 8601 with milliseconds: `2026-01-31T23:59:59.120Z`.
    public var description: String {
        let (days, millisecondsOfDay) = milliseconds.flooredQuotientAndRemainder(dividingBy: 86_400_000)
        let (year, month, day) = Self.civil(daysSinceEpoch: days)
        let (secondsOfDay, fraction) = millisecondsOfDay.quotientAndRemainder(dividingBy: 1000)
        let date = "\(year.padded(to: 4))-\(month.padded(to: 2))-\(day.padded(to: 2))"
        let hours = secondsOfDay / 3600
        let minutes = secondsOfDay / 60 % 60
        let seconds = secondsOfDay % 60
        let time = "\(hours.padded(to: 2)):\(minutes.padded(to: 2)):\(seconds.padded(to: 2))"
        return "\(date)T\(time).\(fraction.padded(to: 3))Z"
    }

    /// Reads the form that ``description`` has; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 24,
            zip(bytes, Self.form).allSatisfy({ byte, form in
                form == UInt8(ascii: "0") ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == form
            })
        else { return nil }
        func number(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 * 10 + Int64($1 & 0xF) } }
        let days = Self.daysSinceEpoch(year: number(0..<4), month: number(5..<7), day: number(8..<10))
        let seconds = number(11..<13) * 3600 + number(14..<16) * 60 + number(17..<19)
        milliseconds = (days * 86_400 + seconds) * 1000 + number(20..<23)
        guard description.utf8.elementsEqual(bytes) else { return nil }
    }

    private static let form = Array("0000-00-00T00:00:00.000Z".utf8)

    /// The inverse of ``civil(daysSinceEpoch:)``.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = marchYear.flooredQuotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Year, month and day of the proleptic Gregorian calendar, counted in years that begin on 1 March so that the leap
    /// day comes last and every 400-year era has the same 146 097 days.
    private static func civil(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (days + 719_468).flooredQuotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    fileprivate func flooredQuotientAndRemainder(dividingBy divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    fileprivate func padded(to width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}
