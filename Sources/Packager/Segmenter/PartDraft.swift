internal import MediaCore

/// What the segmenter has cut: everything that the container and the playlist say about one part of a segment.
///
/// A segment of a live without parts is one part.
struct PartDraft {
    /// The segment's tracks, video first, each with its samples in this part, which may be none.
    let runs: [TrackRun]
    /// Where it begins on the live's timeline.
    let start: MediaTime
    /// Its length: to where the next part begins.
    let duration: MediaTime
    /// Whether a sync sample of the segment's reference track is in it.
    let isIndependent: Bool
    /// The segment it is a part of.
    let parent: Parent
    /// Whether it is the first part of that.
    let isFirst: Bool
    /// What is known of the segment with its last part; `nil` before that.
    let ending: Ending?
    /// How much of the reference track has come since it ended; below zero where its end is foretold.
    let age: MediaTime

    /// What is known of a segment from its first part on.
    struct Parent {
        /// Where it begins on the live's timeline.
        let start: MediaTime
        /// Whether decoding can start at its first sample.
        let isIndependent: Bool
        /// Whether its tracks, configurations or clock do not continue those of the segment before it.
        let startsEpoch: Bool
        /// How much later than it decodes the first picture is shown; zero without pictures.
        let compositionOffset: MediaTime
    }

    /// What is known of a segment at its end.
    struct Ending {
        /// Its length: from its first decode time to that of the segment after it.
        let duration: MediaTime
        /// Whether it was ended without waiting for a sync sample, because none came within the longest duration allowed.
        let isForcedCut: Bool
        /// Whether its only picture is the one held from before, because the encoder sent none.
        let holdsPicture: Bool
    }
}
