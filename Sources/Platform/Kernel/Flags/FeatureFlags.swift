/// What is switched on, at one moment: a value, read once for a request and the same until its end.
///
/// Two layers. An area of the platform (courses, shop, social) that is off at boot is not there at all, whatever a rule
/// says. Within what is there, a rule of the table `feature_flag` decides for whom; without a rule a feature is off,
/// and an area is on.
public struct FeatureFlags: Sendable, Equatable {
    /// An area that is switched on or off when the server starts.
    public enum Area: String, Sendable, CaseIterable {
        /// `LYCEUM_COURSES`
        case courses
        /// `LYCEUM_SHOP`
        case shop
        /// `LYCEUM_SOCIAL`
        case social
    }

    /// The areas that are there.
    public let areas: Set<Area>

    /// The rules of the table, by key.
    public let rules: [String: FlagRule]

    /// Makes a snapshot.
    ///
    /// - Parameters:
    ///   - areas: the areas switched on at boot.
    ///   - rules: the rules of the table, by key.
    public init(areas: Set<Area> = Set(Area.allCases), rules: [String: FlagRule] = [:]) {
        self.areas = areas
        self.rules = rules
    }

    /// Whether a feature or an area (by its name) is on for somebody.
    public func isOn(_ key: String, for subject: FlagRule.Subject) -> Bool {
        guard let area = Area(rawValue: key) else { return rules[key]?.isOn(key, for: subject) ?? false }
        return isOn(area, for: subject)
    }

    /// Whether an area is on for somebody.
    public func isOn(_ area: Area, for subject: FlagRule.Subject) -> Bool {
        areas.contains(area) && (rules[area.rawValue]?.isOn(area.rawValue, for: subject) ?? true)
    }

    /// Whether a text may be the key of a flag: 1 to 64 of a-z, 0-9, `_`, `.` and `-`, a letter first.
    public static func isKey(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first else { return false }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
