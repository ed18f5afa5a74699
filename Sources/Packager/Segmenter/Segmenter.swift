// Cuts the media of one publish into segments, and these into parts. Pure: access units in, finished parts out.
//
// Invariants, named by the tests:
// 1. The timeline only goes on: segments follow each other without overlap, and within a track every sample decodes
//    after the one before it, whatever the encoder's clock does.
// 2. A segment's tracks and configurations do not change within it, and continue those of the segment before it unless
//    it starts an epoch (EXT-X-DISCONTINUITY and, where they changed, a new EXT-X-MAP).
// 3. Only tracks that deliver data are listed: the first segment of an epoch takes every announced track that sends
//    something; a track that appears later starts the next epoch. A track that fails stays, because players stop at holes
//    in a track and at segments that lose one: pictures are held, each segment beginning with the last sync picture until
//    the next one comes, and missing sound is silence. Only sound whose silence cannot be written leaves with the next
//    epoch.
// 4. Segments begin with a sync sample of the reference track, unless none came within the longest duration allowed.
// 5. What is held is bounded: by the longest duration, and by `maximumSegmentBytes` when the clock stands still.
// 6. The parts of a segment make it up: they follow each other without gap or overlap, the last one ends with it, and none
//    is longer than PART-TARGET. Once a part is given away nothing in it changes, and another one of the same segment
//    follows: it has the sample at which the part was cut or, where that was foretold and the segment ends there after
//    all, the last millisecond of the one before it.
//
// Longer than other files, because all of it decides over the same few values of the segment that is being filled.

internal import MediaCore
internal import NIOCore

/// Cuts the media of one publish, one track of each kind, into segments and their parts.
///
/// Not copyable: a copy would share its lists, and the next access unit would have to copy these.
struct Segmenter: ~Copyable {
    /// The payload bytes that one segment holds at most: 10 s at 50 Mb/s.
    ///
    /// What comes on top of that is dropped.
    static let maximumSegmentBytes = 64 << 20
    /// A segment is not ended earlier than this by a new track or configuration, however often these change.
    static let minimumEpochDuration = MediaTime.milliseconds(200)
    /// How long sound waits for the first picture of an announced video track.
    static let longestWaitForVideo = PackagerConfiguration.maximumSegmentDuration
    /// How much sound is given up so that a stream whose pictures begin a little later begins with both.
    static let alignmentWindow = MediaTime.milliseconds(1000)
    /// A track has failed when it is this far behind the others at the end of a segment.
    static let longestLag = MediaTime.milliseconds(1000)

    private(set) var policy: CutPolicy
    /// Access units that were dropped because the segment was full.
    private(set) var droppedAccessUnits = 0
    /// Frames of silence that stand in for sound that the encoder did not send.
    private(set) var silentFrames = 0

    /// Where the next segment begins on the live's timeline.
    private var position: MediaTime
    private var announced = TrackTable<Track>()
    private var timelines: TimelineSet
    private var segment: OpenSegment?
    /// The tracks that the segments of this epoch carry, once its first segment has ended.
    private var established: [Track]?
    /// Whether an epoch has to start at the next sync sample: a track, a configuration or a clock has changed.
    private var isEpochDue = false
    /// The last sync sample of the reference track, when that carries pictures.
    private var lastSyncPicture: Sample?
    /// Whether the encoder has sent no picture for so long that the last one is held.
    private var isHoldingPicture = false
    /// The encoder's time of the first sound that waited for a picture.
    private var waitingSince: MediaTime?

    /// Sound that the next segment takes from the one before it, whose last part is too short for it.
    private var carried: [TrackRun] = []
    private var plan: PartPlan
    /// What has been cut and not been handed out.
    private var finished: [PartDraft] = []

    /// A segmenter for one publish.
    ///
    /// - Parameters:
    ///   - nominal: where segments are meant to end, 1 to 10 s.
    ///   - position: where the live's timeline ends so far.
    ///   - targetDuration: EXT-X-TARGETDURATION when an earlier publish of the live has fixed it.
    ///   - nominalPart: how long parts are meant to be at most; `nil` for segments of one part.
    ///   - partTarget: PART-TARGET when an earlier publish of the live has fixed it.
    init(
        nominal: MediaTime,
        position: MediaTime = .zero,
        targetDuration: Int? = nil,
        nominalPart: MediaTime? = nil,
        partTarget: MediaTime? = nil
    ) {
        policy = CutPolicy(nominal: nominal, targetDuration: targetDuration)
        self.position = position
        plan = PartPlan(nominal: nominalPart, target: partTarget, isFixed: targetDuration != nil)
        timelines = TimelineSet(largestStepForward: min(nominal, .milliseconds(2000)))
    }

