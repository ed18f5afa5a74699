internal import MediaCore

/// What all renditions of a live have for one part.
struct PartSet {
    /// The primary tracks' part, whose length and place all others share.
    let primary: PartDraft
    /// The further tracks that take part in the whole segment, video first, by number, with their samples in this part.
    var further: [TrackRun] = []
    /// Whether EXT-X-DISCONTINUITY stands before the segment in every rendition: the primary's segment starts an epoch, or a
    /// further track has come, gone or changed its configuration.
    var startsEpoch: Bool
    /// How much media of the primary tracks has come since the part ended; below zero where its end is foretold.
    var age = MediaTime.zero
}

/// The moment of a primary part's beginning or end, by which the further tracks are cut.
///
/// Encoders with other numbers of B-pictures show the same IDR picture at the same time but decode it earlier or later.
struct Boundary {
    /// On the decoding timeline, where parts follow each other.
    let decodeTime: MediaTime
    /// When the sync picture that stands here in the primary track is shown, if a segment begins here.
    let presentationTime: MediaTime
    /// Whether a segment begins here, not only a part: then the further tracks should have a sync picture here too.
    let separatesSegments: Bool
}

extension PartDraft {
    /// Where the segment begins.
    var segmentBeginning: Boundary { boundary(at: parent.start, separatesSegments: true) }

    /// Where the part ends; a picture that begins the next segment is taken to be shown as much later as this one's first.
    var end: Boundary { boundary(at: start + duration, separatesSegments: ending != nil) }

    private func boundary(at time: MediaTime, separatesSegments: Bool) -> Boundary {
        Boundary(
            decodeTime: time,
            presentationTime: time + parent.compositionOffset,
            separatesSegments: separatesSegments
        )
    }
}
