internal import MediaCore

/// Places one track's access units on the live's timeline, in ticks of the track's own timescale.
///
/// An encoder's clock comes in whole milliseconds, may jump either way, and may tell video and audio apart; the live's
/// timeline only ever goes on. Video keeps the encoder's intervals. Audio counts samples, because frames of 21.33 ms
/// stamped 21, 42, 64 would otherwise overlap or leave holes, and is drawn back to the encoder's clock gently.
///
/// A part that is given away before the next picture has come ends where that is foretold to be (``Cadence``). The picture
/// then decodes exactly there, however wrong that was, so that no hole and no overlap comes about; and it is shown when the
/// encoder meant it to be, so that nothing moves for viewers. The picture behind it is where the encoder has it again.
struct TrackTimeline {
    /// Where an access unit was placed.
    struct Placement {
        /// Its decode time, beyond that of the access unit before it.
        let decodeTime: Int64
        /// Its likely duration; exact once the next one is placed.
        let duration: Int64
        /// How many ticks of sound are missing before it.
        var missing: Int64 = 0
        /// How much later it would be had its place not been foretold, in ticks, signed: it is to be shown as much later.
        var displacement: Int64 = 0
        /// Whether silence already stands where it belongs.
        var isCovered = false
    }

    /// A clock that steps back further than this has jumped; less is disorder, and is straightened.
    static let largestStepBack = MediaTime.milliseconds(1000)
    /// ISO/IEC 13818-1's 90 kHz: every millisecond and every usual frame rate is a whole number of ticks.
    static let videoTimescale: Int64 = 90_000
    /// The duration of the only picture of a track.
    private static let unknownFrameDuration = videoTimescale / 30

    /// Sound that is late by less than a 25th of a second is late, not lost, however short its frames are.
    private static let disorderPerSecond: Int64 = 25

    private(set) var timescale: Int64
    /// Ticks of an audio frame that does not state its own length; `nil` for video, whose pictures last until the next one.
    private var frameDuration: Int64?
    /// A clock that steps forward further than this has jumped; less is a picture or a sound that lasts.
    private let largestStepForward: MediaTime
    /// What turns the encoder's time into the live's.
    private(set) var offset: MediaTime
    /// The encoder's time of the last access unit.
    private(set) var lastEncoderTime: MediaTime?
    private var lastPlaced: Int64?
    private var lastDuration: Int64
    /// Where what was placed last would be had its place not been foretold.
    private var lastWanted: Int64 = 0
    private var cadence = Cadence()
    /// Whether what was placed last has been given away with its duration, so that the next one must begin where it ends.
    private var isEndGiven = false
    /// How far the encoder's clock is ahead of the counted samples, smoothed, in ticks.
    private var drift: Int64 = 0
    /// Whether what was placed last is silence that stands in for sound.
    private var hasFilled = false
    /// Whether the distance to the next access unit says nothing about the length of a picture.
    private var isAnchoredAnew = false

    init(configuration: CodecConfiguration, offset: MediaTime, largestStepForward: MediaTime) {
        self.offset = offset
        self.largestStepForward = largestStepForward
        (timescale, frameDuration) = Self.units(of: configuration)
        lastDuration = frameDuration ?? Self.unknownFrameDuration
    }

    /// Where the last access unit ends, or `nil` before the first one.
    var end: MediaTime? {
        lastPlaced.map { MediaTime(ticks: $0 + lastDuration, timescale: timescale) }
    }

    /// Where the next access unit will be if it keeps the distance that the last ones had; `nil` where that cannot be told.
    ///
    /// An audio frame has its length in itself.
    var foretoldEnd: MediaTime? {
        foretoldTicks.map { MediaTime(ticks: $0, timescale: timescale) }
    }

    private var foretoldTicks: Int64? {
        guard let lastPlaced, !isAnchoredAnew else { return nil }
        guard frameDuration == nil else { return lastPlaced + lastDuration }
        guard let distance = cadence.distance else { return nil }
        let ticks = lastWanted + distance.ticks(timescale: timescale)
        return ticks > lastPlaced ? ticks : nil
    }

    /// Lets the next access unit be placed where it is foretold to be, wherever the encoder has it.
    mutating func keepForetoldEnd() {
        guard let lastPlaced, let foretoldTicks else { return }
        lastDuration = foretoldTicks - lastPlaced
        isEndGiven = true
    }

    /// Whether the encoder's clock is further from the last access unit's than any picture or sound lasts.
    func hasJumped(to encoderTime: MediaTime) -> Bool {
        guard let lastEncoderTime else { return false }
        let step = encoderTime - lastEncoderTime
        return step > largestStepForward || step.nanoseconds < -Self.largestStepBack.nanoseconds
    }

