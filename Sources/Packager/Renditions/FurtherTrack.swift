internal import MediaCore
internal import NIOCore

/// The samples of a further track that wait to be cut where the primary tracks are.
///
/// Its parts are as long as the primary's to a picture: what the track lacks at the end of a part its last picture or
/// silence covers, and what comes late for a part that was given away is dropped.
struct FurtherTrack {
    /// A sync sample this close to the primary's is meant to be the same moment: a few pictures of a slow frame rate.
    static let alignmentTolerance = MediaTime.milliseconds(100)
    /// Equal up to a millisecond clock and the frame rate: no other sync sample can be nearer.
    private static let sameMoment = MediaTime.milliseconds(10)
    /// How far a picture may be from the end of a primary part that was foretold, and still be the first one behind it.
    private static let jitter = MediaTime.milliseconds(3)
    /// Memory that a held sample costs besides its payload, so that empty ones are bounded too.
    private static let sampleOverhead = 64

    let kind: MediaKind
    /// The bytes held.
    private(set) var heldBytes = 0
    /// Samples that came too late, or that were more than may be held.
    private(set) var lostSamples = 0
    /// The track as the last part carried it, without its samples; `nil` when that had nothing of it.
    private var carried: TrackRun?
    /// The samples held, a run for each configuration.
    private var runs: [TrackRun] = []
    /// Whether what comes cannot be decoded before a sync sample has come.
    private var needsSync: Bool
    /// Where the samples end that were given away; what comes from before that is late.
    private var emittedEnd = MediaTime.zero
    /// Whether it is known that nothing will come for now.
    private var isPaused = false

    init(kind: MediaKind) {
        self.kind = kind
        needsSync = kind == .video
    }

    /// Whether the next segment should wait for this track.
    var isExpected: Bool { carried != nil || !runs.isEmpty }

    // MARK: - Filling

    /// Holds a sample.
    ///
    /// - Parameters:
    ///   - sample: the sample, placed on the live's timeline.
    ///   - track: its track with the configuration that it needs.
    ///   - timescale: ticks a second.
    ///   - missing: ticks of sound that are missing before it.
    mutating func append(_ sample: Sample, of track: Track, timescale: Int64, missing: Int64) {
        var sample = sample
        isPaused = false
        if runs.isEmpty {
            let earliest = emittedEnd.ticks(timescale: timescale)
            // A millisecond clock and two roundings may put it before the end of the segment; more is late.
            guard sample.decodeTime + timescale / 1000 >= earliest else { return lose() }
            sample.decodeTime = max(sample.decodeTime, earliest)
        }
        if let last = runs.last, last.track != track, kind == .video { needsSync = true }
        if needsSync {
            guard sample.isSync else { return }
            needsSync = false
        }
        if runs.last?.track != track { runs.append(TrackRun(track: track, timescale: timescale)) }
        if missing > 0, runs[runs.count - 1].samples.last != nil, let silence = Sample(silenceOf: track) {
            fill(&runs[runs.count - 1], with: silence, from: sample.decodeTime - missing, until: sample.decodeTime)
        }
        hold(sample, in: runs.count - 1)
    }

    /// Takes note that nothing will come for now; what comes later begins with a sync sample.
    mutating func pause() {
        isPaused = true
        needsSync = kind == .video
    }

    /// Gives up all that is held; the rest of a segment that has the track goes without samples of it.
    mutating func clear() {
        lostSamples += runs.reduce(0) { $0 + $1.samples.count }
        runs = []
        heldBytes = 0
        pause()
    }

    private mutating func lose() {
        lostSamples += 1
        needsSync = kind == .video
    }

    private mutating func hold(_ sample: Sample, in index: Int) {
        var sample = sample
        if let last = runs[index].samples.indices.last {
            sample.decodeTime = max(sample.decodeTime, runs[index].samples[last].decodeTime + 1)
            runs[index].samples[last].duration = sample.decodeTime - runs[index].samples[last].decodeTime
        }
        runs[index].samples.append(sample)
        heldBytes += Self.weight(sample)
    }

    // MARK: - The place of a part

