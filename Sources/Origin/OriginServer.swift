internal import Glibc
public import LiveStore
public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
internal import Synchronization
public import TLS

/// The HTTP origin: playlists and segments from a ``LiveStore``, the pages, the API and the health checks.
///
/// ```
/// HTTP/1.1  socket -> ConnectionWatchHandler -> HTTPRequestDecoder -> MediaRequestHandler -> Router
/// HTTP/2    socket -> TLS -> SmallWritesHandler -> NIOHTTP2Handler -> a stream for each request: HTTP2RequestHandler -> Router
/// ```
///
/// Over TLS the client says which of the two it wants (ALPN, RFC 7301).
///
/// ``start()`` and ``drain(within:)`` are called once each, in this order.
public final class OriginServer: Sendable {
    /// Whether the process should be sent viewers and encoders.
    public typealias Readiness = Origin.Readiness

    private let configuration: OriginConfiguration
    private let store: LiveStore
    private let readiness: @Sendable () -> Readiness
    private let group: any EventLoopGroup
    private let logger: Logger
    private let gate: ConnectionGate
    private let secureListener: SecureListener?
    private let listeners = Mutex<[any Channel]>([])

    /// A second port, where HTTP/1.1 and HTTP/2 come over TLS.
    public struct SecureListener: Sendable {
        /// The port to bind; 0 takes any free one.
        public let port: Int
        /// What connections are secured with, offering ``protocols``.
        public let certificate: ServerCertificate

        /// What the certificate has to be loaded with.
        public static let protocols = ["h2", "http/1.1"]

        /// A port with its certificate.
        public init(port: Int, certificate: ServerCertificate) {
            self.port = port
            self.certificate = certificate
        }
    }

    /// The addresses that were bound, with the ports that the system chose.
    public struct Addresses: Sendable {
        /// Where HTTP is taken.
        public let http: SocketAddress
        /// Where HTTPS is taken, if anywhere.
        public let https: SocketAddress?
    }

    /// Why the origin does not listen.
    public struct ListenFailure: Error {
        /// The port that cannot be had.
        public let port: Int
        /// Whether it is the one for HTTPS.
        public let isSecure: Bool
        /// The system's error.
        public let underlying: any Error
    }

    /// An origin that is not listening yet.
    ///
    /// - Parameters:
    ///   - configuration: where to listen and what to allow.
    ///   - secureListener: where to listen for HTTPS besides; `nil` for nowhere.
    ///   - store: the lives to serve.
    ///   - readiness: what `/readyz` says; asked for each such request, on an event loop.
    ///   - group: the event loops to serve on. Not shut down by the origin.
    ///   - logger: where odd things go at info and warning, requests at debug.
    public init(
        configuration: OriginConfiguration,
        secureListener: SecureListener? = nil,
        store: LiveStore,
        readiness: @escaping @Sendable () -> Readiness = { .ready },
        group: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.secureListener = secureListener
        self.store = store
        self.readiness = readiness
        self.group = group
        self.logger = logger
        gate = ConnectionGate(limits: configuration.limits)
    }

    /// Begins to listen.
    ///
    /// - Returns: the addresses.
    /// - Throws: ``HLSJavaScriptSource/Fault`` for an hls.js file that cannot be read; ``ListenFailure`` when an address
    ///   cannot be had.
    public func start() async throws -> Addresses {
        let hlsJavaScript = try await readHLSJavaScript()
        let router = makeRouter(hlsJavaScript)
        let states = StatePerEventLoop(group)
        let plain = try await listen(port: configuration.port, certificate: nil, router, states)
        guard let secureListener else { return Addresses(http: plain, https: nil) }
        let (port, certificate) = (secureListener.port, secureListener.certificate)
        var secureRouter = router
        secureRouter.scheme = "https"
        let secure = try await listen(port: port, certificate: certificate, secureRouter, states)
        return Addresses(http: plain, https: secure)
    }

    private func listen(
        port: Int,
        certificate: ServerCertificate?,
        _ router: Router,
        _ states: StatePerEventLoop
    ) async throws(ListenFailure) -> SocketAddress {
        do {
            let channel = try await bind(port: port, certificate, router, states)
            listeners.withLock { $0.append(channel) }
            guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            logger.info(
                "http origin listens",
                metadata: ["server.address": "\(address)", "server.tls": "\(certificate != nil)"]
            )
            return address
        } catch {
            throw ListenFailure(port: port, isSecure: certificate != nil, underlying: error)
        }
    }

