import NIOCore
import NIOPosix

@testable import Ingest

/// An encoder on a real socket: sends prepared bytes and reads the server's messages.
final class LoopbackEncoder: Sendable {
    private let channel: any Channel
    /// The server's messages; ends when the connection does.
    let messages: AsyncStream<Sent>

    init(_ address: SocketAddress, group: any EventLoopGroup) async throws {
        let (messages, continuation) = AsyncStream.makeStream(of: Sent.self)
        self.messages = messages
        channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(continuation))
                }
            }
            .connect(to: address).get()
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    func close() async throws { try await channel.close().get() }

    /// Waits for the connection to end.
    func closed() async throws { try await channel.closeFuture.get() }

    /// Reads on until a status with this code; `nil` when the connection ends before.
    func status(_ code: String) async -> Sent? {
        for await message in messages where message.code == code { return message }
        return nil
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let continuation: AsyncStream<Sent>.Continuation
        private var decoder = RTMPChunkDecoder(
            limits: .init(messageLength: 65_536, partialBytes: 65_536, chunkStreams: 64)
        )
        private var handshakeBytes = 3073

        init(_ continuation: AsyncStream<Sent>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            let skipped = min(handshakeBytes, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: skipped)
            handshakeBytes -= skipped
            while let message = try? decoder.nextMessage(from: &buffer) { continuation.yield(Sent(message)) }
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
