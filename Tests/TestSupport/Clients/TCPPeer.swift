internal import NIOCore
internal import NIOPosix

/// A peer on a raw socket, for what no well-behaved client sends.
///
/// It reads what the server sends, and closes with a reset when nobody holds it any more.
public final class TCPPeer: Sendable {
    private struct State: Sendable {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private let channel: any Channel
    private let state: Observed<State>

    private init(channel: any Channel, state: Observed<State>) {
        self.channel = channel
        self.state = state
    }

    deinit { channel.close(promise: nil) }

    /// Connects over loopback.
    ///
    /// - Parameters:
    ///   - port: the server's.
    ///   - address: the address to come from: every 127.x.y.z is this machine.
    /// - Returns: the peer.
    /// - Throws: the system's error when nobody listens.
    public static func connect(port: Int, from address: String = "127.0.0.1") async throws -> TCPPeer {
        let state = Observed(State())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: try SocketAddress(ipAddress: address, port: 0))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(state))
                }
            }
            .connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: port)).get()
        return TCPPeer(channel: channel, state: state)
    }

    /// Sends bytes; those that the server does not take any more are lost.
    public func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Everything that the server has sent so far.
    public var received: [UInt8] { state.value.bytes }

    /// Whether the server, or this side, has closed the connection.
    public var isClosed: Bool { state.value.isClosed }

    /// Waits until the server has sent something in particular.
    ///
    /// - Parameters:
    ///   - limit: how long to wait.
    ///   - isWanted: looks at everything that it has sent so far.
    /// - Throws: ``DeadlineExceeded`` when it does not, or closes instead.
    public func wait(within limit: Duration, until isWanted: @escaping @Sendable ([UInt8]) -> Bool) async throws {
        let isThere = try await withDeadline(limit) {
            "the server did not send what the test waits for, but \(self.received.count) bytes"
        } _: {
            try await self.state.first { isWanted($0.bytes) ? true : $0.isClosed ? false : nil }
        }
        guard isThere else { throw DeadlineExceeded(description: "the server closed the connection instead") }
    }

    /// Waits until the server has closed the connection.
    public func waitUntilClosed(within limit: Duration) async throws {
        try await withDeadline(limit) {
            "the server has not closed the connection"
        } _: {
            _ = try await self.state.first { $0.isClosed ? true : nil }
        }
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let state: Observed<State>

        init(_ state: Observed<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.update { $0.bytes += bytes.readableBytesView }
        }

        func channelInactive(context: ChannelHandlerContext) { state.update { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
