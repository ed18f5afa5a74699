// Turns the media of one publish into what viewers fetch. Everything here runs on the publisher's event loop:
// access unit -> RenditionSegmenter -> Ladder (MediaSegmentWriter -> LiveWindow -> playlists) -> LiveStream.publish,
// once for each part.

internal import LiveStore
internal import Logging
internal import MediaCore
internal import NIOCore
internal import Recordings
internal import Storage

/// Packages one publish of a live.
final class LivePackager: AccessUnitSink {
    private let stream: LiveStream
    private let opening: LiveOpening
    private let recording: RecordingWriter?
    /// Shows what is in the recording; `nil` when there is none.
    private let gate: ListingGate?
    private let logger: Logger

    private var segmenter: MediaCutter
    private var snapshot: LiveStream.Snapshot
    private var ladder: Ladder
    private var report: PublishReport
    private var metadata = TimedMetadataQueue()
    private var captions = ClosedCaptions()
    /// The configuration of each video track.
    private var pictures = TrackTable<CodecConfiguration>()
    /// What turns the live's timeline into the time of day, fixed at each epoch.
    private var programDateTimeOfZero = WallClockTime(milliseconds: 0)
    /// How many date ranges the unfinished segment has.
    private var dateRangeCount = 0

    /// A packager of a live.
    ///
    /// - Parameters:
    ///   - stream: the live.
    ///   - recording: records it; `nil` when it is not recorded.
    ///   - opening: what packagers have in common.
    ///   - logger: the live's.
    init(_ stream: LiveStream, recording: RecordingWriter?, opening: LiveOpening, logger: Logger) {
        self.stream = stream
        self.opening = opening
        self.recording = recording
        self.logger = logger
        gate = recording.map { ListingGate(stream, $0) }
        let configuration = opening.configuration
        snapshot = stream.snapshot
        let firstNumber = snapshot.window.nextMediaSequenceNumber
        ladder = Ladder(tag: stream.tag, resuming: snapshot, offersSoundAlone: configuration.offersSoundAlone) { id in
            if let recording { return .recording(recording.recorder(of: id)) }
            guard configuration.outlastsMemory else { return nil }
            return opening.storage.map {
                .window($0.makeLog(named: "\(stream.id)/\(stream.tag)/\(id)-\(firstNumber)"))
            }
        }
        report = PublishReport(logger, nominal: configuration.segmentDuration)
        segmenter = Self.cutter(configuration, after: snapshot)
    }

    private static func cutter(
        _ configuration: PackagerConfiguration,
        after snapshot: LiveStream.Snapshot
    ) -> MediaCutter {
        let position = PackagerConfiguration.timelineOrigin + snapshot.window.end
        switch configuration.source {
        case .file:
            return MediaCutter(
                FileSegmenter(
                    nominal: configuration.segmentDuration,
                    position: position,
                    targetDuration: snapshot.targetDuration
                )
            )
        case .live:
            return MediaCutter(
                RenditionSegmenter(
                    Segmenter(
                        nominal: configuration.segmentDuration,
                        position: position,
                        targetDuration: snapshot.targetDuration,
                        nominalPart: configuration.partDuration,
                        partTarget: snapshot.partTarget
                    )
                )
            )
        }
    }

    func configure(_ track: Track) {
        if track.id.kind == .video { pictures[track.id] = track.configuration }
        segmenter.configure(track)
        if segmenter.hasRefusedTracks { report.refusedTrack() }
    }

    func receive(_ unit: AccessUnit) {
        gate?.expire(now: .now())
        if let configuration = pictures[unit.trackID] { captions.look(into: unit, codedAs: configuration) }
        for set in segmenter.receive(unit) { publish(set) }
        if segmenter.droppedAccessUnits > 0 { report.dropped() }
    }

    /// Before the first picture or sound there is no time to put it at.
    func receive(_ metadata: TimedMetadata) {
        guard let time = segmenter.liveTime(of: metadata.time) else { return }
        self.metadata.append(metadata, at: time)
    }

    /// Takes note that nothing more of a track will come for now: the others go on without waiting for it.
    func leave(_ id: TrackID) { segmenter.leave(id) }

    func finish(_ end: PublishEnd) {
        for set in segmenter.finish() { publish(set) }
        gate?.release()
        guard !snapshot.window.isEmpty else { return opening.discard(stream) }
        switch end {
        case .clean: endLive()
        case .interrupted:
            stream.interrupt(at: opening.clock.monotonic())
            logger.info(
                "live interrupted: waiting for the encoder",
                metadata: ["live.grace": "\(opening.configuration.gracePeriod.components.seconds) s"]
            )
        }
    }

