import NIOCore

/// Stands first on the HTTPS port: lets TLS through, and tells a client that speaks plain HTTP what is wrong.
///
/// After the first byte it takes itself out.
final class PlainHTTPGateHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The content type of a TLS handshake record (RFC 8446 §5.1).
    private static let handshakeRecord: UInt8 = 22

    private var hasAnswered = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard !hasAnswered, let first = bytes.readableBytesView.first else { return }
        guard first != Self.handshakeRecord else {
            context.fireChannelRead(data)
            return context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
        hasAnswered = true
        let words = "This port speaks HTTPS: use https:// in the address.\n"
        let answer = """
            HTTP/1.1 400 Bad Request\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: \(words.utf8.count)\r
            Connection: close\r
            \r
            \(words)
            """
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).assumeIsolated().whenComplete { _ in
            // Closing at once with the request unread would reset the connection, and the answer might be lost.
            context.close(mode: .output, promise: nil)
            context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { context.close(promise: nil) }
        }
    }
}

@available(*, unavailable)
extension PlainHTTPGateHandler: Sendable {}
