internal import MediaCore
internal import NIOCore

/// What of a track's media is shown when: `elst` (ISO/IEC 14496-12 §8.6.6).
struct EditList: Hashable {
    /// One entry.
    struct Edit: Hashable {
        /// In ticks of the movie.
        var duration: Int64
        /// In ticks of the track, or -1 for nothing.
        var mediaTime: Int64
    }

    /// The ticks of the movie in a second: those of pictures here, so that whole pictures are whole numbers.
    static let movieTimescale: Int64 = 90_000

    private(set) var edits: [Edit] = []

    /// The length of the track's presentation, in ticks of the movie.
    var duration: Int64 { edits.reduce(0) { $0 + $1.duration } }

    /// The edits that show a track's media between two times.
    ///
    /// - Parameters:
    ///   - tables: the track's samples.
    ///   - timescale: its ticks a second.
    ///   - window: what the file shows of the fragments' timeline.
    init(_ tables: TrackTables, timescale: Int64, showing window: Range<MediaTime>) {
        let start = max(window.lowerBound, MediaTime(ticks: tables.presentationStart, timescale: timescale))
        let end = min(window.upperBound, MediaTime(ticks: tables.presentationEnd, timescale: timescale))
        guard start < end else { return }
        let beginning = (start - window.lowerBound).ticks(timescale: Self.movieTimescale)
        if beginning > 0 { edits.append(Edit(duration: beginning, mediaTime: -1)) }
        let mediaTime = max(tables.presentationStart, start.ticks(timescale: timescale))
        edits.append(
            Edit(
                // Counted from the beginning of the movie, so that what is rounded does not add up.
                duration: max(1, (end - window.lowerBound).ticks(timescale: Self.movieTimescale) - beginning),
                mediaTime: mediaTime - tables.firstDecodeTime + tables.compositionShift
            )
        )
    }

    /// The box `edts`.
    var box: ByteBuffer {
        let isLong = edits.contains { $0.duration > UInt32.max || $0.mediaTime > Int32.max }
        var writer = BoxWriter(capacity: 64)
        writer.box("edts") { edts in
            edts.fullBox("elst", version: isLong ? 1 : 0) { box in
                box.write(UInt32(edits.count))
                for edit in edits {
                    if isLong {
                        box.write(UInt64(clamping: edit.duration))
                        box.write(edit.mediaTime)
                    } else {
                        box.write(UInt32(clamping: edit.duration))
                        box.write(Int32(clamping: edit.mediaTime))
                    }
                    box.write(UInt32(0x0001_0000))  // media_rate 1.0
                }
            }
        }
        return writer.buffer
    }
}
