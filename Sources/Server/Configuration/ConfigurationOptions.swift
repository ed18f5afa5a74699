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
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.segmentSeconds.help))
    var segmentSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.windowSeconds.help))
    var windowSeconds: String?
    @Option(help: ArgumentHelp(stringLiteral: ConfigurationKey.graceSeconds.help))
    var graceSeconds: String?
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

    private var flags: [(key: ConfigurationKey, value: String)] {
        let all: [(ConfigurationKey, String?)] = [
            (.dataDirectory, dataDir), (.httpHost, httpHost), (.httpPort, httpPort), (.rtmpHost, rtmpHost),
            (.rtmpPort, rtmpPort), (.rtmpsPort, rtmpsPort), (.tlsCertificate, tlsCert),
            (.tlsKey, tlsKey), (.reconnectURL, rtmpReconnectUrl), (.publish, publish), (.webhookURL, webhookUrl),
            (.webhookSecret, webhookSecret),
            (.segmentSeconds, segmentSeconds),
            (.windowSeconds, windowSeconds), (.graceSeconds, graceSeconds), (.logLevel, logLevel),
            (.hlsJavaScript, hlsJs), (.hlsJavaScriptURL, hlsJsUrl),
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
