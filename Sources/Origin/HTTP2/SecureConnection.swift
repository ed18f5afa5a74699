import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import TLS

/// A connection over TLS, on which the client chooses between HTTP/2 and HTTP/1.1.
enum SecureConnection {
    /// Streams that a client may have open at once: RFC 9113 §6.5.2 wants no fewer than 100.
    private static let maximumStreams = 100
    /// A client that does not answer a ping is not there any more, or takes nothing.
    private static let pingInterval = TimeAmount.seconds(30)

    /// Gives an accepted connection its handlers.
    static func configure(_ channel: any Channel, _ certificate: ServerCertificate, _ answering: Answering) throws {
        let logger = answering.logger
        // A client may not take longer for the handshake than for a request.
        let limit = channel.eventLoop.scheduleTask(in: answering.limits.requestHeadTime) {
            logger.info("tls handshake took too long")
            channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { _ in limit.cancel() }
        let bound = NIOLoopBound(answering, eventLoop: channel.eventLoop)
        let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
            channel.eventLoop.makeCompletedFuture {
                limit.cancel()
                if case .negotiated("h2") = result {
                    try configureHTTP2(channel, bound)
                } else {
                    // What TLS encrypts has to be in memory.
                    let handlers = bound.value.handlers(now: channel.eventLoop.now, sendsRegions: false)
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
        }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([
            PlainHTTPGateHandler(), NIOSSLServerHandler(context: certificate.context), negotiation,
            SecureErrorHandler(logger: logger),
        ])
    }

    private static func configureHTTP2(_ channel: any Channel, _ answering: NIOLoopBound<Answering>) throws {
        let limits = answering.value.limits
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: maximumStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerListSize),
        ]
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.outboundBufferSizeHighWatermark = 2 * HTTP2RequestHandler.pieceSize
        stream.outboundBufferSizeLowWatermark = HTTP2RequestHandler.pieceSize
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: NIOHTTP2ServerConnectionManagementHandler.Configuration(
                maxIdleTime: limits.idleTime,
                maxAge: nil,
                maxGraceTime: limits.stalledWriteTime,
                keepalive: .init(pingInterval: pingInterval, ackTimeout: limits.stalledWriteTime)
            )
        )
        let handler = NIOHTTP2Handler(
            mode: .server,
            eventLoop: channel.eventLoop,
            connectionConfiguration: connection,
            streamConfiguration: stream,
            streamDelegate: management.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2RequestHandler(answering.value))
            }
        }
        // In front of the last one, which takes errors.
        let last = try channel.pipeline.syncOperations.handler(type: SecureErrorHandler.self)
        try channel.pipeline.syncOperations.addHandlers(
            [SmallWritesHandler(), handler, management],
            position: .before(last)
        )
        // It starts its timers with the connection, which was there before it.
        management.channelActive(context: try channel.pipeline.syncOperations.context(handler: management))
    }
}

/// Stands last on a connection over TLS: whatever went wrong before a request could be read ends it.
private final class SecureErrorHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["error.type": "\(error)"])
        context.close(promise: nil)
    }
}