    /// PART-TARGET, once it is fixed; `nil` for a live without parts.
    var partTarget: MediaTime? { plan.target }

    /// Takes the configuration that a track has from now on.
    mutating func configure(_ track: Track) {
        announced[track.id] = track
    }

    /// Takes one access unit.
    ///
    /// - Returns: the parts that end before it, and the one that it completes where the end of that can be foretold.
    mutating func receive(_ unit: AccessUnit) -> [PartDraft] {
        guard let track = announced[unit.trackID] else { return [] }
        guard segment != nil else {
            if canBegin(with: unit) { beginFirstSegment(with: unit, of: track) }
            return []
        }
        let placement = place(unit, of: track)
        guard !placement.isCovered else { return [] }
        let sample = Sample(unit, at: placement)
        if unit.trackID == segment?.reference {
            receiveReference(sample, of: track)
            giveForetoldPart(endedBy: sample, of: track)
        } else {
            receiveOther(sample, of: track, missing: placement.missing)
        }
        return takeFinished()
    }

    /// Ends the segment that is being filled.
    ///
    /// - Returns: its last parts, unless it holds nothing.
    mutating func finish() -> [PartDraft] {
        guard let segment else { return [] }
        let end = timelines.end(ledBy: segment.reference) ?? segment.start
        endSegment(at: max(end, segment.lastReferenceTime), isForced: false, isLast: true)
        return takeFinished()
    }

    private mutating func takeFinished() -> [PartDraft] {
        guard !finished.isEmpty else { return [] }
        defer { finished = [] }
        return finished
    }

    /// Where a moment of the encoder's clock lies on the live's timeline; `nil` before there is one.
    func liveTime(of encoderTime: MediaTime) -> MediaTime? {
        guard let reference = segment?.reference, let offset = timelines.offset(of: reference) else { return nil }
        return encoderTime + offset
    }

    // MARK: - Tracks beside those of the segments

    /// Whether segments are being filled: from then on there is a timeline to place further tracks on.
    var hasBegun: Bool { segment != nil }

    /// How far the media of the segments has come, or `nil` before it has begun.
    var leadingTime: MediaTime? { (segment?.reference).flatMap { timelines.end(ledBy: $0) } }

    /// Places an access unit of a track that no segment of this one carries on the live's timeline.
    ///
    /// Such a track shares the offset of the reference track, across jumps and epochs, as every track does.
    mutating func placeBeside(_ unit: AccessUnit, of track: Track) -> (sample: Sample, timescale: Int64, missing: Int64)
    {
        let placement = timelines.place(unit, of: track, reference: segment?.reference, position: position).placement
        return (Sample(unit, at: placement), timescale(of: track), placement.missing)
    }

    /// Lets a track join the timeline anew.
    mutating func rejoin(_ id: TrackID) { timelines.leave(id) }

    // MARK: - The first segment

    /// A stream begins with a picture that can be decoded, or with sound when no picture is to be expected.
    private mutating func canBegin(with unit: AccessUnit) -> Bool {
        if unit.trackID.kind == .video { return unit.isSync }
        guard announced.ids.contains(where: { $0.kind == .video }) else { return true }
        let since = waitingSince ?? unit.decodeTime
        waitingSince = since
        let waited = unit.decodeTime - since
        return waited >= Self.longestWaitForVideo || waited.nanoseconds < -Self.longestWaitForVideo.nanoseconds
    }

    private mutating func beginFirstSegment(with unit: AccessUnit, of track: Track) {
        let placement = place(unit, of: track)
        openSegment(with: Sample(unit, at: placement), of: track, startsEpoch: true)
    }

    private mutating func place(_ unit: AccessUnit, of track: Track) -> TrackTimeline.Placement {
        let reference = segment?.reference
        let (placement, isJump) = timelines.place(unit, of: track, reference: reference, position: position)
        if isJump { isEpochDue = true }
        return placement
    }

    // MARK: - The reference track

