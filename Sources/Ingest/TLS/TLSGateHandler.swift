import NIOCore
import NIOSSL

/// Stands first on the RTMPS port: lets TLS through, and tells other clients' mistakes from attacks.
///
/// A plain client would only see a broken TLS handshake, and so would the log; its first byte says what it is. After that
/// byte the handler puts TLS in its own place.
final class TLSGateHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let context: NIOSSLContext
    private let refused: (String) -> Void
    private var isOpen = false

    /// A gate.
    ///
    /// - Parameters:
    ///   - context: what the connection is secured with.
    ///   - refused: told why a client is turned away.
    init(context: NIOSSLContext, refused: @escaping (String) -> Void) {
        self.context = context
        self.refused = refused
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard !isOpen else { return context.fireChannelRead(data) }
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        if let problem = Self.problem(firstByte: first) {
            refused(problem)
            return context.close(promise: nil)
        }
        isOpen = true
        do {
            let handler = NIOSSLServerHandler(context: self.context)
            try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
        } catch {
            refused("\(error)")
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// What a client that does not begin with a TLS handshake record (RFC 8446 §5.1) has got wrong.
    static func problem(firstByte: UInt8) -> String? {
        switch RTMPHandshakeError(firstByte: firstByte) {
        case .tls: nil
        case .http: "the peer speaks HTTP, this port takes RTMP over TLS (rtmps://)"
        case .encryptedRTMP, .unsupportedVersion:
            firstByte == RTMPHandshake.version
                ? "the peer speaks plain RTMP (rtmp://), this port takes RTMP over TLS (rtmps://)"
                : "the peer's first byte is \(firstByte), this port takes RTMP over TLS (rtmps://)"
        }
    }
}
