// Turns the media of one publish into what viewers fetch. Everything here runs on the publisher's event loop:
// access unit -> Segmenter -> MediaSegmentWriter -> LiveWindow -> playlists -> LiveStream.publish.

internal import LiveStore
internal import Logging
internal import MediaCore
internal import NIOCore

/// Packages one publish of a live.
final class LivePackager: AccessUnitSink {
    private let stream: LiveStream
    private let store: LiveStore
    private let configuration: PackagerConfiguration
    private let clock: PackagerClock
    private let logger: Logger

    private var segmenter: Segmenter
    private var snapshot: LiveStream.Snapshot
    private var meter = BitRateMeter()
    private var metadata = TimedMetadataQueue()
    private var initialization: (resource: StoredResource, trackIDs: [TrackID: UInt32])?
    /// What turns the live's timeline into the time of day, fixed at each epoch.
    private var programDateTimeOfZero = WallClockTime(milliseconds: 0)
    private var hasWarnedOfForcedCuts = false
    private var hasWarnedOfDrops = false
    private var hasWarnedOfSilence = false
    private var isHoldingPicture = false

    /// Room for tracks that begin a little before the one that the first segment begins with: decode times in `tfdt`
    /// are unsigned.
    private static let timelineOrigin = MediaTime.milliseconds(10_000)

    init(
        stream: LiveStream,
        store: LiveStore,
        configuration: PackagerConfiguration,
        clock: PackagerClock,
        logger: Logger
    ) {
        self.stream = stream
        self.store = store
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        snapshot = stream.snapshot
        segmenter = Segmenter(
            nominal: configuration.segmentDuration,
            position: Self.timelineOrigin + snapshot.window.end,
            targetDuration: snapshot.targetDuration
        )
        if let targetDuration = snapshot.targetDuration {
            for segment in snapshot.window.segments {
                meter.add(
                    byteCount: segment.resource.body.readableBytes,
                    duration: segment.duration,
                    targetDuration: targetDuration
                )
            }
        }
    }

    func configure(_ track: Track) {
        segmenter.configure(track)
    }

    func receive(_ unit: AccessUnit) {
        if let draft = segmenter.receive(unit) { publish(draft) }
        if segmenter.droppedAccessUnits > 0, !hasWarnedOfDrops {
            hasWarnedOfDrops = true
            logger.warning(
                "media dropped: a segment is larger than allowed",
                metadata: ["segment.maximum_bytes": "\(Segmenter.maximumSegmentBytes)"]
            )
        }
    }

    /// Before the first picture or sound there is no time to put it at.
    func receive(_ metadata: TimedMetadata) {
        guard let time = segmenter.liveTime(of: metadata.time) else { return }
        self.metadata.append(metadata, at: time)
    }

    func finish(_ end: PublishEnd) {
        if let draft = segmenter.finish() { publish(draft) }
        guard snapshot.mediaPlaylist != nil else {
            store.discard(stream)
            return
        }
        switch end {
        case .clean: endLive()
        case .interrupted:
            stream.interrupt(at: clock.monotonic())
            logger.info(
                "live interrupted: waiting for the encoder",
                metadata: ["live.grace": "\(configuration.gracePeriod.components.seconds) s"]
            )
        }
    }

    // MARK: - Publishing a segment

    private func publish(_ draft: SegmentDraft) {
        guard let targetDuration = segmenter.policy.targetDuration else { return }
        let isFirst = snapshot.window.segments.isEmpty
        let segment = makeSegment(draft, isFirst: isFirst)
        let limits = LiveWindow.Limits(duration: configuration.windowDuration, minimumSegments: 6)
        meter.add(
            byteCount: segment.resource.body.readableBytes,
            duration: segment.duration,
            targetDuration: targetDuration
        )
        snapshot.window.append(segment, limits: limits)
        snapshot.phase = .live
        snapshot.targetDuration = targetDuration
        snapshot.mediaPlaylist = MediaPlaylist.resource(
            snapshot.window,
            targetDuration: targetDuration,
            isEnded: false,
            tag: stream.tag
        )
        snapshot.multivariantPlaylist = MultivariantPlaylist.resource(
            Variant(draft),
            peak: meter.peak,
            window: snapshot.window,
            tag: stream.tag
        )
        stream.publish(snapshot)
        tell(draft, segment, isFirst: isFirst, targetDuration: targetDuration)
    }

