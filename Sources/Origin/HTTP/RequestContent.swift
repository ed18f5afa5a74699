import NIOCore
import NIOHTTP1

/// What came behind the head of a request (RFC 9110 §6.4).
enum RequestContent: Hashable, Sendable {
    /// The largest document taken from operators, in bytes: they have some hundred.
    static let largestBody = 64 << 10

    /// Nothing: the head announces no body.
    case absent
    /// Nothing that was taken.
    case none
    /// A body, which may be empty.
    case whole(ByteBuffer)
    /// More than is taken.
    case tooLarge

    /// The body, empty where there is none.
    var body: ByteBuffer { if case .whole(let body) = self { body } else { ByteBuffer() } }

    /// Whether a body follows a head of HTTP/1.1 (RFC 9112 §6).
    static func isAnnounced(by headers: HTTPHeaders) -> Bool {
        if let length = headers.first(name: "content-length"), length != "0" { return true }
        return headers.contains(name: "transfer-encoding")
    }

    /// Whether a body follows that is too large, as far as the head tells.
    static func isTooLarge(by headers: HTTPHeaders, limit: Int) -> Bool {
        guard let length = headers.first(name: "content-length") else { return false }
        return Int(length).map { $0 > limit } ?? true
    }
}

/// A request whose body is on its way.
struct ArrivingRequest {
    /// Its head.
    let head: HTTPRequestHead
    /// Whether the client waits for a word before it sends the body (RFC 9110 §10.1.1).
    private(set) var awaitsContinue: Bool
    private var content = RequestContent.whole(ByteBuffer())
    private let limit: Int

    /// A request of which the head is there.
    ///
    /// - Parameters:
    ///   - head: the head.
    ///   - limit: the largest body taken, in bytes.
    init(_ head: HTTPRequestHead, limit: Int) {
        self.head = head
        self.limit = limit
        awaitsContinue = head.version.minor > 0 && head.headers["expect"].contains { $0.lowercased() == "100-continue" }
    }

    /// Some of the body arrived.
    ///
    /// - Returns: false when that is too much; the rest is not worth waiting for.
    mutating func received(_ bytes: ByteBuffer) -> Bool {
        awaitsContinue = false
        guard case .whole(var body) = content else { return false }
        // No copy of what is there: this is to be the only one who holds it.
        content = .none
        guard body.readableBytes + bytes.readableBytes <= limit else {
            content = .tooLarge
            return false
        }
        body.writeImmutableBuffer(bytes)
        content = .whole(body)
        return true
    }

    /// The client was told to send the body.
    mutating func continued() { awaitsContinue = false }

    /// The request as it has come.
    var arrived: ArrivedRequest { ArrivedRequest(head: head, content: content) }
}

/// A request that can be answered.
struct ArrivedRequest: Sendable {
    let head: HTTPRequestHead
    var content = RequestContent.none
}
