/// The settings of the server and of lives.
extension ConfigurationKey {
    static let dataDirectory = ConfigurationKey(
        path: ["data", "dir"],
        defaultValue: "./data",
        expected: "a folder that can be made or written to",
        summary: "the folder that keeps what must outlive the process: the stream keys",
        meaning: """
            folder for what must outlive the process: stream keys, restream targets, the operator token
            """
    )
    static let httpHost = ConfigurationKey(
        path: ["http", "host"],
        defaultValue: "0.0.0.0",
        expected: "an IP address or a host name of this machine",
        summary: "the address that viewers connect to",
        meaning: """
            address that viewers connect to
            """
    )
    static let httpPort = ConfigurationKey(
        path: ["http", "port"],
        defaultValue: "8080",
        expected: "a port from 0 to 65535; 0 takes a free one",
        summary: "the port that viewers connect to",
        meaning: """
            its port; 0 takes a free one, which the log names
            """
    )
    static let httpsPort = ConfigurationKey(
        path: ["https", "port"],
        defaultValue: "",
        expected: "a port from 0 to 65535, 0 for a free one, or nothing for no HTTPS",
        summary: "the port that viewers connect to over TLS, with HTTP/2 or HTTP/1.1; needs a certificate",
        shownDefault: "none",
        meaning: """
            the port that viewers connect to over TLS, with HTTP/2 or HTTP/1.1; 443 is usual; 0 takes a free one
            """
    )
    static let rtmpHost = ConfigurationKey(
        path: ["rtmp", "host"],
        defaultValue: "",
        expected: "an IP address or a host name of this machine, or nothing: 0.0.0.0, with open publishing 127.0.0.1",
        summary: "the address that encoders connect to",
        shownDefault: "`0.0.0.0`; with open publishing `127.0.0.1`",
        meaning: """
            address that encoders connect to
            """
    )
    static let rtmpPort = ConfigurationKey(
        path: ["rtmp", "port"],
        defaultValue: "1935",
        expected: "a port from 0 to 65535; 0 takes a free one",
        summary: "the port that encoders connect to",
        meaning: """
            its port; 0 takes a free one, which the log names
            """
    )
    static let rtmpsPort = ConfigurationKey(
        path: ["rtmps", "port"],
        defaultValue: "",
        expected: "a port from 0 to 65535, 0 for a free one, or nothing for no RTMPS",
        summary: "the port that encoders connect to over TLS; needs a certificate",
        shownDefault: "none",
        meaning: """
            the port that encoders connect to over TLS (`rtmps://`); 443 is usual; 0 takes a free one
            """
    )
    static let tlsCertificate = ConfigurationKey(
        path: ["tls", "cert"],
        defaultValue: "",
        expected: "a file with a certificate chain in PEM form",
        summary: "the certificate and, after it, those up to a root that clients know",
        shownDefault: "none",
        meaning: """
            file with the certificate and, after it, those up to a root that clients know, in PEM form
            """
    )
    static let tlsKey = ConfigurationKey(
        path: ["tls", "key"],
        defaultValue: "",
        expected: "a file with the certificate's private key in PEM form, without a passphrase",
        summary: "the certificate's private key",
        shownDefault: "none",
        meaning: """
            file with its private key in PEM form, without a passphrase
            """
    )
    static let reconnectURL = ConfigurationKey(
        path: ["rtmp", "reconnect_url"],
        defaultValue: "",
        expected: "an address rtmp://HOST/APP or rtmps://HOST/APP, or nothing",
        summary: "where publishers are asked to go when this server is drained; nothing: the address that they have",
        shownDefault: "none",
        meaning: """
            where publishers are asked to go when this server is drained, `rtmp://HOST/APP`; none: the address that \
            they have
            """
    )
    static let metricsHost = ConfigurationKey(
        path: ["metrics", "host"],
        defaultValue: "127.0.0.1",
        expected: "an IP address or a host name of this machine",
        summary: "the address that Prometheus connects to",
        meaning: """
            address that Prometheus connects to
            """
    )
    static let metricsPort = ConfigurationKey(
        path: ["metrics", "port"],
        defaultValue: "9464",
        expected: "a port from 0 to 65535, 0 for a free one, or off",
        summary: "the port that Prometheus connects to",
        meaning: """
            its port; 0 takes a free one, `off` serves no metrics
            """
    )
    static let operatorToken = ConfigurationKey(
        path: ["operator", "token"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing: then one is made in the data folder",
        summary: "what programs of operators show to the API",
        shownDefault: "made in the data folder",
        meaning: """
            what operators' programs show to the API; at least 16 characters
            """,
        isSecret: true
    )
    static let publish = ConfigurationKey(
        path: ["publish"],
        defaultValue: "keys",
        expected: "keys, webhook or open",
        summary: "who may publish: holders of a stream key, whom a webhook allows, or everybody",
        meaning: """
            `keys`: encoders need a stream key. `webhook`: a program of yours is asked. `open`: the stream key is \
            the stream's name; for trials
            """
    )
    static let webhookURL = ConfigurationKey(
        path: ["webhook", "url"],
        defaultValue: "",
        expected: "an address http://HOST/PATH or https://HOST/PATH; needed for LYCEUM_PUBLISH=webhook",
        summary: "where a webhook is asked who may publish",
        shownDefault: "none",
        meaning: """
            where the webhook is asked who may publish, `http://` or `https://`
            """
    )
    static let webhookSecret = ConfigurationKey(
        path: ["webhook", "secret"],
        defaultValue: "",
        expected: "at least 16 characters; needed for LYCEUM_PUBLISH=webhook",
        summary: "signs what the webhook is asked",
        shownDefault: "none",
        meaning: """
            signs what the webhook is asked; at least 16 characters
            """,
        isSecret: true
    )
    static let rtmpPlay = ConfigurationKey(
        path: ["rtmp", "play"],
        defaultValue: "local",
        expected: "local, open or off",
        summary: "who may play lives over RTMP: programs on this machine, everybody, or nobody",
        meaning: """
            who may play lives over RTMP: `local`, programs on this machine; `open`, everybody; `off`, nobody
            """
    )
    static let restreamAuthorities = ConfigurationKey(
        path: ["restream", "ca"],
        defaultValue: "",
        expected: "a file with certificates in PEM form, or nothing",
        summary: "authorities that rtmps servers which lives are pushed to may have besides the system's",
        shownDefault: "none",
        meaning: """
            file with authorities, in PEM form, that rtmps servers which lives are pushed to may have besides the \
            system's
            """
    )
    static let playback = ConfigurationKey(
        path: ["playback"],
        defaultValue: "open",
        expected: "open or tokens",
        summary: "who may watch over HTTP: everybody, or those with a link that `lyceum token` makes",
        meaning: """
            who may watch over HTTP: `open`, everybody; `tokens`, those with a link that `lyceum token` makes
            """
    )
    static let tokenSecret = ConfigurationKey(
        path: ["token", "secret"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing: then one is made in the data folder",
        summary: "what viewers' links are signed with",
        shownDefault: "made in the data folder",
        meaning: """
            what those links are signed with; at least 16 characters
            """,
        isSecret: true
    )
    static let cdnSecret = ConfigurationKey(
        path: ["cdn", "secret"],
        defaultValue: "",
        expected: "at least 16 characters, or nothing",
        summary: "what a CDN in front of this server shows to get every live; see docs/cdn.md",
        shownDefault: "none",
        meaning: """
            what a CDN in front of this server shows to get every live ([CDNs](cdn.md)); at least 16 characters
            """,
        isSecret: true
    )
    static let ladder = ConfigurationKey(
        path: ["ladder"],
        defaultValue: "",
        expected: "up to 9 endings such as _1080,_720 that begin with _, - or ., or nothing",
        summary: "endings of names whose publishes are the variants of one live, the best one first",
        shownDefault: "none",
        meaning: """
            endings of names such as `_1080,_720,_480`, up to 9, the best first: publishes whose names differ in \
            them alone are the variants of one live ([Ingest](ingest.md#several-encoders-one-live))
            """
    )
    static let segmentSeconds = ConfigurationKey(
        path: ["segment", "seconds"],
        defaultValue: "2",
        expected: "a number from 1 to 10",
        summary: "the length of a segment, when the encoder's keyframes allow it",
        meaning: """
            how long segments are meant to be, 1 to 10. They end at key frames, so they are never shorter than the \
            encoder's keyframe interval
            """
    )
    static let partMilliseconds = ConfigurationKey(
        path: ["part", "milliseconds"],
        defaultValue: "500",
        expected: "a whole number from 100 to 2000, or 0",
        summary: "the length of a part of a segment, for low latency at most; 0 makes no parts",
        meaning: """
            how long the parts of a segment are at most, 100 to 2000, for players with low latency; pictures that \
            are further apart make longer ones. 0 makes no parts: viewers are two or three segments behind then
            """
    )
    static let audioOnly = ConfigurationKey(
        path: ["audio_only"],
        defaultValue: "off",
        expected: "off or on",
        summary: "whether the playlist of a live with pictures and sound offers the sound alone as well",
        meaning: """
            `on` lists, behind all others, a variant with the sound alone of a live with pictures, for listeners and \
            slow networks ([HLS](hls.md#sound-alone))
            """
    )
    static let encryption = ConfigurationKey(
        path: ["encryption"],
        defaultValue: "off",
        expected: "off, on or both",
        summary: "whether segments are encrypted with AES-128; both has them at /live/NAME/aes/ as well",
        meaning: """
            `on` encrypts segments and parts with AES-128; `both` leaves them as they are and has them encrypted at \
            `/live/NAME/aes/index.m3u8` ([HLS](hls.md#encryption))
            """
    )
    static let keySeconds = ConfigurationKey(
        path: ["key", "seconds"],
        defaultValue: "300",
        expected: "a whole number from 10 to 86400",
        summary: "how long a key of the encryption is used",
        meaning: """
            how much media one key is for, in seconds, 10 to 86400
            """
    )
    static let jobs = ConfigurationKey(
        path: ["jobs"],
        defaultValue: "1",
        expected: "a number from 1 to 16",
        summary: "how many pieces of long work, such as imports, are done at a time",
        meaning: """
            how many pieces of long work, such as imports, are done at a time, 1 to 16 ([Import](import.md))
            """
    )
    static let record = ConfigurationKey(
        path: ["record"],
        defaultValue: "on",
        expected: "on or off",
        summary: "whether every live becomes a recording, and goes on where it was when the server comes back",
        meaning: """
            whether every live becomes a recording, and goes on where it was when the server comes back \
            ([Storage](storage.md))
            """
    )
    static let windowSeconds = ConfigurationKey(
        path: ["window", "seconds"],
        defaultValue: "7200",
        expected: "a number from 10 to 86400, or 0",
        summary:
            "how far back a live playlist reaches: a minute from memory, the rest from disk; 0 keeps all of a live",
        meaning: """
            how much of a live the playlist lists, 10 to 86400: how far viewers can go back. `0` lists all of it, \
            however long it lasts (EXT-X-PLAYLIST-TYPE:EVENT). The newest minute lies in memory, the rest in `media` \
            in the data folder, each segment for about twice as long as it is listed: two hours of 6 Mbit/s take up \
            to 11 GB of disk and some 60 MB of memory. With up to `60`, unless it is recorded, a live is in memory \
            alone, for twice as long as it is listed
            """
    )
    static let graceSeconds = ConfigurationKey(
        path: ["grace", "seconds"],
        defaultValue: "60",
        expected: "a number from 0 to 3600",
        summary: "how long a live waits for an encoder that lost its connection",
        meaning: """
            how long a live waits for an encoder that vanished without a goodbye, 0 to 3600
            """
    )
    static let overloadPercent = ConfigurationKey(
        path: ["overload", "percent"],
        defaultValue: "95",
        expected: "a whole number from 20 to 100, or off",
        summary: "how busy an event loop may be before it takes no new publishers and viewers; off refuses nobody",
        meaning: """
            how busy an event loop may be, in percent of its time, 20 to 100, before it takes no new publishers and \
            viewers; `off` refuses nobody ([Overload](#overload))
            """
    )
    static let logLevel = ConfigurationKey(
        path: ["log", "level"],
        defaultValue: "info",
        expected: "trace, debug, info, notice, warning, error or critical",
        summary: "how much is logged",
        meaning: """
            `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`
            """
    )
    static let hlsJavaScript = ConfigurationKey(
        path: ["hls", "js"],
        defaultValue: "",
        expected: "the path of hls.js as an ES module, or nothing",
        summary: "the player for browsers that have no HLS of their own; scripts/run sets it",
        shownDefault: "none",
        meaning: """
            path of hls.js as an ES module, for browsers that do not play HLS by themselves; `scripts/run` fetches \
            one and sets this
            """
    )
    static let hlsJavaScriptURL = ConfigurationKey(
        path: ["hls", "js_url"],
        defaultValue: "",
        expected: "an https URL of hls.js as an ES module, or nothing",
        summary: "where browsers get that player when the server has no copy of it",
        shownDefault: "none",
        meaning: """
            https address of such a module, used when there is no file
            """
    )
}
