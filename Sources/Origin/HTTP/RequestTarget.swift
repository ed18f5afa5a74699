/// Where a request points: the path and the query of its target (RFC 9112 §3.2), decoded.
struct RequestTarget: Hashable, Sendable {
    /// Why a target cannot be taken.
    enum Fault: Error, Hashable {
        /// Neither a path nor an absolute http(s) URI.
        case notAPath
        /// A `%` without two hexadecimal digits, or escapes that are no UTF-8 together (RFC 3986 §2.1).
        case badPercentEncoding
    }

    /// The path's components between slashes, percent-decoded.
    ///
    /// Empty for `/`. A decoded component may hold any character, a slash or two dots among them: it is only ever
    /// compared with names, never handed to a file system.
    let components: [String]
    /// Whether a slash follows the last component.
    let hasTrailingSlash: Bool
    /// What follows the first question mark, as it was sent.
    let query: String?

    /// Reads a target in origin form (`/path?query`) or absolute form (`http://host/path?query`).
    init(_ target: String) throws(Fault) {
        let path = try Self.pathAndQuery(of: target)
        let queryMark = path.firstIndex(of: UInt8(ascii: "?"))
        var slices = path[..<(queryMark ?? path.endIndex)].split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )
        // The path begins with a slash, so the first slice is empty; so is the last one after a trailing slash.
        slices.removeFirst()
        hasTrailingSlash = slices.count > 1 && slices.last?.isEmpty == true
        if slices.last?.isEmpty == true { slices.removeLast() }
        var components: [String] = []
        components.reserveCapacity(slices.count)
        for slice in slices { components.append(try Self.percentDecoded(slice)) }
        self.components = components
        query = queryMark.map { String(Substring(path[path.index(after: $0)...])) }
    }

    /// What is behind so many components.
    func dropping(_ count: Int) -> RequestTarget {
        RequestTarget(
            components: Array(components.dropFirst(count)),
            // A target that ends with what is dropped is `/`.
            hasTrailingSlash: hasTrailingSlash && components.count > count,
            query: query
        )
    }

    /// The same without one of the components.
    func removingComponent(_ index: Int) -> RequestTarget {
        var components = components
        components.remove(at: index)
        return RequestTarget(components: components, hasTrailingSlash: hasTrailingSlash, query: query)
    }

    private init(components: [String], hasTrailingSlash: Bool, query: String?) {
        self.components = components
        self.hasTrailingSlash = hasTrailingSlash
        self.query = query
    }

    private static func pathAndQuery(of target: String) throws(Fault) -> Substring.UTF8View {
        if target.utf8.first == UInt8(ascii: "/") { return target[...].utf8 }
        // Absolute form: every server must take it, whatever host it names (RFC 9112 §3.2.2).
        let lowercased = target.prefix(8).lowercased()
        guard let scheme = ["http://", "https://"].first(where: lowercased.hasPrefix) else { throw .notAPath }
        let rest = target.utf8.dropFirst(scheme.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return "/"[...].utf8 }
        return rest[slash...]
    }

    private static func percentDecoded(_ bytes: Substring.UTF8View) throws(Fault) -> String {
        guard bytes.contains(UInt8(ascii: "%")) else { return String(Substring(bytes)) }
        var decoded: [UInt8] = []
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexadecimalValue), let low = rest.next().flatMap(hexadecimalValue)
            else { throw .badPercentEncoding }
            decoded.append(high << 4 | low)
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .badPercentEncoding }
        return text
    }

    private static func hexadecimalValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
