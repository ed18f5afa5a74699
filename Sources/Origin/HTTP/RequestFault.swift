import NIOHTTP1

extension Persistence {
    /// What a client expects after a request (RFC 9112 §9.3).
    init(after head: HTTPRequestHead) {
        if !head.isKeepAlive {
            self = .close
        } else {
            self = head.version.minor == 0 ? .keepAliveExplicitly : .keepAlive
        }
    }
}

/// What makes a request unanswerable whatever it asks for.
enum RequestFault: Hashable {
    /// A version other than 1.x.
    case version
    /// No Host, or several (RFC 9112 §3.2).
    case host
    /// A target longer than this server's longest path can be.
    case targetTooLong
    /// A body that is not taken.
    case body

    /// The fault of a request, if it has one.
    init?(_ head: HTTPRequestHead, _ content: RequestContent, maximumTargetLength: Int) {
        if head.version.major != 1 {
            self = .version
        } else if head.uri.utf8.count > maximumTargetLength {
            self = .targetTooLong
        } else if Self.isBody(content, notTakenFrom: head.headers) {
            self = .body
        } else if !Self.hasValidHost(head) {
            self = .host
        } else {
            return nil
        }
    }

    /// The answer to it.
    var response: Response {
        switch self {
        case .version: .plain(.httpVersionNotSupported, "This server speaks HTTP/1.1.\n")
        case .host: .plain(.badRequest, "A request needs exactly one Host field.\n")
        case .targetTooLong: .plain(.uriTooLong, "The request target is too long.\n")
        case .body: .plain(.payloadTooLarge, "This takes no request body.\n")
        }
    }

    private static func isBody(_ content: RequestContent, notTakenFrom headers: HTTPHeaders) -> Bool {
        switch content {
        case .none: RequestContent.isAnnounced(by: headers)
        case .whole: false
        case .tooLarge: true
        }
    }

    private static func hasValidHost(_ head: HTTPRequestHead) -> Bool {
        let count = head.headers.count { $0.name.isEqual(ignoringCaseOf: "host") }
        return count == 1 || (count == 0 && head.version.minor == 0)
    }
}
