internal import MediaCore
internal import NIOCore

/// Writes event message boxes, in which players find timed metadata (ISO/IEC 23009-1 §5.10.3.3).
enum EventMessageWriter {
    /// "Carriage of ID3 Timed Metadata in the Common Media Application Format" §2: what hls.js and Apple's players read.
    private static let scheme: StaticString = "https://aomedia.org/emsg/ID3"
    private static let timescale: Int64 = 90_000

    /// The boxes of a segment's events, which stand in front of its `moof`.
    static func write(_ events: [TimedMetadataQueue.Event]) -> ByteBuffer {
        var writer = BoxWriter(capacity: events.reduce(0) { $0 + 80 + $1.tag.count })
        for event in events {
            // Version 1: the time is one of the presentation, not relative to the segment.
            writer.fullBox("emsg", version: 1) { box in
                box.write(UInt32(timescale))
                box.write(UInt64(clamping: event.time.ticks(timescale: timescale)))
                box.write(UInt32.max)  // event_duration: unknown
                box.write(event.id)
                box.writeLetters(scheme)
                box.writeZeros(2)  // the ends of the scheme and of an empty value
                box.write(event.tag)
            }
        }
        return writer.buffer
    }
}
