public import MediaCore

/// Another RTMP server that a live is pushed to, with the key that it wants.
public struct PushTarget: Hashable, Sendable, CustomStringConvertible {
    /// Whether the connection is secured with TLS: `rtmps`.
    public let isSecure: Bool
    /// A name, or an IP address without brackets.
    public let host: String
    /// From 1 to 65535.
    public let port: Int
    /// The path up to the last slash, without slashes at its ends.
    public let app: String
    /// What stands behind the last slash, query string included.
    public let streamKey: Secret

    /// Takes an address apart, or returns `nil` for what is none.
    ///
    /// - Parameter url: `rtmp://host[:port]/app/key` or `rtmps://…`; the app may have several parts.
    public init?(url: String) {
        guard let scheme = url.firstRange(of: "://"), !url.contains(where: { $0.isWhitespace || !$0.isASCII }) else {
            return nil
        }
        switch url[..<scheme.lowerBound].lowercased() {
        case "rtmp": isSecure = false
        case "rtmps": isSecure = true
        default: return nil
        }
        let rest = url[scheme.upperBound...]
        // A slash in the query string belongs to the key.
        let path = rest.prefix { $0 != "?" }
        guard let slash = path.firstIndex(of: "/"), let lastSlash = path.lastIndex(of: "/"), slash < lastSlash,
            let authority = Self.authority(rest[..<slash], defaultPort: isSecure ? 443 : 1935)
        else { return nil }
        (host, port) = authority
        app = rest[rest.index(after: slash)..<lastSlash].split(separator: "/").joined(separator: "/")
        let key = rest[rest.index(after: lastSlash)...]
        guard !app.isEmpty, !key.isEmpty, key.utf8.count <= 1024, app.utf8.count <= 256 else { return nil }
        streamKey = Secret(String(key))
    }

    private static func authority(_ text: Substring, defaultPort: Int) -> (host: String, port: Int)? {
        guard !text.contains("@") else { return nil }
        var host = text
        var port = defaultPort
        let bracket = text.lastIndex(of: "]")
        if let colon = text.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            guard let number = Int(text[text.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= 253 else { return nil }
        return (String(host), port)
    }

    /// The address without the key: what connect calls tcUrl, and what may be shown.
    public var description: String {
        let usual = isSecure ? 443 : 1935
        let name = host.contains(":") ? "[\(host)]" : host
        return (isSecure ? "rtmps" : "rtmp") + "://" + name + (port == usual ? "" : ":\(port)") + "/" + app
    }

    /// The address with the key, as a file keeps it.
    public var url: Secret { Secret("\(self)/\(streamKey.revealed)") }

    /// Whether two addresses are the same, key included.
    public static func == (left: Self, right: Self) -> Bool {
        left.description == right.description && left.streamKey.revealed == right.streamKey.revealed
    }

    /// Hashes the address, key included.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(description)
        hasher.combine(streamKey.revealed)
    }

    /// The same stream on the server that another address names; `nil` for one that cannot be used.
    ///
    /// - Parameter tcURL: `rtmp://host/app`, as a server gives it that wants its publishers to move.
    /// - Returns: the target with our key.
    func moved(to tcURL: String) -> PushTarget? {
        PushTarget(url: tcURL + "/" + streamKey.revealed)
    }
}
