internal import MediaCore

/// What the encoder has said and no segment holds yet, on the live's timeline.
struct TimedMetadataQueue {
    /// Enough for one with every picture of a segment of two seconds; what comes on top of that is dropped.
    static let maximumCount = 128
    /// What one segment may carry besides its media, in bytes.
    static let maximumBytes = 64 << 10

    /// Something said at a moment of the live's timeline.
    struct Event {
        let time: MediaTime
        /// Counts all events of a publish.
        let id: UInt32
        let name: String
        let json: String
        /// Both as an ID3 tag.
        let tag: [UInt8]
    }

    private var events: [Event] = []
    private var byteCount = 0
    private var count: UInt32 = 0

    /// Takes something that was said, unless the queue is full.
    ///
    /// - Parameters:
    ///   - metadata: what was said.
    ///   - time: when, on the live's timeline.
    mutating func append(_ metadata: TimedMetadata, at time: MediaTime) {
        let tag = ID3Tag.userText(metadata.name, metadata.json)
        guard events.count < Self.maximumCount, byteCount + tag.count <= Self.maximumBytes else { return }
        events.append(Event(time: time, id: count, name: metadata.name, json: metadata.json, tag: tag))
        byteCount += tag.count
        count &+= 1
    }

    /// Takes out what was said before a moment, in the order of its times: what belongs into the segment that ends there.
    mutating func take(before end: MediaTime) -> [Event] {
        guard !events.isEmpty else { return [] }
        let taken = events.filter { $0.time < end }.sorted { $0.time < $1.time }
        events.removeAll { $0.time < end }
        byteCount = events.reduce(0) { $0 + $1.tag.count }
        return taken
    }
}

/// Writes ID3 tags (ID3v2.4 structure, §3 and §4).
enum ID3Tag {
    /// A tag with one frame of user-defined text, TXXX.
    static func userText(_ description: String, _ text: String) -> [UInt8] {
        // Encoding 3 is UTF-8 (§4); the description ends with a zero, so it must have none itself.
        let payload = [3] + description.utf8.filter { $0 != 0 } + [0] + text.utf8
        let frame = Array("TXXX".utf8) + synchsafe(payload.count) + [0, 0] + payload
        return Array("ID3".utf8) + [4, 0, 0] + synchsafe(frame.count) + frame
    }

    /// §6.2: seven bits to a byte.
    private static func synchsafe(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(number >> (21 - 7 * $0) & 0x7F) }
    }
}
