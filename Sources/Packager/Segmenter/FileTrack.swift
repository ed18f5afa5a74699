internal import MediaCore
internal import NIOCore

/// The samples of one track of a file that no segment has yet.
struct FileTrack {
    /// The track as the samples that are held need it.
    private(set) var track: Track
    /// The track as it is from its next sample on, when that cannot share a segment with what is held.
    var announced: Track?
    /// How many samples have come.
    private(set) var count = 0
    /// The payload bytes held.
    private(set) var heldBytes = 0
    /// Frames of silence that were put in.
    private(set) var silentFrames = 0
    /// When what is shown or heard last is over.
    private(set) var presentationEnd: MediaTime

    private var timeline: TrackTimeline
    private var samples: [Sample] = []
    /// How many samples have been given away.
    private var givenCount = 0
    /// How long a picture lasts behind which nothing comes, in ticks: not as long as the gap in front of it.
    private var usualDuration = TrackTimeline.videoTimescale / 30
    private static let longestUsualDuration = TrackTimeline.videoTimescale
    /// Memory that a held sample costs besides its payload, so that empty ones are bounded too.
    private static let sampleOverhead = 64

    /// Where pictures are reordered and last for long, the first one is decoded long before it is shown: as early as `tfdt` has
    /// room for (``LivePackager``), and the others after it.
    private static let earliest = MediaTime.milliseconds(-9000)

    init(_ track: Track, origin: MediaTime) {
        self.track = track
        presentationEnd = origin
        timeline = TrackTimeline(configuration: track.configuration, offset: origin, largestStepForward: .limit)
    }

    private var kind: MediaKind { track.id.kind }

    /// Whether segments have it: not before it joins.
    var isListed: Bool { count > 0 || announced == nil }

    /// How far the decoding timeline has come.
    var decodeEnd: MediaTime { timeline.end ?? presentationEnd }

    /// Takes another configuration, at once where nothing was coded in the one before.
    mutating func change(to track: Track) {
        guard track != self.track else { return announced = nil }
        if count == 0, announced == nil { self.track = track } else { announced = track }
    }

    /// Lets what comes next be coded as announced; nothing may be held.
    mutating func adoptAnnounced() {
        guard let announced else { return }
        track = announced
        timeline.adopt(announced.configuration)
        self.announced = nil
    }

    // MARK: - Filling

    /// Takes an access unit.
    ///
    /// - Parameters:
    ///   - unit: the access unit.
    ///   - position: where the segment begins that is being filled.
    /// - Returns: how many frames of silence stand before it.
    mutating func append(_ unit: AccessUnit, after position: MediaTime) -> Int {
        let before = silentFrames
        let time = unit.decodeTime + timeline.offset
        if kind == .audio, timeline.end == nil, time - position > FileSegmenter.tolerance {
            fillSilence(from: position, until: time)
        }
        let end = timeline.end
        let decodeTime = kind == .video ? max(unit.decodeTime, Self.earliest) : unit.decodeTime
        let placement = timeline.place(decodeTime, sampleCount: unit.sampleCount)
        // Silence was given away for it already.
        guard !placement.isCovered else { return 0 }
        if placement.missing > 0, let end, let silence = Sample(silenceOf: track) {
            let ticks = placement.decodeTime
            let start = end.ticks(timescale: timeline.timescale)
            hold(silence, at: stride(from: start, to: ticks - silence.duration / 2, by: Int(silence.duration)))
        }
        hold(sample(of: unit, at: placement))
        if kind == .video, let last = samples.indices.last {
            if placement.duration <= Self.longestUsualDuration { usualDuration = placement.duration }
            let stated = unit.duration.map { $0.ticks(timescale: timeline.timescale) } ?? 0
            samples[last].duration = stated > 0 ? stated : usualDuration
        }
        noteEnd()
        return silentFrames - before
    }