    /// Whether all that belongs before a boundary has come.
    func isComplete(until end: Boundary) -> Bool {
        if isPaused { return true }
        guard let run = runs.first, let last = run.samples.last else { return false }
        if runs.count > 1 { return true }
        let time = MediaTime(ticks: last.decodeTime, timescale: run.timescale)
        guard kind == .video else { return time >= end.decodeTime }
        guard end.separatesSegments else { return time + Self.jitter >= end.decodeTime }
        return time > end.presentationTime + Self.alignmentTolerance
            || nearestSync(in: run, to: end, within: Self.sameMoment) != nil
    }

    /// Whether a segment whose first part ends here can go on where the last one ended, in the same configuration.
    func continues(until end: Boundary) -> Bool {
        guard let carried, let run = runs.first, run.track == carried.track, let first = run.samples.first else {
            return false
        }
        return MediaTime(ticks: first.decodeTime, timescale: run.timescale) < end.decodeTime
    }

    /// Whether there is something that a segment that begins in this place, its first part ending in the other, can begin
    /// with.
    func canBegin(from start: Boundary, to end: Boundary) -> Bool { beginning(from: start, to: end) != nil }

    /// Drops what cannot be decoded, or belongs before a segment that begins anew.
    ///
    /// Where the first picture or sound comes later than the segment begins, it is shown early, or silence comes before it.
    ///
    /// - Returns: whether there is anything for the segment.
    mutating func begin(from start: Boundary, to end: Boundary) -> Bool {
        guard let beginning = beginning(from: start, to: end) else { return false }
        runs.removeFirst(beginning.run)
        runs[0].samples.removeFirst(beginning.sample)
        let timescale = runs[0].timescale
        let wanted = max(start.decodeTime, emittedEnd).ticks(timescale: timescale)
        let lead = runs[0].samples[0].decodeTime - wanted
        if kind == .audio {
            if lead > 0, let silence = Sample(silenceOf: runs[0].track) {
                var run = TrackRun(track: runs[0].track, timescale: timescale)
                let first = runs[0].samples[0].decodeTime - lead / silence.duration * silence.duration
                fill(&run, with: silence, from: first, until: runs[0].samples[0].decodeTime)
                runs[0].samples.insert(contentsOf: run.samples, at: 0)
            }
        } else if lead > 0,
            presentation(of: runs[0].samples[0], timescale) > start.presentationTime + Self.alignmentTolerance
        {
            runs[0].samples[0].decodeTime = wanted
            runs[0].samples[0].duration += lead
        }
        weigh()
        return true
    }

    /// Takes what belongs to a part, and lets it last to the part's end.
    ///
    /// - Parameters:
    ///   - end: where the part ends.
    ///   - duration: how long it is.
    ///   - drains: whether no part follows, so that what decodes a little later is taken as well.
    ///   - isFirst: whether it is the first part of its segment.
    /// - Returns: the samples, none where the rest of a segment has none; `nil` when there are none for the first part.
    mutating func take(until end: Boundary, lasting duration: MediaTime, drains: Bool, isFirst: Bool) -> TrackRun? {
        if !isFirst, let carried, runs.first?.track != carried.track { return carried }
        guard let run = runs.first, let first = run.samples.first else { return nil }
        let index = max(isFirst ? 1 : 0, cut(run, at: end, drains: drains, isFirst: isFirst))
        var taken = TrackRun(track: run.track, timescale: run.timescale, samples: Array(run.samples[..<index]))
        runs[0].samples.removeFirst(index)
        if runs[0].samples.isEmpty {
            runs.removeFirst()
            let length = duration.ticks(timescale: run.timescale)
            let limit = isFirst ? first.decodeTime + length : end.decodeTime.ticks(timescale: run.timescale)
            complete(&taken, until: limit, end, drains: drains)
        }
        weigh()
        carried = TrackRun(track: taken.track, timescale: taken.timescale)
        if let last = taken.samples.last {
            emittedEnd = MediaTime(ticks: last.decodeTime + last.duration, timescale: taken.timescale)
        }
        return taken
    }

    /// Drops what belongs before a boundary, because the segment there goes without this track.
    mutating func leave(until end: Boundary) {
        carried = nil
        for index in runs.indices {
            let run = runs[index]
            let first = run.samples.firstIndex { sample in
                sample.isSync
                    && presentation(of: sample, run.timescale) + Self.alignmentTolerance >= end.presentationTime
            }
            runs[index].samples.removeFirst(first ?? run.samples.count)
        }
        runs.removeAll(where: \.samples.isEmpty)
        if runs.isEmpty { needsSync = kind == .video }
        weigh()
    }

