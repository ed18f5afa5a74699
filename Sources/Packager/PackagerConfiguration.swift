internal import LiveStore
public import MediaCore

/// How lives are cut into segments and how long they are kept.
public struct PackagerConfiguration: Sendable {
    /// The longest segment ever made, when the encoder's first group of pictures is as long as that.
    public static let maximumSegmentDuration = MediaTime.milliseconds(10_000)

    /// Where timelines of media begin (`tfdt`): room for tracks that begin a little before the one that the first segment begins
    /// with, because decode times are unsigned.
    public static let timelineOrigin = MediaTime.milliseconds(10_000)

    /// What is packaged.
    public enum Source: Hashable, Sendable {
        /// What an encoder sends while it happens: its clock is not trusted, and nobody is kept waiting.
        case live
        /// A file: its clock is, and segments wait for their keyframes.
        ///
        /// Tracks are numbered from 0 within their kind, and announced before the first access unit, whose times count from
        /// where the recording begins.
        case file
    }

    /// What is packaged.
    public var source: Source
    /// Where segments are meant to end: at the first IDR picture about this long after the last.
    ///
    /// 1 to 10 s.
    public var segmentDuration: MediaTime
    /// How long the parts of low-latency HLS are at most, unless the pictures of a live are further apart than that; `nil`
    /// for segments without parts.
    ///
    /// 0.1 to 2 s.
    public var partDuration: MediaTime?
    /// How much media a live playlist lists at least, once the live has lasted that long; `nil` for all of it.
    public var windowDuration: MediaTime?
    /// How much of it is held in memory; what is older lies on disk.
    public var memoryDuration: MediaTime
    /// Whether the multivariant playlist of a live with pictures and sound lists the sound alone as a variant as well.
    public var offersSoundAlone: Bool
    /// How long a live stays open after its encoder went away without a goodbye.
    public var gracePeriod: Duration
    /// How long an ended live can still be played, for viewers who are behind.
    public var endedRetention: Duration

    /// A configuration; the defaults suit OBS with a keyframe interval of 2 s.
    public init(
        source: Source = .live,
        segmentDuration: MediaTime = .milliseconds(2000),
        partDuration: MediaTime? = .milliseconds(500),
        windowDuration: MediaTime? = .milliseconds(7_200_000),
        memoryDuration: MediaTime = .milliseconds(60_000),
        offersSoundAlone: Bool = false,
        gracePeriod: Duration = .seconds(60),
        endedRetention: Duration = .seconds(120)
    ) {
        self.source = source
        self.segmentDuration = segmentDuration
        self.partDuration = partDuration
        self.windowDuration = windowDuration
        self.memoryDuration = memoryDuration
        self.offersSoundAlone = offersSoundAlone
        self.gracePeriod = gracePeriod
        self.endedRetention = endedRetention
    }

    /// Whether playlists list more than memory holds, so that the rest has to lie on disk.
    var outlastsMemory: Bool { windowDuration.map { $0 > memoryDuration } ?? true }

    /// How much the window of a live holds.
    func windowLimits(_ targets: PlaylistTargets) -> LiveWindow.Limits {
        LiveWindow.Limits(
            duration: targets.isEvent ? nil : windowDuration,
            memory: max(memoryDuration, targets.partRetention),
            minimumSegments: 6,
            partRetention: targets.partRetention
        )
    }
}