    private func sample(of unit: AccessUnit, at placement: TrackTimeline.Placement) -> Sample {
        var sample = Sample(unit, at: placement)
        // From the moment that it is to be shown at: two roundings would move it.
        let shown = unit.decodeTime + unit.compositionOffset + timeline.offset
        sample.compositionOffset = kind == .video ? shown.ticks(timescale: timeline.timescale) - sample.decodeTime : 0
        return sample
    }

    private mutating func hold(_ sample: Sample) {
        if let last = samples.indices.last {
            samples[last].duration = max(1, sample.decodeTime - samples[last].decodeTime)
        }
        samples.append(sample)
        heldBytes += sample.payload.readableBytes + Self.sampleOverhead
        count += 1
    }

    private mutating func hold(_ silence: Sample, at times: some Sequence<Int64>) {
        var frame = silence
        for time in times {
            frame.decodeTime = time
            silentFrames += 1
            hold(frame)
        }
    }

    private mutating func fillSilence(from start: MediaTime, until end: MediaTime) {
        guard let silence = Sample(silenceOf: track) else { return }
        if timeline.end == nil {
            let first = timeline.place(start - timeline.offset)
            hold(silence, at: CollectionOfOne(first.decodeTime))
        }
        hold(silence, at: timeline.fill(until: end.ticks(timescale: timeline.timescale)))
        noteEnd()
    }

    private mutating func noteEnd() {
        guard let last = samples.last else { return }
        let end = last.decodeTime + last.duration + (kind == .video ? last.compositionOffset : 0)
        presentationEnd = max(presentationEnd, MediaTime(ticks: end, timescale: timeline.timescale))
    }

    // MARK: - Cutting

    /// Whether all that belongs before a boundary has come.
    func hasCome(to time: MediaTime) -> Bool {
        guard let last = samples.last else { return false }
        return MediaTime(ticks: last.decodeTime, timescale: timeline.timescale) >= time
    }

    /// Takes what belongs to a segment.
    ///
    /// - Parameters:
    ///   - start: where it begins.
    ///   - end: where it ends.
    ///   - count: how many samples of the track come before its end, counted from the beginning; `nil` to go by their times.
    ///   - isLast: whether no segment follows.
    /// - Returns: the samples, which may be none.
    mutating func take(from start: MediaTime, until end: MediaTime, count: Int?, isLast: Bool) -> TrackRun {
        if kind == .audio, !hasCome(to: end), end - (timeline.end ?? start) > .milliseconds(1000) {
            fillSilence(from: start, until: end)
        }
        let taken = isLast ? samples.count : min(samples.count, count.map { $0 - givenCount } ?? cut(at: end))
        var run = TrackRun(track: track, timescale: timeline.timescale, samples: Array(samples[..<max(0, taken)]))
        samples.removeFirst(run.samples.count)
        heldBytes = samples.reduce(0) { $0 + $1.payload.readableBytes + Self.sampleOverhead }
        if givenCount == 0, kind == .video { showEarly(&run, from: start) }
        givenCount += run.samples.count
        return run
    }

    /// How many samples come before a boundary.
    private func cut(at end: MediaTime) -> Int {
        let limit = end.ticks(timescale: timeline.timescale)
        guard kind == .video else { return samples.firstIndex { $0.decodeTime >= limit } ?? samples.count }
        // Where it has a keyframe for the same moment, it is cut there.
        let near = FileSegmenter.tolerance.ticks(timescale: timeline.timescale)
        let sync = samples.firstIndex { $0.isSync && abs($0.decodeTime + $0.compositionOffset - limit) <= near }
        return sync ?? samples.firstIndex { $0.decodeTime >= limit } ?? samples.count
    }

    /// Where the first picture comes later than the segment begins, it is shown from there on: players wait for a picture.
    private func showEarly(_ run: inout TrackRun, from start: MediaTime) {
        guard let first = run.samples.first else { return }
        let late = first.decodeTime + first.compositionOffset - start.ticks(timescale: timeline.timescale)
        guard late > FileSegmenter.tolerance.ticks(timescale: timeline.timescale) else { return }
        run.samples[0].decodeTime -= late
        run.samples[0].duration += late
    }
}