    private func makeSegment(_ draft: SegmentDraft, isFirst: Bool) -> MediaSegment {
        let number = snapshot.window.nextMediaSequenceNumber
        let (initialization, trackIDs) = self.initialization(for: draft, number: number)
        if draft.startsEpoch { fixProgramDateTime(draft) }
        let body = MediaSegmentWriter.write(
            draft.runs,
            trackIDs: draft.runs.map { trackIDs[$0.track.id] ?? 0 },
            sequenceNumber: UInt32(truncatingIfNeeded: number + 1),
            events: metadata.take(before: draft.start + draft.duration)
        )
        let name = "\(stream.tag)-\(number).m4s"
        return MediaSegment(
            mediaSequenceNumber: number,
            duration: draft.duration,
            programDateTime: programDateTimeOfZero + draft.start,
            isIndependent: draft.isIndependent,
            isDiscontinuous: draft.startsEpoch && !isFirst,
            initialization: initialization,
            resource: StoredResource(
                kind: .mediaSegment,
                name: name,
                body: body,
                entityTag: "\(stream.tag)-\(number)"
            )
        )
    }

    /// The initialization segment in force, or a new one when an epoch has other tracks or configurations.
    private func initialization(
        for draft: SegmentDraft,
        number: Int
    ) -> (resource: StoredResource, trackIDs: [TrackID: UInt32]) {
        if let initialization, !draft.startsEpoch { return initialization }
        let body = InitializationSegmentWriter.write(draft.runs.map { ($0.track, $0.timescale) })
        let last = initialization?.resource ?? snapshot.window.segments.last?.initialization
        let resource =
            if let last, last.body == body {
                last
            } else {
                StoredResource(
                    kind: .initializationSegment,
                    name: "\(stream.tag)-init-\(number).mp4",
                    body: body,
                    entityTag: "\(stream.tag)-init-\(number)"
                )
            }
        let trackIDs = Dictionary(
            uniqueKeysWithValues: draft.runs.enumerated().map { ($1.track.id, UInt32($0 + 1)) }
        )
        let made = (resource, trackIDs)
        initialization = made
        return made
    }

    /// Maps an epoch to the time of day: its first segment has just ended, so it began its duration ago, and never
    /// before the segment in front of it ended.
    private func fixProgramDateTime(_ draft: SegmentDraft) {
        let began = clock.wall() + (.zero - draft.duration)
        let last = snapshot.window.segments.last
        let earliest = last.map { $0.programDateTime + $0.duration } ?? began
        programDateTimeOfZero = max(began, earliest) + (.zero - draft.start)
    }

    // MARK: - The end

    private func endLive() {
        let (current, revision) = stream.revisedSnapshot
        stream.end(after: current, at: clock.monotonic(), ifRevision: revision)
        logger.info(
            "live ended: its playlist is complete",
            metadata: ["live.duration": "\(current.window.end.decimalSeconds) s"]
        )
    }

    // MARK: - What the streamer is told

    private func tell(_ draft: SegmentDraft, _ segment: MediaSegment, isFirst: Bool, targetDuration: Int) {
        logger.debug(
            "segment published",
            metadata: [
                "segment.number": "\(segment.mediaSequenceNumber)",
                "segment.duration": "\(segment.duration.decimalSeconds) s",
                "segment.bytes": "\(segment.resource.body.readableBytes)",
            ]
        )
        if isFirst {
            logger.info(
                "live can be watched",
                metadata: [
                    "hls.codecs": "\(draft.runs.map(\.track.configuration.codecString).joined(separator: ","))",
                    "hls.target_duration": "\(targetDuration) s",
                ]
            )
            warnOfLongGroups(segment.duration)
        } else if segment.isDiscontinuous {
            logger.info("live goes on after a change of tracks, format or clock")
        }
        if draft.holdsPicture, !isHoldingPicture {
            logger.warning("the encoder sends sound but no pictures: viewers see the last keyframe until one comes")
        }
        isHoldingPicture = draft.holdsPicture
        if segmenter.silentFrames > 0, !hasWarnedOfSilence {
            hasWarnedOfSilence = true
            logger.warning("sound is missing from what the encoder sends: viewers hear silence instead")
        }
        if draft.isForcedCut, !hasWarnedOfForcedCuts {
            hasWarnedOfForcedCuts = true
            logger.warning(
                "keyframes are further apart than at the start: players may show a gap; set the keyframe interval to 2 s",
                metadata: ["hls.target_duration": "\(targetDuration) s"]
            )
        }
    }

    private func warnOfLongGroups(_ duration: MediaTime) {
        guard duration.seconds > 1.5 * configuration.segmentDuration.seconds else { return }
        logger.warning(
            "keyframes are far apart, which delays every viewer: set the keyframe interval to 2 s in the encoder",
            metadata: ["encoder.keyframe_interval": "\(duration.decimalSeconds) s"]
        )
    }
}
