public import CoreMetrics
public import LiveStore
import NIOCore

/// What the origin measures, in OpenTelemetry's names.
public struct OriginMetrics: Sendable {
    private let requests: [Audience.Kind: Counter]
    private let sentBytes: Counter
    private let viewers: Meter
    private let heldRequests: Meter
    private let lives: Meter
    private let partLatency: Timer

    /// What each label measures.
    public static let help = [
        "hls.server.requests": "requests of viewers that were answered, by kind",
        "hls.server.sent_bytes": "bytes of playlists and media that viewers were sent",
        "hls.server.viewers": "playback sessions now, all lives together",
        "hls.server.held_requests": "requests that wait now for a part that is not there yet",
        "hls.server.lives": "lives that can be watched now, ended ones included",
        "hls.part.publish.latency": "seconds from a part being there to the answer of each request that waited for it",
    ]

    /// Makes the handles.
    ///
    /// - Parameter factory: where they go.
    public init(_ factory: any MetricsFactory) {
        requests = Dictionary(
            uniqueKeysWithValues: Audience.Kind.allCases.map { kind in
                let dimensions = [("kind", kind.name)]
                return (kind, Counter(label: "hls.server.requests", dimensions: dimensions, factory: factory))
            }
        )
        sentBytes = Counter(label: "hls.server.sent_bytes", factory: factory)
        viewers = Meter(label: "hls.server.viewers", factory: factory)
        heldRequests = Meter(label: "hls.server.held_requests", factory: factory)
        lives = Meter(label: "hls.server.lives", factory: factory)
        partLatency = Timer(label: "hls.part.publish.latency", factory: factory)
    }

    /// Sets what is not counted but looked up.
    public func update(from store: LiveStore) {
        let figures = store.streams.map { $0.audienceFigures(now: .now()) }
        viewers.set(figures.reduce(0) { $0 + $1.viewers })
        heldRequests.set(figures.reduce(0) { $0 + $1.heldRequests })
        lives.set(figures.count)
    }

    func sent(_ kind: Audience.Kind, byteCount: Int) {
        requests[kind]?.increment()
        if byteCount > 0 { sentBytes.increment(by: byteCount) }
    }

    /// A request that waited is answered.
    func answered(after latency: TimeAmount) { partLatency.recordNanoseconds(latency.nanoseconds) }
}

extension Audience.Kind {
    /// In the words of metrics and of the API.
    var name: String {
        switch self {
        case .playlist: "playlist"
        case .segment: "segment"
        case .part: "part"
        case .initialization: "initialization"
        }
    }
}
