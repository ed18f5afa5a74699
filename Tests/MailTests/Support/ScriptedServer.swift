import NIOCore
import NIOPosix

/// A server that says what a test wants: the first text at once, the next after each line that comes.
///
/// It closes after the last, unless told to hang.
final class ScriptedServer: Sendable {
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    init(_ script: [String], hangs: Bool = false) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Speaker(script, hangs: hangs))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit { channel.close(promise: nil) }

    /// Listens no more.
    func stop() async throws { try await channel.close() }

    private final class Speaker: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var script: ArraySlice<String>
        private let hangs: Bool

        init(_ script: [String], hangs: Bool) {
            self.script = script[...]
            self.hangs = hangs
        }

        func channelActive(context: ChannelHandlerContext) { speak(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for byte in unwrapInboundIn(data).readableBytesView where byte == 0x0A { speak(context) }
        }

        private func speak(_ context: ChannelHandlerContext) {
            guard let text = script.popFirst() else {
                if !hangs { context.close(promise: nil) }
                return
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }
}
