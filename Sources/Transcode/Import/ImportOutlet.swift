internal import MediaCore
internal import NIOCore

/// Where the access units of a file's tracks meet, on their way into the packager: read and transcoded ones alike.
///
/// - What comes before every track is known waits, so that all are announced first and numbered without holes.
/// - Times count from where the file begins to be shown.
/// - Pictures from before the first sync picture are left out: nothing can be made of them.
/// - Pictures that an edit list cuts off but that others refer to are decoded in no time at all.
final class ImportOutlet: AccessUnitSink {
    fileprivate enum Item {
        case track(Track)
        case unit(AccessUnit)
    }

    /// The most pictures cut off in front of one that is kept: the longest group of pictures believed.
    private static let maximumHidden = 1200

    private let sink: any AccessUnitSink
    /// The tracks in the order in which they are to be numbered.
    private let order: [TrackID]
    private var waiting: [Item] = []
    /// The bytes that wait.
    private(set) var waitingBytes = 0
    private var isOpen = false
    private var numbers: [TrackID: TrackID] = [:]
    private var configured: Set<TrackID> = []
    private var started: Set<TrackID> = []
    private var hidden: [TrackID: [AccessUnit]] = [:]
    private var clock: ClockRepair
    private var start: MediaTime?
    /// The tracks as the packager knows them.
    private(set) var tracks: [Track] = []
    /// Pictures from before the first sync picture.
    private(set) var undecodableUnits = 0
    /// How far the media has come.
    private(set) var position = MediaTime.zero

    /// An outlet.
    ///
    /// - Parameters:
    ///   - sink: where everything goes.
    ///   - order: all tracks that may come.
    ///   - start: where the file begins to be shown, if it says so.
    ///   - mayJump: whether its clock may jump.
    init(into sink: any AccessUnitSink, order: [TrackID], start: MediaTime?, mayJump: Bool) {
        self.sink = sink
        self.order = order
        self.start = start
        clock = ClockRepair(mayJump: mayJump)
    }

    /// How often the file's clock has jumped.
    var clockJumps: Int { clock.jumps }

    /// Whether every track has told how it is coded.
    var knowsAllTracks: Bool { order.allSatisfy(configured.contains) }

    /// Whether any track has.
    var knowsAnyTrack: Bool { !configured.isEmpty }

    func configure(_ track: Track) {
        configured.insert(track.id)
        guard isOpen else { return waiting.append(.track(track)) }
        let labelled = Track(id: number(track.id), configuration: track.configuration, labels: track.labels)
        if let index = tracks.firstIndex(where: { $0.id == labelled.id }) {
            tracks[index] = labelled
        } else {
            tracks.append(labelled)
        }
        sink.configure(labelled)
    }

    func receive(_ unit: AccessUnit) {
        guard isOpen else {
            waitingBytes += unit.payload.readableBytes
            return waiting.append(.unit(unit))
        }
        release(unit)
    }

    func receive(_ metadata: TimedMetadata) {}

    /// A picture or a sound that is decoded and not shown or heard.
    ///
    /// Of sound, what comes right before the first that is heard is kept: a decoder needs it to begin.
    func receiveHidden(_ unit: AccessUnit) {
        guard unit.trackID.kind == .video else { return hidden[unit.trackID] = [unit] }
        var units = hidden[unit.trackID] ?? []
        // One that others can be decoded from makes all before it superfluous.
        if unit.isSync { units = [] }
        if units.count < Self.maximumHidden { units.append(unit) }
        hidden[unit.trackID] = units
    }

    func finish(_ end: PublishEnd) { open() }

    /// Lets everything go on, with the tracks that are known by now.
    func open() {
        guard !isOpen else { return }
        isOpen = true
        for id in order where configured.contains(id) { _ = number(id) }
        if start == nil { start = waiting.compactMap(\.unit).map { $0.decodeTime + $0.compositionOffset }.min() }
        let items = waiting
        (waiting, waitingBytes) = ([], 0)
        // All first configurations come before any access unit.
        var announced: Set<TrackID> = []
        for case .track(let track) in items where announced.insert(track.id).inserted { configure(track) }
        for item in items {
            switch item {
            case .track(let track):
                if !announced.contains(track.id) || !tracks.contains(where: same(track)) { configure(track) }
            case .unit(let unit): release(unit)
            }
        }
    }

    /// What a time of the file is from where it begins to be shown.
    func time(of time: MediaTime) -> MediaTime { time - (start ?? .zero) }

    private func same(_ track: Track) -> (Track) -> Bool {
        { [numbers] in $0.id == numbers[track.id] && $0.configuration == track.configuration }
    }

    /// Whether anything came of a track.
    func hasNumber(_ id: TrackID) -> Bool { numbers[id] != nil }

    /// Numbers begin at 0 within a kind, in the order in which tracks are listed.
    private func number(_ id: TrackID) -> TrackID {
        if let known = numbers[id] { return known }
        let next = TrackID(id.kind, index: UInt8(clamping: numbers.keys.filter { $0.kind == id.kind }.count))
        numbers[id] = next
        return next
    }

    private func release(_ unit: AccessUnit) {
        if unit.trackID.kind == .video, !started.contains(unit.trackID) {
            guard unit.isSync || hidden[unit.trackID]?.first?.isSync == true else {
                undecodableUnits += 1
                return
            }
            started.insert(unit.trackID)
        }
        for unit in takeHidden(before: unit) { send(unit) }
        send(unit)
    }

    private func send(_ unit: AccessUnit) {
        let offset = clock.offset(of: unit.trackID, at: unit.decodeTime) - (start ?? .zero)
        let time = unit.decodeTime + offset
        position = max(position, time)
        sink.receive(
            AccessUnit(
                trackID: number(unit.trackID),
                decodeTime: time,
                compositionOffset: unit.compositionOffset,
                isSync: unit.isSync,
                payload: unit.payload,
                sampleCount: unit.sampleCount,
                duration: unit.duration
            )
        )
    }

    /// The pictures that are only decoded: each lasts a tick of 90 kHz, all are over when the next picture is decoded, and
    /// none is shown after what would be the last of them.
    private func takeHidden(before next: AccessUnit) -> [AccessUnit] {
        guard let units = hidden.removeValue(forKey: next.trackID) else { return [] }
        guard next.trackID.kind == .video else {
            return units.filter { next.decodeTime - $0.decodeTime < .milliseconds(150) }
        }
        guard !next.isSync else { return [] }
        let tick: Int64 = 11_112
        let shown = units.map { $0.decodeTime + $0.compositionOffset }
        let end = min(shown.max() ?? next.decodeTime, next.decodeTime + next.compositionOffset)
        let ranks = units.indices.sorted { shown[$0] < shown[$1] }.enumerated().reduce(into: [Int: Int]()) {
            $0[$1.1] = $1.0
        }
        return units.enumerated().map { index, unit in
            let decoded = MediaTime(nanoseconds: next.decodeTime.nanoseconds - Int64(units.count - index) * tick)
            let rank = ranks[index] ?? index
            let shown = MediaTime(nanoseconds: end.nanoseconds - Int64(units.count - rank) * tick)
            return AccessUnit(
                trackID: unit.trackID,
                decodeTime: decoded,
                compositionOffset: shown - decoded,
                isSync: unit.isSync,
                payload: unit.payload
            )
        }
    }
}

extension ImportOutlet.Item {
    fileprivate var unit: AccessUnit? {
        if case .unit(let unit) = self { return unit }
        return nil
    }
}
