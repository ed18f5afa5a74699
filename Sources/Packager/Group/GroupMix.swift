// Makes one publish of several: pure, media of the members in, media of the live out.
//
// Invariants, named by the tests:
// 1. A track of the live is always the same track of the same member's place; no two have one number.
// 2. Sound and what encoders say at a moment come from one member at a time.
// 3. All that comes out is on one clock, that of the first member, and a track is announced before its first access unit.
// 4. After a member has left, nothing of it comes out until it has begun again.

internal import MediaCore

/// The tracks, the sound and the clock of a live that several members publish.
struct GroupMix {
    /// What the live's packager is told.
    enum Output {
        /// A track has this configuration from now on.
        case configure(Track)
        /// An access unit.
        case unit(AccessUnit)
        /// Something that an encoder said.
        case metadata(TimedMetadata)
        /// Nothing more of a track will come for now.
        case leave(TrackID)
        /// A track is left out because its number is too high.
        case refused
    }

    private struct Member {
        /// Grows from each member to the next.
        let seniority: Int
        var clock = MemberClock()
        /// When it last sent an access unit.
        var lastArrival: ContinuousClock.Instant?
        /// The configurations of its tracks, by its own numbers.
        var tracks: [TrackID: Track] = [:]
    }

    /// After this long without an access unit a member tells nobody the time.
    private static let longestPause = Duration.seconds(1)

    private let numbering: GroupNumbering
    private var memberCount = 0
    /// By their places.
    private var members: [Int: Member] = [:]
    private var sound = SoundChoice()
    /// The member that events come from.
    private var speaker: Int?
    /// What was announced downstream, by the live's numbers.
    private var announced: [TrackID: Track] = [:]

    init(_ numbering: GroupNumbering) { self.numbering = numbering }

    /// Whether nobody publishes.
    var isEmpty: Bool { members.isEmpty }

    /// Takes a member in.
    mutating func begin(_ place: Int) {
        memberCount += 1
        members[place] = Member(seniority: memberCount)
    }

    /// Takes a member's track.
    mutating func configure(_ track: Track, of place: Int) -> [Output] {
        members[place]?.tracks[track.id] = track
        guard track.id.kind == .video || sound.member == place else { return [] }
        return announce(track, of: place)
    }

    /// Takes an access unit of a member that arrives at a moment.
    mutating func receive(_ unit: AccessUnit, from place: Int, at moment: ContinuousClock.Instant) -> [Output] {
        guard members[place]?.tracks[unit.trackID] != nil else { return [] }
        members[place]?.lastArrival = moment
        let now = senior(beside: place, at: moment) { $0.newest }
        let keyframes = senior(beside: place, at: moment) { $0.keyframes.isEmpty ? nil : $0.keyframes }
        let units = members[place]?.clock.receive(unit, now: now, keyframes: keyframes ?? []) ?? []
        return units.flatMap { placed($0, from: place) }
    }

    /// What the clock of the longest-serving other member says that can say it, and is not in a pause.
    private func senior<Value>(
        beside place: Int,
        at moment: ContinuousClock.Instant,
        _ value: (MemberClock) -> Value?
    ) -> Value? {
        guard members.count > 1 else { return nil }
        var found: (seniority: Int, value: Value)?
        for (other, member) in members where other != place {
            guard let arrival = member.lastArrival, moment - arrival <= Self.longestPause,
                member.seniority < found?.seniority ?? .max, let value = value(member.clock)
            else { continue }
            found = (member.seniority, value)
        }
        return found?.value
    }

    /// Takes what a member's encoder said at a moment.
    mutating func receive(_ metadata: TimedMetadata, from place: Int) -> [Output] {
        guard let time = members[place]?.clock.time(of: metadata.time) else { return [] }
        speaker = speaker ?? place
        guard speaker == place else { return [] }
        return [.metadata(TimedMetadata(name: metadata.name, time: time, json: metadata.json))]
    }

    /// Lets a member go.
    mutating func end(_ place: Int) -> [Output] {
        guard let member = members.removeValue(forKey: place) else { return [] }
        if speaker == place { speaker = nil }
        let hadSound = sound.member == place
        let successor = sound.leave(place)
        let gone = member.tracks.keys.filter { $0.kind == .video || (hadSound && successor == nil) }
        var outputs: [Output] = gone.compactMap { numbering.number(of: $0, from: place) }.map { .leave($0) }
        if let successor {
            outputs += changeSound(from: member, to: successor.member, successor.units)
        }
        return outputs
    }

    // MARK: - Within

    private mutating func placed(_ unit: AccessUnit, from place: Int) -> [Output] {
        guard unit.trackID.kind == .audio else { return output(unit, from: place) }
        let former = sound.member.flatMap { members[$0] }
        return switch sound.receive(unit, from: place) {
        case .take: output(unit, from: place)
        case .change(let units): changeSound(from: former, to: place, units)
        case .leave: []
        }
    }

    /// Lets the sound of another member go on where that of the former one stopped.
    private mutating func changeSound(from former: Member?, to place: Int, _ units: [AccessUnit]) -> [Output] {
        let tracks = members[place]?.tracks.values.filter { $0.id.kind == .audio } ?? []
        let missing = former?.tracks.keys.filter { id in id.kind == .audio && !tracks.contains { $0.id == id } } ?? []
        var outputs: [Output] = missing.map { .leave($0) }
        for track in tracks { outputs += announce(track, of: place) }
        for unit in units { outputs += output(unit, from: place) }
        return outputs
    }

    private func output(_ unit: AccessUnit, from place: Int) -> [Output] {
        guard let id = numbering.number(of: unit.trackID, from: place) else { return [] }
        return [.unit(unit.labelled(id))]
    }

    private mutating func announce(_ track: Track, of place: Int) -> [Output] {
        guard let id = numbering.number(of: track.id, from: place) else { return [.refused] }
        let labelled = track.labelled(id)
        guard announced[id] != labelled else { return [] }
        announced[id] = labelled
        return [.configure(labelled)]
    }
}

/// Which numbers the tracks of a group's members have in the live.
///
/// The first video tracks of all members come first, in the order of the endings; so the best one that delivers is the
/// primary track. After them come the members' second ones, and so on. Sound is of one member at a time and keeps its
/// numbers.
struct GroupNumbering {
    /// How many endings there are: as many places, and one more for the live's own name.
    let endingCount: Int
    /// Whether the publish of the live's own name comes before the others, because it began the live.
    let isLedByOwnName: Bool

    /// The number of a member's track; `nil` for one that is beyond the range of numbers.
    func number(of id: TrackID, from place: Int) -> TrackID? {
        guard id.kind == .video else { return id }
        let stride = endingCount + 1
        let rank = isLedByOwnName ? (place + 1) % stride : place
        return UInt8(exactly: rank + Int(id.index) * stride).map { TrackID(.video, index: $0) }
    }
}
