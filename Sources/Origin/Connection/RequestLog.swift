import Logging
import NIOHTTP1

extension Logger {
    /// A line for a request, at debug level.
    func logAnswer(to head: HTTPRequestHead, _ response: Response, _ version: String) {
        debug(
            "request answered",
            metadata: [
                "http.method": "\(head.method.rawValue)",
                // Without the query, which may one day carry a viewer's token.
                "url.path": "\(head.uri.prefix { $0 != "?" })",
                "http.status_code": "\(response.status.code)",
                "http.version": "\(version)",
            ]
        )
    }
}
