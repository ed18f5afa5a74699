public import Logging
public import MediaCore
public import NIOCore
import NIOPosix
import Synchronization

/// The RTMP server: takes the streams of encoders and gives each to a sink.
///
/// A publish goes through ``PublishAuthorizer`` first, then takes the stream over if another connection publishes it, and
/// then gets a sink from the provider. All of a connection happens on its own event loop of the group.
public final class RTMPServer: Sendable {
    private let configuration: IngestConfiguration
    private let environment: RTMPConnectionHandler.Environment
    private let connections: ConnectionTable
    private let group: any EventLoopGroup
    private let logger: Logger
    private let listener = Mutex<(any Channel)?>(nil)

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: where to listen and what to allow.
    ///   - sinkProvider: opens a sink for each publish.
    ///   - authorizer: decides who may publish.
    ///   - group: the event loops to run on. They must outlive the server.
    ///   - logger: gets who connects, what is published and why it ends at info level; never a stream key.
    public init(
        configuration: IngestConfiguration,
        sinkProvider: any AccessUnitSinkProvider,
        authorizer: any PublishAuthorizer,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.group = group
        self.logger = logger
        let limits = configuration.limits
        environment = RTMPConnectionHandler.Environment(
            limits: limits,
            sinkProvider: sinkProvider,
            authorizer: authorizer,
            registry: StreamRegistry()
        )
        connections = ConnectionTable(
            maximum: limits.maximumConnections,
            maximumPerAddress: limits.maximumConnectionsPerAddress
        )
    }

    /// Binds and begins to accept.
    ///
    /// Call it once.
    ///
    /// - Returns: the address that was bound, with the port the system chose when the configuration says 0.
    /// - Throws: the system's error when the address cannot be bound.
    public func start() async throws -> SocketAddress {
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Of a fixed size: the decoder keeps nothing of a buffer, so none need grow with the messages.
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .childChannelOption(.writeBufferWaterMark, value: unsentBytes)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
            }
            .bind(host: configuration.host, port: configuration.port)
            .get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        listener.withLock { $0 = channel }
        logger.info("rtmp server listens", metadata: ["server.address": "\(address)"])
        return address
    }

    /// Stops listening, so that the next server can, and lets the publishers that are there go on.
    ///
    /// Those that understand it are asked to connect again (Enhanced RTMP v2, "Reconnect Request"); connections that do not
    /// publish are closed. Returns when the last publisher has left, or when the server is shut down.
    ///
    /// - Parameter reconnectURL: where publishers should go, `rtmp://host/app`; `nil` for the address that they have.
    public func drain(reconnectURL: String?) async {
        let channel = listener.withLock { $0.take() }
        try? await channel?.close().get()
        logger.info("rtmp server drains: publishers go on, new ones are not taken")
        try? await connections.stop(on: group.next(), telling: DrainRequest(tcURL: reconnectURL)).get()
        logger.info("rtmp server drained: the last publisher has left")
    }

    /// Stops accepting, ends every publish cleanly, tells the encoders and closes their connections.
    ///
    /// Returns when all are gone; those that take longer than ``IngestLimits/shutdownTimeout`` are cut.
    public func shutDown() async {
        let channel = listener.withLock { $0.take() }
        // A listener that is closed already is what is wanted.
        try? await channel?.close().get()
        let eventLoop = group.next()
        let gone = connections.stop(on: eventLoop, telling: ChannelShouldQuiesceEvent())
        let cut = eventLoop.scheduleTask(in: configuration.limits.shutdownTimeout) { self.connections.cut() }
        try? await gone.get()
        cut.cancel()
        logger.info("rtmp server stopped")
    }

    private var unsentBytes: ChannelOptions.Types.WriteBufferWaterMark {
        let high = max(2, configuration.limits.maximumUnsentBytes)
        return ChannelOptions.Types.WriteBufferWaterMark(low: high / 2, high: high)
    }

    /// Gives a new connection its handler, or throws why it is not taken: then NIO closes it.
    private func accept(_ channel: any Channel) throws {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        switch connections.admit(channel, address: address) {
        case .refused(let refusal, let isRepeated):
            logger.log(
                level: isRepeated ? .debug : .warning,
                "connection refused",
                metadata: ["peer.address": "\(address)", "reason": "\(refusal)"]
            )
            throw refusal
        case .admitted(let id):
            channel.closeFuture.whenComplete { [connections] _ in connections.remove(id) }
            try channel.pipeline.syncOperations.addHandler(
                RTMPConnectionHandler(id: id, peerAddress: address, environment: environment, logger: logger)
            )
        }
    }
}
