// Cuts further tracks where the primary ones are cut. Pure: drafts and samples in, sets of parts out.
//
// Invariants, named by the tests:
// 1. All renditions have the same segments and parts: number, length, place and discontinuities are the primary's, because
//    there is one set for each of its drafts.
// 2. A further track takes part in a segment with one configuration and from its beginning to its end, or not at all. That is
//    decided with the first part; a track that stops later leaves the rest of its segment without samples.
// 3. When the tracks that take part, or their configurations, change from one segment to the next, there is a
//    discontinuity in every rendition, and every track begins anew with a sync sample.
// 4. Within a track samples go on, none doubled. Lost are only those before a track's first sync sample, those that come
//    after their segment was given away, and those that are more than may be held.
// 5. A draft waits for the further tracks no longer than `longestWait` of the primary's media; what is held is bounded by
//    `maximumHeldBytes`.

internal import MediaCore

/// Gives the parts of all renditions of a live, from those of its primary tracks and the samples of the further ones.
struct RenditionAssembler {
    /// How much media of the primary tracks may come before a part goes without what a further track is late with.
    ///
    /// Encoders interleave their tracks within a few pictures.
    static let longestWait = MediaTime.milliseconds(500)
    /// The bytes that all further tracks hold at most: what one segment may have.
    static let maximumHeldBytes = Segmenter.maximumSegmentBytes

    private var tracks: [TrackID: FurtherTrack] = [:]
    /// The primary's parts that wait for further tracks.
    private var pending: [PartDraft] = []
    /// The further tracks that take part in the segment of the last set, and in the one before it.
    private var members: Set<TrackID> = []
    /// Whether the segment of the last set starts an epoch.
    private var startsEpoch = false

    /// Whether there is nothing but the primary tracks.
    var isIdle: Bool { tracks.isEmpty }

    /// Samples of further tracks that no segment has.
    var lostSamples: Int { tracks.values.reduce(0) { $0 + $1.lostSamples } }

    /// Takes a sample of a further track.
    mutating func append(_ sample: Sample, of track: Track, timescale: Int64, missing: Int64) {
        tracks[track.id, default: FurtherTrack(kind: track.id.kind)]
            .append(sample, of: track, timescale: timescale, missing: missing)
        if tracks.values.reduce(0, { $0 + $1.heldBytes }) > Self.maximumHeldBytes { tracks[track.id]?.clear() }
    }

    /// Gives up what a track has, because its number goes to another one.
    mutating func forget(_ id: TrackID) { tracks[id]?.clear() }

    /// Takes note that nothing more of a track will come for now: no part waits for it.
    mutating func leave(_ id: TrackID) { tracks[id]?.pause() }

    /// Takes the primary's next part.
    mutating func append(_ draft: PartDraft) { pending.append(draft) }

    /// Gives the parts that are ready, or have waited long enough.
    ///
    /// - Parameter now: how far the primary's media has come.
    /// - Returns: the sets, in order.
    mutating func take(at now: MediaTime) -> [PartSet] {
        var sets: [PartSet] = []
        while let draft = pending.first, isReady(draft, at: now) {
            pending.removeFirst()
            sets.append(assemble(draft, age: max(.zero, now - draft.end.decodeTime), isLast: false))
        }
        return sets
    }

    /// Gives all parts that are left, when the publish ends.
    mutating func finish() -> [PartSet] {
        let drafts = pending
        pending = []
        return drafts.enumerated().map { assemble($1, age: .zero, isLast: $0 == drafts.count - 1) }
    }

    private func isReady(_ draft: PartDraft, at now: MediaTime) -> Bool {
        let end = draft.end
        if now - end.decodeTime >= Self.longestWait { return true }
        return tracks.allSatisfy { id, track in
            // Within a segment only its members matter.
            let isAwaited = draft.isFirst || draft.ending != nil ? track.isExpected : members.contains(id)
            return !isAwaited || track.isComplete(until: end)
        }
    }

    private mutating func assemble(_ draft: PartDraft, age: MediaTime, isLast: Bool) -> PartSet {
        if draft.isFirst { beginSegment(with: draft) }
        let end = draft.end
        var runs: [TrackRun] = []
        for id in tracks.keys {
            if members.contains(id),
                let run = tracks[id]?.take(until: end, lasting: draft.duration, drains: isLast, isFirst: draft.isFirst)
            {
                runs.append(run)
            } else {
                members.remove(id)
                if draft.ending != nil { tracks[id]?.leave(until: end) }
            }
        }
        runs.sort { Self.precedes($0.track.id, $1.track.id) }
        return PartSet(primary: draft, further: runs, startsEpoch: startsEpoch, age: age)
    }

    /// Decides which tracks take part in a segment.
    private mutating func beginSegment(with draft: PartDraft) {
        let (start, end) = (draft.segmentBeginning, draft.end)
        let continuing = Set(tracks.filter { $0.value.continues(until: end) }.keys)
        let joining = tracks.filter { id, track in
            draft.parent.isIndependent && !continuing.contains(id) && track.canBegin(from: start, to: end)
        }.keys
        startsEpoch = draft.parent.startsEpoch || !joining.isEmpty || continuing != members
        members = continuing.union(joining)
        guard startsEpoch else { return }
        for id in members where tracks[id]?.begin(from: start, to: end) != true { members.remove(id) }
    }

    /// Video first, then by number.
    private static func precedes(_ left: TrackID, _ right: TrackID) -> Bool {
        (left.kind == .video ? 0 : 1, left.index) < (right.kind == .video ? 0 : 1, right.index)
    }
}
