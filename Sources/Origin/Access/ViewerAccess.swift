import Cryptography
import LiveStore
public import MediaCore
import NIOHTTP1

/// Who may watch over HTTP: everybody, or those with a token, and a CDN that asks for its viewers.
public struct ViewerAccess: Sendable {
    /// Decides about each viewer.
    public let authorizer: any PlaybackAuthorizer
    private let cdnSecret: [UInt8]?

    /// Access by an authorizer's word.
    ///
    /// - Parameters:
    ///   - authorizer: decides about each request.
    ///   - cdnSecret: what a CDN shows in the field Lyceum-CDN; `nil` when there is none. It gets every live, since it has
    ///     asked for its viewers, and its word on their addresses is taken.
    public init(authorizer: any PlaybackAuthorizer, cdnSecret: Secret?) {
        self.authorizer = authorizer
        self.cdnSecret = cdnSecret.map { Array($0.revealed.utf8) }
    }

    /// Whether a request for a live is answered.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - viewer: what the request says of who asks.
    ///   - isQuestion: whether this is a CDN's question about a viewer, for which the CDN's own right does not do.
    /// - Returns: the decision.
    func decide(about stream: StreamID, _ viewer: Viewer, isQuestion: Bool) -> PlayDecision {
        let isCDN = isCDN(viewer.headers)
        if isCDN, !isQuestion { return .allow }
        let address = isCDN ? Self.forwardedAddress(viewer.headers) ?? viewer.peerAddress : viewer.peerAddress
        return authorizer.authorize(
            PlayRequest(stream: stream, token: viewer.token.map { Secret($0) }, peerAddress: address)
        )
    }

    /// Whether a CDN asks, that has shown its secret: what it gets is for many viewers.
    func isCDN(_ headers: HTTPHeaders) -> Bool {
        guard let cdnSecret, let shown = headers.first(name: "lyceum-cdn") else { return false }
        return ConstantTime.isEqual(cdnSecret, Array(shown.utf8))
    }

    /// The last address of X-Forwarded-For: the one that the CDN itself has seen.
    private static func forwardedAddress(_ headers: HTTPHeaders) -> String? {
        headers["x-forwarded-for"].last?.split(separator: ",").last?.trimmingPrefix { $0 == " " }.description
    }
}

/// What a request says of who asks.
struct Viewer {
    /// What stands behind `/t/` in front of the path.
    let token: String?
    /// Without its port.
    let peerAddress: String
    let headers: HTTPHeaders
    /// ``session``, where it was found before.
    var knownSession: Int?
    /// What the header fields say, where they were looked at before.
    var knownTraits: RequestTraits?

    init(token: String?, peerAddress: String, headers: HTTPHeaders) {
        self.token = token
        self.peerAddress = peerAddress
        self.headers = headers
    }

    /// What the header fields say of the form of an answer.
    var traits: RequestTraits { knownTraits ?? RequestTraits(headers) }

    /// Tells playback sessions apart within this process: by the token, or else by address and player.
    var session: Int {
        if let knownSession { return knownSession }
        var hasher = Hasher()
        if let token {
            hasher.combine(token)
        } else {
            hasher.combine(peerAddress)
            hasher.combine(headers.first(name: "x-forwarded-for"))
            hasher.combine(headers.first(name: "user-agent"))
        }
        return hasher.finalize()
    }
}

/// What header fields say of the form of an answer, found once.
struct RequestTraits: Sendable {
    /// The coding of what is sent in several.
    let coding: ContentCoding
    /// Whether there is a condition on entity tags.
    let isConditional: Bool

    init(_ headers: HTTPHeaders) {
        coding = ContentCoding.preferred(by: headers)
        isConditional = headers.contains(name: "if-none-match")
    }
}

extension Audience.Kind {
    /// What a resource of this name is: `TAG-12.3.m4s` a part, `TAG-12.m4s` a segment, the others initialization segments.
    init(resource name: String) {
        guard name.utf8.suffix(4).elementsEqual(".m4s".utf8) else {
            self = .initialization
            return
        }
        self = name.utf8.count { $0 == UInt8(ascii: ".") } == 1 ? .segment : .part
    }
}
