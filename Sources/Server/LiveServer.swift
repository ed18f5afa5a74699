import Cryptography
import Foundation
import Ingest
import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Origin
import Packager
import ServiceLifecycle
import Synchronization
import UnixSignals

/// The whole server: ingest, packager, live store and origin, started and stopped in the order that loses nothing.
///
/// It stops in reverse: no new publisher, every live completed and closed with EXT-X-ENDLIST, then the viewers' last
/// requests answered.
struct LiveServer: Service {
    /// How long viewers get to fetch the end of what they watch: with the publishers' 3 s less than 10 s.
    private static let drainTime = TimeAmount.seconds(6)
    /// How often lives without an encoder are looked at.
    private static let expiryInterval = TimeAmount.seconds(1)

    private let configuration: ServerConfiguration
    private let publishKeys: [PublishKey]
    private let packaging: LivePackaging
    private let ingest: RTMPServer
    private let origin: OriginServer
    private let group: MultiThreadedEventLoopGroup
    private let readiness: Readiness
    private let processFile: ProcessFile
    private let logger: Logger

    /// Whether viewers and encoders should be sent here.
    private final class Readiness: Sendable {
        private let value = Mutex(OriginServer.Readiness.starting)

        var current: OriginServer.Readiness {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    /// Puts the parts together; nothing listens yet.
    ///
    /// - Throws: ``StartFailure`` when the stream keys cannot be had.
    init(_ configuration: ServerConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        group = .singleton
        do throws(ProcessFile.Failure) {
            processFile = try ProcessFile(dataDirectory: configuration.dataDirectory)
        } catch {
            throw StartFailure.unavailable("\(error)")
        }
        readiness = Readiness()
        publishKeys = try Self.publishKeys(configuration, logger: logger)
        let files = Self.openFiles(logger: logger)

        let store = LiveStore()
        packaging = LivePackaging(
            store: store,
            configuration: PackagerConfiguration(configuration),
            clock: PackagerClock(wall: Self.wallClock),
            makeTag: { Randomness.token(bits: 48) },
            logger: logger
        )
        ingest = RTMPServer(
            configuration: IngestConfiguration(configuration, files: files),
            sinkProvider: packaging,
            authorizer: Self.authorizer(configuration, keys: publishKeys),
            group: group,
            logger: logger
        )
        origin = OriginServer(
            configuration: try OriginConfiguration(configuration, files: files),
            store: store,
            readiness: { [readiness] in readiness.current },
            group: group,
            logger: logger
        )
    }

    /// Serves until the task is told to shut down gracefully.
    func run() async throws {
        let (httpPort, rtmpPort) = try await start()
        let expiry = group.next().scheduleRepeatedTask(
            initialDelay: Self.expiryInterval,
            delay: Self.expiryInterval
        ) { [packaging] _ in packaging.expireLives() }
        readiness.current = .ready
        logger.info("listening", metadata: ["http.port": "\(httpPort)", "rtmp.port": "\(rtmpPort)"])
        Terminal.say(welcome(httpPort: httpPort, rtmpPort: rtmpPort).text)

        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { await drainOnSignal() }
            try await gracefulShutdown()
            expiry.cancel()
            // Also ends a drain that is still waiting for publishers.
            await stop()
            tasks.cancelAll()
        }
    }

    /// SIGUSR1, which `lyceum drain` sends: once is enough.
    private func drainOnSignal() async {
        for await _ in await UnixSignalsSequence(trapping: .sigusr1) where readiness.current == .ready {
            readiness.current = .draining
            processFile.write(.draining)
            await ingest.drain(reconnectURL: configuration.reconnectURL)
            processFile.write(.drained)
        }
    }

