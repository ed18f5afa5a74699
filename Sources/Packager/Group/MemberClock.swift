// Encoders that publish one live together tell the time in one of two ways: by one clock, as the outputs of one program do,
// or each by its own, which begins at 0 when it connects. The clock of a live is that of its first member; this finds what
// brings another member's times there.
//
// Times that nearly agree are one clock. Others say nothing, and the arrival decides: what arrives together belongs
// together. A network is late by turns and never early, so the fastest access units of a second count. That is good for some
// tenths of a second; within these the keyframes decide, because a group's variants are cut at keyframes that they share.
// They also decide the last few hundredths of one clock: ffmpeg lets each output begin at 0, be it with a picture that is
// shown two pictures later or with one that is not.

internal import MediaCore
internal import NIOCore

/// Places the access units of one member of a group on the group's clock.
struct MemberClock {
    /// Clocks of one program differ by no more than this, when its encoders are equally quick.
    static let agreement = MediaTime.milliseconds(500)
    /// A clock that has been running for longer than this does not agree with another by chance...
    static let beginning = MediaTime.milliseconds(10_000)
    /// ...to within this; and a step that is longer is a jump.
    static let longestDistance = MediaTime.milliseconds(2000)
    /// How long a member with a clock of its own is watched before it is placed.
    static let observation = MediaTime.milliseconds(1000)
    /// How far keyframes move a member with a clock of its own: about as well as its arrival tells the time, and together a
    /// second, so that keyframes every second always meet.
    ///
    /// What is moved back is late ever after, so that is less than the others wait for it.
    static let corrections = MediaTime.milliseconds(-300)...MediaTime.milliseconds(700)
    /// How far keyframes move a member that has the group's clock.
    static let correctionsOfOneClock =
        MediaTime.zero - FurtherTrack.alignmentTolerance...FurtherTrack.alignmentTolerance
    /// How long a member that has the group's clock waits for a keyframe that others have too.
    static let wait = MediaTime.milliseconds(500)
    /// What is held of a member that is being watched.
    private static let maximumHeldUnits = 2048
    private static let maximumHeldBytes = 16 << 20
    private static let keyframesRemembered = 4

    /// What brings the member's times to the group's clock; `nil` while it is watched.
    private(set) var shift: MediaTime?
    /// The newest decode time, on the group's clock.
    private(set) var newest: MediaTime?
    /// When the newest keyframes are shown, on the group's clock.
    private(set) var keyframes: [MediaTime] = []

    private var held: [AccessUnit] = []
    private var heldBytes = 0
    /// The group's time when the watching began.
    private var watchedSince: MediaTime?
    /// Whether it began with a time that agrees.
    private var isOneClock = false
    /// How far the fastest access unit lay behind the group's time.
    private var shortestDistance: MediaTime?
    /// The newest access unit of each track.
    private var last: [TrackID: Last] = [:]

    private struct Last {
        var encoderTime: MediaTime
        var time: MediaTime
        var step = MediaTime.zero
    }

    /// Takes an access unit.
    ///
    /// - Parameters:
    ///   - unit: the access unit, with the time of its encoder.
    ///   - now: the newest time of another member; `nil` when there is none, and this one's clock is the group's.
    ///   - others: when their newest keyframes are shown.
    /// - Returns: what can be placed now, with the group's time.
    mutating func receive(_ unit: AccessUnit, now: MediaTime?, keyframes others: [MediaTime]) -> [AccessUnit] {
        if let shift {
            guard let now, let goingOn = shiftGoingOn(with: unit), !Self.isNear(unit.decodeTime + shift, now) else {
                return [place(unit, bounded(shift, unit))]
            }
            if Self.isNear(unit.decodeTime + goingOn, now) {
                self.shift = goingOn
                return [place(unit, goingOn)]
            }
            self.shift = nil
            newest = nil
            keyframes = []
        }
        hold(unit)
        guard let now else { return settle(.zero) }
        let since = watchedSince ?? now
        if watchedSince == nil { isOneClock = Self.agrees(unit.decodeTime, now) }
        watchedSince = since
        let elapsed = MediaTime(nanoseconds: abs((now - since).nanoseconds))
        if isOneClock {
            let correction = correction(of: .zero, towards: others, within: Self.correctionsOfOneClock)
            guard correction != nil || elapsed >= Self.wait || isFull else { return [] }
            return settle(correction ?? .zero, around: now)
        }
        let distance = now - unit.decodeTime
        let shortest = min(shortestDistance ?? distance, distance)
        shortestDistance = shortest
        guard elapsed >= Self.observation || isFull else { return [] }
        let correction = correction(of: shortest, towards: others, within: Self.corrections)
        return settle(shortest + (correction ?? .zero), around: now)
    }

