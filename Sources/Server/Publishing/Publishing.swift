import CoreMetrics
import Cryptography
import Ingest
import Logging
import MediaCore
import NIOPosix

/// Who may publish, and what of it changes while the server runs.
struct Publishing {
    let authorizer: any PublishAuthorizer
    /// The keys that are looked up, to be read again when their file changes.
    private(set) var keys: PublishKeyFileAuthorizer?
    private(set) var webhook: WebhookPublishAuthorizer?
    /// The key that the first start has made: it can be shown only now.
    private(set) var firstKey: (stream: StreamID, secret: Secret)?

    /// What the settings want.
    ///
    /// - Throws: ``StartFailure`` when the stream keys cannot be had.
    init(_ configuration: ServerConfiguration, metrics: any MetricsFactory, logger: Logger) throws {
        switch configuration.publishing {
        case .open:
            logger.warning(
                "everybody who reaches the RTMP port may publish: for trials only",
                metadata: ["rtmp.host": "\(configuration.rtmpHost)"]
            )
            authorizer = OpenPublishAuthorizer()
        case .webhook:
            let webhook = WebhookPublishAuthorizer(
                url: configuration.webhookURL,
                secret: configuration.webhookSecret,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            )
            self.webhook = webhook
            authorizer = ThrottlingPublishAuthorizer(webhook, metrics: metrics, logger: logger)
        case .keys:
            let file = PublishKeyFile(dataDirectory: configuration.dataDirectory)
            do {
                firstKey = try Self.firstKey(in: file)
                let keys = try PublishKeyFileAuthorizer(file, threads: .singleton, logger: logger)
                self.keys = keys
                authorizer = ThrottlingPublishAuthorizer(keys, metrics: metrics, logger: logger)
            } catch {
                throw StartFailure.unavailable("\(error)")
            }
        }
    }

    /// The first start makes a key for the stream `main`.
    private static func firstKey(in file: PublishKeyFile) throws -> (stream: StreamID, secret: Secret)? {
        guard try file.load() == nil, let main = StreamID("main") else { return nil }
        let secret = Secret(Randomness.token(bits: PublishKey.bits))
        try file.change { $0.append(PublishKey(stream: main, secret: secret)) }
        return (main, secret)
    }
}
