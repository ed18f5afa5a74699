import MediaCore
import NIOCore

/// How late media comes, measured against the media that came fastest.
///
/// The encoder's clock and ours have neither a common zero nor quite the same speed. What came fastest is the measure, and it
/// is let go of slowly, so that an encoder whose clock is slow by a thousandth is not late after an hour.
struct ArrivalClock {
    /// Of a time that has passed, the share by which the measure gives way: one in 500.
    private static let slack = 500

    private var fastest: (offset: Int64, at: NIODeadline)?

    /// How far a picture or a frame lies behind the fastest.
    ///
    /// - Parameters:
    ///   - time: its time on the encoder's clock.
    ///   - now: when it has come.
    /// - Returns: zero or more.
    mutating func delay(of time: MediaTime, now: NIODeadline) -> MediaTime {
        let offset = Int64(truncatingIfNeeded: now.uptimeNanoseconds) - time.nanoseconds
        guard let fastest else {
            self.fastest = (offset, now)
            return .zero
        }
        let allowed = fastest.offset + (now - fastest.at).nanoseconds / Int64(Self.slack)
        guard offset > allowed else {
            self.fastest = (offset, now)
            return .zero
        }
        return MediaTime(nanoseconds: offset - allowed)
    }
}
