/// Decides when to acknowledge what came in (RTMP 1.0 §5.4.3, §5.4.4).
///
/// Some encoders stall without acknowledgements and never state a window, so one is assumed until they do.
struct AcknowledgementWindow {
    /// The window we announce and assume: the common 2.5 MB, about four seconds at 5 Mbit/s.
    static let defaultSize: UInt32 = 2_500_000

    /// The window the peer asked for with Window Acknowledgement Size.
    private(set) var size = UInt64(Self.defaultSize)
    private var received: UInt64 = 0
    private var acknowledged: UInt64 = 0

    /// How much has come in that no acknowledgement covers.
    var unacknowledgedBytes: Int { Int(clamping: received &- acknowledged) }

    /// Takes over the peer's window.
    ///
    /// 0 would ask for an acknowledgement of nothing and changes nothing.
    mutating func set(size newSize: UInt32) {
        guard newSize > 0 else { return }
        size = UInt64(newSize)
    }

    /// Counts what came in by one read.
    ///
    /// - Returns: the sequence number to acknowledge, or `nil` while less than half of the window has come: the count of all bytes
    ///   modulo 2^32. At most one for a read, however small the window.
    mutating func receive(_ count: Int) -> UInt32? {
        received &+= UInt64(count)
        // At half the window, as other servers do: a peer that waits at the whole window never has to.
        guard received &- acknowledged >= max(1, size / 2) else { return nil }
        acknowledged = received
        return UInt32(truncatingIfNeeded: received)
    }
}
