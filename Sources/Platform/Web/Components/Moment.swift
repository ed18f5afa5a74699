public import FoundationEssentials

/// A moment, as a machine and as a person reads it: in UTC, which a script changes to the reader's own time.
public struct Moment: ViewModel {
    /// `2026-11-26T21:30:00Z` (RFC 3339).
    public let machine: String
    /// `26 November 2026, 21:30 UTC`.
    public let human: String

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// A moment, to the second.
    ///
    /// - Parameter date: a time between the years 1 and 9999; one outside is shown as the nearer of both.
    public init(_ date: Date) {
        let earliest = -62_135_596_800.0
        let latest = 253_402_300_799.0
        let seconds = Int(min(max(date.timeIntervalSince1970.rounded(.down), earliest), latest))
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        let (year, month, day) = Self.civil(daysSince1970: days)
        let clock = "\(Self.padded(rest / 3600)):\(Self.padded(rest / 60 % 60))"
        machine =
            "\(Self.padded(year, 4))-\(Self.padded(month))-\(Self.padded(day))T\(clock):\(Self.padded(rest % 60))Z"
        human = "\(day) \(Self.months[month - 1]) \(year), \(clock) UTC"
    }

    /// What the template `part-time` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup { ViewGroup(["machine": machine, "human": human]) }

    /// The date of the proleptic Gregorian calendar, whose days repeat every 400 years; years begin in March here, so
    /// that the day of a leap year comes last.
    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let sinceMarch0 = days + 719_468
        let era = (sinceMarch0 >= 0 ? sinceMarch0 : sinceMarch0 - 146_096) / 146_097
        let dayOfEra = sinceMarch0 - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
