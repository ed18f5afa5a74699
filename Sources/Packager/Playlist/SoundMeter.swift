internal import LiveStore
internal import MediaCore

/// Measures the sound of a rendition with pictures as it is by itself.
struct SoundMeter {
    private var meter = BitRateMeter()
    /// The sound of the listed segments.
    private var listed: [(mediaSequenceNumber: Int, bits: Double, seconds: Double)] = []
    /// The bytes of the unfinished segment.
    private var byteCount = 0

    /// BANDWIDTH, in bits a second.
    var peak: Double { meter.peak }

    /// AVERAGE-BANDWIDTH over the listed segments, in bits a second.
    var average: Double {
        let seconds = listed.reduce(0) { $0 + $1.seconds }
        return seconds > 0 ? min(meter.peak, listed.reduce(0) { $0 + $1.bits } / seconds) : 0
    }

    /// Counts a part.
    ///
    /// - Parameters:
    ///   - runs: the samples of its tracks.
    ///   - isFirst: whether it is the first one of its segment.
    mutating func count(_ runs: [TrackRun], isFirst: Bool) {
        if isFirst { byteCount = 0 }
        for run in runs where run.track.id.kind == .audio { byteCount += MediaSegmentWriter.size(of: run) }
    }

    /// Takes what was counted for a segment's.
    ///
    /// - Parameters:
    ///   - segment: the segment.
    ///   - targetDuration: EXT-X-TARGETDURATION in seconds.
    ///   - oldest: the Media Sequence Number of the first listed segment.
    mutating func finish(_ segment: MediaSegment, targetDuration: Int, oldest: Int) {
        meter.add(byteCount: byteCount, duration: segment.duration, targetDuration: targetDuration)
        listed.append((segment.mediaSequenceNumber, Double(byteCount) * 8, segment.duration.seconds))
        listed.removeAll { $0.mediaSequenceNumber < oldest }
    }
}
