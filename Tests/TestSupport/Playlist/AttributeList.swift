/// What is wrong with a playlist, and where.
public struct PlaylistError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, counted from 1; 0 when the playlist as a whole is meant.
    public let line: Int
    /// The problem in words.
    public let problem: String

    /// The problem with its line.
    public var description: String { line == 0 ? "playlist: \(problem)" : "playlist line \(line): \(problem)" }
}

/// An attribute list (RFC 8216 §4.2), whose values keep the form in which they were written.
public struct AttributeList: Hashable, Sendable {
    /// A value in the form in which it was written.
    public enum Value: Hashable, Sendable {
        /// A quoted-string, without its quotes.
        case quoted(String)
        /// Anything that is not quoted: a number, a resolution or an enumerated-string.
        case plain(String)
    }

    /// The values by attribute name.
    public let values: [String: Value]
    private let line: Int

    init(_ text: Substring, line: Int) throws(PlaylistError) {
        self.line = line
        var values: [String: Value] = [:]
        var rest = text
        guard !rest.isEmpty else { throw PlaylistError(line: line, problem: "empty attribute list") }
        while true {
            guard let equals = rest.firstIndex(of: "=") else {
                throw PlaylistError(line: line, problem: "attribute without a value: \(rest)")
            }
            let name = rest[..<equals]
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameCharacter) else {
                throw PlaylistError(line: line, problem: "attribute name '\(name)'")
            }
            guard values[String(name)] == nil else { throw PlaylistError(line: line, problem: "second \(name)") }
            rest = rest[rest.index(after: equals)...]
            values[String(name)] = try Self.value(&rest, line: line)
            guard let comma = rest.first else { break }
            guard comma == "," else { throw PlaylistError(line: line, problem: "'\(rest)' after the value of \(name)") }
            rest = rest.dropFirst()
        }
        self.values = values
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
    }

    private static func value(_ rest: inout Substring, line: Int) throws(PlaylistError) -> Value {
        if rest.first == "\"" {
            let body = rest.dropFirst()
            guard let quote = body.firstIndex(of: "\"") else {
                throw PlaylistError(line: line, problem: "quoted-string without an end")
            }
            rest = body[body.index(after: quote)...]
            return .quoted(String(body[..<quote]))
        }
        let end = rest.firstIndex(of: ",") ?? rest.endIndex
        let value = rest[..<end]
        guard !value.isEmpty, !value.contains(where: { $0 == "\"" || $0.isWhitespace }) else {
            throw PlaylistError(line: line, problem: "value '\(value)'")
        }
        rest = rest[end...]
        return .plain(String(value))
    }

    /// Where it stands makes no difference.
    public static func == (left: AttributeList, right: AttributeList) -> Bool { left.values == right.values }

    /// Hashes the values.
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }

    func fail(_ problem: String) -> PlaylistError { PlaylistError(line: line, problem: problem) }

    /// The text of an attribute that has to be a quoted-string; `nil` when it is not there.
    public func quoted(_ name: String) throws(PlaylistError) -> String? {
        switch values[name] {
        case nil: return nil
        case .quoted(let text): return text
        case .plain(let text): throw fail("\(name)=\(text) must be quoted")
        }
    }

    func plain(_ name: String) throws(PlaylistError) -> String? {
        switch values[name] {
        case nil: return nil
        case .plain(let text): return text
        case .quoted(let text): throw fail("\(name)=\"\(text)\" must not be quoted")
        }
    }

    func required<Value>(_ name: String, _ value: Value?) throws(PlaylistError) -> Value {
        guard let value else { throw fail("\(name) is missing") }
        return value
    }

    /// A decimal-integer: 1 to 20 digits, below 2^64.
    func integer(_ name: String) throws(PlaylistError) -> Int? {
        guard let text = try plain(name) else { return nil }
        guard let value = DecimalText.integer(text) else { throw fail("\(name)=\(text) is no decimal-integer") }
        return value
    }

    /// A decimal-floating-point: digits with at most one point.
    func float(_ name: String) throws(PlaylistError) -> Double? {
        guard let text = try plain(name) else { return nil }
        guard let value = DecimalText.float(text) else { throw fail("\(name)=\(text) is no decimal-floating-point") }
        return value
    }

    func enumerated(_ name: String, _ allowed: Set<String>) throws(PlaylistError) -> String? {
        guard let text = try plain(name) else { return nil }
        guard allowed.contains(text) else { throw fail("\(name)=\(text), expected one of \(allowed.sorted())") }
        return text
    }
}

/// Numbers as RFC 8216 §4.2 writes them: no sign, no exponent, no spaces.
enum DecimalText {
    static func integer(_ text: some StringProtocol) -> Int? {
        guard (1...20).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else { return nil }
        return Int(text)
    }

    static func float(_ text: some StringProtocol) -> Double? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else {
            return nil
        }
        return Double(text)
    }

    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
