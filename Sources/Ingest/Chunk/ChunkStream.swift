import NIOCore

/// What one chunk stream remembers from chunk to chunk (RTMP 1.0 §5.3.1.2), and the message under way on it.
struct ChunkStream {
    let id: Int
    /// The time of the message under way or of the last one.
    var timestamp: UInt32 = 0
    /// What a new message with a type 3 header adds to ``timestamp``.
    ///
    /// Zero after a type 0 header: §5.3.1.2.4 would repeat the absolute time as a delta, which no encoder means, and
    /// other servers add nothing either.
    var timestampDelta: UInt32 = 0
    var messageLength = 0
    var messageTypeID: UInt8 = 0
    var messageStreamID: UInt32 = 0
    /// The extended timestamp field of the last type 0, 1 or 2 header, if it had one: type 3 repeats it (§5.3.1.3).
    var extendedTimestamp: UInt32?

    /// Whether a message has begun and is not complete.
    var hasPartialMessage = false
    /// The bytes of it that have come.
    var payload = ByteBuffer()
    /// The memory that ``payload`` holds, as it counts against the limit of the connection.
    var reservedBytes = 0

    /// The bytes of the message that are still to come.
    var missingBytes: Int { messageLength - payload.readableBytes }
}

/// The header of one chunk (RTMP 1.0 §5.3.1), read from bytes that may end too early.
///
/// The extended timestamp of a type 3 chunk is not part of it: whether one is there depends on the encoder.
struct ChunkHeader {
    /// The longest header: three bytes of basic header, eleven of message header, four of extended timestamp.
    static let maximumSize = 18

    let fmt: UInt8
    let chunkStreamID: Int
    /// The timestamp (type 0) or timestamp delta (1, 2), extended or not.
    private(set) var timestampField: UInt32 = 0
    private(set) var hasExtendedTimestamp = false
    private(set) var messageLength = 0
    private(set) var messageTypeID: UInt8 = 0
    private(set) var messageStreamID: UInt32 = 0
    /// How many bytes the header takes.
    private(set) var size: Int

    /// Reads a header at the front of `bytes`, or returns `nil` when more are needed.
    ///
    /// It always fits into 18.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        fmt = first >> 6
        switch first & 0x3F {
        case 0:
            guard bytes.count >= 2 else { return nil }
            chunkStreamID = Int(bytes[1]) + 64
            size = 2
        case 1:
            // The one little-endian number of the chunk layer besides the message stream ID (§5.3.1.1).
            guard bytes.count >= 3 else { return nil }
            chunkStreamID = Int(bytes[2]) << 8 + Int(bytes[1]) + 64
            size = 3
        case let id:
            chunkStreamID = Int(id)
            size = 1
        }
        guard fmt != 3 else { return }

        let fieldsSize = fmt == 0 ? 11 : fmt == 1 ? 7 : 3
        guard bytes.count >= size + fieldsSize else { return nil }
        timestampField = Self.threeBytes(bytes, at: size)
        if fmt < 2 {
            messageLength = Int(Self.threeBytes(bytes, at: size + 3))
            messageTypeID = bytes[size + 6]
        }
        if fmt == 0 {
            messageStreamID = bytes.loadUnaligned(fromByteOffset: size + 7, as: UInt32.self).littleEndian
        }
        size += fieldsSize

        guard timestampField == 0xFFFFFF else { return }
        guard bytes.count >= size + 4 else { return nil }
        timestampField = bytes.loadUnaligned(fromByteOffset: size, as: UInt32.self).bigEndian
        hasExtendedTimestamp = true
        size += 4
    }

    private static func threeBytes(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2])
    }
}
