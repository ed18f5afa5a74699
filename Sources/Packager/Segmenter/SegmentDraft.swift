internal import MediaCore

/// What the segmenter has cut: everything that the container and the playlist say about one segment.
struct SegmentDraft {
    /// The tracks with at least one sample, video first.
    let runs: [TrackRun]
    /// Where it begins on the live's timeline.
    let start: MediaTime
    /// Its length: from its first decode time to that of the segment after it.
    let duration: MediaTime
    /// Whether decoding can start at its first sample.
    let isIndependent: Bool
    /// Whether its tracks, configurations or clock do not continue those of the segment before it.
    let startsEpoch: Bool
    /// Whether it was ended without waiting for a sync sample, because none came within the longest duration allowed.
    let isForcedCut: Bool
    /// Whether its only picture is the one held from before, because the encoder sent none.
    let holdsPicture: Bool
}
