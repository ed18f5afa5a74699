import MediaCore
import NIOCore

/// Counts what one publish brings, in plain numbers on its event loop.
///
/// Once a second, and at the end, the differences go to the metrics and the whole to the board: nothing that other threads
/// read is touched more often.
struct PublishAccount {
    /// How often the account is told to others.
    static let interval = TimeAmount.seconds(1)
    /// What rates are measured over.
    private static let rateSamples = 5

    /// The publish as others see it.
    private(set) var status: PublishStatus
    private var reported = Totals()
    private var lastReport: NIODeadline
    private var samples: [(at: NIODeadline, bytes: Int, pictures: Int)]
    private var firstTrackPictures = 0
    private var lastVideoTime: MediaTime?
    private var lastAudioTime: MediaTime?
    private var jumps = (forward: 0, backward: 0)
    private var arrivals = ArrivalClock()

    /// What has been counted so far.
    struct Totals {
        var bytes = 0
        var messages = 0
        var videoUnits = 0
        var audioUnits = 0
        var droppedUnits = 0
        var lateUnits = 0
        var jumpsForward = 0
        var jumpsBackward = 0
    }

    init(_ status: PublishStatus, now: NIODeadline) {
        self.status = status
        lastReport = now
        samples = [(now, 0, 0)]
    }

    mutating func received(bytes: Int) {
        status.bytes += bytes
        status.messages += 1
    }

    mutating func received(_ unit: AccessUnit, now: NIODeadline) {
        let delay = arrivals.delay(of: unit.decodeTime, now: now)
        status.delay = delay.seconds
        if delay > .milliseconds(1000) { status.lateUnits += 1 }
        if unit.trackID.kind == .video {
            status.videoUnits += 1
            guard unit.trackID.index == 0 else { return }
            firstTrackPictures += 1
            note(step: lastVideoTime.map { unit.decodeTime - $0 })
            lastVideoTime = unit.decodeTime
        } else {
            status.audioUnits += 1
            guard unit.trackID.index == 0 else { return }
            note(step: lastAudioTime.map { unit.decodeTime - $0 })
            lastAudioTime = unit.decodeTime
        }
    }

    private mutating func note(step: MediaTime?) {
        guard let step else { return }
        if step > .milliseconds(2000) {
            jumps.forward += 1
        } else if step < .milliseconds(-1000) {
            jumps.backward += 1
        } else {
            return
        }
        status.clockJumps += 1
        arrivals = ArrivalClock()
    }

    mutating func configured(_ track: Track) {
        if let index = status.tracks.firstIndex(where: { $0.id == track.id }) {
            status.tracks[index] = track
        } else {
            status.tracks.append(track)
        }
    }

    mutating func dropped(_ problem: String) {
        status.droppedUnits += 1
        status.lastProblem = problem
    }

    mutating func named(_ encoder: String) { status.encoder = encoder }

    mutating func ended(_ end: PublishStatus.End) { status.end = end }

    /// Whether it is time to tell the account to others.
    func isDue(at now: NIODeadline) -> Bool { now - lastReport >= Self.interval }

    /// Measures the rates anew.
    ///
    /// - Returns: what has been counted since the last report.
    mutating func report(at now: NIODeadline) -> Totals {
        lastReport = now
        measureRates(now)
        let totals = Totals(
            bytes: status.bytes,
            messages: status.messages,
            videoUnits: status.videoUnits,
            audioUnits: status.audioUnits,
            droppedUnits: status.droppedUnits,
            lateUnits: status.lateUnits,
            jumpsForward: jumps.forward,
            jumpsBackward: jumps.backward
        )
        defer { reported = totals }
        return Totals(
            bytes: totals.bytes - reported.bytes,
            messages: totals.messages - reported.messages,
            videoUnits: totals.videoUnits - reported.videoUnits,
            audioUnits: totals.audioUnits - reported.audioUnits,
            droppedUnits: totals.droppedUnits - reported.droppedUnits,
            lateUnits: totals.lateUnits - reported.lateUnits,
            jumpsForward: totals.jumpsForward - reported.jumpsForward,
            jumpsBackward: totals.jumpsBackward - reported.jumpsBackward
        )
    }

    private mutating func measureRates(_ now: NIODeadline) {
        samples.append((now, status.bytes, firstTrackPictures))
        if samples.count > Self.rateSamples + 1 { samples.removeFirst() }
        let first = samples[0]
        let seconds = Double((now - first.at).nanoseconds) / 1_000_000_000
        guard seconds > 0 else { return }
        status.bitsPerSecond = Double(status.bytes - first.bytes) * 8 / seconds
        status.picturesPerSecond = Double(firstTrackPictures - first.pictures) / seconds
    }
}
