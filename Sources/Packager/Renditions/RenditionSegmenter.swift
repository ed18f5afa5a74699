internal import MediaCore
internal import NIOCore

/// Cuts the media of one publish, however many tracks it has, into the parts of all its renditions.
///
/// ```
///                         primary   +-----------+   parts   +---------------------+
///  access    +---------+ ---------> | Segmenter | --------> |                     |  sets
///  units --> | Track-  |            +-----------+           | RenditionAssembler  | ------>
///            | Ranking | ---------------------------------> |                     |
///            +---------+  further, placed on the timeline   +---------------------+
/// ```
///
/// A publish with one track of each kind costs no more than the ``Segmenter`` alone.
struct RenditionSegmenter: ~Copyable {
    /// How many tracks a publish may have: more than encoders offer (OBS 6 of sound, and as many of video), fewer than
    /// the 512 that Enhanced RTMP can number, because each one costs a rendition's worth of memory.
    static let maximumTracks = 16

    private(set) var primary: Segmenter
    /// Tracks that were more than ``maximumTracks``.
    private(set) var refusedTracks: Set<TrackID> = []

    private var announced = TrackTable<Track>()
    private var ranking = TrackRanking()
    private var assembler = RenditionAssembler()
    private var early = EarlyUnits()

    /// A segmenter for one publish.
    init(_ primary: consuming Segmenter) { self.primary = primary }

    /// Access units that no segment has, because there were too many or they came too late.
    var droppedAccessUnits: Int { primary.droppedAccessUnits + assembler.lostSamples }

    /// Takes the configuration that a track has from now on.
    mutating func configure(_ track: Track) {
        guard announced[track.id] != nil || announced.ids.count < Self.maximumTracks else {
            refusedTracks.insert(track.id)
            return
        }
        announced[track.id] = track
        let kind = track.id.kind
        if ranking.hasPrimary(kind) {
            if ranking.label(track.id).index == 0 { configurePrimary(track) }
        } else if let lowest = announced.values.filter({ $0.id.kind == kind }).min(by: { $0.id.index < $1.id.index }) {
            // What is announced is waited for, even before it is known which track will deliver.
            configurePrimary(lowest)
        }
    }

    /// Takes one access unit.
    ///
    /// - Returns: the parts that are finished with it.
    mutating func receive(_ unit: AccessUnit) -> [PartSet] {
        guard let track = announced[unit.trackID] else { return [] }
        switch ranking.receive(unit.trackID, at: unit.decodeTime) {
        case .primary:
            return receivePrimary(unit)
        case .elected(let reassigned):
            for label in reassigned where label.index != 0 {
                assembler.forget(label)
                primary.rejoin(label)
            }
            configurePrimary(track)
            return (early.take(unit.trackID) + [unit]).flatMap { receivePrimary($0) }
        case .waiting:
            early.hold(unit)
            return []
        case .further:
            guard primary.hasBegun else {
                early.hold(unit)
                return []
            }
            receiveFurther(unit, of: track)
            return primary.leadingTime.map { assembler.take(at: $0) } ?? []
        }
    }

    /// Takes note that nothing more of a track will come for now: it is not waited for, and another one takes the place of a
    /// primary track.
    mutating func leave(_ id: TrackID) {
        let label = ranking.label(id)
        ranking.leave(id)
        guard label.index != 0 else { return }
        assembler.leave(label)
        primary.rejoin(label)
    }

    /// Ends the segment that is being filled, and all that wait.
    mutating func finish() -> [PartSet] {
        for draft in primary.finish() { assembler.append(draft) }
        return assembler.finish()
    }

    private mutating func configurePrimary(_ track: Track) {
        primary.configure(track.labelled(TrackID(track.id.kind)))
    }

    private mutating func receivePrimary(_ unit: AccessUnit) -> [PartSet] {
        let drafts = primary.receive(unit.trackID.index == 0 ? unit : unit.labelled(TrackID(unit.trackID.kind)))
        if !early.isEmpty { releaseEarlyUnits() }
        guard !assembler.isIdle else {
            return drafts.map { PartSet(primary: $0, startsEpoch: $0.parent.startsEpoch, age: $0.age) }
        }
        for draft in drafts { assembler.append(draft) }
        return primary.leadingTime.map { assembler.take(at: $0) } ?? []
    }

    private mutating func receiveFurther(_ unit: AccessUnit, of track: Track) {
        let label = ranking.label(track.id)
        let labelled = track.labelled(label)
        let (sample, timescale, missing) = primary.placeBeside(unit.labelled(label), of: labelled)
        assembler.append(sample, of: labelled, timescale: timescale, missing: missing)
    }

    private mutating func releaseEarlyUnits() {
        guard primary.hasBegun else { return }
        for id in early.tracks where ranking.hasPrimary(id.kind) {
            guard let track = announced[id] else { continue }
            for unit in early.take(id) { receiveFurther(unit, of: track) }
        }
    }
}

/// The newest access units of tracks whose part in the live is not decided yet.
private struct EarlyUnits {
    /// How much media of a track is kept.
    private static let longest = TrackRanking.patience
    /// How many access units of a track are kept: a second has fewer of any kind.
    private static let maximumCount = 512
    /// How many bytes are kept: a second at 128 Mb/s.
    private static let maximumBytes = 16 << 20

    private var units: [TrackID: [AccessUnit]] = [:]
    private var byteCount = 0

    var isEmpty: Bool { units.isEmpty }
    var tracks: [TrackID] { Array(units.keys) }

    mutating func hold(_ unit: AccessUnit) {
        byteCount += unit.payload.readableBytes
        units[unit.trackID, default: []].append(unit)
        while let first = units[unit.trackID]?.first, let count = units[unit.trackID]?.count,
            count > Self.maximumCount || byteCount > Self.maximumBytes
                || unit.decodeTime - first.decodeTime > Self.longest
        {
            byteCount -= first.payload.readableBytes
            units[unit.trackID]?.removeFirst()
        }
    }

    mutating func take(_ id: TrackID) -> [AccessUnit] {
        let taken = units.removeValue(forKey: id) ?? []
        byteCount -= taken.reduce(0) { $0 + $1.payload.readableBytes }
        return taken
    }
}

extension AccessUnit {
    /// The same access unit under another track's number.
    func labelled(_ id: TrackID) -> AccessUnit {
        guard id != trackID else { return self }
        return AccessUnit(
            trackID: id,
            decodeTime: decodeTime,
            compositionOffset: compositionOffset,
            isSync: isSync,
            payload: payload,
            sampleCount: sampleCount,
            duration: duration
        )
    }
}

extension Track {
    /// The same track under another one's number.
    func labelled(_ id: TrackID) -> Track {
        id == self.id ? self : Track(id: id, configuration: configuration, labels: labels)
    }
}
