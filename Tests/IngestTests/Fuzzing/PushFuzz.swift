import Logging
import MediaCore
import NIOCore
import NIOEmbedded

@testable import Ingest

/// A connection to a server that a live is pushed to, with whatever that server may say.
///
/// It comes to one end, its media begins once at most, and what is sent stays in proportion to what came in.
enum PushFuzz {
    /// The first byte decides how the rest is cut; an even one puts a valid handshake in front.
    static func run(_ input: [UInt8]) throws {
        guard let mode = input.first, let stream = StreamID("main"), let target = PushTarget(url: "rtmp://h/a/k") else {
            return
        }
        var logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let relays = RelayHub()
        let relay = relays.begin(stream)
        var counts = (live: 0, ended: 0)
        let handler = RTMPPushHandler(
            stream,
            to: target,
            from: relays,
            limits: IngestLimits(),
            logger: logger,
            opened: { _, _ in },
            becameLive: { counts.live += 1 },
            ended: { _ in counts.ended += 1 }
        )
        let loop = EmbeddedEventLoop()
        let channel = EmbeddedChannel(handler: handler, loop: loop)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1935), promise: nil)
        if mode & 1 == 0 { _ = try? channel.writeInbound(ByteBuffer(bytes: handshake)) }
        for piece in FuzzPieces(input.dropFirst(), cut: mode >> 1) {
            guard channel.isActive else { break }
            _ = try? channel.writeInbound(piece)
            relay.receive(metadata: metadata)
            loop.run()
        }
        var sent = 0
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { sent += bytes.readableBytes }
        try FuzzViolation.unless(sent <= 8192 + 64 * input.count, "\(sent) bytes sent for \(input.count)")
        relays.end(stream, .clean)
        loop.advanceTime(by: .minutes(10))
        _ = try? channel.finish(acceptAlreadyClosed: true)
        try FuzzViolation.unless(counts.ended == 1 && counts.live <= 1, "\(counts)")
    }

    /// What a server says that agrees to everything.
    static var seed: [UInt8] {
        var encoder = RTMPChunkEncoder()
        var wire = ByteBuffer(bytes: [0])
        let start = StreamStatus(code: .publishStart, description: "go")
        for message in [
            RTMPReply.windowAcknowledgementSize(2_500_000), RTMPReply.setPeerBandwidth(2_500_000),
            RTMPReply.setChunkSize(4096), RTMPReply.connected(transaction: 1, isEnhanced: true),
            RTMPReply.result(transaction: 4, .number(1)), RTMPReply.onStatus(start, messageStreamID: 1),
            RTMPReply.reconnectRequest(tcURL: "rtmp://other/app"),
        ] { encoder.write(message, to: &wire) }
        return Array(wire.readableBytesView)
    }

    private static let metadata = RTMPMessage(
        chunkStreamID: 4,
        timestamp: 0,
        typeID: RTMPMessage.TypeID.dataAMF0,
        messageStreamID: 1,
        payload: ByteBuffer(bytes: [2, 0, 10] + Array("onMetaData".utf8))
    )

    private static let handshake =
        [3] + [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0x5A, count: 1528)
        + [UInt8](repeating: 0xA5, count: 1536)
}
