internal import MediaCore
internal import NIOCore

/// The segment that is being filled.
struct OpenSegment {
    /// Where it begins on the live's timeline.
    let start: MediaTime
    /// The track whose sync samples end segments: the first video track, or else the first audio track.
    let reference: TrackID
    /// Whether it does not continue the segment before it; any announced track may then join it.
    let startsEpoch: Bool
    let isIndependent: Bool
    /// The payload bytes held.
    private(set) var byteCount = 0
    private var runs: [TrackRun]

    /// A segment that takes the runs' tracks, and any other only when it starts an epoch.
    init(start: MediaTime, reference: TrackID, startsEpoch: Bool, isIndependent: Bool, runs: [TrackRun]) {
        self.start = start
        self.reference = reference
        self.startsEpoch = startsEpoch
        self.isIndependent = isIndependent
        self.runs = runs
    }

    /// The tracks that have samples, with the configurations that these need.
    var tracks: [Track] { filledRuns.map(\.track) }

    /// When the last sample of the reference track decodes.
    var lastReferenceTime: MediaTime {
        guard let run = runs.first(where: { $0.track.id == reference }), let last = run.samples.last else {
            return start
        }
        return MediaTime(ticks: last.decodeTime, timescale: run.timescale)
    }

    /// Whether samples of this track, coded like this, can go in.
    func admits(_ track: Track) -> Bool {
        self.track(track.id).map { $0 == track } ?? startsEpoch
    }

    /// The track of this identifier, as it is in this segment; `nil` when it is not.
    func track(_ id: TrackID) -> Track? {
        runs.first { $0.track.id == id }?.track
    }

    /// Adds a sample, and lets the one before it on its track last until then.
    mutating func append(_ sample: Sample, of track: Track, timescale: Int64) {
        byteCount += sample.payload.readableBytes
        guard let index = runs.firstIndex(where: { $0.track.id == track.id }) else {
            runs.append(TrackRun(track: track, timescale: timescale, samples: [sample]))
            return
        }
        endLastSample(of: index, at: sample.decodeTime)
        runs[index].samples.append(sample)
    }

    /// Lets the reference track's last sample last until the sample that opens the next segment.
    mutating func endReference(at time: MediaTime) {
        guard let index = runs.firstIndex(where: { $0.track.id == reference }) else { return }
        endLastSample(of: index, at: time.ticks(timescale: runs[index].timescale))
    }

    /// Takes the reference track's last sample back, when it is not the only one.
    mutating func removeLastReferenceSample() -> Sample? {
        guard let index = runs.firstIndex(where: { $0.track.id == reference }), runs[index].samples.count > 1 else {
            return nil
        }
        let sample = runs[index].samples.removeLast()
        byteCount -= sample.payload.readableBytes
        return sample
    }

    /// Forgets the samples that decode before a time.
    mutating func removeSamples(before time: MediaTime) {
        for index in runs.indices {
            let limit = time.ticks(timescale: runs[index].timescale)
            runs[index].samples.removeAll { $0.decodeTime < limit }
        }
        byteCount = runs.reduce(0) { $0 + $1.samples.reduce(0) { $0 + $1.payload.readableBytes } }
    }

    /// The runs that have samples, video first.
    var filledRuns: [TrackRun] {
        runs.filter { !$0.samples.isEmpty }.sorted { left, right in
            (left.track.id.kind == .video ? 0 : 1, left.track.id.index)
                < (right.track.id.kind == .video ? 0 : 1, right.track.id.index)
        }
    }

    private mutating func endLastSample(of index: Int, at decodeTime: Int64) {
        guard let last = runs[index].samples.indices.last else { return }
        let duration = decodeTime - runs[index].samples[last].decodeTime
        if duration > 0 { runs[index].samples[last].duration = duration }
    }
}
