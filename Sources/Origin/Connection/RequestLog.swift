import Logging
import NIOHTTP1

extension Logger {
    /// A line for a request, at debug level.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - response: what it gets.
    ///   - minorVersion: that of HTTP/1; `nil` for HTTP/2.
    func logAnswer(to head: HTTPRequestHead, _ response: Response, minorVersion: Int?) {
        // Said here once: what follows would carry all of it to where it is not used.
        guard logLevel <= .debug else { return }
        debug(
            "request answered",
            metadata: [
                "http.method": "\(head.method.rawValue)",
                "url.path": "\(head.uri.withoutSecrets)",
                "http.status_code": "\(response.status.code)",
                "http.version": "\(minorVersion.map { "1.\($0)" } ?? "2")",
            ]
        )
    }
}

extension String {
    /// A request target for a log: without its query, and without what may be a viewer's token, escaped or not.
    ///
    /// No name of ours has a `~` or needs an escape.
    fileprivate var withoutSecrets: String {
        let components = prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false)
        return components.map { $0.contains("~") || $0.contains("%") ? "<redacted>" : $0 }.joined(separator: "/")
    }
}
