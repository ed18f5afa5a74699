public import LiveStore
public import Logging
public import MediaCore
public import NIOCore
public import Recordings
public import Storage

/// Where the packager gets the time from.
public struct PackagerClock: Sendable {
    /// The time of day, for EXT-X-PROGRAM-DATE-TIME.
    public let wall: @Sendable () -> WallClockTime
    /// A clock that never steps, for grace and retention.
    public let monotonic: @Sendable () -> ContinuousClock.Instant

    /// The time of day at which a recording is complete; another one than ``wall`` where that is a file's own.
    public let completion: @Sendable () -> WallClockTime

    /// The clocks.
    public init(
        wall: @escaping @Sendable () -> WallClockTime,
        monotonic: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now },
        completion: (@Sendable () -> WallClockTime)? = nil
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.completion = completion ?? wall
    }
}

/// Opens a packager for each publish, and ends the lives whose publisher does not come back.
public final class LivePackaging: AccessUnitSinkProvider {
    private let logger: Logger
    private let opening: LiveOpening
    /// The publishes that are variants of one live, where names can tell that.
    private let groups: PublishGroups?

    /// Packaging into a store.
    ///
    /// - Parameters:
    ///   - store: where lives go.
    ///   - storage: where their older segments lie; `nil` for lives that reach back as far as memory does.
    ///   - recordings: where lives are recorded; `nil` when they are not.
    ///   - configuration: how they are cut and kept.
    ///   - clock: the time.
    ///   - makeTag: makes a token that no other live has had, of the characters of a ``StreamID``.
    ///   - ladder: how names tell that publishes are variants of one live, and the loops that such lives are made on; `nil`
    ///     when each publish is a live of its own.
    ///   - logger: told what a streamer or an operator should know.
    public init(
        store: LiveStore,
        storage: MediaStorage? = nil,
        recordings: RecordingCatalog? = nil,
        configuration: PackagerConfiguration,
        clock: PackagerClock,
        makeTag: @escaping @Sendable () -> String,
        ladder: (endings: LadderEndings, eventLoops: any EventLoopGroup)? = nil,
        logger: Logger
    ) {
        self.logger = logger
        let opening = LiveOpening(
            store: store,
            storage: storage,
            recorder: recordings.map { catalog in
                let source: RecordingFacts.Source = configuration.source == .file ? .file : .live
                return LiveRecorder(catalog, source: source, clock: clock, logger: logger)
            },
            configuration: configuration,
            clock: clock,
            makeTag: makeTag,
            logger: logger
        )
        self.opening = opening
        groups = ladder.map { PublishGroups($0.endings, on: $0.eventLoops, opening) }
    }

    /// Begins the live of this name, or resumes it when its publisher went away a moment ago; or joins the live that this name
    /// is a variant of.
    public func beginPublish(_ id: StreamID) -> any AccessUnitSink {
        groups?.beginPublish(id) ?? opening.packager(for: id)
    }

    /// Waits until the lives have all that their publishers have sent so far: with variants that takes a moment.
    public func settle() async { await groups?.settle() }

    /// How many lives have publishers that may be several.
    var openGroupCount: Int { groups?.count ?? 0 }

    /// Ends the lives whose grace period is over and forgets those that ended long enough ago.
    ///
    /// To be called every second or so.
    public func expireLives() {
        let now = opening.clock.monotonic()
        for stream in opening.store.streams {
            let (snapshot, revision) = stream.revisedSnapshot
            guard case .interrupted(let moment) = snapshot.phase, moment + opening.configuration.gracePeriod <= now
            else {
                continue
            }
            end(stream, snapshot, revision: revision)
        }
        opening.store.removeStreams(endedBefore: now - opening.configuration.endedRetention)
    }

    /// Ends every live whose publisher is away, without waiting for the end of its grace period.
    public func endInterruptedLives() {
        for stream in opening.store.streams {
            let (snapshot, revision) = stream.revisedSnapshot
            if case .interrupted = snapshot.phase { end(stream, snapshot, revision: revision) }
        }
    }

    private func end(_ stream: LiveStream, _ snapshot: LiveStream.Snapshot, revision: Int) {
        if opening.end(stream, snapshot, revision: revision) {
            logger.info(
                "live ended: the encoder did not come back",
                metadata: ["stream.id": "\(stream.id)", "live.duration": "\(snapshot.window.end.decimalSeconds) s"]
            )
        }
    }

