internal import MediaCore
internal import NIOCore

/// The segment that is being filled.
///
/// A class with one owner: each question about an optional struct of this size would copy all of it.
final class OpenSegment {
    /// Where it begins on the live's timeline.
    let start: MediaTime
    /// The track whose sync samples end segments: the first video track, or else the first audio track.
    let reference: TrackID
    /// Whether it does not continue the segment before it; any announced track may then join it.
    let startsEpoch: Bool
    let isIndependent: Bool
    /// Where the part begins that is being filled.
    private(set) var partStart: MediaTime
    /// Whether parts of it have been given away: from then on its tracks stay as they are.
    private(set) var hasGivenParts = false
    /// The payload bytes that came, those that were given away included.
    private(set) var byteCount = 0
    /// How much later than it decodes the first picture is shown.
    private var compositionOffset = MediaTime.zero
    /// The tracks that have sent something.
    private var delivered: [TrackID] = []
    private var runs: [TrackRun]

    /// A segment that takes the runs' tracks, and any other only when it starts an epoch.
    init(start: MediaTime, reference: TrackID, startsEpoch: Bool, isIndependent: Bool, runs: [TrackRun]) {
        self.start = start
        self.reference = reference
        self.startsEpoch = startsEpoch
        self.isIndependent = isIndependent
        self.runs = runs
        partStart = start
        delivered = runs.filter { !$0.samples.isEmpty }.map(\.track.id)
        byteCount = runs.reduce(0) { $0 + $1.payloadSize }
    }

    /// The tracks that have sent something, with the configurations that this needs, video first.
    var tracks: [Track] { sorted(runs).map(\.track).filter { delivered.contains($0.id) } }

    /// What its first part tells of it.
    var parent: PartDraft.Parent {
        PartDraft.Parent(
            start: start,
            isIndependent: isIndependent,
            startsEpoch: startsEpoch,
            compositionOffset: compositionOffset
        )
    }

    /// When the last sample of the reference track decodes.
    var lastReferenceTime: MediaTime {
        guard let index = referenceIndex, let last = runs[index].samples.last else { return partStart }
        return MediaTime(ticks: last.decodeTime, timescale: runs[index].timescale)
    }

    /// The decode times of the reference track's samples that are held.
    var referenceTimes: [MediaTime] {
        guard let index = referenceIndex else { return [] }
        let timescale = runs[index].timescale
        return runs[index].samples.map { MediaTime(ticks: $0.decodeTime, timescale: timescale) }
    }

    /// Whether samples of this track, coded like this, can go in.
    func admits(_ track: Track) -> Bool {
        guard let index = index(of: track.id) else { return startsEpoch && !hasGivenParts }
        return runs[index].track == track
    }

    /// The track of this identifier, as it is in this segment; `nil` when it is not.
    func track(_ id: TrackID) -> Track? {
        index(of: id).map { runs[$0].track }
    }

    /// Adds a sample, and lets the one before it on its track last until then.
    func append(_ sample: Sample, of track: Track, timescale: Int64) {
        byteCount += sample.payload.readableBytes
        if !delivered.contains(track.id) {
            delivered.append(track.id)
            if track.id == reference, track.id.kind == .video {
                compositionOffset = MediaTime(ticks: sample.compositionOffset, timescale: timescale)
            }
        }
        guard let index = index(of: track.id) else {
            runs.append(TrackRun(track: track, timescale: timescale, samples: [sample]))
            return
        }
        endLastSample(of: index, at: sample.decodeTime)
        runs[index].samples.append(sample)
    }

    /// Lets the reference track's last sample last until the sample that opens the next segment.
    func endReference(at time: MediaTime) {
        guard let index = referenceIndex else { return }
        endLastSample(of: index, at: time.ticks(timescale: runs[index].timescale))
    }

    /// Takes the reference track's last sample back, when it is not the only one that is held.
    func removeLastReferenceSample() -> Sample? {
        guard let index = referenceIndex, runs[index].samples.count > 1 else { return nil }
        let sample = runs[index].samples.removeLast()
        byteCount -= sample.payload.readableBytes
        return sample
    }

    /// Forgets the samples that decode before a time.
    func removeSamples(before time: MediaTime) {
        for index in runs.indices {
            let limit = time.ticks(timescale: runs[index].timescale)
            runs[index].samples.removeAll { $0.decodeTime < limit }
        }
        byteCount = runs.reduce(0) { $0 + $1.samples.reduce(0) { $0 + $1.payload.readableBytes } }
    }

    /// The runs that have samples, video first.
    var filledRuns: [TrackRun] { sorted(runs).filter { !$0.samples.isEmpty } }

    // MARK: - Parts

    /// Whether a part that ends at a time would have any samples.
    func holdsSamples(before end: MediaTime) -> Bool {
        runs.contains { run in
            run.samples.first.map { $0.decodeTime < end.ticks(timescale: run.timescale) } ?? false
        }
    }

    /// Gives away what decodes before a time.
    ///
    /// - Returns: a run for each track, with or without samples, video first.
    func takePart(until end: MediaTime) -> [TrackRun] {
        var taken: [TrackRun] = []
        for index in runs.indices where delivered.contains(runs[index].track.id) || !startsEpoch {
            let limit = end.ticks(timescale: runs[index].timescale)
            let count = runs[index].samples.firstIndex { $0.decodeTime >= limit } ?? runs[index].samples.count
            var run = TrackRun(track: runs[index].track, timescale: runs[index].timescale)
            if count == runs[index].samples.count {
                swap(&run.samples, &runs[index].samples)
                runs[index].samples.reserveCapacity(count)
            } else {
                run.samples = Array(runs[index].samples[..<count])
                runs[index].samples.removeFirst(count)
            }
            taken.append(run)
        }
        partStart = end
        hasGivenParts = true
        return sorted(taken)
    }

    /// Gives away what the tracks beside the reference track have left.
    func takeSound() -> [TrackRun] {
        var taken: [TrackRun] = []
        for index in runs.indices where runs[index].track.id != reference && !runs[index].samples.isEmpty {
            taken.append(runs[index])
            runs[index].samples = []
        }
        return taken
    }

    /// Gives away all that is left.
    ///
    /// - Returns: a run for each track, with or without samples, video first.
    func takeRest() -> [TrackRun] {
        sorted(runs.filter { delivered.contains($0.track.id) || hasGivenParts })
    }

    /// Where the reference track's run is: what is asked for each access unit takes no copy of a run.
    private var referenceIndex: Int? { index(of: reference) }

    private func index(of id: TrackID) -> Int? {
        for index in runs.indices where runs[index].track.id == id { return index }
        return nil
    }

    private func sorted(_ runs: [TrackRun]) -> [TrackRun] {
        guard runs.count > 1 else { return runs }
        return runs.sorted { left, right in
            (left.track.id.kind == .video ? 0 : 1, left.track.id.index)
                < (right.track.id.kind == .video ? 0 : 1, right.track.id.index)
        }
    }

    private func endLastSample(of index: Int, at decodeTime: Int64) {
        guard let last = runs[index].samples.indices.last else { return }
        let duration = decodeTime - runs[index].samples[last].decodeTime
        if duration > 0 { runs[index].samples[last].duration = duration }
    }
}
