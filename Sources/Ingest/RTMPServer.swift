public import CoreMetrics
public import Logging
public import MediaCore
public import NIOCore
import NIOPosix
import Synchronization
public import TLS

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
    /// Who publishes what.
    public let directory: any PublishDirectory
    /// What is pushed to other servers.
    public var restreams: any RestreamDirectory { restreamer }
    private let restreamer: Restreamer
    private let secureListener: SecureListener?
    private let listeners = Mutex<[any Channel]>([])

    /// A second port, where RTMP comes over TLS.
    public struct SecureListener: Sendable {
        /// The port to bind; 0 takes any free one.
        public let port: Int
        /// What connections are secured with.
        public let certificate: ServerCertificate

        /// A port with its certificate.
        public init(port: Int, certificate: ServerCertificate) {
            self.port = port
            self.certificate = certificate
        }
    }

    /// The ports that were bound.
    public struct Ports: Hashable, Sendable {
        /// Where RTMP is taken.
        public let rtmp: Int
        /// Where RTMP over TLS is taken, if anywhere.
        public let rtmps: Int?
    }

    /// Why the server does not listen.
    public struct ListenFailure: Error {
        /// The port that cannot be had.
        public let port: Int
        /// Whether it is the one for RTMP over TLS.
        public let isSecure: Bool
        /// The system's error.
        public let underlying: any Error
    }

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: where to listen and what to allow.
    ///   - secureListener: where to listen for RTMP over TLS besides; `nil` for nowhere.
    ///   - clientTLS: what rtmps connections to other servers are secured with.
    ///   - sinkProvider: opens a sink for each publish.
    ///   - authorizer: decides who may publish.
    ///   - playbackAuthorizer: decides who may play over RTMP; `nil` when nobody may.
    ///   - admission: decides whether there is room for a new publisher or player.
    ///   - metrics: gets what is measured.
    ///   - wallClock: the time of day.
    ///   - group: the event loops to run on. They must outlive the server.
    ///   - logger: gets who connects, what is published and why it ends at info level; never a stream key.
    public init(
        configuration: IngestConfiguration,
        secureListener: SecureListener? = nil,
        clientTLS: ClientTLS,
        sinkProvider: any AccessUnitSinkProvider,
        authorizer: any PublishAuthorizer,
        playbackAuthorizer: (any PlaybackAuthorizer)? = nil,
        admission: any Admission = OpenAdmission(),
        metrics: any MetricsFactory,
        wallClock: @escaping @Sendable () -> WallClockTime,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.secureListener = secureListener
        self.group = group
        self.logger = logger
        let limits = configuration.limits
        let board = PublishBoard()
        directory = board
        let metrics = IngestMetrics(metrics)
        let restreamer = Restreamer(group: group, encoderReturnTimeout: limits.encoderReturnTimeout) { relays in
            RestreamPush.Environment(
                relays: relays,
                limits: limits,
                tls: clientTLS.context,
                metrics: metrics,
                wallClock: wallClock,
                random: { Double.random(in: 0..<1) },
                logger: logger
            )
        }
        self.restreamer = restreamer
        environment = RTMPConnectionHandler.Environment(
            limits: limits,
            sinkProvider: sinkProvider,
            authorizer: authorizer,
            playbackAuthorizer: playbackAuthorizer,
            admission: admission,
            registry: StreamRegistry(),
            relays: RelayHub(observer: restreamer),
            board: board,
            metrics: metrics,
            wallClock: wallClock
        )
        environment.metrics.state(limits)
        connections = ConnectionTable(
            maximum: limits.maximumConnections,
            maximumPerAddress: limits.maximumConnectionsPerAddress
        )
    }

    /// Binds and begins to accept.
    ///
    /// Call it once.
    ///
    /// - Returns: the ports that were bound, those that the system chose where the configuration says 0.
    /// - Throws: ``ListenFailure`` when an address cannot be bound.
    public func start() async throws(ListenFailure) -> Ports {
        let plain = try await listen(port: configuration.port, certificate: nil)
        guard let secureListener else { return Ports(rtmp: plain, rtmps: nil) }
        let secure = try await listen(port: secureListener.port, certificate: secureListener.certificate)
        return Ports(rtmp: plain, rtmps: secure)
    }

    private func listen(port: Int, certificate: ServerCertificate?) async throws(ListenFailure) -> Int {
        do {
            let channel = try await bind(port: port, certificate: certificate)
            listeners.withLock { $0.append(channel) }
            guard let address = channel.localAddress, let port = address.port else {
                throw ChannelError.unknownLocalAddress
            }
            logger.info(
                "rtmp server listens",
                metadata: ["server.address": "\(address)", "server.tls": "\(certificate != nil)"]
            )
            return port
        } catch {
            throw ListenFailure(port: port, isSecure: certificate != nil, underlying: error)
        }
    }

    private func bind(port: Int, certificate: ServerCertificate?) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Of a fixed size: the decoder keeps nothing of a buffer, so none need grow with the messages.
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
            .childChannelOption(.writeBufferWaterMark, value: unsentBytes)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel, certificate) }
            }
            .bind(host: configuration.host, port: port)
            .get()
    }

    /// Closes the ports; one that is closed already is what is wanted.
    private func stopListening() async {
        let channels = listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        for channel in channels { try? await channel.close().get() }
    }

    /// Pushes each live to these servers from now on, the running ones too.
    public func setPushTargets(_ targets: [StreamID: [PushTarget]]) {
        restreamer.set(targets, relays: environment.relays)
    }

    /// Stops listening, so that the next server can, and lets the publishers that are there go on.
    ///
    /// Those that understand it are asked to connect again (Enhanced RTMP v2, "Reconnect Request"); connections that do not
    /// publish are closed. Returns when the last publisher has left, or when the server is shut down.
    ///
    /// - Parameter reconnectURL: where publishers should go, `rtmp://host/app`; `nil` for the address that they have.
    public func drain(reconnectURL: String?) async {
        await stopListening()
        logger.info("rtmp server drains: publishers go on, new ones are not taken")
        try? await connections.stop(on: group.next(), telling: DrainRequest(tcURL: reconnectURL)).get()
        logger.info("rtmp server drained: the last publisher has left")
    }

    /// Stops accepting, ends every publish cleanly, tells the encoders and closes their connections.
    ///
    /// Returns when all are gone; those that take longer than ``IngestLimits/shutdownTimeout`` are cut.
    public func shutDown() async {
        await stopListening()
        let eventLoop = group.next()
        let gone = connections.stop(on: eventLoop, telling: ChannelShouldQuiesceEvent())
        let cut = eventLoop.scheduleTask(in: configuration.limits.shutdownTimeout) { self.connections.cut() }
        try? await gone.get()
        cut.cancel()
        await restreamer.shutDown()
        logger.info("rtmp server stopped")
    }

    private var unsentBytes: ChannelOptions.Types.WriteBufferWaterMark {
        let high = max(2, configuration.limits.maximumUnsentBytes)
        return ChannelOptions.Types.WriteBufferWaterMark(low: high / 2, high: high)
    }

    /// Gives a new connection its handler, or throws why it is not taken: then NIO closes it.
    private func accept(_ channel: any Channel, _ certificate: ServerCertificate?) throws {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        switch connections.admit(channel, address: address) {
        case .refused(let refusal, let isRepeated):
            environment.metrics.refused(refusal)
            logger.log(
                level: isRepeated ? .debug : .warning,
                "connection refused",
                metadata: ["peer.address": "\(address)", "reason": "\(refusal)"]
            )
            throw refusal
        case .admitted(let id):
            let metrics = environment.metrics
            metrics.acceptedConnections.increment()
            metrics.activeConnections.increment()
            channel.closeFuture.whenComplete { [connections] _ in
                connections.remove(id)
                metrics.activeConnections.decrement()
            }
            if let certificate { try addGate(to: channel, certificate, address: address) }
            try channel.pipeline.syncOperations.addHandler(
                RTMPConnectionHandler(id: id, peerAddress: address, environment: environment, logger: logger)
            )
        }
    }

    private func addGate(to channel: any Channel, _ certificate: ServerCertificate, address: String) throws {
        let gate = TLSGateHandler(context: certificate.context) { [logger] problem in
            logger.info("peer turned away", metadata: ["peer.address": "\(address)", "reason": "\(problem)"])
        }
        try channel.pipeline.syncOperations.addHandler(gate)
    }
}
