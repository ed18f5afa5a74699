import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Ingest

/// A connection handler on a channel without a socket, on a clock that the test moves.
struct EmbeddedConnection {
    let channel: EmbeddedChannel
    private var decoder = RTMPChunkDecoder(limits: .init(messageLength: 65_536, partialBytes: 65_536, chunkStreams: 64))

    init(
        _ environment: RTMPConnectionHandler.Environment,
        loop: EmbeddedEventLoop,
        number: UInt64 = 1,
        log: Log = Log()
    )
        throws
    {
        let handler = RTMPConnectionHandler(
            id: ConnectionID(number: number),
            peerAddress: "192.0.2.\(number)",
            environment: environment,
            logger: log.logger
        )
        channel = EmbeddedChannel(handler: handler, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1935)).wait()
    }

    func send(_ bytes: [UInt8], feed: Feed = .whole) throws {
        for piece in feed.pieces(of: bytes) { try channel.writeInbound(piece) }
        channel.embeddedEventLoop.run()
    }

    /// The messages sent since the last call; the first time without S0, S1 and S2.
    mutating func replies(afterHandshake: Bool = false) throws -> [Sent] {
        var bytes = ByteBuffer()
        while let written = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeImmutableBuffer(written) }
        if afterHandshake { bytes.moveReaderIndex(forwardBy: 3073) }
        var sent: [Sent] = []
        while let message = try decoder.nextMessage(from: &bytes) { sent.append(Sent(message)) }
        return sent
    }
}

extension RTMPConnectionHandler.Environment {
    init(
        _ recording: Recording,
        limits: IngestLimits = IngestLimits(),
        authorizer: any PublishAuthorizer = OpenPublishAuthorizer(),
        playbackAuthorizer: (any PlaybackAuthorizer)? = nil,
        admission: any Admission = OpenAdmission(),
        registry: StreamRegistry = StreamRegistry(),
        relays: RelayHub = RelayHub(),
        board: PublishBoard = PublishBoard(),
        metrics: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        self.init(
            limits: limits,
            sinkProvider: recording,
            authorizer: authorizer,
            playbackAuthorizer: playbackAuthorizer,
            admission: admission,
            registry: registry,
            relays: relays,
            board: board,
            metrics: IngestMetrics(metrics),
            wallClock: { WallClockTime(milliseconds: 1_767_225_600_000) }
        )
    }
}

/// Everything that was logged, as text.
final class Log: Sendable {
    private let state = Mutex([String]())

    var logger: Logger {
        var logger = Logger(label: "test") { _ in LogCopy(log: self) }
        logger.logLevel = .trace
        return logger
    }
    var lines: [String] { state.withLock { $0 } }
    fileprivate func add(_ line: String) { state.withLock { $0.append(line) } }
}

private struct LogCopy: LogHandler {
    let log: Log
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        log.add("\(event.level) \(event.message) " + all.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
    }
}