    private func bind(
        port: Int,
        _ certificate: ServerCertificate?,
        _ router: Router,
        _ states: StatePerEventLoop
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            // As many as the system allows by default (net.core.somaxconn): a crowd comes at once when a live begins.
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Requests are small; one read at a time bounds how many pipelined ones are answered before the client has
            // to read something.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8192))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.configure(channel, certificate, router, states) }
            }
            .bind(host: configuration.host, port: port)
            .get()
    }

    /// Lets the viewers go, then closes the port and every connection.
    ///
    /// To be called when every live has its EXT-X-ENDLIST. New connections are taken meanwhile, since a player that is
    /// told to close still has to fetch the last playlist and the last segments; idle ones stay until their next
    /// request has been answered. Returns at once when nobody is connected, nor was of late.
    ///
    /// - Parameter time: how long to wait for viewers at most.
    public func drain(within time: TimeAmount) async {
        let eventLoop = group.next()
        let finished = eventLoop.makePromise(of: Void.self)
        let gate = gate
        let quietTime = configuration.limits.drainQuietTime
        let visitTime = configuration.limits.drainVisitTime
        let watch = eventLoop.submit {
            NIOLoopBound(
                DrainWatch(
                    on: eventLoop,
                    quietTime: quietTime,
                    within: time,
                    hasHadVisitors: gate.hasHadConnections(since: .now() - visitTime),
                    count: { gate.count },
                    finished: finished
                ),
                eventLoop: eventLoop
            )
        }
        watch.whenSuccess { watch in
            gate.drain { eventLoop.execute { watch.value.connectionsChanged() } }
        }
        try? await finished.futureResult.get()
        await close()
    }

    private func close() async {
        for listener in listeners.withLock({ $0 }) { try? await listener.close() }
        let channels = gate.channels
        if !channels.isEmpty {
            logger.info("http connections ended by the drain", metadata: ["count": "\(channels.count)"])
        }
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
        logger.info("http origin closed")
    }

    private func makeRouter(_ hlsJavaScript: ByteBuffer?) -> Router {
        let assets = AssetCatalog(hlsJavaScript: hlsJavaScript)
        let gate = gate
        let readiness = readiness
        return Router(
            store: store,
            assets: assets,
            pages: Pages(
                assets: assets,
                hlsAddress: configuration.hlsJavaScript.address,
                rtmpPort: configuration.rtmpPort
            ),
            readiness: { gate.isDraining ? .draining : readiness() },
            maximumTargetLength: configuration.limits.requestTargetLength,
            operators: configuration.operators,
            metrics: configuration.metrics,
            access: configuration.access,
            admission: configuration.admission,
            encryption: configuration.encryption,
            remuxer: configuration.remuxer,
            meters: configuration.meters,
            recordings: configuration.recordings.map {
                RecordedMedia(
                    $0,
                    archive: configuration.recordingArchive,
                    exporter: configuration.exporter,
                    logger: logger
                )
            },
            posters: configuration.pictureMaker.map { LivePosters($0, logger: logger) },
            application: configuration.application
        )
    }

    private func configure(
        _ channel: any Channel,
        _ certificate: ServerCertificate?,
        _ router: Router,
        _ states: StatePerEventLoop
    ) throws {
        var logger = logger
        let peerAddress = channel.remoteAddress?.ipAddress ?? "unknown"
        logger[metadataKey: "peer.address"] = "\(peerAddress)"
        do throws(ConnectionCensus.Refusal) {
            try gate.admit(channel)
        } catch {
            logger.notice("http connection refused", metadata: ["error.type": "\(error.rawValue)"])
            throw error
        }
        let limits = configuration.limits
        if let size = limits.sendBufferSize {
            try channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: SocketOptionValue(size))
        }
        let state = states.state(on: channel.eventLoop)
        let answering = Answering(
            router: router,
            peerAddress: peerAddress,
            preamble: state.preamble,
            known: state.known,
            gate: gate,
            limits: limits,
            logger: logger
        )
        if let certificate {
            try SecureConnection.configure(channel, certificate, answering)
        } else {
            try channel.pipeline.syncOperations.addHandlers(
                answering.handlers(now: channel.eventLoop.now, sendsRegions: true)
            )
        }
    }

    private func readHLSJavaScript() async throws -> ByteBuffer? {
        guard let path = configuration.hlsJavaScript.file else { return nil }
        return try await NIOThreadPool.singleton.runIfActive { try HLSJavaScriptSource.contents(ofFile: path) }
    }
}

/// What the connections of an event loop share.
private final class EventLoopState {
    let preamble = ResponsePreamble()
    let known = KnownRequests()
}

@available(*, unavailable)
extension EventLoopState: Sendable {}

/// One state for each event loop.
private struct StatePerEventLoop: Sendable {
    private let states: [ObjectIdentifier: NIOLoopBoundBox<EventLoopState?>]

    init(_ group: any EventLoopGroup) {
        var states: [ObjectIdentifier: NIOLoopBoundBox<EventLoopState?>] = [:]
        for eventLoop in group.makeIterator() {
            states[ObjectIdentifier(eventLoop)] = .makeEmptyBox(eventLoop: eventLoop)
        }
        self.states = states
    }

    func state(on eventLoop: any EventLoop) -> EventLoopState {
        guard let box = states[ObjectIdentifier(eventLoop)] else { return EventLoopState() }
        if let known = box.value { return known }
        let made = EventLoopState()
        box.value = made
        return made
    }
}

extension HLSJavaScriptSource {
    /// Reads the file.
    ///
    /// Blocks.
    fileprivate static func contents(ofFile path: String) throws(Fault) -> ByteBuffer {
        guard let file = fopen(path, "rb") else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var contents = ByteBuffer()
        while contents.readableBytes <= maximumFileSize {
            let count = contents.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { target in
                fread(target.baseAddress, 1, target.count, file)
            }
            if count > 0 { continue }
            guard ferror(file) == 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
            return contents
        }
        throw .tooLarge(path: path, size: contents.readableBytes)
    }
}
