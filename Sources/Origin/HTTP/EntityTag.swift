/// Conditions on entity tags (RFC 9110 §8.8.3, §13.1).
enum EntityTag {
    /// Whether an If-None-Match value names this opaque-tag, quotes included, or any (`*`).
    ///
    /// The comparison is weak, as RFC 9110 §13.1.2 asks: a `W/` in front makes no difference.
    static func list(_ value: some StringProtocol, contains tag: String) -> Bool {
        var rest = Substring(value).utf8
        while let start = rest.firstIndex(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: ",") }) {
            rest = rest[start...]
            if rest.first == UInt8(ascii: "*") { return true }
            if rest.starts(with: "W/".utf8) { rest = rest.dropFirst(2) }
            guard rest.first == UInt8(ascii: "\""),
                let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\""))
            else { return false }
            if rest[...end].elementsEqual(tag.utf8) { return true }
            rest = rest[rest.index(after: end)...]
        }
        return false
    }

    /// Whether an If-Range value holds for this opaque-tag, quotes included.
    ///
    /// The comparison is strong (RFC 9110 §13.1.5). A date never holds: nothing here is served with Last-Modified.
    static func ifRange(_ value: String, holdsFor tag: String) -> Bool { value == tag }
}
