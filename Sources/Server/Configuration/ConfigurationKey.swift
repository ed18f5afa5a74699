/// A setting: what it is called in each place that it can come from, and what it is when it comes from none.
struct ConfigurationKey: Sendable {
    /// Its place in `lyceum.yaml`; the other names follow from it.
    let path: [String]
    /// What it is when nothing sets it.
    let defaultValue: String
    /// What values it takes, as the end of "expected …".
    let expected: String
    /// What it is for, in a few words.
    let summary: String
    /// What docs/configuration.md says it is when nothing sets it, where that is not the default's own text.
    var shownDefault: String?
    /// What docs/configuration.md says of it, in Markdown.
    let meaning: String
    /// Whether its value is never shown.
    var isSecret = false

    /// Its environment variable: `LYCEUM_HTTP_PORT`.
    var environmentName: String {
        "LYCEUM_" + path.map { $0.uppercased() }.joined(separator: "_")
    }

    /// Its command line flag: `--http-port`.
    var flag: String {
        "--" + path.joined(separator: "-").replacing("_", with: "-")
    }

    /// Every setting, in the order in which `lyceum config` prints them.
    static let all =
        [
            dataDirectory, httpHost, httpPort, httpsPort, rtmpHost, rtmpPort, rtmpsPort, tlsCertificate, tlsKey,
            reconnectURL,
            publish, webhookURL, webhookSecret, rtmpPlay, restreamAuthorities, playback, tokenSecret, cdnSecret,
            metricsHost, metricsPort, operatorToken,
            ladder, segmentSeconds, partMilliseconds, audioOnly, encryption, keySeconds, windowSeconds, graceSeconds,
            record, jobs,
            overloadPercent, logLevel,
            hlsJavaScript, hlsJavaScriptURL,
        ] + recordings + platform + ingestLimits
}
