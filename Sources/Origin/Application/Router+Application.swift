import NIOCore
import NIOHTTP1

// What the origin has nothing for goes to the application, if there is one.
extension Router {
    /// How long an application may take before it is answered for.
    static let longestApplicationTime = TimeAmount.seconds(30)

    /// The application's answer to a request for a route that may be its own.
    ///
    /// - Parameters:
    ///   - head: the request.
    ///   - content: what came behind its head.
    ///   - route: what it asks for, as the origin reads it.
    ///   - peerAddress: who asks, without the port.
    /// - Returns: `nil` when the request is not for it.
    func applicationReply(
        to head: HTTPRequestHead,
        _ content: RequestContent,
        _ route: Route,
        from peerAddress: String
    ) -> Reply? {
        guard let application, route.mayBelongToApplication, application.largestBody(of: head) != nil else {
            return nil
        }
        let request = ApplicationRequest(
            head: head,
            body: content.body,
            isBodyTooLarge: content == .tooLarge || (content == .none && RequestContent.isAnnounced(by: head.headers)),
            peerAddress: peerAddress,
            isSecure: scheme == "https"
        )
        return .commission(
            Commission(
                longest: Self.longestApplicationTime,
                begin: { receive in
                    Task {
                        let answer = await application.respond(to: request)
                        receive(.response(Response(answer)))
                    }
                },
                expiry: {
                    .response(.plain(.serviceUnavailable, "This takes too long. Please try again in a moment.\n"))
                }
            )
        )
    }
}

extension Route {
    /// Whether the origin leaves it to an application that wants it.
    var mayBelongToApplication: Bool {
        switch self {
        case .home, .nothing(.page), .nothing(.api): true
        default: false
        }
    }
}

extension Response {
    /// An application's answer.
    fileprivate init(_ answer: ApplicationResponse) {
        var fields = HeaderFields()
        for (name, value) in answer.headers where !Self.ownFields.contains(name.lowercased()) {
            fields.add(checked: name, value)
        }
        switch answer.body {
        case .bytes(let bytes):
            let mayHaveBody = answer.status.mayHaveResponseBody
            if mayHaveBody { fields.add("Content-Length", String(bytes.readableBytes)) }
            self.init(answer.status, fields, body: mayHaveBody ? bytes : nil)
        case .stream(let stream):
            self.init(answer.status, fields)
            self.stream = stream
        }
    }

    /// What the origin says itself.
    private static let ownFields: Set<String> = [
        "date", "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade",
    ]
}
