import Ingest
import Logging
import MediaCore
import Origin
import Recordings
import Packager

/// The settings of a server, checked: whatever is in here can be used.
struct ServerConfiguration: Sendable {
    /// Who may publish.
    enum Publishing: String {
        /// Those who hold a stream key.
        case keys
        /// Those whom a webhook allows.
        case webhook
        /// Everybody.
        case open
    }

    /// Who may watch over HTTP.
    enum Playback: String {
        /// Everybody.
        case open
        /// Those with a link that `lyceum token` has signed.
        case tokens
    }

    /// Whether segments are encrypted.
    enum Encryption: String {
        /// They are not.
        case off
        /// They are.
        case on
        /// They are, beside those that are not.
        case both
    }

    /// Who may play over RTMP.
    enum RTMPPlay: String {
        /// Programs on this machine.
        case local
        /// Everybody.
        case open
        /// Nobody.
        case off
    }

    let dataDirectory: String
    let httpHost: String
    let httpPort: Int
    /// The port for HTTP over TLS, if it is wanted.
    let httpsPort: Int?
    let rtmpHost: String
    let rtmpPort: Int
    /// The port for RTMP over TLS, if it is wanted.
    let rtmpsPort: Int?
    /// The paths of the certificate chain and of its key; both set when a port wants them.
    let tlsCertificate: String
    let tlsKey: String
    /// Where publishers are asked to go when the server is drained.
    let reconnectURL: String?
    /// Where metrics are served, if anywhere.
    let metricsHost: String
    let metricsPort: Int?
    /// What operators' programs show; `nil` for the one in the data folder.
    let operatorToken: Secret?
    /// What encoders are held to.
    let ingestLimits: IngestLimits
    let publishing: Publishing
    /// Where and with what secret the webhook is asked; both set when it decides.
    let webhookURL: String
    let webhookSecret: Secret
    let rtmpPlay: RTMPPlay
    /// Who else may have signed the certificates of servers that lives are pushed to; empty for nobody.
    let restreamAuthorities: String
    let playback: Playback
    /// What viewers' links are signed with; `nil` for what is in the data folder.
    let tokenSecret: Secret?
    /// What a CDN shows; `nil` when there is none.
    let cdnSecret: Secret?
    /// The endings by which publishes are variants of one live; `nil` when each is a live of its own.
    let ladder: LadderEndings?
    let segmentDuration: MediaTime
    let partDuration: MediaTime?
    /// Whether players are offered the sound alone.
    let offersSoundAlone: Bool
    let encryption: Encryption
    let keySeconds: Int
    /// How far back live playlists reach; `nil` for all of a live.
    let windowDuration: MediaTime?
    let gracePeriod: Duration
    /// How many jobs run at a time.
    let jobs: Int
    /// Whether lives are recorded.
    let isRecording: Bool
    /// How long recordings stay.
    let retention: RetentionPolicy
    /// Where recordings are put that are to leave the disk; `nil` for nowhere.
    let recordingStore: RecordingStore?
    /// From which share of its time on an event loop has too much to do, in percent; `nil` when that refuses nobody.
    let overloadPercent: Int?
    /// The platform's settings; `nil` when it is off.
    let platform: PlatformSettings?
    let logLevel: Logger.Level
    /// The path of hls.js, if there is one.
    let hlsJavaScript: String?
    /// Where else browsers get hls.js, if anywhere.
    let hlsJavaScriptURL: String?

