internal import MediaCore

/// Measures what BANDWIDTH and AVERAGE-BANDWIDTH state (RFC 8216 §4.1 and §4.3.4.2).
struct BitRateMeter {
    /// The largest bit rate of any contiguous set of segments that lasts 0.5 to 1.5 target durations, in bits a second.
    private(set) var peak = 0.0
    private var recent: [(bits: Double, seconds: Double)] = []
    private var total = (bits: 0.0, seconds: 0.0)

    /// The bit rate of all segments together, in bits a second.
    var average: Double { total.seconds > 0 ? min(peak, total.bits / total.seconds) : 0 }

    /// Counts a segment.
    ///
    /// - Parameters:
    ///   - byteCount: its size.
    ///   - duration: its length, above zero.
    ///   - targetDuration: EXT-X-TARGETDURATION in seconds.
    mutating func add(byteCount: Int, duration: MediaTime, targetDuration: Int) {
        recent.append((Double(byteCount) * 8, duration.seconds))
        total.bits += Double(byteCount) * 8
        total.seconds += duration.seconds
        let longest = 1.5 * Double(targetDuration)
        let shortest = 0.5 * Double(targetDuration)
        var bits = 0.0
        var seconds = 0.0
        var members = 0
        for segment in recent.reversed() {
            guard seconds + segment.seconds <= longest || members == 0 else { break }
            bits += segment.bits
            seconds += segment.seconds
            members += 1
            if seconds >= shortest { peak = max(peak, bits / seconds) }
        }
        recent.removeFirst(recent.count - members)
        // A live shorter than half a target duration has no such set: its own rate is the best there is.
        if peak == 0 { peak = bits / seconds }
    }
}