    // MARK: - Recordings

    /// The recording of a live, while it is being made.
    public func recording(of stream: LiveStream) -> RecordingID? { opening.recorder?.recording(of: stream) }

    /// Gives up a live and its recording, as if nothing had been published; its publisher must not send anything more.
    public func abandon(_ stream: LiveStream) { opening.discard(stream) }

    /// Takes up the lives that were running when an earlier process ended without completing them, and completes the
    /// recordings of the others.
    ///
    /// To be called before the first publish. Blocks: it reads the newest minute of each live.
    ///
    /// - Parameter longestAbsence: how long ago a live may have been written to for the last time to be taken up.
    public func restoreLives(longestAbsence: Duration = .seconds(600)) {
        opening.recorder?.restore(into: opening.store, opening.configuration, longestAbsence: longestAbsence)
    }

    /// Makes what was recorded outlast a crash of the machine.
    ///
    /// To be called regularly. Returns at once.
    public func synchronizeRecordings() { opening.recorder?.synchronize() }

    /// Waits until the recordings of all lives that have ended are complete; where the disk fails, no longer than so long.
    public func completeRecordings(within limit: Duration) async { await opening.recorder?.settle(within: limit) }
}

/// What it takes to open a packager for a live.
struct LiveOpening: Sendable {
    let store: LiveStore
    let storage: MediaStorage?
    let recorder: LiveRecorder?
    let configuration: PackagerConfiguration
    let clock: PackagerClock
    let makeTag: @Sendable () -> String
    let logger: Logger

    /// The logger of a live.
    func logger(for id: StreamID) -> Logger {
        var logger = logger
        logger[metadataKey: "stream.id"] = "\(id)"
        return logger
    }

    /// Begins or resumes a live; whoever calls it has ended what it opened for the same name before.
    func packager(for id: StreamID) -> LivePackager {
        let logger = logger(for: id)
        let (stream, isResumed) = store.begin(id, tag: makeTag(), now: clock.wall())
        if isResumed { logger.info("live resumed: the encoder is back") }
        return LivePackager(
            stream,
            recording: recorder?.begin(stream, isResumed: isResumed),
            opening: self,
            logger: logger
        )
    }

    /// Ends a live, unless it has changed since a revision.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - snapshot: the live as it was at `revision`.
    ///   - revision: the revision that the snapshot was taken at.
    /// - Returns: whether it has ended.
    @discardableResult
    func end(_ stream: LiveStream, _ snapshot: LiveStream.Snapshot, revision: Int) -> Bool {
        guard stream.end(after: snapshot, at: clock.monotonic(), ifRevision: revision) else { return false }
        recorder?.end(stream)
        return true
    }

    /// Forgets a live that never became playable.
    func discard(_ stream: LiveStream) {
        store.discard(stream)
        recorder?.discard(stream)
    }
}

extension LiveStream {
    /// Closes the media playlists of a snapshot with EXT-X-ENDLIST and ends the live with them, unless it has changed.
    ///
    /// - Parameters:
    ///   - snapshot: the live as it was at `revision`.
    ///   - now: the moment of the end.
    ///   - revision: the revision that the snapshot was taken at.
    /// - Returns: whether the live has ended; false when a publisher came back in between.
    @discardableResult
    func end(after snapshot: Snapshot, at now: ContinuousClock.Instant, ifRevision revision: Int) -> Bool {
        var last = snapshot
        last.mediaPlaylist = closed(snapshot.window, id: nil, snapshot)
        for (id, rendition) in snapshot.furtherRenditions {
            last.furtherRenditions[id]?.playlist = closed(rendition.window, id: id, snapshot)
        }
        return end(with: last, at: now, ifRevision: revision)
    }

    private func closed(_ window: LiveWindow, id: Rendition.ID?, _ snapshot: Snapshot) -> RenderedPlaylist {
        let targets = PlaylistTargets(
            duration: snapshot.targetDuration ?? 1,
            part: snapshot.partTarget,
            isEvent: snapshot.isEvent
        )
        let playlist = MediaPlaylist(tag: tag, rendition: id, window: window, targets: targets, isEnded: true)
        return playlist.rendered(playlist.settled())
    }
}
