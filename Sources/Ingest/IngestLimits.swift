public import NIOCore

/// Every maximum and every time that the listener holds its peers to.
///
/// Bytes from a peer are hostile until proven otherwise: what it may make the server keep, and for how long, is bounded
/// here and nowhere else. Sizes are in bytes.
public struct IngestLimits: Hashable, Sendable {
    /// Connections open at once, from everywhere.
    ///
    /// With ``maximumCommandLength`` and one receive buffer each, a thousand strangers cost about 200 MB.
    public var maximumConnections = 1000

    /// Connections open at once from one address.
    ///
    /// A NAT or a proxy in front shows many encoders as one address.
    public var maximumConnectionsPerAddress = 100

    /// The longest message of an accepted publisher.
    ///
    /// An IDR picture of 2160p at 60 Mbit/s is about 3 MB and other servers are known to lose large ones at a cap of 1 MB;
    /// 16 MiB (0xFFFFFF, all that the 24-bit length can state) would take any, 10 MiB keeps a margin of three.
    public var maximumMessageLength = 10 << 20

    /// The longest message before a publish was accepted: commands are a few hundred bytes, and strangers get no more.
    public var maximumCommandLength = 64 << 10

    /// Memory that messages which are not complete yet may hold, over all chunk streams of a connection.
    public var maximumPartialBytes = 16 << 20

    /// Chunk streams that a connection may use.
    ///
    /// Encoders use up to 8; one for every track of a multitrack publish fits.
    public var maximumChunkStreams = 128

    /// Message streams that a connection may create.
    ///
    /// Encoders create one.
    public var maximumMessageStreams = 16

    /// What the values of one command or data message may be.
    public var amf = AMFLimits()

    /// Bytes that may wait for a peer which does not read our replies.
    ///
    /// A whole conversation is less than 2 KB.
    public var maximumUnsentBytes = 64 << 10

    /// From the connection's start to the end of the handshake.
    public var handshakeTimeout = TimeAmount.seconds(10)

    /// From the end of the handshake to an accepted publish, and from the end of a publish to the next one.
    public var publishTimeout = TimeAmount.seconds(30)

    /// Without a byte from a publisher: how long a half-open connection lives.
    ///
    /// Audio alone comes 40 times a second.
    public var publisherIdleTimeout = TimeAmount.seconds(30)

    /// Without a picture or a sound from a publisher that sends other things.
    public var mediaTimeout = TimeAmount.seconds(90)

    /// What a publisher may send a second, in bytes, on the average of some seconds.
    ///
    /// 25 MB/s is 200 Mbit/s, more than any encoder is set to; what it sends on top of that waits in its own buffers.
    public var maximumBytesPerSecond = 25_000_000

    /// Media that may wait for a player, or for a server that a live is pushed to.
    ///
    /// 8 MiB is three seconds of 20 Mbit/s. Who falls further behind goes on with a later keyframe.
    public var maximumUnsentMedia = 8 << 20

    /// How long a player may take nothing of what it plays.
    public var playerStallTimeout = TimeAmount.seconds(30)

    /// How long players and pushes wait for an encoder that has gone without a goodbye.
    public var encoderReturnTimeout = TimeAmount.seconds(60)

    /// How long a second publisher waits until the first one has let go of the stream.
    public var takeoverTimeout = TimeAmount.seconds(1)

    /// How long a peer may take to read our last reply and close before the connection is cut.
    public var lingerTimeout = TimeAmount.seconds(1)

    /// How long a stopping server waits for its connections before it cuts them.
    public var shutdownTimeout = TimeAmount.seconds(3)

    /// The defaults, safe for a server on the public internet.
    public init() {}
}