    /// Goes on from another offset at the next access unit.
    mutating func anchor(to offset: MediaTime) {
        self.offset = offset
        drift = 0
        isAnchoredAnew = true
    }

    /// Takes the place of frames that have not come until a time of the live's timeline, or of none when there is less
    /// than a frame to fill.
    ///
    /// - Parameter end: where the frames end, in ticks.
    /// - Returns: the decode times of the frames, each lasting until the next one.
    mutating func fill(until end: Int64) -> [Int64] {
        guard let frameDuration, let lastPlaced else { return [] }
        let start = lastPlaced + lastDuration
        let times = Array(stride(from: start, through: end - frameDuration, by: Int(frameDuration)))
        guard let last = times.last else { return [] }
        self.lastPlaced = last
        lastDuration = frameDuration
        drift = 0
        hasFilled = true
        return times
    }

    /// Counts in the units of another configuration from the next access unit on.
    mutating func adopt(_ configuration: CodecConfiguration) {
        let (newTimescale, newFrameDuration) = Self.units(of: configuration)
        guard newTimescale != timescale || newFrameDuration != frameDuration else { return }
        lastPlaced = lastPlaced.map { MediaTime(ticks: $0, timescale: timescale).ticks(timescale: newTimescale) }
        lastDuration = MediaTime(ticks: lastDuration, timescale: timescale).ticks(timescale: newTimescale)
        timescale = newTimescale
        frameDuration = newFrameDuration
        drift = 0
    }

    /// Places the next access unit.
    ///
    /// - Parameters:
    ///   - encoderTime: its decode time on the encoder's clock.
    ///   - sampleCount: how long it lasts, in samples, when it says so itself.
    /// - Returns: its place on the live's timeline.
    mutating func place(_ encoderTime: MediaTime, sampleCount: Int? = nil) -> Placement {
        lastEncoderTime = encoderTime
        defer {
            isAnchoredAnew = false
            isEndGiven = false
        }
        let wanted = (encoderTime + offset).ticks(timescale: timescale)
        guard let frameDuration else {
            cadence.note(encoderTime)
            return placeVideo(wanted)
        }
        return placeAudio(wanted, frameDuration: sampleCount.map(Int64.init) ?? frameDuration)
    }

    private static func units(of configuration: CodecConfiguration) -> (timescale: Int64, frameDuration: Int64?) {
        guard let sound = configuration.sound else { return (videoTimescale, nil) }
        return (Int64(sound.samplingFrequency), Int64(sound.samplesPerAccessUnit))
    }

    private mutating func placeVideo(_ wanted: Int64) -> Placement {
        guard let lastPlaced else {
            (self.lastPlaced, lastWanted) = (wanted, wanted)
            return Placement(decodeTime: wanted, duration: lastDuration)
        }
        let straightened = max(wanted, lastPlaced + 1)
        let decodeTime = isEndGiven ? lastPlaced + lastDuration : straightened
        if !isAnchoredAnew { lastDuration = decodeTime - lastPlaced }
        (self.lastPlaced, lastWanted) = (decodeTime, straightened)
        return Placement(decodeTime: decodeTime, duration: lastDuration, displacement: straightened - decodeTime)
    }

    private mutating func placeAudio(_ wanted: Int64, frameDuration: Int64) -> Placement {
        guard let lastPlaced else {
            lastPlaced = wanted
            lastDuration = frameDuration
            return Placement(decodeTime: wanted, duration: frameDuration)
        }
        var decodeTime = lastPlaced + lastDuration
        let error = wanted - decodeTime
        var missing: Int64 = 0
        if hasFilled, error < -frameDuration / 2 {
            return Placement(decodeTime: decodeTime, duration: frameDuration, isCovered: true)
        }
        hasFilled = false
        // Behind an end that was given away there is no room for a hole: the frame after this one has it.
        if error > max(2 * frameDuration, timescale / Self.disorderPerSecond), !isEndGiven {
            missing = error
            decodeTime = wanted
            drift = 0
        } else {
            drift += (error - drift) / 16
        }
        // At most 1/64 of a frame at a time: a decoder plays every frame in full, so larger corrections would be heard.
        let correction = min(max(drift / 64, -frameDuration / 64), frameDuration / 64)
        lastDuration = frameDuration + correction
        self.lastPlaced = decodeTime
        return Placement(decodeTime: decodeTime, duration: lastDuration, missing: missing)
    }
}
