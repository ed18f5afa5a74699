import NIOCore
import NIOPosix
import Synchronization

/// Stands between a client and a server, and lets connections fail as a test wants.
final class FaultyProxy: Sendable {
    /// What becomes of a connection.
    enum Fault: Sendable {
        /// Nothing.
        case none
        /// It is closed when so many bytes of answers have gone through.
        case breakAnswer(after: Int)
        /// It is closed when so many bytes of requests have gone through.
        case breakRequest(after: Int)
        /// The server is not asked; the client gets this, and the connection is closed.
        case answer(String)
        /// The client gets nothing.
        case silence
    }

    /// The port to connect to.
    let port: Int
    private let channel: any Channel
    private let plan: Plan

    /// How many connections there were.
    var connections: Int { plan.state.withLock { $0.count } }

    /// - Parameters:
    ///   - port: the server's.
    ///   - faults: what becomes of the first connections; to later ones nothing happens.
    /// - Throws: the system's error.
    init(to port: Int, _ faults: [Fault]) async throws {
        let plan = Plan(faults)
        self.plan = plan
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(ProxyFront(fault: plan.next(), serverPort: port))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = channel.localAddress?.port ?? 0
    }

    private final class Plan: Sendable {
        let state: Mutex<(faults: [Fault], count: Int)>

        init(_ faults: [Fault]) { state = Mutex((faults, 0)) }

        func next() -> Fault {
            state.withLock { state in
                state.count += 1
                return state.faults.isEmpty ? .none : state.faults.removeFirst()
            }
        }
    }

    func stop() async throws { try await channel.close() }
}

/// The client's side of a connection through the proxy.
private final class ProxyFront: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let fault: FaultyProxy.Fault
    private let serverPort: Int
    private var server: (any Channel)?
    private var requestBytes = 0

    init(fault: FaultyProxy.Fault, serverPort: Int) {
        self.fault = fault
        self.serverPort = serverPort
    }

    func channelActive(context: ChannelHandlerContext) {
        switch fault {
        case .answer, .silence: return context.read()
        default: break
        }
        let client = context.channel
        let limit = if case .breakAnswer(let count) = fault { count } else { Int.max }
        let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ProxyBack(client: client, limit: limit))
                }
            }
            .connect(host: "127.0.0.1", port: serverPort)
            .whenComplete { result in
                let (front, context) = own.value
                guard let server = try? result.get() else { return context.close(promise: nil) }
                front.server = server
                context.read()
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        requestBytes += bytes.readableBytes
        switch fault {
        case .silence: break
        case .answer(let text):
            // With the end of the head; what comes behind it is not waited for.
            guard requestBytes == bytes.readableBytes else { return }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(mode: .output, promise: nil)
        case .breakRequest(let limit) where requestBytes > limit: context.close(promise: nil)
        default: server?.writeAndFlush(bytes, promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.read() }

    func channelInactive(context: ChannelHandlerContext) { server?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@available(*, unavailable)
extension ProxyFront: Sendable {}

/// The server's side.
private final class ProxyBack: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let client: any Channel
    private let rest: Mutex<Int>

    init(client: any Channel, limit: Int) {
        self.client = client
        rest = Mutex(limit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let left = rest.withLock { rest in
            rest -= min(rest, bytes.readableBytes)
            return rest
        }
        guard left == 0 else { return client.writeAndFlush(bytes, promise: nil) }
        bytes.moveWriterIndex(to: bytes.readerIndex + bytes.readableBytes / 2)
        client.writeAndFlush(bytes, promise: nil)
        client.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
}
