import NIOCore
import NIOPosix

/// A raw TCP client that a test steers: it sends bytes, and waits for bytes or for the end.
final class LoopbackClient: Sendable {
    private let channel: any Channel
    private let inbox: NIOLoopBound<Inbox>

    private init(channel: any Channel, inbox: NIOLoopBound<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects.
    ///
    /// With `isReading` false nothing is taken from the socket until ``startReading()``.
    static func connect(
        to address: SocketAddress,
        on group: any EventLoopGroup,
        isReading: Bool = true
    ) async throws -> LoopbackClient {
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: isReading)
            // A small window, so that a reader that does not read is felt at once.
            .channelOption(.socketOption(.so_rcvbuf), value: 4096)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Inbox(channel.eventLoop))
                }
            }
            .connect(to: address).get()
        let inbox = try await channel.eventLoop.submit {
            NIOLoopBound(try channel.pipeline.syncOperations.handler(type: Inbox.self), eventLoop: channel.eventLoop)
        }.get()
        return LoopbackClient(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// Sends no more, and goes on reading.
    func finishSending() async throws { try await channel.close(mode: .output) }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// What has arrived, once there are so many whole responses or the server has ended the connection.
    func responses(_ count: Int, withoutBodies: Set<Int> = []) async throws -> [WireResponse] {
        try await received { bytes in WireResponse.all(in: bytes, withoutBodies: withoutBodies).count >= count }
            .map { WireResponse.all(in: $0, withoutBodies: withoutBodies) }.get()
    }

    /// Everything that arrived until the server ended the connection.
    func receivedAtEnd() async throws -> [UInt8] { try await received { _ in false }.get() }

    /// Everything that has arrived, once it holds a text.
    func received(until text: String) async throws -> String {
        let wanted = Array(text.utf8)
        let bytes = try await received { bytes in
            bytes.count >= wanted.count
                && (0...bytes.count - wanted.count).contains { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
        }.get()
        return String(decoding: bytes, as: UTF8.self)
    }

    func close() async throws { try await channel.close() }

    private func received(_ isEnough: @escaping @Sendable ([UInt8]) -> Bool) -> EventLoopFuture<[UInt8]> {
        channel.eventLoop.flatSubmit { self.inbox.value.received(isEnough) }
    }

    private final class Inbox: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let eventLoop: any EventLoop
        private var bytes: [UInt8] = []
        private var hasEnded = false
        private var waiter: (isEnough: ([UInt8]) -> Bool, promise: EventLoopPromise<[UInt8]>)?

        init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

        func received(_ isEnough: @escaping ([UInt8]) -> Bool) -> EventLoopFuture<[UInt8]> {
            let promise = eventLoop.makePromise(of: [UInt8].self)
            waiter = (isEnough, promise)
            check()
            return promise.futureResult
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
            check()
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent { end() }
        }

        func channelInactive(context: ChannelHandlerContext) { end() }

        // A reset is one way for a server to end a connection.
        func errorCaught(context: ChannelHandlerContext, error: any Error) { end() }

        private func end() {
            hasEnded = true
            check()
        }

        private func check() {
            guard let (isEnough, promise) = waiter, hasEnded || isEnough(bytes) else { return }
            waiter = nil
            promise.succeed(bytes)
        }
    }
}