    /// Reads and checks every setting.
    ///
    /// - Throws: ``ConfigurationError`` with the first setting that is wrong.
    init(_ sources: ConfigurationSources) throws {
        let reader = Reader(sources: sources)
        dataDirectory = try reader.value(.dataDirectory) { $0 }
        httpHost = try reader.value(.httpHost) { $0 }
        httpPort = try reader.value(.httpPort, Self.port)
        rtmpPort = try reader.value(.rtmpPort, Self.port)
        rtmpsPort = try reader.value(.rtmpsPort, Self.optionalPort)
        httpsPort = try reader.value(.httpsPort, Self.optionalPort)
        let needsCertificate = rtmpsPort != nil || httpsPort != nil
        tlsCertificate = try reader.value(.tlsCertificate) { needsCertificate && $0.isEmpty ? nil : $0 }
        tlsKey = try reader.value(.tlsKey) { needsCertificate && $0.isEmpty ? nil : $0 }
        reconnectURL = try reader.value(.reconnectURL) { text in
            guard !text.isEmpty else { return .some(nil) }
            let isAddress = ["rtmp://", "rtmps://"].contains { text.hasPrefix($0) && text.count > $0.count }
            return isAddress ? text : nil
        }
        metricsHost = try reader.value(.metricsHost) { $0 }
        metricsPort = try reader.value(.metricsPort) { text -> Int?? in
            text == "off" || text.isEmpty ? .some(nil) : Self.port(text).map { .some($0) }
        }
        operatorToken = try reader.value(.operatorToken, Self.optionalSecret)
        playback = try reader.value(.playback) { Playback(rawValue: $0) }
        tokenSecret = try reader.value(.tokenSecret, Self.optionalSecret)
        cdnSecret = try reader.value(.cdnSecret, Self.optionalSecret)
        ingestLimits = try IngestLimits { key, range in
            try reader.value(key) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
        }
        publishing = try reader.value(.publish) { Publishing(rawValue: $0) }
        let needsWebhook = publishing == .webhook
        webhookURL = try reader.value(.webhookURL) { text in
            let isAddress = ["http://", "https://"].contains { text.hasPrefix($0) && text.count > $0.count }
            return isAddress || (text.isEmpty && !needsWebhook) ? text : nil
        }
        webhookSecret = try reader.value(.webhookSecret) { text in
            text.count >= 16 || (text.isEmpty && !needsWebhook) ? Secret(text) : nil
        }
        rtmpPlay = try reader.value(.rtmpPlay) { RTMPPlay(rawValue: $0) }
        restreamAuthorities = try reader.value(.restreamAuthorities) { $0 }
        let loopbackForTrials = publishing == .open ? "127.0.0.1" : "0.0.0.0"
        rtmpHost = try reader.value(.rtmpHost) { $0.isEmpty ? loopbackForTrials : $0 }
        ladder = try reader.value(.ladder) { text in
            text.isEmpty ? .some(nil) : LadderEndings(text).map { .some($0) }
        }
        segmentDuration = try reader.value(.segmentSeconds) { Self.seconds($0, in: 1...10).map(MediaTime.seconds) }
        partDuration = try reader.value(.partMilliseconds) { text in
            guard let milliseconds = Int64(text), milliseconds == 0 || (100...2000).contains(milliseconds) else {
                return nil
            }
            return .some(milliseconds == 0 ? nil : .milliseconds(milliseconds))
        }
        offersSoundAlone = try reader.value(.audioOnly) { ["off": false, "on": true][$0] }
        jobs = try reader.value(.jobs) { text in Int(text).flatMap { (1...16).contains($0) ? $0 : nil } }
        isRecording = try reader.value(.record) { ["off": false, "on": true][$0] }
        retention = try RetentionPolicy(reader)
        recordingStore = try RecordingStore(reader)
        encryption = try reader.value(.encryption) { Encryption(rawValue: $0) }
        keySeconds = try reader.value(.keySeconds) { text in
            Int(text).flatMap { (10...86_400).contains($0) ? $0 : nil }
        }
        windowDuration = try reader.value(.windowSeconds) { text -> MediaTime?? in
            text == "0" ? .some(nil) : Self.seconds(text, in: 10...86_400).map { .some(.seconds($0)) }
        }
        gracePeriod = try reader.value(.graceSeconds) { Self.seconds($0, in: 0...3600).map { .seconds($0) } }
        overloadPercent = try reader.value(.overloadPercent) { text -> Int?? in
            text == "off" ? .some(nil) : Int(text).flatMap { (20...100).contains($0) ? .some(.some($0)) : nil }
        }
        platform = try PlatformSettings(reader)
        logLevel = try reader.value(.logLevel) { Logger.Level(rawValue: $0) }
        hlsJavaScript = try reader.value(.hlsJavaScript) { .some($0.isEmpty ? nil : $0) }
        hlsJavaScriptURL = try reader.value(.hlsJavaScriptURL) { text in
            guard !text.isEmpty else { return .some(nil) }
            return (try? HLSJavaScriptSource(file: nil, address: text)).map { $0.address }
        }
    }

    /// Reads settings one by one.
    struct Reader {
        let sources: ConfigurationSources

        func value<Value>(_ key: ConfigurationKey, _ parse: (String) -> Value?) throws -> Value {
            let setting = try sources.setting(key)
            guard let value = parse(setting.value) else {
                let shown = key.isSecret && !setting.value.isEmpty ? "\(Secret(setting.value))" : setting.value
                throw ConfigurationError.wrongValue(key, value: shown, origin: setting.origin)
            }
            return value
        }
    }

    private static func port(_ text: String) -> Int? {
        guard let port = Int(text), (0...65_535).contains(port) else { return nil }
        return port
    }

    /// A port, or nothing for none.
    private static func optionalPort(_ text: String) -> Int?? {
        text.isEmpty ? .some(nil) : port(text).map { .some($0) }
    }

    /// A secret of at least 16 characters, or nothing for none.
    private static func optionalSecret(_ text: String) -> Secret?? {
        text.isEmpty ? .some(nil) : text.count >= 16 ? .some(Secret(text)) : nil
    }

    private static func seconds(_ text: String, in range: ClosedRange<Double>) -> Double? {
        guard let seconds = Double(text), range.contains(seconds) else { return nil }
        return seconds
    }
}

extension ServerConfiguration.RTMPPlay {
    /// What decides; `nil` when nobody may play.
    ///
    /// - Parameter viewers: what decides about viewers over HTTP; `nil` when all may watch.
    /// - Returns: what decides about players.
    func authorizer(_ viewers: ViewerAccess?) -> (any PlaybackAuthorizer)? {
        switch self {
        case .local: LocalPlaybackAuthorizer()
        case .open: viewers?.authorizer ?? OpenPlaybackAuthorizer()
        case .off: nil
        }
    }
}
