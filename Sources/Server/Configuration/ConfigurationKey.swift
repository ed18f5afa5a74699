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
        ] + recordings + ingestLimits

    static let dataDirectory = ConfigurationKey(
        path: ["data", "dir"],
        defaultValue: "./data",
        expected: "a folder that can be made or written to",
        summary: "the folder that keeps what must outlive the process: the stream keys"
    )
    static let httpHost = ConfigurationKey(
        path: ["http", "host"],
        defaultValue: "0.0.0.0",
        expected: "an IP address or a host name of this machine",
        summary: "the address that viewers connect to"
    )
    static let httpPort = ConfigurationKey(
        path: ["http", "port"],
        defaultValue: "8080",
        expected: "a port from 0 to 65535; 0 takes a free one",
        summary: "the port that viewers connect to"
    )
    static let httpsPort = ConfigurationKey(
        path: ["https", "port"],
        defaultValue: "",
        expected: "a port from 0 to 65535, 0 for a free one, or nothing for no HTTPS",
        summary: "the port that viewers connect to over TLS, with HTTP/2 or HTTP/1.1; needs a certificate"
    )
    static let rtmpHost = ConfigurationKey(
        path: ["rtmp", "host"],
        defaultValue: "",
        expected: "an IP address or a host name of this machine, or nothing: 0.0.0.0, with open publishing 127.0.0.1",
        summary: "the address that encoders connect to"
    )
    static let rtmpPort = ConfigurationKey(
        path: ["rtmp", "port"],
        defaultValue: "1935",
        expected: "a port from 0 to 65535; 0 takes a free one",
        summary: "the port that encoders connect to"
    )
    static let rtmpsPort = ConfigurationKey(
        path: ["rtmps", "port"],
        defaultValue: "",
        expected: "a port from 0 to 65535, 0 for a free one, or nothing for no RTMPS",
        summary: "the port that encoders connect to over TLS; needs a certificate"
    )
    static let tlsCertificate = ConfigurationKey(
        path: ["tls", "cert"],
        defaultValue: "",
        expected: "a file with a certificate chain in PEM form",
        summary: "the certificate and, after it, those up to a root that clients know"
    )
    static let tlsKey = ConfigurationKey(
        path: ["tls", "key"],
        defaultValue: "",
        expected: "a file with the certificate's private key in PEM form, without a passphrase",
        summary: "the certificate's private key"
    )
    static let reconnectURL = ConfigurationKey(
        path: ["rtmp", "reconnect_url"],
        defaultValue: "",
        expected: "an address rtmp://HOST/APP or rtmps://HOST/APP, or nothing",
        summary: "where publishers are asked to go when this server is drained; nothing: the address that they have"
    )
    static let metricsHost = ConfigurationKey(
        path: ["metrics", "host"],
        defaultValue: "127.0.0.1",
        expected: "an IP address or a host name of this machine",
        summary: "the address that Prometheus connects to"
    )
    static let metricsPort = ConfigurationKey(
        path: ["metrics", "port"],
        defaultValue: "9464",
        expected: "a port from 0 to 65535, 0 for a free one, or off",
        summary: "the port that Prometheus connects to"
    )
    static let operatorToken = ConfigurationKey(
        path: ["operator", "token"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing: then one is made in the data folder",
        summary: "what programs of operators show to the API",
        isSecret: true
    )
    static let publish = ConfigurationKey(
        path: ["publish"],
        defaultValue: "keys",
        expected: "keys, webhook or open",
        summary: "who may publish: holders of a stream key, whom a webhook allows, or everybody"
    )
    static let webhookURL = ConfigurationKey(
        path: ["webhook", "url"],
        defaultValue: "",
        expected: "an address http://HOST/PATH or https://HOST/PATH; needed for LYCEUM_PUBLISH=webhook",
        summary: "where a webhook is asked who may publish"
    )
    static let webhookSecret = ConfigurationKey(
        path: ["webhook", "secret"],
        defaultValue: "",
        expected: "at least 16 characters; needed for LYCEUM_PUBLISH=webhook",
        summary: "signs what the webhook is asked",
        isSecret: true
    )
    static let rtmpPlay = ConfigurationKey(
        path: ["rtmp", "play"],
        defaultValue: "local",
        expected: "local, open or off",
        summary: "who may play lives over RTMP: programs on this machine, everybody, or nobody"
    )
    static let restreamAuthorities = ConfigurationKey(
        path: ["restream", "ca"],
        defaultValue: "",
        expected: "a file with certificates in PEM form, or nothing",
        summary: "authorities that rtmps servers which lives are pushed to may have besides the system's"
    )
    static let playback = ConfigurationKey(
        path: ["playback"],
        defaultValue: "open",
        expected: "open or tokens",
        summary: "who may watch over HTTP: everybody, or those with a link that `lyceum token` makes"
    )
    static let tokenSecret = ConfigurationKey(
        path: ["token", "secret"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing: then one is made in the data folder",
        summary: "what viewers' links are signed with",
        isSecret: true
    )
    static let cdnSecret = ConfigurationKey(
        path: ["cdn", "secret"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing",
        summary: "what a CDN in front of this server shows to get every live; see docs/cdn.md",
        isSecret: true
    )
    static let ladder = ConfigurationKey(
        path: ["ladder"],
        defaultValue: "",
        expected: "up to 9 endings such as _1080,_720 that begin with _, - or ., or nothing",
        summary: "endings of names whose publishes are the variants of one live, the best one first"
    )
    static let segmentSeconds = ConfigurationKey(
        path: ["segment", "seconds"],
        defaultValue: "2",
        expected: "a number from 1 to 10",
        summary: "the length of a segment, when the encoder's keyframes allow it"
    )
    static let partMilliseconds = ConfigurationKey(
        path: ["part", "milliseconds"],
        defaultValue: "500",
        expected: "a whole number from 100 to 2000, or 0",
        summary: "the length of a part of a segment, for low latency at most; 0 makes no parts"
    )
    static let audioOnly = ConfigurationKey(
        path: ["audio_only"],
        defaultValue: "off",
        expected: "off or on",
        summary: "whether the playlist of a live with pictures and sound offers the sound alone as well"
    )
    static let encryption = ConfigurationKey(
        path: ["encryption"],
        defaultValue: "off",
        expected: "off, on or both",
        summary: "whether segments are encrypted with AES-128; both has them at /live/NAME/aes/ as well"
    )
    static let keySeconds = ConfigurationKey(
        path: ["key", "seconds"],
        defaultValue: "300",
        expected: "a whole number from 10 to 86400",
        summary: "how long a key of the encryption is used"
    )
    static let jobs = ConfigurationKey(
        path: ["jobs"],
        defaultValue: "1",
        expected: "a number from 1 to 16",
        summary: "how many pieces of long work, such as imports, are done at a time"
    )
    static let record = ConfigurationKey(
        path: ["record"],
        defaultValue: "on",
        expected: "on or off",
        summary: "whether every live becomes a recording, and goes on where it was when the server comes back"
    )
    static let windowSeconds = ConfigurationKey(
        path: ["window", "seconds"],
        defaultValue: "7200",
        expected: "a number from 10 to 86400, or 0",
        summary: "how far back a live playlist reaches: a minute from memory, the rest from disk; 0 keeps all of a live"
    )
    static let graceSeconds = ConfigurationKey(
        path: ["grace", "seconds"],
        defaultValue: "60",
        expected: "a number from 0 to 3600",
        summary: "how long a live waits for an encoder that lost its connection"
    )
    static let overloadPercent = ConfigurationKey(
        path: ["overload", "percent"],
        defaultValue: "95",
        expected: "a whole number from 20 to 100, or off",
        summary: "how busy an event loop may be before it takes no new publishers and viewers; off refuses nobody"
    )
    static let logLevel = ConfigurationKey(
        path: ["log", "level"],
        defaultValue: "info",
        expected: "trace, debug, info, notice, warning, error or critical",
        summary: "how much is logged"
    )
    static let hlsJavaScript = ConfigurationKey(
        path: ["hls", "js"],
        defaultValue: "",
        expected: "the path of hls.js as an ES module, or nothing",
        summary: "the player for browsers that have no HLS of their own; scripts/run sets it"
    )
    static let hlsJavaScriptURL = ConfigurationKey(
        path: ["hls", "js_url"],
        defaultValue: "",
        expected: "an https URL of hls.js as an ES module, or nothing",
        summary: "where browsers get that player when the server has no copy of it"
    )
}
