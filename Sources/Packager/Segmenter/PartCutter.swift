internal import MediaCore

/// How long parts are, fixed for the life of a live with its first segment (RFC 8216bis §4.4.3.7 and §4.4.4.9).
///
/// A part holds a whole number of pictures, or of audio frames where there are no pictures. How many is chosen from the
/// distance that these have in the first segment, so that every part has nearly the same length and is neither above
/// PART-TARGET nor below 85 % of it.
struct PartLengths: Equatable {
    /// A millisecond clock puts the ends of a part this much apart or together.
    private static let jitter = MediaTime.milliseconds(2)
    private static let shortestPercentage: Int64 = 85

    /// PART-TARGET, a whole number of milliseconds.
    let target: MediaTime
    /// What a part is cut at.
    let longest: MediaTime
    /// What a part must reach unless it ends its segment.
    let shortest: MediaTime

    /// The lengths for a PART-TARGET that is fixed already.
    ///
    /// - Parameters:
    ///   - target: PART-TARGET.
    ///   - frame: the longest audio frame that a part may have more of than its time holds.
    init(target: MediaTime, frame: MediaTime) {
        self.target = target
        longest = max(target - frame, MediaTime(nanoseconds: target.nanoseconds * Self.shortestPercentage / 100))
        shortest = MediaTime(nanoseconds: target.nanoseconds * Self.shortestPercentage / 100)
    }

    /// Lengths that suit the media.
    ///
    /// - Parameters:
    ///   - nominal: what PART-TARGET should be or stay below.
    ///   - distance: from one sample of the reference track to the next, above zero.
    ///   - frame: the longest frame of the other audio tracks.
    ///   - segment: the length of the first segment; parts are meant to divide it evenly.
    init(nominal: MediaTime, distance: MediaTime, frame: MediaTime, segment: MediaTime) {
        let margin = frame + Self.jitter + PartCutter.remainder
        let most = max(1, (nominal - margin).nanoseconds / distance.nanoseconds)
        let samples = max(1, Int64((segment.seconds / distance.seconds).rounded()))
        let parts = (samples + most - 1) / most
        let count = (samples + parts - 1) / parts
        let needed = MediaTime(nanoseconds: count * distance.nanoseconds) + margin
        let milliseconds = (needed.nanoseconds + 999_999) / 1_000_000
        self.init(target: .milliseconds(milliseconds), frame: frame)
    }
}

/// Where a segment is cut into parts: a function of the times of the reference track's samples alone.
///
/// A part ends in front of the first sample that no longer fits, or a little before where that is foretold to be: so the part
/// that is promised behind it has a length, even when the sample that comes ends the segment. Where a sample lasts
/// beyond the longest part, because the encoder left some out, the part ends in time instead, and the parts behind it have
/// no sample of the reference track.
struct PartCutter {
    /// How much earlier than its last sample a part ends whose end is foretold: what EXT-X-PART can say (three decimals are
    /// common), and no more than a clock in milliseconds is off.
    static let remainder = MediaTime.milliseconds(1)

    let lengths: PartLengths
    private var start: MediaTime
    private var last: MediaTime
    private var distance = MediaTime.zero

    /// Begins with a segment.
    init(_ lengths: PartLengths, segmentStart: MediaTime) {
        self.lengths = lengths
        start = segmentStart
        last = segmentStart
    }

    /// How far the next sample is likely to be from the last one.
    var expectedDistance: MediaTime { distance }

    /// The reference track's next sample decodes at `time`.
    ///
    /// - Returns: where parts end, in order, none after `time`.
    mutating func sampleFollows(at time: MediaTime) -> [MediaTime] {
        var cuts = end(at: time)
        if time > last { distance = time - last }
        last = time
        if time - start >= lengths.shortest, time - start + distance > lengths.longest {
            cuts.append(time)
            start = time
        }
        return cuts
    }

    /// Whether the part cannot have another sample, when the next one will be at `end` and the one behind it as far from that.
    func isPartComplete(withNext end: MediaTime) -> Bool {
        let length = end - Self.remainder - start
        return length >= lengths.shortest && length <= lengths.longest && length + (end - last) > lengths.longest
    }

    /// The part ends, before the sample has come that will be at `next`.
    ///
    /// - Returns: where the part ends.
    mutating func partEnds(before next: MediaTime) -> MediaTime {
        start = next - Self.remainder
        return start
    }

    /// The segment ends at `time`.
    ///
    /// - Returns: where parts end before that.
    mutating func end(at time: MediaTime) -> [MediaTime] {
        var cuts: [MediaTime] = []
        while time - start > lengths.longest {
            start = last - start >= lengths.shortest && last < time ? last : start + lengths.longest
            cuts.append(start)
        }
        return cuts
    }
}
