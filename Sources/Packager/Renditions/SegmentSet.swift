internal import MediaCore

/// What all renditions of a live have for one Media Sequence Number.
struct SegmentSet {
    /// The primary tracks' segment, whose length and place all others share.
    let primary: SegmentDraft
    /// The samples of the further tracks that have some for the whole of this segment, video first, by number.
    var further: [TrackRun] = []
    /// Whether EXT-X-DISCONTINUITY stands before it in every rendition: the primary's segment starts an epoch, or a further
    /// track has come, gone or changed its configuration.
    var startsEpoch: Bool
    /// How much media of the primary tracks has come since the segment ended.
    var age = MediaTime.zero
}

/// The moment of a primary segment's beginning or end, by which the further tracks are cut.
///
/// Encoders with other numbers of B-pictures show the same IDR picture at the same time but decode it earlier or later.
struct Boundary {
    /// On the decoding timeline, where segments follow each other.
    let decodeTime: MediaTime
    /// When the sync picture that stands here in the primary track is shown.
    let presentationTime: MediaTime
}

extension SegmentDraft {
    /// Where the segment begins.
    var beginning: Boundary { boundary(at: start) }

    /// Where the segment ends; the picture that follows is taken to be as far from its decode time as the first one.
    var end: Boundary { boundary(at: start + duration) }

    private func boundary(at time: MediaTime) -> Boundary {
        guard let run = runs.first, run.track.id.kind == .video, let first = run.samples.first else {
            return Boundary(decodeTime: time, presentationTime: time)
        }
        let offset = MediaTime(ticks: first.compositionOffset, timescale: run.timescale)
        return Boundary(decodeTime: time, presentationTime: time + offset)
    }
}
