// Cuts the media of a file into segments. Pure: access units in, finished segments out.
//
// A file is no live: nobody waits for its segments, its clock is right, and what comes next can be waited for. So here, other
// than in `Segmenter`, gaps stay gaps, a picture may last as long as it likes, and a segment waits for its next keyframe.
//
// Invariants, named by the tests:
// 1. Time 0 of the access units is where the timeline goes on; segments follow each other without gap or overlap, and the last one
//    ends when the last picture or sound does. Nothing is moved but what cannot stay: a clock that stands still or steps back.
// 2. A segment begins with the first sync picture of the reference track that is shown `nominal` after the last segment began, or
//    later. It is cut without one only where it would be longer than `longestSegment` or larger than `maximumSegmentBytes`.
// 3. Sound goes into the segment in which it is heard. A segment waits for every track that goes on, for `longestWait` of the
//    reference track at most.
// 4. Every announced track is in every segment's initialization. A changed configuration, or a track that is announced later, starts
//    an epoch. Sound that is missing for a while is silence where that can be written.
// 5. What is held is bounded by bytes, whatever the clocks say.

internal import MediaCore
internal import NIOCore

/// Cuts the media of one file.
struct FileSegmenter {
    /// How long a segment waits for a keyframe: longer than any encoder's default interval.
    static let longestSegment = MediaTime.milliseconds(60_000)
    /// The payload bytes after which a segment does not wait for a keyframe.
    static let maximumSegmentBytes = 48 << 20
    /// The bytes held after which no track is waited for.
    static let maximumHeldBytes = 96 << 20
    /// How much media of the reference track may come while another track is waited for: muxers interleave within a second, and
    /// some files begin a track later.
    static let longestWait = MediaTime.milliseconds(10_000)
    /// Less lateness than this is left to players.
    static let tolerance = MediaTime.milliseconds(100)

    /// EXT-X-TARGETDURATION so far: of a file it may grow until the recording is complete.
    private(set) var targetDuration: Int
    /// Frames of silence that stand in for sound that is not in the file.
    private(set) var silentFrames = 0
    /// Access units that no segment has.
    private(set) var droppedAccessUnits = 0

    private let nominal: MediaTime
    /// Where time 0 of the file lies on the timeline.
    private let origin: MediaTime
    /// Where the next segment begins.
    private var position: MediaTime
    private var tracks: [TrackID: FileTrack] = [:]
    private var reference: TrackID?
    /// Where segments end that have not been handed out, in order.
    private var boundaries: [SegmentBoundary] = []
    /// Whether the next segment does not continue the one before it.
    private var isEpochDue = false
    /// Whether the segment that is handed out next starts an epoch.
    private var startsEpoch = true
    /// Payload bytes since the last boundary.
    private var openBytes = 0

    /// A segmenter for a file.
    ///
    /// - Parameters:
    ///   - nominal: where segments are meant to end.
    ///   - position: where the file's time 0 lies on the timeline.
    ///   - targetDuration: EXT-X-TARGETDURATION of what is there already.
    init(nominal: MediaTime, position: MediaTime, targetDuration: Int? = nil) {
        self.nominal = nominal
        self.targetDuration = max(targetDuration ?? 1, Self.wholeSeconds(nominal))
        origin = position
        self.position = position
    }

    /// Where a moment of the file lies on the timeline.
    func liveTime(of time: MediaTime) -> MediaTime { time + origin }

    /// Takes the configuration that a track has from now on.
    mutating func configure(_ track: Track) {
        guard tracks[track.id] != nil else {
            tracks[track.id] = FileTrack(track, origin: origin)
            if isStarted { tracks[track.id]?.announced = track } else { chooseReference() }
            return
        }
        tracks[track.id]?.change(to: track)
    }

    /// Takes one access unit.
    ///
    /// - Returns: the segments that are finished with it.
    mutating func receive(_ unit: AccessUnit) -> [PartSet] {
        guard tracks[unit.trackID] != nil else { return [] }
        let time = origin + unit.decodeTime + unit.compositionOffset
        var finished: [PartSet] = []
        if tracks[unit.trackID]?.announced != nil {
            guard unit.trackID == reference else {
                // It joins, or goes on, where the reference track begins its next segment.
                isEpochDue = true
                droppedAccessUnits += 1
                return []
            }
            finished = startEpoch(at: time)
        } else if unit.trackID == reference {
            if isEpochDue, unit.isSync {
                finished = startEpoch(at: time)
            } else {
                considerBoundary(before: unit, shownAt: time)
            }
        } else {
            considerBoundary(whileAwayAt: time)
        }
        append(unit)
        return finished + takeFinished()
    }

    /// Ends the last segment.
    mutating func finish() -> [PartSet] {
        guard isStarted else { return [] }
        let end = tracks.values.map(\.presentationEnd).max() ?? position
        let last = boundaries.last?.time ?? position
        // What is shown last may be over before a boundary that a later one asked for.
        bound(at: max(end, last + .milliseconds(1)), isForced: false)
        let count = boundaries.count
        return (0..<count).compactMap { emit(isLast: $0 == count - 1) }
    }

    private var isStarted: Bool { tracks.values.contains { $0.count > 0 } }

    private mutating func chooseReference() {
        let videos = tracks.keys.filter { $0.kind == .video }
        let candidates = videos.isEmpty ? Array(tracks.keys) : videos
        reference = candidates.min { $0.index < $1.index }
    }

