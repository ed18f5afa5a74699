public import CoreMetrics

/// The handles of everything that ingest measures, made once.
///
/// Names and units are OpenTelemetry's; dimensions have few values each, and never a stream, an address or a key.
public struct IngestMetrics: Sendable {
    let activeConnections: Meter
    let acceptedConnections: Counter
    let receivedBytes: Counter
    let activePublishes: Meter
    let startedPublishes: Counter
    let takeovers: Counter
    let videoUnits: Counter
    let audioUnits: Counter
    let droppedUnits: Counter
    let lateUnits: Counter
    let messages: Counter
    let jumpsForward: Counter
    let jumpsBackward: Counter
    let acknowledgementLag: Recorder
    let throttledReads: Counter
    let activePlays: Meter
    let sentBytes: Counter
    let droppedMessages: Counter
    let activePushes: Meter
    let pushedBytes: Counter
    let failedPushes: Counter
    private let factory: any MetricsFactory

    /// What each label measures.
    public static let help = [
        "rtmp.server.active_connections": "RTMP connections that are open",
        "rtmp.server.connections": "RTMP connections that were accepted",
        "rtmp.server.refused_connections": "RTMP connections that were refused, by reason",
        "rtmp.server.received_bytes": "payload bytes of messages of publishers",
        "rtmp.server.active_publishes": "streams that are being published",
        "rtmp.server.publishes": "publishes that were accepted",
        "rtmp.server.ended_connections": "RTMP connections that ended, by reason",
        "rtmp.server.takeovers": "publishes that another connection took over",
        "rtmp.server.access_units": "pictures and frames of sound, by kind",
        "rtmp.server.dropped_access_units": "pictures and frames of sound that were broken and left out",
        "rtmp.server.late_access_units": "pictures and frames of sound that came over a second later than the fastest",
        "rtmp.server.received_messages": "messages of publishers",
        "rtmp.server.wrong_keys": "publishes that were refused for a wrong stream key",
        "rtmp.server.refused_addresses": "times that an address was refused for a while after many wrong stream keys",
        "rtmp.server.clock_jumps": "jumps of encoders' clocks, by direction",
        "rtmp.server.acknowledgement_lag_bytes": "bytes of a publisher that were not acknowledged at its last report",
        "rtmp.server.throttled_reads": "times that a publisher above its allowed rate was not read from",
        "rtmp.server.active_plays": "lives that are played over RTMP, once for each player",
        "rtmp.server.sent_bytes": "payload bytes of messages to players",
        "rtmp.server.dropped_messages": "messages that were left out for players that fell behind",
        "rtmp.client.active_pushes": "lives that other servers are sent, once for each server",
        "rtmp.client.sent_bytes": "payload bytes of messages to other servers, when their connections end",
        "rtmp.client.failed_pushes": "connections to other servers that failed",
        "rtmp.server.limit": "what the listener allows, by limit",
    ]

