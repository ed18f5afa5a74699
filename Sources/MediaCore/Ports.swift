// What media shows outward. Each port is defined here, where it is used from, and implemented on the other side.

public import NIOCore

/// Takes the media of one publish, in the order the encoder sent it.
///
/// Everything is called on the publisher's event loop, synchronously; a sink needs no lock for its own state.
public protocol AccessUnitSink: AnyObject {
    /// Announces a track, or a track's changed configuration. A repeated, unchanged one is not announced.
    func configure(_ track: Track)

    /// Takes one access unit of a track that was announced before.
    func receive(_ unit: AccessUnit)

    /// Takes what the encoder said at a moment; it may come before any track is announced.
    func receive(_ metadata: TimedMetadata)

    /// Ends the publish. Nothing is called after it.
    func finish(_ end: PublishEnd)
}

/// How a publish came to its end.
public enum PublishEnd: Hashable, Sendable {
    /// The encoder said goodbye (FCUnpublish, deleteStream, closeStream), or the server stops: the live is over.
    case clean
    /// The connection went away, or another one takes the stream over: the encoder may come back.
    case interrupted
}

/// Opens a sink for each publish.
public protocol AccessUnitSinkProvider: Sendable {
    /// Begins or resumes the live of this name.
    ///
    /// At most one sink for a name is open at a time: the caller ends the one before it begins the next.
    ///
    /// - Parameter stream: the live to publish.
    /// - Returns: the sink that takes its media.
    func beginPublish(_ stream: StreamID) -> any AccessUnitSink
}

/// What an encoder asks for when it publishes.
public struct PublishRequest: Sendable {
    /// The application of the connect command: `live` in `rtmp://host/live`.
    public let app: String
    /// The stream key as the encoder sent it, without its query string.
    public let streamKey: Secret
    /// The query string behind the stream key, the app or the tcUrl, without its `?`; empty when there is none.
    ///
    /// Encoders that know no other place for a token put it there.
    public let query: Secret
    /// The peer's address without its port.
    public let peerAddress: String

    /// A request to publish.
    public init(app: String, streamKey: Secret, query: Secret = Secret(""), peerAddress: String) {
        self.app = app
        self.streamKey = streamKey
        self.query = query
        self.peerAddress = peerAddress
    }
}

/// What an encoder may publish, and for how long.
public struct PublishGrant: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// How long the publish may last; `nil` when that is up to the encoder.
    public let timeLimit: Duration?

    /// A grant for a stream.
    public init(_ stream: StreamID, timeLimit: Duration? = nil) {
        self.stream = stream
        self.timeLimit = timeLimit
    }
}

/// Why an encoder may not publish, in the words that it is told.
public struct PublishRefusal: Hashable, Sendable {
    /// The ways in which RTMP refuses a publish; encoders give up on each.
    public enum Kind: Hashable, Sendable {
        /// NetStream.Publish.Denied: the credentials are not good enough.
        case denied
        /// NetStream.Publish.BadName: the name is taken, or is none.
        case badName
        /// NetStream.Publish.Rejected: the server has no room for it now.
        case overloaded
    }

    /// Which of them.
    public let kind: Kind
    /// The reason as the streamer reads it.
    public let reason: String

    /// A refusal with its reason.
    public init(_ kind: Kind = .denied, reason: String) {
        self.kind = kind
        self.reason = reason
    }
}

/// Whether an encoder may publish, and what.
public enum PublishDecision: Hashable, Sendable {
    /// The encoder may publish.
    case allow(PublishGrant)
    /// The encoder may not.
    case deny(PublishRefusal)
}

/// Decides who may publish, before NetStream.Publish.Start is sent.
public protocol PublishAuthorizer: Sendable {
    /// Answers a request to publish.
    ///
    /// - Parameters:
    ///   - request: what the encoder asks for.
    ///   - eventLoop: the loop of the encoder's connection, on which the answer is needed.
    /// - Returns: the decision; an error is taken for a refusal without a stated reason.
    func authorize(_ request: PublishRequest, on eventLoop: any EventLoop) -> EventLoopFuture<PublishDecision>
}

/// What a player asks for.
public struct PlayRequest: Sendable {
    /// The live.
    public let stream: StreamID
    /// What the player shows to be let in: in front of the path over HTTP, `token=` in the query over RTMP.
    public let token: Secret?
    /// The peer's address without its port.
    public let peerAddress: String

    /// A request to play.
    public init(stream: StreamID, token: Secret? = nil, peerAddress: String) {
        self.stream = stream
        self.token = token
        self.peerAddress = peerAddress
    }
}

/// Whether a player may play what it asks for.
public enum PlayDecision: Hashable, Sendable {
    /// The player may.
    case allow
    /// The player may not, for this reason in the words that it is told.
    case deny(reason: String)
}

/// Decides who may play, before anything of the live is sent.
///
/// Over HTTP it is asked for every segment: it answers at once, from what it has.
public protocol PlaybackAuthorizer: Sendable {
    /// Answers a request to play.
    func authorize(_ request: PlayRequest) -> PlayDecision
}
