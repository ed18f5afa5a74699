internal import MediaCore

/// Keeps a file's times going on where its clock jumps, as those of broadcasts and of files that were put together do.
///
/// All tracks go on with the same offset, so that sound and picture stay together: the first track that comes behind the jump
/// says how far it is, and the others follow when they jump the same way.
struct ClockRepair {
    /// A clock that steps back further than this has jumped; less is disorder, which the packager straightens.
    static let largestStepBack = MediaTime.milliseconds(1000)
    /// In containers whose clock may jump, a step further than this is a jump: ffmpeg's own limit.
    static let largestStepOfBroadcast = MediaTime.milliseconds(10_000)
    /// In the others nothing but nonsense steps this far.
    static let largestStep = MediaTime.milliseconds(6 * 3_600_000)

    /// How often the clock has jumped.
    private(set) var jumps = 0
    private let largestStepForward: MediaTime
    private var offsets: [TrackID: MediaTime] = [:]
    private var last: [TrackID: MediaTime] = [:]
    private var newest = MediaTime.zero

    init(mayJump: Bool) {
        largestStepForward = mayJump ? Self.largestStepOfBroadcast : Self.largestStep
    }

    /// What to add to the times of a track's next access unit.
    ///
    /// - Parameters:
    ///   - id: the track.
    ///   - time: its decode time in the file.
    /// - Returns: the offset.
    mutating func offset(of id: TrackID, at time: MediaTime) -> MediaTime {
        var offset = offsets[id] ?? newest
        if let before = last[id] {
            if !continues(time + offset, before) { offset = newest }
            if !continues(time + offset, before) {
                offset = before + .milliseconds(20) - time
                newest = offset
                jumps += 1
            }
        }
        offsets[id] = offset
        last[id] = time + offset
        return offset
    }

    private func continues(_ time: MediaTime, _ before: MediaTime) -> Bool {
        let step = time - before
        return step <= largestStepForward && step.nanoseconds >= -Self.largestStepBack.nanoseconds
    }
}
