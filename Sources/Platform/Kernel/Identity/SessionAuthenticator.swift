public import FoundationEssentials

/// A secret that came in or goes out; its description shows nothing of it.
public struct SecretToken: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The secret itself: for hashing and for the cookie only.
    public let text: String

    /// A secret of this text.
    public init(_ text: String) { self.text = text }

    /// Nothing of the secret.
    public var description: String { "<redacted>" }
    /// Nothing of the secret.
    public var debugDescription: String { "<redacted>" }
}

/// The session a request came with.
public struct SessionInfo: Sendable, Hashable {
    /// `session.public_id`, as `ses_` and 22 characters.
    public let publicID: String
    /// When it began.
    public let createdAt: Date
    /// When it ends whatever happens.
    public let expiresAt: Date

    /// What is known of a session.
    public init(publicID: String, createdAt: Date, expiresAt: Date) {
        self.publicID = publicID
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// The outcome of a session cookie or an API token that holds.
public struct Authenticated: Sendable, Hashable {
    /// Who it is.
    public let actor: Actor
    /// The session; `nil` for an API token.
    public let session: SessionInfo?
    /// The API token's public id, for its own rate limit; `nil` for a session.
    public let tokenID: String?

    /// Somebody with a session.
    public static func session(_ session: SessionInfo, actor: Actor) -> Authenticated {
        Authenticated(actor: actor, session: session, tokenID: nil)
    }

    /// An API token; `actor.scopes` says what it may do.
    public static func token(id: String, actor: Actor) -> Authenticated {
        Authenticated(actor: actor, session: nil, tokenID: id)
    }
}

/// Where a request came from, for the session's row.
public struct ClientTrace: Sendable, Hashable {
    /// The peer's IP address.
    public let peerAddress: String
    /// User-Agent, without control characters, at most 256 characters.
    public let userAgent: String
    /// When the request came.
    public let now: Date

    /// Where a request came from.
    public init(peerAddress: String, userAgent: String, now: Date) {
        self.peerAddress = peerAddress
        self.userAgent = userAgent
        self.now = now
    }

    /// The same at another time.
    func at(_ now: Date) -> ClientTrace { ClientTrace(peerAddress: peerAddress, userAgent: userAgent, now: now) }
}

/// Says whose a session or a token is.
///
/// The module with the accounts implements it; the request pipeline calls it.
///
/// `nil` means unknown, expired or revoked, which are all the same to the caller; errors mean that nobody can say, as with a
/// database that is down.
public protocol SessionAuthenticator: Sendable {
    /// Whose session it is.
    func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated?
    /// Whose API token it is.
    func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated?
}
