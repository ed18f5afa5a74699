import MediaCore

/// Unwraps the 32-bit millisecond clock of a publish (RTMP 1.0 §7.1.1) to 64 bits, one track at a time.
///
/// A timestamp is taken for the moment nearest to the track's last one, by the comparison of serial numbers (RFC 1982
/// §3.2): the wrap after 49 days is seamless, and so is a track that begins just after the wrap beside one from before.
struct PublishClock {
    /// The last time of each track: a few, which are found faster than a hash is made.
    private var lastOfTrack: [(id: TrackID, time: Int64)] = []
    private var last: Int64?

    /// The largest distance from zero, in milliseconds.
    static let limit = MediaTime.limit.nanoseconds / 1_000_000

    /// The time of a message of a track.
    ///
    /// - Parameters:
    ///   - timestamp: the message's timestamp.
    ///   - track: the track it belongs to.
    /// - Returns: the time on the 64-bit clock; earlier than the track's last one when the encoder's clock went back.
    /// - Throws: ``MediaTagError/clockOutOfRange(milliseconds:)`` beyond ``limit``.
    mutating func unwrap(_ timestamp: UInt32, of track: TrackID) throws(MediaTagError) -> MediaTime {
        let index = lastOfTrack.firstIndex { $0.id == track }
        let time = try milliseconds(timestamp, near: index.map { lastOfTrack[$0].time } ?? last)
        if let index { lastOfTrack[index].time = time } else { lastOfTrack.append((track, time)) }
        last = time
        return .milliseconds(time)
    }

    /// The time of a message that belongs to no track: nearest to what came last on any.
    ///
    /// - Throws: ``MediaTagError/clockOutOfRange(milliseconds:)`` beyond ``limit``.
    func time(of timestamp: UInt32) throws(MediaTagError) -> MediaTime {
        .milliseconds(try milliseconds(timestamp, near: last))
    }

    private func milliseconds(_ timestamp: UInt32, near reference: Int64?) throws(MediaTagError) -> Int64 {
        let reference = reference ?? Int64(timestamp)
        let distance = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: reference))
        let time = reference + Int64(distance)
        guard (-Self.limit...Self.limit).contains(time) else { throw .clockOutOfRange(milliseconds: time) }
        return time
    }
}