    /// Makes the handles.
    ///
    /// - Parameter factory: where they go.
    public init(_ factory: any MetricsFactory) {
        self.factory = factory
        func counter(_ label: String, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: "rtmp.server." + label, dimensions: dimensions, factory: factory)
        }
        activeConnections = Meter(label: "rtmp.server.active_connections", factory: factory)
        acceptedConnections = counter("connections")
        receivedBytes = counter("received_bytes")
        activePublishes = Meter(label: "rtmp.server.active_publishes", factory: factory)
        startedPublishes = counter("publishes")
        takeovers = counter("takeovers")
        videoUnits = counter("access_units", [("kind", "video")])
        audioUnits = counter("access_units", [("kind", "audio")])
        droppedUnits = counter("dropped_access_units")
        lateUnits = counter("late_access_units")
        messages = counter("received_messages")
        jumpsForward = counter("clock_jumps", [("direction", "forward")])
        jumpsBackward = counter("clock_jumps", [("direction", "backward")])
        acknowledgementLag = Recorder(
            label: "rtmp.server.acknowledgement_lag_bytes",
            aggregate: false,
            factory: factory
        )
        throttledReads = counter("throttled_reads")
        activePlays = Meter(label: "rtmp.server.active_plays", factory: factory)
        sentBytes = counter("sent_bytes")
        droppedMessages = counter("dropped_messages")
        activePushes = Meter(label: "rtmp.client.active_pushes", factory: factory)
        pushedBytes = Counter(label: "rtmp.client.sent_bytes", factory: factory)
        failedPushes = Counter(label: "rtmp.client.failed_pushes", factory: factory)
    }

    /// Counts a connection that was not taken.
    func refused(_ refusal: ConnectionTable.Refusal) {
        let reason =
            switch refusal {
            case .tooMany: "too_many"
            case .tooManyFromAddress: "too_many_from_address"
            case .stopping: "stopping"
            }
        count("refused_connections", reason)
    }

    /// Counts a connection's end.
    func ended(_ end: ConnectionEnd) {
        count("ended_connections", end.metricReason)
        if end == .takenOver { takeovers.increment() }
    }

    /// Adds what an account has counted.
    func add(_ totals: PublishAccount.Totals) {
        receivedBytes.increment(by: totals.bytes)
        videoUnits.increment(by: totals.videoUnits)
        audioUnits.increment(by: totals.audioUnits)
        droppedUnits.increment(by: totals.droppedUnits)
        lateUnits.increment(by: totals.lateUnits)
        messages.increment(by: totals.messages)
        jumpsForward.increment(by: totals.jumpsForward)
        jumpsBackward.increment(by: totals.jumpsBackward)
    }

    /// States what is allowed.
    func state(_ limits: IngestLimits) {
        let values: [(String, Double)] = [
            ("connections", Double(limits.maximumConnections)),
            ("connections_per_address", Double(limits.maximumConnectionsPerAddress)),
            ("message_bytes", Double(limits.maximumMessageLength)),
            ("partial_bytes", Double(limits.maximumPartialBytes)),
            ("chunk_streams", Double(limits.maximumChunkStreams)),
            ("bytes_per_second", Double(limits.maximumBytesPerSecond)),
            ("handshake_seconds", limits.handshakeTimeout.inSeconds),
            ("publish_seconds", limits.publishTimeout.inSeconds),
            ("idle_seconds", limits.publisherIdleTimeout.inSeconds),
            ("media_seconds", limits.mediaTimeout.inSeconds),
            ("amf_depth", Double(limits.amf.depth)),
            ("amf_values", Double(limits.amf.values)),
        ]
        for (name, value) in values {
            Meter(label: "rtmp.server.limit", dimensions: [("limit", name)], factory: factory).set(value)
        }
    }

    /// Ends of connections are rare: their handles are looked up.
    private func count(_ label: String, _ reason: String) {
        Counter(label: "rtmp.server." + label, dimensions: [("reason", reason)], factory: factory).increment()
    }
}

extension ConnectionEnd {
    /// One of a few words.
    fileprivate var metricReason: String {
        switch self {
        case .peerClosed: "peer_closed"
        case .handshake: "handshake"
        case .chunk: "chunk"
        case .command: "command"
        case .media: "media"
        case .refused(let status):
            switch status.code {
            case .publishDenied: "denied"
            case .playFailed: "play_denied"
            case .playStreamNotFound: "play_not_found"
            case .publishRejected: "overloaded"
            default: "bad_name"
            }
        case .timedOut(.handshake): "handshake_timeout"
        case .timedOut(.publish): "publish_timeout"
        case .timedOut(.media): "media_timeout"
        case .timedOut(.play): "play_timeout"
        case .timedOut(.encoderGone), .liveEnded: "live_ended"
        case .peerDoesNotRead: "peer_does_not_read"
        case .takenOver: "taken_over"
        case .serverStopped: "server_stopped"
        case .drained: "drained"
        case .timeLimitReached: "time_limit"
        case .endedByOperator: "operator"
        }
    }
}