    // MARK: - Within

    private func presentation(of sample: Sample, _ timescale: Int64) -> MediaTime {
        MediaTime(ticks: sample.decodeTime + (kind == .video ? sample.compositionOffset : 0), timescale: timescale)
    }

    private func nearestSync(in run: TrackRun, to boundary: Boundary, within tolerance: MediaTime) -> Int? {
        var nearest: (index: Int, distance: Int64)?
        for (index, sample) in run.samples.enumerated() where sample.isSync {
            let distance = abs((presentation(of: sample, run.timescale) - boundary.presentationTime).nanoseconds)
            if distance <= tolerance.nanoseconds, distance < nearest?.distance ?? .max { nearest = (index, distance) }
        }
        return nearest?.index
    }

    /// The sample that a segment can begin with: the one at its beginning, or else the first one after that.
    private func beginning(from start: Boundary, to end: Boundary) -> (run: Int, sample: Int)? {
        for (index, run) in runs.enumerated() where kind == .video {
            if let sync = nearestSync(in: run, to: start, within: Self.alignmentTolerance) { return (index, sync) }
        }
        for (index, run) in runs.enumerated() {
            let sample = run.samples.firstIndex { sample in
                let time = MediaTime(ticks: sample.decodeTime, timescale: run.timescale)
                let isAfterStart =
                    kind == .video
                    ? presentation(of: sample, run.timescale) > start.presentationTime
                    : MediaTime(ticks: sample.decodeTime + sample.duration / 2, timescale: run.timescale)
                        >= start.decodeTime
                return sample.isSync && isAfterStart && time < end.decodeTime
            }
            if let sample { return (index, sample) }
        }
        return nil
    }

    /// How many samples come before a boundary.
    private func cut(_ run: TrackRun, at end: Boundary, drains: Bool, isFirst: Bool) -> Int {
        if !drains, end.separatesSegments, kind == .video,
            let sync = nearestSync(in: run, to: end, within: Self.alignmentTolerance), sync > 0 || !isFirst
        {
            return sync
        }
        let early = kind == .video && !end.separatesSegments ? Self.jitter : .zero
        let limit = end.decodeTime + (drains ? RenditionAssembler.longestWait : .zero) - early
        let ticks = limit.ticks(timescale: run.timescale)
        let count = run.samples.firstIndex { $0.decodeTime >= ticks } ?? run.samples.count
        guard !end.separatesSegments, kind == .video else { return count }
        // A sync picture this close to the end of a part may be the one that the next segment begins with.
        let near = (limit - Self.alignmentTolerance - Self.alignmentTolerance).ticks(timescale: run.timescale)
        return run.samples[..<count].lastIndex { $0.isSync && $0.decodeTime >= near } ?? count
    }

    /// Lets the last picture last until the segment ends, or silence follow the last sound.
    private func complete(_ run: inout TrackRun, until end: Int64, _ boundary: Boundary, drains: Bool) {
        guard let last = run.samples.indices.last else { return }
        if kind == .video {
            // What drains may last longer than the primary's segment, but not end before it.
            if drains, run.samples[last].decodeTime + run.samples[last].duration >= end { return }
            run.samples[last].duration = max(1, end - run.samples[last].decodeTime)
        } else if let silence = Sample(silenceOf: run.track) {
            let limit = boundary.decodeTime.ticks(timescale: run.timescale)
            let soundEnd = run.samples[last].decodeTime + run.samples[last].duration
            let count = max(0, (limit - soundEnd) / silence.duration)
            fill(&run, with: silence, from: soundEnd, until: soundEnd + count * silence.duration)
        }
    }

    private func fill(_ run: inout TrackRun, with silence: Sample, from start: Int64, until end: Int64) {
        guard start < end else { return }
        if let last = run.samples.indices.last {
            run.samples[last].duration = max(1, start - run.samples[last].decodeTime)
        }
        var frame = silence
        for time in stride(from: start, to: end, by: Int(silence.duration)) {
            frame.decodeTime = time
            frame.duration = min(silence.duration, end - time)
            run.samples.append(frame)
        }
    }

    private mutating func weigh() {
        heldBytes = runs.reduce(0) { $0 + $1.samples.reduce(0) { $0 + Self.weight($1) } }
    }

    private static func weight(_ sample: Sample) -> Int { sample.payload.readableBytes + sampleOverhead }
}
