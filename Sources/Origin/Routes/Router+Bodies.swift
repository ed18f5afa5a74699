import NIOHTTP1

// Which requests may have a body: few do, and only from those who may do what they ask for, so that nobody else fills memory.
extension Router {
    /// Whether the body of a request is taken.
    ///
    /// - Parameter head: its head.
    /// - Returns: false where the request is to be answered at once, and the connection to end.
    func takesBody(_ head: HTTPRequestHead) -> Bool {
        guard hasUseForBody(head), let operators else { return false }
        return operators.isAuthorized(head.headers) && !RequestContent.isTooLarge(by: head.headers)
    }

    /// The answer to a request whose body is not taken.
    func bodyRefusal(_ head: HTTPRequestHead) -> Response {
        guard hasUseForBody(head), let operators else { return RequestFault.body.response }
        guard operators.isAuthorized(head.headers) else { return OperatorAPI.unauthorized }
        let words = "A document is taken up to \(RequestContent.largestBody) bytes."
        return .problem(.payloadTooLarge, words, HeaderFields())
    }

    private func hasUseForBody(_ head: HTTPRequestHead) -> Bool {
        guard metrics == nil, head.uri.utf8.count <= maximumTargetLength, let target = try? RequestTarget(head.uri)
        else { return false }
        return Route(target).takesBody(head.method)
    }
}