    private func start() async throws -> (httpPort: Int, rtmpPort: Int) {
        let http: SocketAddress
        do {
            http = try await origin.start()
        } catch let fault as HLSJavaScriptSource.Fault {
            throw StartFailure.wrongHLSJavaScript(fault)
        } catch {
            throw StartFailure.cannotListen(
                host: configuration.httpHost,
                port: configuration.httpPort,
                key: .httpPort,
                error: error
            )
        }
        do {
            return (http.port ?? 0, try await ingest.start().port ?? 0)
        } catch {
            throw StartFailure.cannotListen(
                host: configuration.rtmpHost,
                port: configuration.rtmpPort,
                key: .rtmpPort,
                error: error
            )
        }
    }

    private func stop() async {
        logger.info("stopping: lives end, viewers get the rest of what they watch")
        readiness.current = .draining
        await ingest.shutDown()
        packaging.endInterruptedLives()
        await origin.drain(within: Self.drainTime)
        logger.info("stopped")
    }

    private func welcome(httpPort: Int, rtmpPort: Int) -> Welcome {
        Welcome(
            httpHost: configuration.httpHost,
            httpPort: httpPort,
            rtmpHost: configuration.rtmpHost,
            rtmpPort: rtmpPort,
            key: publishKeys.first
        )
    }

    private static func openFiles(logger: Logger) -> OpenFiles {
        let files = OpenFiles.raiseLimit()
        if files.isShort {
            logger.warning(
                "the limit on open files is low: raise it with ulimit -n or LimitNOFILE= for more viewers",
                metadata: ["connections.encoders": "\(files.encoders)", "connections.viewers": "\(files.viewers)"]
            )
        }
        return files
    }

    private static func publishKeys(_ configuration: ServerConfiguration, logger: Logger) throws -> [PublishKey] {
        guard configuration.publishing == .keys else {
            logger.warning(
                "everybody who reaches the RTMP port may publish: for trials only",
                metadata: ["rtmp.host": "\(configuration.rtmpHost)"]
            )
            return []
        }
        let file = PublishKeyFile(dataDirectory: configuration.dataDirectory)
        do {
            let keys = try file.load()
            if file.isReadableByOthers {
                logger.warning("others can read the stream keys: run chmod 600", metadata: ["file": "\(file.path)"])
            }
            if keys.isEmpty {
                logger.warning("nobody can publish: the file has no stream key", metadata: ["file": "\(file.path)"])
            }
            return keys
        } catch {
            throw StartFailure.unavailable("\(error)")
        }
    }

    private static func authorizer(_ configuration: ServerConfiguration, keys: [PublishKey]) -> any PublishAuthorizer {
        switch configuration.publishing {
        case .keys: PublishKeysAuthorizer(keys: keys)
        case .open: OpenPublishAuthorizer()
        }
    }

    private static let wallClock: @Sendable () -> WallClockTime = {
        WallClockTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}

extension PackagerConfiguration {
    /// The packager's share of the settings.
    fileprivate init(_ configuration: ServerConfiguration) {
        self.init(
            segmentDuration: configuration.segmentDuration,
            windowDuration: configuration.windowDuration,
            gracePeriod: configuration.gracePeriod,
            // Viewers may be a whole window behind, and pause for a moment.
            endedRetention: .seconds(configuration.windowDuration.seconds + 60)
        )
    }
}

extension IngestConfiguration {
    /// The ingest's share of the settings.
    fileprivate init(_ configuration: ServerConfiguration, files: OpenFiles) {
        self.init(host: configuration.rtmpHost, port: configuration.rtmpPort)
        limits.maximumConnections = files.encoders
    }
}

extension OriginConfiguration {
    /// The origin's share of the settings.
    fileprivate init(_ configuration: ServerConfiguration, files: OpenFiles) throws {
        self.init()
        limits.connections = files.viewers
        host = configuration.httpHost
        port = configuration.httpPort
        rtmpPort = configuration.rtmpPort
        do {
            hlsJavaScript = try HLSJavaScriptSource(
                file: configuration.hlsJavaScript,
                address: configuration.hlsJavaScriptURL
            )
        } catch {
            throw StartFailure.wrongHLSJavaScript(error)
        }
    }
}
