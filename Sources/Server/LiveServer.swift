import Cryptography
import Foundation
import Ingest
import Jobs
import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Observability
import Origin
import Packager
import Recordings
import ServiceLifecycle
import Storage
import Synchronization
import TLS
import Transcode
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
    /// How often recordings are made to outlast a crash of the machine: as much of them it may cost.
    private static let synchronizationInterval = TimeAmount.seconds(10)
    /// How long the recordings of lives that end with the server get to be complete.
    private static let completionTime = Duration.seconds(5)
    /// How often the certificate, the stream keys and the restream targets are looked at; the keys also before each publish.
    private static let fileInterval = Duration.seconds(5)
    /// From when on the end of the certificate is warned of.
    private static let expiryWarningDays = 14.0

    private let configuration: ServerConfiguration
    private let publishing: Publishing
    /// The same files for each port that wants them, with what that port offers.
    private let certificates: [ServerCertificate]
    private let restreamTargets: RestreamTargets
    private let packaging: LivePackaging
    private let storage: MediaStorage
    private let recordings: RecordingCatalog
    /// Where recordings are put besides the disk, if anywhere.
    private let recordingStore: (any ObjectStore)?
    private let keeper: RecordingKeeper
    private let exporter: PackagerExporter
    /// Long work: imports, pictures, downloads.
    private let jobs: JobQueue
    private let imports: ImportService
    /// Accounts, pages and the API; `nil` when they are off.
    let platform: Platform?
    private let ingest: RTMPServer
    private let origin: OriginServer
    /// The operators' port, if there is one.
    private let operations: OriginServer?
    private let group: MultiThreadedEventLoopGroup
    private let load: LoadWatch
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

        /// What others are told, with the load and the disk in mind.
        func told(_ load: LoadWatch, _ storage: MediaStorage) -> OriginServer.Readiness {
            let current = current
            guard current == .ready else { return current }
            return load.isFull ? .overloaded : storage.figures.isFailing ? .degraded : .ready
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
        let registry = PrometheusRegistry(
            help: [
                OriginMetrics.help, StorageMetrics.help, RecordingMetrics.help, ProcessMetrics.help, LoadWatch.help,
            ]
            .reduce(IngestMetrics.help) { $0.merging($1) { $1 } }
        )
        let originMetrics = OriginMetrics(registry)
        let storageMetrics = StorageMetrics(registry)
        let recordingMetrics = RecordingMetrics(registry)
        publishing = try Publishing(configuration, metrics: registry, logger: logger)
        let rtmpsCertificate = try Self.certificate(configuration, for: configuration.rtmpsPort)
        let httpsCertificate = try Self.certificate(
            configuration,
            for: configuration.httpsPort,
            protocols: OriginServer.SecureListener.protocols
        )
        certificates = [rtmpsCertificate, httpsCertificate].compactMap(\.self)
        restreamTargets = RestreamTargets(RestreamFile(dataDirectory: configuration.dataDirectory), logger: logger)
        let files = Self.openFiles(configuration.ingestLimits, logger: logger)

        let access = try Self.access(configuration)
        let store = LiveStore()
        platform = try Self.platform(configuration, store, on: group, logger: logger)
        load = Self.loadWatch(configuration, group, store, metrics: registry, logger: logger)
        storage = try Self.storage(configuration, logger: logger)
        recordingStore = try Self.recordingStore(configuration, group: group, logger: logger)
        recordings = try Self.recordings(configuration, storage, recordingStore, logger: logger)
        let milliseconds: @Sendable () -> Int64 = { Self.wallClock().milliseconds }
        let archive = recordingStore.map { [recordings] store in
            RecordingArchive(catalog: recordings, store: store, now: milliseconds, logger: logger)
        }
        jobs = try Self.jobs(configuration, logger: logger)
        exporter = PackagerExporter(recordings, logger: logger)
        let followUp = RecordingFollowUp(recordings, jobs, exporter)
        keeper = RecordingKeeper(
            catalog: recordings,
            archive: archive,
            policy: configuration.retention,
            isBusy: { followUp.isBusy(with: $0) },
            now: milliseconds,
            logger: logger
        )
        packaging = LivePackaging(
            store: store,
            storage: storage,
            recordings: configuration.isRecording ? recordings : nil,
            configuration: PackagerConfiguration(configuration),
            clock: PackagerClock(wall: Self.wallClock),
            makeTag: { Randomness.token(bits: 48) },
            ladder: configuration.ladder.map { [group] in ($0, group) },
            logger: logger
        )
        imports = ImportService(jobs, RecordingImport(configuration, recordings, storage, logger: logger))
        ingest = RTMPServer(
            configuration: IngestConfiguration(configuration, files: files),
            secureListener: Self.secureListener(configuration, rtmpsCertificate),
            clientTLS: try Self.clientTLS(configuration),
            sinkProvider: packaging,
            authorizer: publishing.authorizer,
            playbackAuthorizer: configuration.rtmpPlay.authorizer(access),
            admission: load,
            metrics: registry,
            wallClock: Self.wallClock,
            group: group,
            logger: logger
        )
        var originConfiguration = try OriginConfiguration(configuration, files: files)
        originConfiguration.access = access
        originConfiguration.admission = load
        originConfiguration.encryption = Self.encryption(configuration)
        originConfiguration.remuxer = PackagerRemuxer()
        originConfiguration.pictureMaker = LibAVPictureMaker()
        originConfiguration.meters = originMetrics
        originConfiguration.recordings = recordings
        originConfiguration.recordingArchive = archive
        originConfiguration.exporter = exporter
        originConfiguration.application = platform?.application
        var operators = OperatorAPI(
            token: try Self.secret(
                configuration.operatorToken,
                or: .operatorToken(dataDirectory: configuration.dataDirectory)
            ),
            directory: ingest.directory,
            restreams: ingest.restreams
        )
        (operators.jobs, operators.imports) = (jobs, imports)
        originConfiguration.operators = operators
        origin = OriginServer(
            configuration: originConfiguration,
            secureListener: Self.secureOrigin(configuration, httpsCertificate),
            store: store,
            readiness: { [readiness, load, storage] in readiness.told(load, storage) },
            group: group,
            logger: logger
        )
        operations = Self.operations(
            configuration,
            registry,
            beforeReading: { [storage, recordings, keeper] in
                originMetrics.update(from: store)
                storageMetrics.update(from: storage)
                recordingMetrics.update(from: recordings, keeper.figures)
            },
            readiness: { [readiness, load, storage] in readiness.told(load, storage) },
            group: group,
            logger: logger
        )
    }

    /// Watches the event loops; who publishes what runs already, or is waited for, is none whom it refuses.
    private static func loadWatch(
        _ configuration: ServerConfiguration,
        _ group: any EventLoopGroup,
        _ store: LiveStore,
        metrics: PrometheusRegistry,
        logger: Logger
    ) -> LoadWatch {
        let ladder = configuration.ladder
        return LoadWatch(
            group,
            threshold: configuration.overloadPercent.map { Double($0) / 100 },
            isServed: { stream in
                store.stream(ladder?.live(of: stream) ?? stream).map { $0.endedAt == nil } ?? false
            },
            metrics: metrics,
            logger: logger
        )
    }

    /// The port for Prometheus: the same HTTP as for viewers, with the metrics and the health checks only.
    private static func operations(
        _ configuration: ServerConfiguration,
        _ registry: PrometheusRegistry,
        beforeReading update: @escaping @Sendable () -> Void,
        readiness: @escaping @Sendable () -> OriginServer.Readiness,
        group: any EventLoopGroup,
        logger: Logger
    ) -> OriginServer? {
        guard let port = configuration.metricsPort else { return nil }
        let process = ProcessMetrics(registry, startedAt: Date())
        var operations = OriginConfiguration()
        operations.host = configuration.metricsHost
        operations.port = port
        operations.limits.connections = 64
        operations.metrics = {
            process.update()
            update()
            return registry.text
        }
        return OriginServer(
            configuration: operations,
            store: LiveStore(),
            readiness: readiness,
            group: group,
            logger: logger
        )
    }

    /// Serves until the task is told to shut down gracefully.
    func run() async throws {
        restreamTargets.reload(ingest.setPushTargets)
        await restoreLives()
        let (addresses, ports) = try await start()
        let httpPort = addresses.http.port ?? 0
        let httpsPort = addresses.https?.port
        let expiry = group.next().scheduleRepeatedTask(
            initialDelay: Self.expiryInterval,
            delay: Self.expiryInterval
        ) { [packaging] _ in packaging.expireLives() }
        let synchronization = group.next().scheduleRepeatedTask(
            initialDelay: Self.synchronizationInterval,
            delay: Self.synchronizationInterval
        ) { [packaging] _ in packaging.synchronizeRecordings() }
        readiness.current = .ready
        jobs.start()
        var metadata: Logger.Metadata = ["http.port": "\(httpPort)", "rtmp.port": "\(ports.rtmp)"]
        metadata["https.port"] = httpsPort.map { "\($0)" }
        metadata["rtmps.port"] = ports.rtmps.map { "\($0)" }
        logger.info("listening", metadata: metadata)
        Terminal.say(welcome(httpPort: httpPort, httpsPort: httpsPort, ports: ports).text)

        let platformRun = startPlatform()
        let failure = try await withThrowingDiscardingTaskGroup(returning: StartFailure?.self) { tasks in
            tasks.addTask { await load.run() }
            tasks.addTask { await drainOnSignal() }
            tasks.addTask { await reloadFilesRegularly() }
            tasks.addTask { await reloadFilesOnSignal() }
            // Ends before the storage that it uses.
            let keeping = Task { await keeper.run() }
            let failure = await awaitEnd(of: platformRun)
            expiry.cancel()
            synchronization.cancel()
            // Jobs and streams of events end first; pages are answered until their connections are gone.
            platformRun?.task.cancel()
            // Also ends a drain that is still waiting for publishers.
            await stop {
                keeping.cancel()
                await keeping.value
                await recordingStore?.shutDown()
            }
            await platformRun?.task.value
            await platform?.close()
            tasks.cancelAll()
            return failure
        }
        if let failure { throw failure }
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

    // MARK: - Files that change

    private func reloadFilesRegularly() async {
        while (try? await Task.sleep(for: Self.fileInterval)) != nil { reloadFiles() }
    }

    /// SIGHUP, by which certificate renewal tools tell servers.
    private func reloadFilesOnSignal() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { reloadFiles() }
    }

    private func reloadFiles() {
        publishing.keys?.reload()
        restreamTargets.reload(ingest.setPushTargets)
        for certificate in certificates { reload(certificate) }
    }

    private func reload(_ certificate: ServerCertificate) {
        switch certificate.reload() {
        case .none: break
        case .replaced:
            logger.info("certificate replaced: new connections use it")
            warnOfExpiry(certificate)
        case .refused(let fault):
            logger.error("certificate not replaced: the one of before stays", metadata: ["reason": "\(fault)"])
        }
    }

    private func warnOfExpiry(_ certificate: ServerCertificate) {
        let days = (Double(certificate.expiry) - Date().timeIntervalSince1970) / 86_400
        guard days < Self.expiryWarningDays else { return }
        let words = days < 0 ? "the certificate has ended: encoders refuse it" : "the certificate ends soon: renew it"
        logger.warning("\(words)", metadata: ["tls.days_left": "\(Int(days.rounded(.down)))"])
    }

    // MARK: - Start and stop

    private func start() async throws -> (origin: OriginServer.Addresses, ports: RTMPServer.Ports) {
        let addresses: OriginServer.Addresses
        do {
            addresses = try await origin.start()
        } catch let fault as HLSJavaScriptSource.Fault {
            throw StartFailure.wrongHLSJavaScript(fault)
        } catch let failure as OriginServer.ListenFailure {
            throw StartFailure.cannotListen(
                host: configuration.httpHost,
                port: failure.port,
                key: failure.isSecure ? .httpsPort : .httpPort,
                error: failure.underlying
            )
        }
        do {
            _ = try await operations?.start()
        } catch {
            throw StartFailure.cannotListen(
                host: configuration.metricsHost,
                port: configuration.metricsPort ?? 0,
                key: .metricsPort,
                error: (error as? OriginServer.ListenFailure)?.underlying ?? error
            )
        }
        do throws(RTMPServer.ListenFailure) {
            let ports = try await ingest.start()
            if let certificate = certificates.first { warnOfExpiry(certificate) }
            return (addresses, ports)
        } catch {
            throw StartFailure.cannotListen(
                host: configuration.rtmpHost,
                port: error.port,
                key: error.isSecure ? .rtmpsPort : .rtmpPort,
                error: error.underlying
            )
        }
    }

    /// - Parameter stopKeeping: ends what works on recordings, between the lives' last writes and the storage's end.
    private func stop(_ stopKeeping: () async -> Void) async {
        logger.info("stopping: lives end, viewers get the rest of what they watch")
        readiness.current = .draining
        async let jobsEnd: Void = jobs.shutDown()
        await ingest.shutDown()
        await packaging.settle()
        await publishing.webhook?.shutDown()
        packaging.endInterruptedLives()
        await packaging.completeRecordings(within: Self.completionTime)
        await operations?.drain(within: .zero)
        await origin.drain(within: Self.drainTime)
        await exporter.shutDown()
        await jobsEnd
        await stopKeeping()
        await storage.shutDown()
        logger.info("stopped")
    }

    /// Lives that were running when the process before this one ended go on.
    private func restoreLives() async {
        // Off the event loops: it reads.
        let (packaging, recordings, isRecording) = (packaging, recordings, configuration.isRecording)
        try? await NIOThreadPool.singleton.runIfActive {
            // Their jobs begin anew.
            recordings.deleteUnfinishedImports()
            if isRecording { packaging.restoreLives() }
        }
    }

    private func welcome(httpPort: Int, httpsPort: Int?, ports: RTMPServer.Ports) -> Welcome {
        Welcome(
            httpHost: configuration.httpHost,
            httpPort: httpPort,
            httpsPort: httpsPort,
            rtmpHost: configuration.rtmpHost,
            ports: ports,
            playback: configuration.playback,
            publishing: configuration.publishing,
            newKey: publishing.firstKey
        )
    }

    private static func openFiles(_ limits: IngestLimits, logger: Logger) -> OpenFiles {
        let files = OpenFiles.raiseLimit(encoders: limits.maximumConnections)
        if files.isShort {
            logger.warning(
                "the limit on open files is low: raise it with ulimit -n or LimitNOFILE= for more viewers",
                metadata: ["connections.encoders": "\(files.encoders)", "connections.viewers": "\(files.viewers)"]
            )
        }
        return files
    }

    static let wallClock: @Sendable () -> WallClockTime = {
        WallClockTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}

extension PackagerConfiguration {
    /// The packager's share of the settings.
    fileprivate init(_ configuration: ServerConfiguration) {
        self.init(
            segmentDuration: configuration.segmentDuration,
            partDuration: configuration.partDuration,
            windowDuration: configuration.windowDuration,
            offersSoundAlone: configuration.offersSoundAlone,
            gracePeriod: configuration.gracePeriod,
            // Viewers may be a whole window behind, and pause for a moment; of a live without end, as long as by default.
            endedRetention: .seconds((configuration.windowDuration?.seconds ?? 7200) + 60)
        )
    }
}

extension IngestConfiguration {
    /// The ingest's share of the settings.
    fileprivate init(_ configuration: ServerConfiguration, files: OpenFiles) {
        self.init(host: configuration.rtmpHost, port: configuration.rtmpPort)
        limits = configuration.ingestLimits
        limits.maximumConnections = files.encoders
        limits.encoderReturnTimeout = TimeAmount(configuration.gracePeriod)
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
