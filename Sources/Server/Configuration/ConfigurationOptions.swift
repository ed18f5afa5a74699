import ArgumentParser
import SystemPackage

/// The flags that set what the environment and the files may set too.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The YAML file with settings (default: lyceum.yaml, if there is one).")
    var config: String?

    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.dataDirectory.help))
    var dataDir: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.httpHost.help))
    var httpHost: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.httpPort.help))
    var httpPort: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.httpsPort.help))
    var httpsPort: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.rtmpHost.help))
    var rtmpHost: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.rtmpPort.help))
    var rtmpPort: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.rtmpsPort.help))
    var rtmpsPort: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.tlsCertificate.help))
    var tlsCert: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.tlsKey.help))
    var tlsKey: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.reconnectURL.help))
    var rtmpReconnectUrl: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.publish.help))
    var publish: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.webhookURL.help))
    var webhookUrl: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.webhookSecret.help))
    var webhookSecret: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.rtmpPlay.help))
    var rtmpPlay: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.restreamAuthorities.help))
    var restreamCa: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.playback.help))
    var playback: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.tokenSecret.help))
    var tokenSecret: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.cdnSecret.help))
    var cdnSecret: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.metricsHost.help))
    var metricsHost: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.metricsPort.help))
    var metricsPort: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.operatorToken.help))
    var operatorToken: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.ladder.help))
    var ladder: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.segmentSeconds.help))
    var segmentSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.partMilliseconds.help))
    var partMilliseconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.audioOnly.help))
    var audioOnly: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.encryption.help))
    var encryption: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.keySeconds.help))
    var keySeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.record.help))
    var record: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.jobs.help))
    var jobs: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.windowSeconds.help))
    var windowSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.graceSeconds.help))
    var graceSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.overloadPercent.help))
    var overloadPercent: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.logLevel.help))
    var logLevel: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.hlsJavaScript.help))
    var hlsJs: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.hlsJavaScriptURL.help))
    var hlsJsUrl: String?

    /// Reads and checks every setting; ends the command with code 64 when one is wrong.
    ///
    /// - Parameter environment: the process's environment.
    /// - Returns: where the settings come from, and the settings.
    /// - Throws: `ExitCode.wrongConfiguration`, once the person at the terminal knows what is wrong.
    func load(environment: [String: String]) async throws -> (ConfigurationSources, ServerConfiguration) {
        do {
            let sources = try await ConfigurationSources(
                flags: flags,
                environment: environment,
                configurationFile: config,
                directory: "."
            )
            return (sources, try ServerConfiguration(sources))
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.wrongConfiguration
        }
    }
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.recordDays.help))
    var recordDays: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.recordBytes.help))
    var recordBytes: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.recordFreeBytes.help))
    var recordFreeBytes: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.recordLocalDays.help))
    var recordLocalDays: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.storeDirectory.help))
    var storeDir: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3Bucket.help))
    var s3Bucket: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3Endpoint.help))
    var s3Endpoint: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3Region.help))
    var s3Region: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3Addressing.help))
    var s3Addressing: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3Prefix.help))
    var s3Prefix: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3AccessKey.help))
    var s3AccessKey: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3SecretKey.help))
    var s3SecretKey: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.s3SessionToken.help))
    var s3SessionToken: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.platformSwitch.help))
    var platform: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.publicURL.help))
    var publicUrl: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.databaseURL.help))
    var databaseUrl: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.databaseConnections.help))
    var databaseConnections: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.databasePrograms.help))
    var databaseBin: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.platformSecret.help))
    var secret: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.trustedProxies.help))
    var trustedProxies: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.smtpURL.help))
    var smtpUrl: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.smtpAuthorities.help))
    var smtpCa: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.mailFrom.help))
    var mailFrom: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.courses.help))
    var courses: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.shop.help))
    var shop: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.social.help))
    var social: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumConnections.help))
    var rtmpMaxConnections: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumConnectionsPerAddress.help))
    var rtmpMaxConnectionsPerAddress: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumBytesPerSecond.help))
    var rtmpMaxBytesPerSecond: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumMessageBytes.help))
    var rtmpMaxMessageBytes: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumPartialBytes.help))
    var rtmpMaxPartialBytes: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumChunkStreams.help))
    var rtmpMaxChunkStreams: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.handshakeSeconds.help))
    var rtmpHandshakeSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.publishSeconds.help))
    var rtmpPublishSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.idleSeconds.help))
    var rtmpIdleSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.mediaSeconds.help))
    var rtmpMediaSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumAMFDepth.help))
    var rtmpMaxAmfDepth: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.maximumAMFValues.help))
    var rtmpMaxAmfValues: String?

    private var flags: [(key: ConfigurationKey, value: String)] {
        let all: [(ConfigurationKey, String?)] = [
            (.dataDirectory, dataDir), (.httpHost, httpHost), (.httpPort, httpPort), (.httpsPort, httpsPort),
            (.rtmpHost, rtmpHost),
            (.rtmpPort, rtmpPort), (.rtmpsPort, rtmpsPort), (.tlsCertificate, tlsCert),
            (.tlsKey, tlsKey), (.reconnectURL, rtmpReconnectUrl), (.publish, publish), (.webhookURL, webhookUrl),
            (.webhookSecret, webhookSecret), (.rtmpPlay, rtmpPlay),
            (.restreamAuthorities, restreamCa),
            (.playback, playback), (.tokenSecret, tokenSecret), (.cdnSecret, cdnSecret), (.metricsHost, metricsHost),
            (.metricsPort, metricsPort),
            (.operatorToken, operatorToken), (.maximumConnections, rtmpMaxConnections),
            (.maximumConnectionsPerAddress, rtmpMaxConnectionsPerAddress),
            (.maximumBytesPerSecond, rtmpMaxBytesPerSecond), (.maximumMessageBytes, rtmpMaxMessageBytes),
            (.maximumPartialBytes, rtmpMaxPartialBytes), (.maximumChunkStreams, rtmpMaxChunkStreams),
            (.handshakeSeconds, rtmpHandshakeSeconds), (.publishSeconds, rtmpPublishSeconds),
            (.idleSeconds, rtmpIdleSeconds), (.mediaSeconds, rtmpMediaSeconds), (.maximumAMFDepth, rtmpMaxAmfDepth),
            (.maximumAMFValues, rtmpMaxAmfValues),
            (.ladder, ladder), (.segmentSeconds, segmentSeconds), (.partMilliseconds, partMilliseconds),
            (.audioOnly, audioOnly), (.encryption, encryption), (.keySeconds, keySeconds),
            (.windowSeconds, windowSeconds), (.graceSeconds, graceSeconds), (.record, record), (.jobs, jobs),
            (.overloadPercent, overloadPercent), (.logLevel, logLevel),
            (.hlsJavaScript, hlsJs), (.hlsJavaScriptURL, hlsJsUrl),
            (.recordDays, recordDays), (.recordBytes, recordBytes), (.recordFreeBytes, recordFreeBytes),
            (.recordLocalDays, recordLocalDays), (.storeDirectory, storeDir), (.s3Bucket, s3Bucket),
            (.s3Endpoint, s3Endpoint), (.s3Region, s3Region), (.s3Addressing, s3Addressing), (.s3Prefix, s3Prefix),
            (.s3AccessKey, s3AccessKey), (.s3SecretKey, s3SecretKey), (.s3SessionToken, s3SessionToken),
            (.platformSwitch, platform), (.publicURL, publicUrl), (.databaseURL, databaseUrl),
            (.databaseConnections, databaseConnections), (.databasePrograms, databaseBin), (.platformSecret, secret),
            (.trustedProxies, trustedProxies), (.smtpURL, smtpUrl), (.smtpAuthorities, smtpCa), (.mailFrom, mailFrom),
            (.courses, courses), (.shop, shop), (.social, social),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }
}

extension ConfigurationKey {
    /// The text that `--help` shows.
    fileprivate var help: String {
        let sentence = summary.prefix(1).uppercased() + summary.dropFirst()
        let standard = defaultValue.isEmpty ? "" : " (default: \(defaultValue))"
        return "\(sentence)\(standard)."
    }
}
