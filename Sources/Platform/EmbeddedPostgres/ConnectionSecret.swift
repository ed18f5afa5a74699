/// A connection string of libpq without its password, which everybody on the machine could read in the list of processes.
struct ConnectionSecret: Hashable, Sendable {
    /// The rest of the string.
    let connectionString: String
    /// What PGPASSWORD should say; `nil` when the string has none.
    let password: String?

    /// Takes a string apart (libpq's manual, "Connection Strings").
    ///
    /// - Parameter text: `postgresql://user:password@host/database?key=value` or `key=value key='quoted value'`.
    init(_ text: String) {
        let isURL = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        (connectionString, password) = isURL ? Self.splitURL(text) : Self.splitKeywords(text)
    }

    // MARK: - URL

    private static func splitURL(_ text: String) -> (String, String?) {
        guard let scheme = text.firstRange(of: "://")?.upperBound else { return (text, nil) }
        let end = text[scheme...].firstIndex { "/?".contains($0) } ?? text.endIndex
        var password: String?
        var authority = String(text[scheme..<end])
        // The last @: hosts have none, and people forget to encode those in passwords.
        if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
            password = authority[authority.index(after: colon)..<at].removingPercents
            authority.removeSubrange(colon..<at)
        }
        var rest = String(text[end...])
        if let question = rest.firstIndex(of: "?") {
            let parameters = rest[rest.index(after: question)...].split(separator: "&")
            if let own = parameters.last(where: { $0.hasPrefix("password=") }) {
                password = own.dropFirst("password=".count).removingPercents
            }
            let kept = parameters.filter { !$0.hasPrefix("password=") }.joined(separator: "&")
            rest = rest[..<question] + (kept.isEmpty ? "" : "?\(kept)")
        }
        return (text[..<scheme] + authority + rest, password)
    }

    // MARK: - Keywords and values

    private static func splitKeywords(_ text: String) -> (String, String?) {
        var kept: [String] = []
        var password: String?
        var rest = text[...]
        while let start = rest.firstIndex(where: { !$0.isWhitespace }) {
            rest = rest[start...]
            guard let equals = rest.firstIndex(of: "=") else {
                kept.append(String(rest))
                break
            }
            let key = rest[..<equals].filter { !$0.isWhitespace }
            rest = rest[rest.index(after: equals)...].drop(while: \.isWhitespace)
            let (raw, value) = takeValue(&rest)
            if key == "password" { password = value } else { kept.append("\(key)=\(raw)") }
        }
        return (kept.joined(separator: " "), password)
    }

    /// Takes a value, which ends at a space, or at its quote; `\` keeps the next character as it is.
    private static func takeValue(_ rest: inout Substring) -> (raw: Substring, value: String) {
        let whole = rest
        var value = ""
        let isQuoted = rest.first == "'"
        if isQuoted { rest.removeFirst() }
        while let character = rest.first, isQuoted ? character != "'" : !character.isWhitespace {
            rest.removeFirst()
            value.append(character == "\\" ? rest.popFirst() ?? character : character)
        }
        if isQuoted, !rest.isEmpty { rest.removeFirst() }
        return (whole[..<rest.startIndex], value)
    }
}

extension Substring {
    /// `%40` as `@`; what is no escape stays.
    fileprivate var removingPercents: String {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16),
                rest.count >= 2
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
