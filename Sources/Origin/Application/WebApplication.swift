public import NIOCore
public import NIOHTTP1

/// What answers requests that are not for media: the pages and the API of a platform, on the same port and connections.
///
/// It is asked for what the origin itself has nothing for, and for the home page. Whatever it does happens off the event loops.
public protocol WebApplication: Sendable {
    /// Whether it answers a request, decided from its head: nothing may wait here.
    ///
    /// - Parameter head: the request; its target is a path that can be read.
    /// - Returns: the largest body taken, in bytes, 0 for none; `nil` when the request is not for it.
    func largestBody(of head: HTTPRequestHead) -> Int?

    /// Answers a request.
    ///
    /// Whoever asked may be gone before it has, and it goes on all the same: what it changes is not to stop half-way.
    func respond(to request: ApplicationRequest) async -> ApplicationResponse
}

/// A request for a ``WebApplication``.
public struct ApplicationRequest: Sendable {
    /// Its head, with the fields as the peer sent them.
    public let head: HTTPRequestHead
    /// Its body, empty where it has none.
    public let body: ByteBuffer
    /// Whether the body was larger than is taken; then it is empty.
    public let isBodyTooLarge: Bool
    /// Who asks, without the port: the peer of the connection, which may be a proxy.
    public let peerAddress: String
    /// Whether the connection is one over TLS.
    public let isSecure: Bool
}

/// The answer of a ``WebApplication``.
public struct ApplicationResponse: Sendable {
    /// The content.
    public enum Body: Sendable {
        case bytes(ByteBuffer)
        /// Content that comes over time, such as server-sent events.
        case stream(BodyStream)
    }

    /// The status.
    public var status: HTTPResponseStatus
    /// Its fields, without Date, Connection, Content-Length and Transfer-Encoding, which the origin adds.
    ///
    /// A field whose name or value has characters that no field may have is left out.
    public var headers: HTTPHeaders
    /// The content; left out in answers to HEAD.
    public var body: Body

    /// An answer.
    public init(status: HTTPResponseStatus, headers: HTTPHeaders, body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
