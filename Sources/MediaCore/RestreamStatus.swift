/// A live on its way to another server, as an operator sees it at one moment.
public struct RestreamStatus: Sendable {
    /// How it stands.
    public enum State: String, Sendable {
        /// A connection is being made.
        case connecting
        /// Media goes out.
        case live
        /// It went wrong, and will be tried again.
        case waiting
    }

    /// The live.
    public let stream: StreamID
    /// The server and its app, without the key.
    public let target: String
    /// How it stands.
    public var state = State.connecting
    /// Since when it stands so.
    public var since: WallClockTime
    /// Connections that did not come to media, or lost it, since the live began.
    public var failures = 0
    /// Why the last of them ended.
    public var lastError: String?
    /// The payload bytes that have gone out.
    public var bytes = 0
    /// Messages that were left out because the server was too slow.
    public var droppedMessages = 0

    /// A push that begins.
    public init(stream: StreamID, target: String, since: WallClockTime) {
        self.stream = stream
        self.target = target
        self.since = since
    }
}

/// What is pushed where, for those who look after the server.
///
/// May be called on any thread.
public protocol RestreamDirectory: Sendable {
    /// The pushes of a live that runs, in the order of their targets' names.
    func restreams(of stream: StreamID) -> [RestreamStatus]
}