    private mutating func receiveReference(_ sample: Sample, of track: Track) {
        // Single values, not the segment: a second copy of it would make the next append copy all its samples.
        guard let start = segment?.start, let isUnchanged = segment?.admits(track) else { return }
        let time = self.time(of: sample, of: track)
        let elapsed = time - start
        if !isUnchanged { isEpochDue = true }
        if isHoldingPicture {
            // The pictures in between are lost, and so is what refers to them.
            guard sample.isSync, let last = segment?.lastReferenceTime, time > last else { return }
            isHoldingPicture = false
        }

        if sample.isSync, isEpochDue {
            guard elapsed >= Self.minimumEpochDuration else {
                if isUnchanged { append(sample, of: track) }
                return
            }
            return startEpoch(with: sample, of: track)
        }
        guard isUnchanged else { return }
        if sample.isSync, policy.endsSegment(startedAt: start, atSync: time) {
            endSegment(at: time, isForced: false)
            openSegment(with: sample, of: track, startsEpoch: isEpochDue)
        } else if elapsed > policy.longestDuration {
            forceCut(before: sample, of: track)
        } else if isLastChance(toEndAt: elapsed) {
            endSegment(at: time, isForced: true)
            openSegment(with: sample, of: track, startsEpoch: isEpochDue)
        } else {
            append(sample, of: track)
        }
    }

    /// Whether the segment would become too long with another sample.
    ///
    /// Where there are parts this must be seen in time: a part that begins with the sample will have been promised.
    private func isLastChance(toEndAt elapsed: MediaTime) -> Bool {
        guard let distance = plan.expectedDistance, elapsed > .zero else { return false }
        return elapsed + distance > policy.longestDuration
    }

    /// Ends the segment before the last sample that still fits, and goes on with that one.
    private mutating func forceCut(before sample: Sample, of track: Track) {
        guard var first = segment?.removeLastReferenceSample() else {
            guard segment?.hasGivenParts == true else { return append(sample, of: track) }
            // The part that was promised is there with the one sample that it has.
            endSegment(at: time(of: sample, of: track), isForced: true)
            return openSegment(with: sample, of: track, startsEpoch: isEpochDue)
        }
        first.duration = max(1, sample.decodeTime - first.decodeTime)
        endSegment(at: time(of: first, of: track), isForced: true)
        openSegment(with: first, of: track, startsEpoch: isEpochDue)
        append(sample, of: track)
    }

    /// Ends the segment and lets the next one begin anew, with every track on the reference track's clock.
    private mutating func startEpoch(with sample: Sample, of track: Track) {
        endSegment(at: time(of: sample, of: track), isForced: false)
        timelines.align(to: track.id)
        openSegment(with: sample, of: track, startsEpoch: true)
    }

    // MARK: - The other tracks

    private mutating func receiveOther(_ sample: Sample, of track: Track, missing: Int64) {
        guard let start = segment?.start, let reference = segment?.reference, let isAdmitted = segment?.admits(track)
        else { return }
        let time = self.time(of: sample, of: track)
        if track.id.kind == .video, reference.kind == .audio {
            if sample.isSync { beginPictures(with: sample, of: track) }
            return
        }
        guard isAdmitted else {
            isEpochDue = true
            return
        }
        if hasReferenceFailed(at: time) {
            holdPicture(at: time)
            append(sample, of: track)
            return
        }
        // Sound from before the first picture of an epoch has nothing to go with.
        if segment?.startsEpoch == false || time >= start {
            appendSilence(before: sample, missing: missing, of: track)
            append(sample, of: track)
        }
    }

    /// Lets silence take the place of frames that went missing before a sample.
    private mutating func appendSilence(before sample: Sample, missing: Int64, of track: Track) {
        // Without a sample before it, the track only begins here.
        guard missing > 0, let silence = Sample(silenceOf: track), segment?.tracks.contains(track) == true else {
            return
        }
        let times = stride(from: sample.decodeTime - missing, to: sample.decodeTime, by: Int(silence.duration))
        append(silence, at: times, of: track)
    }

    /// Lets silence take the place of sound that has not come until the end of a segment or a part.
    private mutating func fillSilence(until end: MediaTime, whenBehind lag: MediaTime = longestLag) {
        for track in announced.values where track.id.kind == .audio && track.id != segment?.reference {
            guard segment?.track(track.id) == track, let silence = Sample(silenceOf: track) else { continue }
            append(silence, at: timelines.fill(track.id, until: end, whenBehind: lag), of: track)
        }
    }

