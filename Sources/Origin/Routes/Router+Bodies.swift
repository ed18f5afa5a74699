import NIOHTTP1

// Which requests may have a body: few do, and only from those who may do what they ask for, so that nobody else fills memory.
extension Router {
    /// How large a body of a request is taken.
    ///
    /// - Parameter head: its head.
    /// - Returns: the largest one, in bytes; `nil` where the request is to be answered at once, and the connection to end.
    func bodyLimit(of head: HTTPRequestHead) -> Int? {
        guard let limit = limitByUse(head) else { return nil }
        return RequestContent.isTooLarge(by: head.headers, limit: limit) ? nil : limit
    }

    private func limitByUse(_ head: HTTPRequestHead) -> Int? {
        guard metrics == nil, head.uri.utf8.count <= maximumTargetLength, let target = try? RequestTarget(head.uri)
        else { return nil }
        let route = Route(target)
        if let operators, route.takesBody(head.method) {
            return operators.isAuthorized(head.headers) ? RequestContent.largestBody : nil
        }
        guard route.mayBelongToApplication, let limit = application?.largestBody(of: head), limit > 0 else {
            return nil
        }
        return limit
    }

    /// The answer to a request whose body is not taken.
    func bodyRefusal(_ head: HTTPRequestHead) -> Response {
        guard hasUseForBody(head), let operators else {
            let isForPrograms = (try? RequestTarget(head.uri)).map { Route($0).surface == .api } ?? false
            guard isForPrograms else { return RequestFault.body.response }
            return .problem(.payloadTooLarge, "The body is larger than is taken here.", HeaderFields())
        }
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