    // MARK: - Publishing a part

    private func publish(_ set: PartSet) {
        guard let targetDuration = segmenter.targetDuration else { return }
        let isFirst = snapshot.window.isEmpty
        if isFirst { snapshot.isEvent = opening.configuration.windowDuration == nil }
        let targets = PlaylistTargets(
            duration: targetDuration,
            part: segmenter.partTarget,
            isEvent: snapshot.isEvent
        )
        if set.primary.isFirst {
            dateRangeCount = 0
            if set.primary.parent.startsEpoch { fixProgramDateTime(set) }
        }
        report.began(set)
        let next = snapshot.window.nextPart
        let events = metadata.take(before: set.primary.end.decodeTime)
        let place = PartPlace(
            mediaSequenceNumber: next.mediaSequenceNumber,
            index: next.index,
            duration: set.primary.duration,
            programDateTime: programDateTimeOfZero + set.primary.parent.start,
            isDiscontinuous: set.startsEpoch && !isFirst,
            startsEpoch: set.startsEpoch,
            segmentDuration: set.primary.ending?.duration,
            targets: targets,
            captions: captions.channels,
            events: events,
            dateRanges: dateRanges(of: events, inSegment: next.mediaSequenceNumber)
        )
        open(targets)
        ladder.append(set, at: place, limits: opening.configuration.windowLimits(targets), to: &snapshot)
        snapshot.targetDuration = targetDuration
        snapshot.partTarget = targets.part
        // Before its first segment is whole, a live cannot be played.
        guard let segment = snapshot.window.last else { return }
        snapshot.phase = .live
        if let gate { gate.list(snapshot, now: .now()) } else { stream.publish(snapshot) }
        guard let ending = set.primary.ending else { return }
        report.published(set, ending, segment, ladder.active, isFirst: isFirst, targetDuration: targetDuration)
        if segmenter.silentFrames > 0 { report.insertedSilence() }
    }

    /// Tells the recording what stays the same for the whole live.
    private func open(_ targets: PlaylistTargets) {
        let (stream, window) = (stream, snapshot.window)
        let source: RecordingFacts.Source = segmenter.isFile ? .file : .live
        recording?.open { id in
            JournalEntry.Opening(
                id: id,
                stream: stream.id,
                tag: stream.tag,
                startedAt: stream.startedAt,
                targetDuration: targets.duration,
                partTarget: targets.part ?? .zero,
                isEvent: targets.isEvent,
                mediaSequenceNumber: window.nextMediaSequenceNumber,
                discontinuitySequence: window.discontinuitySequence,
                source: source
            )
        }
    }

    /// What the playlist tells of events: some of each segment, the short ones with what was said.
    ///
    /// An encoder may send a time code with every picture; all of that is in the segments, where it costs each viewer one
    /// transfer instead of one for each reload.
    private func dateRanges(of events: [TimedMetadataQueue.Event], inSegment number: Int) -> [DateRange] {
        let ranges = events.prefix(DateRange.maximumPerSegment - dateRangeCount).enumerated().map { index, event in
            DateRange(
                id: "\(stream.tag)-\(number)-\(dateRangeCount + index)",
                name: event.name,
                start: programDateTimeOfZero + event.time,
                json: event.json.utf8.count <= DateRange.longestJSON ? event.json : nil
            )
        }
        dateRangeCount += ranges.count
        return ranges
    }

    /// Maps an epoch to the time of day: its first part ended when the media that came since then began, so it began its
    /// duration before that, and never before the segment in front of it ended.
    ///
    /// What a file has was recorded from the moment on that the clock tells.
    private func fixProgramDateTime(_ set: PartSet) {
        if segmenter.isFile {
            if snapshot.window.isEmpty { programDateTimeOfZero = opening.clock.wall() + (.zero - set.primary.start) }
            return
        }
        let began = opening.clock.wall() + (.zero - set.primary.duration - set.age)
        let last = snapshot.window.last
        let earliest = last.map { $0.programDateTime + $0.duration } ?? began
        programDateTimeOfZero = max(began, earliest) + (.zero - set.primary.start)
    }

    // MARK: - The end

    private func endLive() {
        let (current, revision) = stream.revisedSnapshot
        opening.end(stream, current, revision: revision)
        logger.info(
            "live ended: its playlist is complete",
            metadata: ["live.duration": "\(current.window.end.decimalSeconds) s"]
        )
    }
}