    private mutating func append(_ silence: Sample, at times: some Sequence<Int64>, of track: Track) {
        var frame = silence
        for time in times {
            frame.decodeTime = time
            silentFrames += 1
            append(frame, of: track)
        }
    }

    /// The first picture of a stream that was sound alone.
    ///
    /// When the sound has only just begun, and nothing is published yet, the stream begins with this picture instead.
    private mutating func beginPictures(with sample: Sample, of track: Track) {
        guard let sound = segment else { return }
        let time = self.time(of: sample, of: track)
        let elapsed = time - sound.start
        if established == nil, !sound.hasGivenParts, elapsed < Self.alignmentWindow {
            sound.removeSamples(before: time)
            let kept = sound.filledRuns
            position = max(time, sound.start)
            openSegment(with: sample, of: track, startsEpoch: true, keeping: kept)
            return
        }
        guard elapsed >= Self.minimumEpochDuration else { return }
        endSegment(at: time, isForced: false)
        position = max(position, time)
        openSegment(with: sample, of: track, startsEpoch: true)
    }

    /// Ends the segment and lets the next one begin with the last sync picture.
    private mutating func holdPicture(at time: MediaTime) {
        guard let reference = segment?.reference, let track = announced[reference], var picture = lastSyncPicture
        else { return }
        endSegment(at: time, isForced: false, holdsPicture: isHoldingPicture)
        isHoldingPicture = true
        timelines.leave(reference)
        policy.epochBegan(atSync: nil)
        // Where the segment ended, which may be before `time`: the pictures leave no hole.
        picture.decodeTime = position.ticks(timescale: timescale(of: track))
        openSegment(with: picture, of: track, startsEpoch: isEpochDue)
    }

    private func hasReferenceFailed(at time: MediaTime) -> Bool {
        guard segment?.reference.kind == .video, lastSyncPicture != nil, let start = segment?.start,
            let last = segment?.lastReferenceTime
        else { return false }
        if isHoldingPicture { return time - start >= policy.nominal }
        return time - start > policy.longestDuration - .milliseconds(100) && time - last > Self.longestLag
    }

    // MARK: - Opening, filling and ending a segment

    private mutating func openSegment(
        with sample: Sample,
        of track: Track,
        startsEpoch: Bool,
        keeping runs: [TrackRun] = []
    ) {
        if startsEpoch {
            established = nil
            isEpochDue = false
            policy.epochBegan(atSync: sample.isSync ? time(of: sample, of: track) : nil)
        }
        let sound = carried
        carried = []
        let continued = (established ?? []).map { known in
            sound.first { $0.track == known } ?? TrackRun(track: known, timescale: timescale(of: known))
        }
        segment = OpenSegment(
            start: position,
            reference: track.id,
            startsEpoch: startsEpoch,
            isIndependent: sample.isSync,
            runs: startsEpoch ? runs : continued
        )
        plan.begin(at: position, frame: longestFrame(beside: track.id))
        // Where the segment before had to end earlier, there is to be no hole.
        let start = position.ticks(timescale: timescale(of: track))
        append(track.id.kind == .video ? sample.decoded(noLaterThan: start) : sample, of: track)
    }

    private mutating func append(_ sample: Sample, of track: Track) {
        guard let held = segment?.byteCount, held + sample.payload.readableBytes <= Self.maximumSegmentBytes else {
            droppedAccessUnits += 1
            return
        }
        let timescale = timescale(of: track)
        if sample.isSync, track.id.kind == .video, track.id == segment?.reference { lastSyncPicture = sample }
        segment?.append(sample, of: track, timescale: timescale)
        if track.id == segment?.reference {
            let time = time(of: sample, of: track)
            // What comes before it is complete.
            if plan.sampleFollows(at: time), tracksAreKnown { giveDueParts(at: time) }
        }
    }

