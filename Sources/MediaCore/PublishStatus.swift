/// A publish as an operator sees it, at one moment.
public struct PublishStatus: Sendable {
    /// What is published.
    public let stream: StreamID
    /// The application that the encoder connected to.
    public let app: String
    /// The peer's address without its port.
    public let peerAddress: String
    /// Whether it comes over TLS.
    public let isEncrypted: Bool
    /// When it began.
    public let startedAt: WallClockTime
    /// What the encoder calls itself.
    public var encoder: String?
    /// When and why it ended; `nil` while it runs.
    public var end: End?
    /// The tracks in the order in which they were announced, each with its newest configuration.
    public var tracks: [Track] = []
    /// The payload bytes of its messages.
    public var bytes = 0
    /// Pictures of all tracks.
    public var videoUnits = 0
    /// Frames of sound of all tracks.
    public var audioUnits = 0
    /// Pictures and frames that were broken and left out.
    public var droppedUnits = 0
    /// Messages of every kind.
    public var messages = 0
    /// Pictures and frames that came more than a second later than the fastest ones: what the encoder or its network could
    /// not send in time.
    public var lateUnits = 0
    /// How far the newest one lies behind the fastest, in seconds.
    public var delay = 0.0
    /// How often the clock of a track went forwards by more than two seconds or back by more than one.
    public var clockJumps = 0
    /// Measured over the last seconds.
    public var bitsPerSecond = 0.0
    /// Pictures of the first video track a second, measured over the last seconds.
    public var picturesPerSecond = 0.0
    /// The last thing that was wrong with its media, in words.
    public var lastProblem: String?

    /// How a publish ended.
    public struct End: Sendable {
        /// When.
        public let at: WallClockTime
        /// Why, in words.
        public let reason: String

        /// An end with its reason.
        public init(at: WallClockTime, reason: String) {
            self.at = at
            self.reason = reason
        }
    }

    /// A publish that begins.
    public init(
        stream: StreamID,
        app: String,
        peerAddress: String,
        isEncrypted: Bool,
        startedAt: WallClockTime,
        encoder: String? = nil
    ) {
        self.encoder = encoder
        self.stream = stream
        self.app = app
        self.peerAddress = peerAddress
        self.isEncrypted = isEncrypted
        self.startedAt = startedAt
    }
}

/// Who publishes what, for those who look after the server.
///
/// Everything may be called on any thread.
public protocol PublishDirectory: Sendable {
    /// The newest publish of each name: those that run and those that ended a while ago.
    var publishes: [PublishStatus] { get }

    /// The newest publish of a name.
    func publish(of stream: StreamID) -> PublishStatus?

    /// Ends the running publish of a name, and its live with it.
    ///
    /// - Returns: whether there was one.
    func endPublish(of stream: StreamID) -> Bool
}
