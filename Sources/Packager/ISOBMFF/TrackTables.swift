internal import MediaCore
internal import NIOCore

/// The sample tables of one track of a progressive file, made of the headers of fragments.
///
/// Fragments say when each decodes; tables have distances alone. What is missing between two samples therefore lengthens the
/// first of them, and where a sample decodes before the one in front of it has ended by our count, it is moved behind it and
/// its composition offset made smaller by as much, so that it is shown when it is meant to be.
struct TrackTables {
    /// The longest distance between two samples: `stts` has 32 bits, which common readers take as signed.
    private static let longestDistance = Int64(Int32.max)
    /// How far a fragment may begin before the end of the one in front of it, in seconds; further back it is not the same
    /// timeline.
    private static let longestStepBack: Int64 = 1

    /// How many samples there are.
    private(set) var count = 0
    /// How many of them decoding can start at.
    private(set) var syncCount = 0
    /// The payload bytes of all samples.
    private(set) var byteCount = 0
    /// The decode time of the first sample, on the fragments' timeline, in ticks.
    private(set) var firstDecodeTime: Int64 = 0
    /// When the first sample is shown, on the fragments' timeline, in ticks.
    private(set) var presentationStart: Int64 = 0
    /// When the last one shown ends.
    private(set) var presentationEnd: Int64 = 0
    /// What is added to composition offsets, so that the first is not negative: an edit list cannot begin before 0.
    private(set) var compositionShift: Int64 = 0
    /// The decode time behind the last sample, counted from the first.
    private(set) var duration: Int64 = 0

    private(set) var durations: RunLengthTable
    private(set) var compositionOffsets: RunLengthTable
    private(set) var hasCompositionOffsets = false
    private(set) var hasNegativeOffsets = false
    private(set) var syncSamples: SampleTable
    private(set) var sizes: SampleTable
    private(set) var samplesToChunk: SampleTable
    private(set) var chunkOffsets: SampleTable

    private let timescale: Int64
    /// Where the last sample decodes by the tables, counted from the first.
    private var clock: Int64 = 0
    /// How long the last sample lasts by its fragment.
    private var lastDuration: Int64 = 0
    private var lastChunk: (count: Int, description: UInt32) = (0, 0)

    /// Empty tables.
    ///
    /// - Parameters:
    ///   - timescale: ticks a second.
    ///   - scratch: where entries go.
    init(timescale: Int64, _ scratch: ScratchFile) {
        self.timescale = timescale
        durations = RunLengthTable(scratch)
        compositionOffsets = RunLengthTable(scratch)
        syncSamples = SampleTable(scratch)
        sizes = SampleTable(scratch)
        samplesToChunk = SampleTable(scratch)
        chunkOffsets = SampleTable(scratch)
    }

    /// Adds a run of samples that lie one behind the other: a chunk.
    ///
    /// - Parameters:
    ///   - run: the samples.
    ///   - decodeTime: when the first decodes, in ticks.
    ///   - offset: where its bytes are, counted from the beginning of the media.
    ///   - description: the number of the sample entry that applies, counted from 1.
    /// - Throws: ``FragmentError`` when an entry is missing, or the time steps back.
    mutating func append(
        _ run: FragmentReader.Run,
        at decodeTime: Int64,
        offset: UInt64,
        description: UInt32
    ) throws(FragmentError) {
        guard run.count > 0 else { return }
        chunkOffsets.append(offset)
        if lastChunk != (run.count, description) {
            lastChunk = (run.count, description)
            samplesToChunk.append(UInt32(chunkOffsets.count), UInt32(clamping: run.count), description)
        }
        var (run, time) = (run, decodeTime)
        for _ in 0..<run.count {
            let sample = try run.next()
            try place(at: time, sample.compositionOffset)
            time += sample.duration
            lastDuration = sample.duration
            presentationEnd = max(presentationEnd, time + sample.compositionOffset)
            sizes.append(UInt32(clamping: sample.size))
            byteCount += sample.size
            count += 1
            if sample.isSync {
                syncCount += 1
                syncSamples.append(UInt32(clamping: count))
            }
        }
    }

    private mutating func place(at time: Int64, _ compositionOffset: Int64) throws(FragmentError) {
        if count == 0 {
            firstDecodeTime = time
            presentationStart = time + compositionOffset
            presentationEnd = presentationStart
            compositionShift = max(0, -compositionOffset)
        } else {
            let distance = time - firstDecodeTime - clock
            guard distance >= -Self.longestStepBack * timescale else {
                throw .unexpected("decode time \(time) behind one of \(firstDecodeTime + clock)")
            }
            advance(by: distance)
        }
        let offset = time + compositionOffset - firstDecodeTime - clock + compositionShift
        let stored = Int32(clamping: offset)
        if stored != 0 { hasCompositionOffsets = true }
        if stored < 0 { hasNegativeOffsets = true }
        compositionOffsets.append(UInt32(bitPattern: stored))
    }

    private mutating func advance(by distance: Int64) {
        let step = min(max(distance, 1), Self.longestDistance)
        durations.append(UInt32(step))
        clock += step
    }

    /// Completes the tables.
    ///
    /// To be called once, last.
    mutating func finish() {
        if count > 0 { advance(by: lastDuration) }
        duration = clock
        durations.finish()
        compositionOffsets.finish()
    }
}
