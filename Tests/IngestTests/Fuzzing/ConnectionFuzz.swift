import CoreMetrics
import Logging
import MediaCore
import NIOCore
import NIOEmbedded

@testable import Ingest

/// A whole connection: handshake, chunks, commands, media, end.
///
/// Every sink is finished exactly once, gets no access unit of a track that was not announced, and what the connection
/// sends stays in proportion to what it got.
enum ConnectionFuzz {
    /// The first byte decides how the rest is cut; an even one puts a valid handshake in front.
    static func run(_ input: [UInt8]) throws {
        guard let mode = input.first else { return }
        let sinks = Sinks()
        let loop = EmbeddedEventLoop()
        let channel = try connect(to: sinks, on: loop)
        if mode & 1 == 0 { _ = try? channel.writeInbound(ByteBuffer(bytes: handshake)) }
        for piece in FuzzPieces(input.dropFirst(), cut: mode >> 1) {
            guard channel.isActive else { break }
            _ = try? channel.writeInbound(piece)
            // Whatever waits for the authorizer or the registry gets its answer.
            loop.run()
        }
        try checkOutput(of: channel, to: input.count)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        loop.advanceTime(by: .minutes(10))
        try sinks.check()
    }

    private static func connect(to sinks: Sinks, on loop: EmbeddedEventLoop) throws -> EmbeddedChannel {
        var logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let handler = RTMPConnectionHandler(
            id: ConnectionID(number: 1),
            peerAddress: "192.0.2.1",
            environment: .init(
                limits: IngestLimits(),
                sinkProvider: sinks,
                authorizer: OpenPublishAuthorizer(),
                playbackAuthorizer: OpenPlaybackAuthorizer(),
                admission: OpenAdmission(),
                registry: StreamRegistry(),
                relays: RelayHub(),
                board: PublishBoard(),
                metrics: IngestMetrics(NOOPMetricsHandler.instance),
                wallClock: { WallClockTime(milliseconds: 0) }
            ),
            logger: logger
        )
        let channel = EmbeddedChannel(handler: handler, loop: loop)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1935), promise: nil)
        return channel
    }

    private static func checkOutput(of channel: EmbeddedChannel, to inputCount: Int) throws {
        var sent = 0
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { sent += bytes.readableBytes }
        // The handshake's 3073 bytes, and for the shortest command (about 16 bytes) a reply of a few hundred.
        try FuzzViolation.unless(sent <= 8192 + 64 * inputCount, "\(sent) bytes sent for \(inputCount)")
    }

    private static let handshake =
        [3] + [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0x5A, count: 1528)
        + [UInt8](repeating: 0xA5, count: 1536)

    /// Makes sinks and remembers what went wrong with them.
    ///
    /// On one thread only, which the ports cannot say.
    private final class Sinks: AccessUnitSinkProvider, @unchecked Sendable {
        private var open = 0
        private var problems: [String] = []

        func beginPublish(_ stream: StreamID) -> any AccessUnitSink {
            open += 1
            if open > 1 { problems.append("\(open) sinks at once") }
            return Sink(self)
        }

        func check() throws {
            if open != 0 { problems.append("\(open) sinks not finished") }
            if let problem = problems.first { throw FuzzViolation(problem) }
        }

        final class Sink: AccessUnitSink {
            private let sinks: Sinks
            private var tracks: Set<TrackID> = []
            private var isFinished = false

            init(_ sinks: Sinks) { self.sinks = sinks }

            func configure(_ track: Track) {
                if isFinished { sinks.problems.append("a track after the end") }
                tracks.insert(track.id)
            }

            func receive(_ metadata: TimedMetadata) {
                if isFinished { sinks.problems.append("metadata after the end") }
                if metadata.json.utf8.count > TimedMetadata.maximumLength { sinks.problems.append("long metadata") }
            }

            func receive(_ unit: AccessUnit) {
                if isFinished { sinks.problems.append("an access unit after the end") }
                if !tracks.contains(unit.trackID) { sinks.problems.append("an access unit of an unknown track") }
                if abs(unit.decodeTime.nanoseconds) > 2 * MediaTime.limit.nanoseconds {
                    sinks.problems.append("decode time \(unit.decodeTime)")
                }
            }

            func finish(_ end: PublishEnd) {
                if isFinished { sinks.problems.append("finished twice") }
                isFinished = true
                sinks.open -= 1
            }
        }
    }
}
