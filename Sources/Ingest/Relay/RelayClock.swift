import MediaCore
import NIOCore

/// Gives the messages of a live one timeline for RTMP players, through jumps of the encoder's clock and new encoders.
///
/// Pure; the time comes in. Each kind of media has its distance from the encoder's clock. A message that lies far from where
/// the last one was, and the time since, put it, moves that distance: to the other kind's where that fits, so that picture and
/// sound stay together, else to the moment of its arrival.
struct RelayClock {
    /// What lies further ahead of its moment than this, or further back, is a jump, in milliseconds.
    private static let allowedAhead: Int64 = 2000
    private static let allowedBehind: Int64 = 1000

    private var last: (time: Int64, at: NIODeadline)?
    private var videoOffset: Int64?
    private var audioOffset: Int64?

    /// The next media comes from another publish, whose clock is another.
    mutating func rebase() {
        videoOffset = nil
        audioOffset = nil
    }

    /// The timestamp of media, in milliseconds modulo 2^32.
    ///
    /// - Parameters:
    ///   - time: on the clock of the publish.
    ///   - kind: whether it is picture or sound.
    ///   - now: when it has come.
    /// - Returns: the timestamp, on the live's own timeline.
    mutating func timestamp(of time: MediaTime, _ kind: MediaKind, now: NIODeadline) -> UInt32 {
        let source = time.nanoseconds / 1_000_000
        let expected = moment(now)
        let (own, other) = kind == .video ? (videoOffset, audioOffset) : (audioOffset, videoOffset)
        let range = ((last?.time ?? 0) - Self.allowedBehind)...(expected + Self.allowedAhead)
        let fitting = [own, other].lazy.compactMap(\.self).first { range.contains(source + $0) }
        let offset = fitting ?? expected - source
        if kind == .video { videoOffset = offset } else { audioOffset = offset }
        let output = max(0, source + offset)
        last = (max(output, last?.time ?? 0), now)
        return UInt32(truncatingIfNeeded: output)
    }

    /// The timestamp of what belongs to no moment but that of its arrival: headers and data.
    var timestamp: UInt32 { UInt32(truncatingIfNeeded: last?.time ?? 0) }

    /// Where on the timeline `now` is.
    private func moment(_ now: NIODeadline) -> Int64 {
        guard let last else { return 0 }
        return last.time + max(0, (now - last.at).nanoseconds / 1_000_000)
    }
}