    /// Ends the segment at a time of the live's timeline, or earlier where it would become too long.
    private mutating func endSegment(
        at time: MediaTime,
        isForced: Bool,
        holdsPicture: Bool = false,
        isLast: Bool = false
    ) {
        guard let start = segment?.start, let partStart = segment?.partStart else { return }
        // A part that was promised is there.
        let end = max(min(time, start + policy.longestDuration), partStart)
        segment?.endReference(at: end)
        fillSilence(until: end)
        if let segment { plan.end(segment, at: end, frame: longestFrame(beside: segment.reference)) }
        giveDueParts(at: time)
        guard let ended = segment.take() else { return }
        let duration = end - ended.start
        guard ended.hasGivenParts || !ended.filledRuns.isEmpty, duration > .zero else { return }

        position = end
        policy.segmentEnded(duration: duration)
        let tracks = ended.tracks
        if established == nil { established = tracks }
        // A track that failed for a whole segment, and that nothing stands in for, is no longer one of the stream.
        if established != tracks { isEpochDue = true }
        let (parent, lastPartStart, isFirst) = (ended.parent, ended.partStart, !ended.hasGivenParts)
        // Players pass over a part as short as that (hls.js looks no closer than a quarter of a second), and would lose its
        // sound: that goes where the pictures go on.
        if !isFirst, !isLast, !isEpochDue, end - lastPartStart <= PartCutter.remainder { carried = ended.takeSound() }
        let ending = PartDraft.Ending(duration: duration, isForcedCut: isForced, holdsPicture: holdsPicture)
        let runs = ended.takeRest()
        finished.append(part(runs, from: lastPartStart, to: end, parent, isFirst: isFirst, ending, at: time))
    }

    // MARK: - Parts

    /// Whether the tracks of the segment can no longer change: an announced one may begin a little later than the others,
    /// and a part that was given away without it would cost a discontinuity.
    private var tracksAreKnown: Bool {
        guard let segment, segment.startsEpoch, !segment.hasGivenParts else { return true }
        let delivered = segment.tracks
        return announced.values.allSatisfy { delivered.contains($0) }
    }

    /// Gives a part away with the sample that completes it, where it can be told how long that lasts.
    ///
    /// The last part of a segment waits for the sample behind it: only that one says whether the segment ends.
    private mutating func giveForetoldPart(endedBy sample: Sample, of track: Track) {
        let time = self.time(of: sample, of: track)
        guard !isEpochDue, tracksAreKnown, let start = segment?.start, segment?.lastReferenceTime == time,
            let end = timelines.foretoldEnd(of: track.id), plan.isPartComplete(withNext: end),
            !policy.mayEndSegment(startedAt: start, at: end, distance: end - time)
        else { return }
        timelines.keepForetoldEnd(of: track.id)
        segment?.endReference(at: end)
        plan.partEnds(before: end)
        giveDueParts(at: time)
    }

    private mutating func giveDueParts(at now: MediaTime) {
        for cut in plan.takeDue() {
            fillSilence(until: cut)
            // Where the encoder has sent nothing for so long, neither pictures nor sound, a part should not be empty.
            if segment?.holdsSamples(before: cut) == false { fillSilence(until: cut, whenBehind: .zero) }
            guard let parent = segment?.parent, let start = segment?.partStart,
                let continues = segment?.hasGivenParts, let runs = segment?.takePart(until: cut)
            else { return }
            finished.append(part(runs, from: start, to: cut, parent, isFirst: !continues, nil, at: now))
        }
    }

    private func part(
        _ runs: [TrackRun],
        from start: MediaTime,
        to end: MediaTime,
        _ parent: PartDraft.Parent,
        isFirst: Bool,
        _ ending: PartDraft.Ending?,
        at now: MediaTime
    ) -> PartDraft {
        PartDraft(
            runs: runs,
            start: start,
            duration: end - start,
            // Video comes first, and is the reference where there is any.
            isIndependent: runs.first?.samples.contains(where: \.isSync) ?? false,
            parent: parent,
            isFirst: isFirst,
            ending: ending,
            age: now - end
        )
    }

    /// The longest frame of the audio tracks other than the reference track.
    private func longestFrame(beside reference: TrackID) -> MediaTime {
        let frames = announced.values.filter { $0.id != reference }.compactMap(\.configuration.sound).map {
            MediaTime(ticks: Int64($0.samplesPerAccessUnit), timescale: Int64($0.samplingFrequency))
        }
        return frames.max() ?? .zero
    }

    // MARK: - Units

    private func timescale(of track: Track) -> Int64 { timelines.timescale(of: track.id) }

    private func time(of sample: Sample, of track: Track) -> MediaTime {
        MediaTime(ticks: sample.decodeTime, timescale: timescale(of: track))
    }
}
