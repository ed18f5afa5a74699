internal import MediaCore

/// The timelines of all tracks of a publish, kept together: tracks that share the encoder's clock share one offset.
///
/// One track leads: the reference track, whose sync samples end segments, or, while that one is away, the track that has
/// come furthest.
struct TimelineSet {
    /// Clocks that differ by less than this are one clock after frames went missing, not a clock that jumped.
    static let sameClock = MediaTime.milliseconds(200)

    /// A clock that steps forward further than this has jumped, and tracks further apart are on different clocks.
    private let largestStepForward: MediaTime
    private var timelines = TrackTable<TrackTimeline>()
    /// Where the tracks ended that have to join anew.
    private var endsOfLeft = TrackTable<MediaTime>()

    init(largestStepForward: MediaTime) {
        self.largestStepForward = largestStepForward
    }

    /// The timescale in force for a track, in ticks a second.
    func timescale(of id: TrackID) -> Int64 {
        timelines.index(of: id).map { timelines.values[$0].timescale } ?? TrackTimeline.videoTimescale
    }

    /// What turns the encoder's time into the live's for a track, or `nil` before its first access unit.
    func offset(of id: TrackID) -> MediaTime? { timelines.index(of: id).map { timelines.values[$0].offset } }

    /// Where the leading track ends, or `nil` before any access unit.
    func end(ledBy reference: TrackID) -> MediaTime? { leader(reference)?.end }

    /// Where a track's next access unit will be if it keeps the distance that the last ones had; `nil` where that cannot be
    /// told.
    func foretoldEnd(of id: TrackID) -> MediaTime? {
        timelines.index(of: id).flatMap { timelines.values[$0].foretoldEnd }
    }

    /// Lets a track's next access unit be placed where it is foretold to be.
    mutating func keepForetoldEnd(of id: TrackID) {
        if let index = timelines.index(of: id) { timelines.values[index].keepForetoldEnd() }
    }

    /// Places an access unit.
    ///
    /// - Parameters:
    ///   - unit: the access unit.
    ///   - track: its track, as announced.
    ///   - reference: the reference track, or `nil` before the first segment.
    ///   - position: where the live's timeline ends, for a track that nothing else can be compared with.
    /// - Returns: where it is placed, and whether the track's clock has jumped to it.
    mutating func place(
        _ unit: AccessUnit,
        of track: Track,
        reference: TrackID?,
        position: MediaTime
    ) -> (placement: TrackTimeline.Placement, isJump: Bool) {
        let time = unit.decodeTime
        guard let index = timelines.index(of: track.id) else {
            var timeline = makeTimeline(for: track, at: time, reference, position)
            let placement = timeline.place(time, sampleCount: unit.sampleCount)
            timelines[track.id] = timeline
            return (placement, false)
        }
        timelines.values[index].adopt(track.configuration)
        var isJump = false
        if timelines.values[index].hasJumped(to: time) {
            let timeline = timelines.values[index]
            let offset = offset(of: timeline, of: track, afterJumpTo: time, reference, position)
            isJump = abs((offset - timeline.offset).nanoseconds) > Self.sameClock.nanoseconds
            if isJump { timelines.values[index].anchor(to: offset) }
        }
        return (timelines.values[index].place(time, sampleCount: unit.sampleCount), isJump)
    }

    /// Lets tracks whose clocks agree with the reference track's share its offset again, so that sound and picture are as
    /// the encoder meant them.
    ///
    /// After jumps each track has gone on by itself. Those whose clocks do not agree join anew.
    mutating func align(to reference: TrackID) {
        guard let leader = timelines[reference], let now = leader.lastEncoderTime else { return }
        for id in timelines.ids where id != reference {
            guard let last = timelines[id]?.lastEncoderTime, isSameClock(last, now) else {
                if let end = timelines[id]?.end { endsOfLeft[id] = end }
                timelines[id] = nil
                continue
            }
            if let index = timelines.index(of: id) { timelines.values[index].anchor(to: leader.offset) }
        }
    }

    /// Lets a track join anew at its next access unit, on the clock of those that go on.
    mutating func leave(_ id: TrackID) { timelines[id] = nil }

    /// Takes the place of an audio track's frames that have not come until a time of the live's timeline.
    ///
    /// - Parameters:
    ///   - id: the track.
    ///   - end: where the frames end.
    ///   - lag: how far behind the track must be for that.
    /// - Returns: the decode times of the frames in ticks; none for a track that is not that far behind.
    mutating func fill(_ id: TrackID, until end: MediaTime, whenBehind lag: MediaTime) -> [Int64] {
        guard let index = timelines.index(of: id), let trackEnd = timelines.values[index].end, end - trackEnd > lag
        else { return [] }
        return timelines.values[index].fill(until: end.ticks(timescale: timelines.values[index].timescale))
    }

    private func leader(_ reference: TrackID?) -> TrackTimeline? {
        if let reference, let timeline = timelines[reference] { return timeline }
        return timelines.values.max { ($0.end ?? .zero) < ($1.end ?? .zero) }
    }

    private func isSameClock(_ left: MediaTime, _ right: MediaTime) -> Bool {
        abs((left - right).nanoseconds) <= largestStepForward.nanoseconds
    }

    private func makeTimeline(
        for track: Track,
        at time: MediaTime,
        _ reference: TrackID?,
        _ position: MediaTime
    ) -> TrackTimeline {
        TrackTimeline(
            configuration: track.configuration,
            offset: joiningOffset(of: track.id, at: time, reference, position),
            largestStepForward: largestStepForward
        )
    }

    /// A track that joins shares the leader's clock, unless its own is far off: then it joins where the leader is.
    private func joiningOffset(
        of id: TrackID,
        at time: MediaTime,
        _ reference: TrackID?,
        _ position: MediaTime
    ) -> MediaTime {
        var offset = position - time
        if let leader = leader(reference), let now = leader.lastEncoderTime {
            offset = isSameClock(time, now) ? leader.offset : (leader.end ?? position) - time
        }
        return endsOfLeft[id].map { max(offset, $0 - time) } ?? offset
    }

    /// A track whose clock jumped goes on where it was, or with the reference track when that has jumped the same way.
    private func offset(
        of timeline: TrackTimeline,
        of track: Track,
        afterJumpTo time: MediaTime,
        _ reference: TrackID?,
        _ position: MediaTime
    ) -> MediaTime {
        let goingOn = (timeline.end ?? position) - time
        guard let reference, reference != track.id else { return goingOn }
        return max(goingOn, joiningOffset(of: track.id, at: time, reference, position))
    }
}