    /// Where something that the encoder said belongs; `nil` while that is not known.
    func time(of encoderTime: MediaTime) -> MediaTime? { shift.map { encoderTime + $0 } }

    // MARK: - Within

    /// A member gives up what it was moved by rather than leave the range of times.
    private mutating func bounded(_ shift: MediaTime, _ unit: AccessUnit) -> MediaTime {
        guard abs((unit.decodeTime + shift).nanoseconds) > MediaTime.limit.nanoseconds else { return shift }
        self.shift = .zero
        return .zero
    }

    private static func isNear(_ left: MediaTime, _ right: MediaTime) -> Bool {
        abs((left - right).nanoseconds) <= longestDistance.nanoseconds
    }

    private static func agrees(_ time: MediaTime, _ now: MediaTime) -> Bool {
        let distance = abs((time - now).nanoseconds)
        return distance <= agreement.nanoseconds || time >= beginning && distance <= longestDistance.nanoseconds
    }

    private var isFull: Bool { held.count >= Self.maximumHeldUnits || heldBytes >= Self.maximumHeldBytes }

    private mutating func hold(_ unit: AccessUnit) {
        held.append(unit)
        heldBytes += unit.payload.readableBytes
    }

    /// Ends the watching, and places what was held; what is far from the group's time was of another clock.
    private mutating func settle(_ shift: MediaTime, around now: MediaTime? = nil) -> [AccessUnit] {
        self.shift = shift
        last = [:]
        let units = held.filter { unit in now.map { Self.isNear(unit.decodeTime + shift, $0) } ?? true }
        held = []
        heldBytes = 0
        watchedSince = nil
        shortestDistance = nil
        return units.map { place($0, shift) }
    }

    private mutating func place(_ unit: AccessUnit, _ shift: MediaTime) -> AccessUnit {
        let time = unit.decodeTime + shift
        let step = last[unit.trackID].map { time - $0.time }
        last[unit.trackID] = Last(encoderTime: unit.decodeTime, time: time, step: max(step ?? .zero, .zero))
        newest = time
        if unit.trackID.kind == .video, unit.isSync {
            keyframes = keyframes.suffix(Self.keyframesRemembered - 1) + [time + unit.compositionOffset]
        }
        return unit.placed(at: time)
    }

    /// What lets a track whose clock has jumped go on where it was; `nil` for one whose clock has not.
    private func shiftGoingOn(with unit: AccessUnit) -> MediaTime? {
        guard let last = last[unit.trackID] else { return nil }
        let step = unit.decodeTime - last.encoderTime
        guard step > Self.longestDistance || step.nanoseconds < -TrackTimeline.largestStepBack.nanoseconds else {
            return nil
        }
        return last.time + last.step - unit.decodeTime
    }

    /// How much later keyframes must be to meet those of the others; `nil` when none is near.
    private func correction(
        of shift: MediaTime,
        towards others: [MediaTime],
        within range: ClosedRange<MediaTime>
    ) -> MediaTime? {
        var moments = others
        if let newest = others.last, others.count > 1 { moments.append(newest + (newest - others[others.count - 2])) }
        let own = held.filter { $0.trackID.kind == .video && $0.isSync }.map {
            $0.decodeTime + $0.compositionOffset + shift
        }
        return own.flatMap { time in moments.map { $0 - time } }.filter(range.contains)
            .min { abs($0.nanoseconds) < abs($1.nanoseconds) }
    }
}

extension AccessUnit {
    /// The same access unit at another time.
    fileprivate func placed(at time: MediaTime) -> AccessUnit {
        guard time != decodeTime else { return self }
        return AccessUnit(
            trackID: trackID,
            decodeTime: time,
            compositionOffset: compositionOffset,
            isSync: isSync,
            payload: payload,
            sampleCount: sampleCount
        )
    }
}
