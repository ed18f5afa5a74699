internal import HTTPTypes

/// The cookies a request carries (RFC 6265 §5.4), as far as they can be secrets of ours.
struct CookieJar {
    /// More than browsers keep for one site.
    private static let maximumCount = 64
    private var values: [String: String] = [:]
    private var doubtful: Set<String> = []

    init(_ headers: HTTPFields) {
        var count = 0
        for field in headers[values: .cookie] {
            for pair in field.utf8.split(separator: UInt8(ascii: ";")) {
                count += 1
                guard count <= Self.maximumCount else { return }
                take(pair)
            }
        }
    }

    private mutating func take(_ pair: Substring.UTF8View) {
        let trimmed = pair.drop { $0 == UInt8(ascii: " ") }
        guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")) else { return }
        let name = String(Substring(trimmed[..<equals]))
        let value = String(Substring(trimmed[trimmed.index(after: equals)...]))
        if let other = values.updateValue(value, forKey: name), other != value { doubtful.insert(name) }
    }

    /// The secret of a cookie: 20 to 256 characters of base64url.
    ///
    /// `nil` for anything else, and for a name with two values: one of them was set by somebody else.
    func secret(_ name: String) -> SecretToken? {
        guard !doubtful.contains(name), let value = values[name], (20...256).contains(value.utf8.count),
            value.utf8.allSatisfy({
                TextRules.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            })
        else { return nil }
        return SecretToken(value)
    }

    /// Whether there is a cookie of this name, whatever its value.
    func has(_ name: String) -> Bool { values[name] != nil }
}