    private mutating func append(_ unit: AccessUnit) {
        openBytes += unit.payload.readableBytes
        silentFrames += tracks[unit.trackID]?.append(unit, after: position) ?? 0
    }

    // MARK: - Boundaries

    private var lastBoundary: MediaTime { boundaries.last?.time ?? position }

    private mutating func considerBoundary(before unit: AccessUnit, shownAt time: MediaTime) {
        let elapsed = time - lastBoundary
        if unit.isSync, elapsed + CutPolicy.tolerance >= nominal {
            bound(at: time, isForced: false)
        } else if elapsed > Self.longestSegment || openBytes > Self.maximumSegmentBytes {
            // In decoding order: pictures that were shown already may follow.
            let shown = tracks[unit.trackID]?.presentationEnd ?? time
            bound(at: max(shown, lastBoundary + .milliseconds(1)), isForced: true)
        }
    }

    /// The reference track has had nothing for so long that a segment ends without it.
    private mutating func considerBoundary(whileAwayAt time: MediaTime) {
        guard let reference,
            time - lastBoundary > Self.longestSegment + Self.longestWait || heldBytes > Self.maximumHeldBytes,
            openBytes > 0
        else { return }
        let shown = tracks[reference]?.presentationEnd ?? lastBoundary
        let end = max(min(time, lastBoundary + Self.longestSegment), shown)
        bound(at: max(end, lastBoundary + .milliseconds(1)), isForced: true)
    }

    private mutating func bound(at time: MediaTime, isForced: Bool) {
        let count = reference.flatMap { tracks[$0]?.count } ?? 0
        boundaries.append(
            SegmentBoundary(time: time, referenceCount: count, isForced: isForced)
        )
        openBytes = 0
    }

    /// Hands out all that is held, which is of the configurations of before, and goes on with those that were announced.
    private mutating func startEpoch(at time: MediaTime) -> [PartSet] {
        var finished: [PartSet] = []
        if isStarted {
            bound(at: max(time, lastBoundary + .milliseconds(1)), isForced: false)
            while !boundaries.isEmpty { if let set = emit(isLast: false) { finished.append(set) } }
        }
        for id in tracks.keys { tracks[id]?.adoptAnnounced() }
        (isEpochDue, startsEpoch) = (false, true)
        return finished
    }

    // MARK: - Segments

    private var heldBytes: Int { tracks.values.reduce(0) { $0 + $1.heldBytes } }

    private mutating func takeFinished() -> [PartSet] {
        var finished: [PartSet] = []
        while let boundary = boundaries.first, isReady(boundary) {
            if let set = emit(isLast: false) { finished.append(set) }
        }
        return finished
    }

    private func isReady(_ boundary: SegmentBoundary) -> Bool {
        guard let reference, let leader = tracks[reference] else { return true }
        if heldBytes > Self.maximumHeldBytes || leader.decodeEnd - boundary.time > Self.longestWait { return true }
        return tracks.allSatisfy { id, track in
            id == reference || track.announced != nil || track.hasCome(to: boundary.time)
        }
    }

    /// Hands out what lies before the first boundary; `nil` where that is nothing.
    private mutating func emit(isLast: Bool) -> PartSet? {
        let boundary = boundaries.removeFirst()
        let duration = boundary.time - position
        guard duration > .zero else { return nil }
        var runs: [TrackRun] = []
        for id in tracks.keys.sorted(by: Self.precedes) {
            if tracks[id]?.isListed != true { continue }
            let before = tracks[id]?.silentFrames ?? 0
            let count = id == reference && !isLast ? boundary.referenceCount : nil
            if let run = tracks[id]?.take(from: position, until: boundary.time, count: count, isLast: isLast) {
                runs.append(run)
            }
            silentFrames += (tracks[id]?.silentFrames ?? 0) - before
        }
        targetDuration = max(targetDuration, Self.wholeSeconds(duration))
        let isIndependent = runs.first { $0.track.id == reference }?.samples.first?.isSync ?? false
        let draft = PartDraft(
            runs: runs.filter { $0.track.id.index == 0 },
            start: position,
            duration: duration,
            isIndependent: isIndependent,
            parent: PartDraft.Parent(
                start: position,
                isIndependent: isIndependent,
                startsEpoch: startsEpoch,
                compositionOffset: .zero
            ),
            isFirst: true,
            ending: PartDraft.Ending(duration: duration, isForcedCut: boundary.isForced, holdsPicture: false),
            age: .zero
        )
        let set = PartSet(primary: draft, further: runs.filter { $0.track.id.index != 0 }, startsEpoch: startsEpoch)
        startsEpoch = false
        position = boundary.time
        return set
    }

    /// Video first, then by number.
    private static func precedes(_ left: TrackID, _ right: TrackID) -> Bool {
        (left.kind == .video ? 0 : 1, left.index) < (right.kind == .video ? 0 : 1, right.index)
    }

    private static func wholeSeconds(_ time: MediaTime) -> Int { max(1, Int(time.ticks(timescale: 1))) }
}

/// Where a segment of a file ends.
private struct SegmentBoundary {
    let time: MediaTime
    /// How many samples of the reference track come before it, counted from the beginning.
    let referenceCount: Int
    let isForced: Bool
}
