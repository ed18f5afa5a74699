import NIOCore

/// Turns the bytes after the handshake into messages (RTMP 1.0 §5.3).
///
/// It keeps no unread input but 18 bytes of a header that came in pieces. The payload of a chunk is copied once, into
/// the buffer of its message. It acts on the two control messages that are about chunks, Set Chunk Size and Abort (§5.4.1,
/// §5.4.2), and hands out all others.
///
/// Invariants:
/// 1. Between calls the input lies in exactly one of: a chunk header, the extended timestamp of a type 3 chunk, a payload.
/// 2. `carriedCount` is 0 outside a chunk header.
/// 3. `partialBytes` is the sum of `reservedBytes` over all chunk streams and never above the limit.
struct RTMPChunkDecoder {
    /// What a peer may make the decoder keep; see ``IngestLimits``.
    struct Limits: Hashable {
        var messageLength: Int
        var partialBytes: Int
        var chunkStreams: Int
        /// How much memory a message gets before any of it has come.
        ///
        /// A longer one gets more as its bytes come: an announced length costs the peer nothing, so it must cost us little.
        var reservation = RTMPChunkDecoder.initialReservation
    }

    /// The chunk size before the first Set Chunk Size (§5.4.1).
    static let defaultChunkSize = 128
    /// No chunk is longer than a message can be, so no size above has an effect (§5.4.1).
    static let maximumChunkSize = 0xFFFFFF
    /// How much memory a message gets at first from a peer that nothing is known of.
    static let initialReservation = 64 << 10
    /// The same from a peer that may publish: keyframes are rarely longer, and moving them as they grow costs a copy.
    static let trustedReservation = 512 << 10

    private enum Place {
        case header
        /// A type 3 chunk on a stream with extended timestamps: `matched` bytes so far equal the one expected.
        case repeatedTimestamp(matched: Int)
        /// So many bytes of the chunk are still to come.
        case payload(remaining: Int)
    }

    /// The limits, which grow when a peer is trusted with media.
    var limits: Limits
    /// The chunk size that the peer has set.
    private(set) var chunkSize = Self.defaultChunkSize

    private var place = Place.header
    private var current = 0
    private var streams: [ChunkStream] = []
    /// Indices into `streams`: for the 62 identifiers of one byte by identifier, for others by search.
    private var smallIDs = [Int](repeating: -1, count: 64)
    private var largeIDs: [Int: Int] = [:]
    private var carried = [UInt8](repeating: 0, count: ChunkHeader.maximumSize)
    private var carriedCount = 0
    /// At most three bytes that were taken for a repeated timestamp and were not: they are read before any input.
    private var pushedBack: [UInt8] = []
    private var partialBytes = 0
    private let allocator = ByteBufferAllocator()

    /// A decoder at the beginning of a stream of chunks.
    init(limits: Limits) {
        self.limits = limits
    }

    /// Reads on until a message is complete.
    ///
    /// - Parameter input: the bytes that came. What is read is taken off; after `nil` it is empty.
    /// - Returns: the next message, or `nil` when more bytes are needed.
    /// - Throws: ``RTMPChunkError``, after which the decoder must not be used.
    mutating func nextMessage(from input: inout ByteBuffer) throws(RTMPChunkError) -> RTMPMessage? {
        while input.readableBytes > 0 || !pushedBack.isEmpty {
            let result = pushedBack.isEmpty ? decode(&input) : decodePushedBack()
            guard let message = try result.get() else { continue }
            if try !applyChunkControl(message) { return message }
        }
        return nil
    }

    private mutating func decode(_ input: inout ByteBuffer) -> Result<RTMPMessage?, RTMPChunkError> {
        var consumed = 0
        let result = input.withUnsafeReadableBytes { decode($0, consumed: &consumed) }
        input.moveReaderIndex(forwardBy: consumed)
        return result
    }

    private mutating func decodePushedBack() -> Result<RTMPMessage?, RTMPChunkError> {
        let bytes = pushedBack
        pushedBack = []
        var consumed = 0
        let result = bytes.withUnsafeBytes { decode($0, consumed: &consumed) }
        pushedBack += bytes[consumed...]
        return result
    }

    // MARK: - One step after another

    private mutating func decode(
        _ bytes: UnsafeRawBufferPointer,
        consumed: inout Int
    ) -> Result<RTMPMessage?, RTMPChunkError> {
        do throws(RTMPChunkError) {
            while consumed < bytes.count, pushedBack.isEmpty {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
                var isComplete = false
                switch place {
                case .header:
                    guard let header = readHeader(rest, consumed: &consumed) else { return .success(nil) }
                    isComplete = try begin(header)
                case .repeatedTimestamp(let matched):
                    isComplete = matchTimestamp(rest[0], matched: matched, consumed: &consumed)
                case .payload(let remaining):
                    let count = min(remaining, rest.count)
                    consumed += count
                    isComplete = try append(UnsafeRawBufferPointer(rebasing: rest[..<count]), remaining: remaining)
                    if !isComplete, case .header = place {
                        let following = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
                        isComplete = try appendWholeChunks(following, consumed: &consumed)
                    }
                }
                if isComplete { return .success(takeMessage()) }
            }
            return .success(nil)
        } catch {
            return .failure(error)
        }
    }

    /// Reads a header from the input, or from the carried bytes with the input behind them.
    private mutating func readHeader(_ rest: UnsafeRawBufferPointer, consumed: inout Int) -> ChunkHeader? {
        if carriedCount == 0, let header = ChunkHeader(rest) {
            consumed += header.size
            return header
        }
        let before = carriedCount
        let count = min(ChunkHeader.maximumSize - before, rest.count)
        for index in 0..<count { carried[before + index] = rest[index] }
        let header = carried.withUnsafeBytes { ChunkHeader(UnsafeRawBufferPointer(rebasing: $0[..<(before + count)])) }
        guard let header else {
            carriedCount = before + count
            consumed += count
            return nil
        }
        // Not all of the copied bytes need belong to the header; those carried before do, for alone they were too few.
        carriedCount = 0
        consumed += header.size - before
        return header
    }

    /// Acts on a header.
    ///
    /// Returns whether the message is complete, which only an empty one is.
    private mutating func begin(_ header: ChunkHeader) throws(RTMPChunkError) -> Bool {
        current = try index(of: header)
        let startsMessage = !streams[current].hasPartialMessage
        if header.fmt != 3 {
            guard startsMessage else {
                throw .messageInsideMessage(fmt: header.fmt, chunkStreamID: header.chunkStreamID)
            }
            streams[current].apply(header)
        } else if startsMessage {
            streams[current].timestamp &+= streams[current].timestampDelta
        }
        if startsMessage { try beginMessage() }

        if header.fmt == 3, streams[current].extendedTimestamp != nil {
            place = .repeatedTimestamp(matched: 0)
            return false
        }
        return beginPayload()
    }

    private mutating func beginMessage() throws(RTMPChunkError) {
        let length = streams[current].messageLength
        guard length <= limits.messageLength else {
            throw .messageTooLong(length: length, allowed: limits.messageLength)
        }
        let reservation = min(length, initialReservation)
        try reserve(reservation)
        streams[current].payload = allocator.buffer(capacity: reservation)
        streams[current].hasPartialMessage = true
    }

    /// Enters the payload of a chunk.
    ///
    /// Returns whether there is none to wait for.
    private mutating func beginPayload() -> Bool {
        let count = min(chunkSize, streams[current].missingBytes)
        place = count == 0 ? .header : .payload(remaining: count)
        return count == 0
    }

    /// Tells the two forms of a type 3 chunk apart, a byte at a time.
    ///
    /// RTMP 1.0 §5.3.1.3 repeats the extended timestamp; old librtmp and ffmpeg leave it out. The first byte that differs
    /// from the expected field decides: then what matched before was payload. Taking four bytes of payload for the field
    /// needs them to be equal to it, a chance of 1 in 2^32.
    private mutating func matchTimestamp(_ byte: UInt8, matched: Int, consumed: inout Int) -> Bool {
        let expected = streams[current].extendedTimestamp ?? 0
        if byte == UInt8(truncatingIfNeeded: expected >> (24 - 8 * UInt32(matched))) {
            consumed += 1
            guard matched == 3 else {
                place = .repeatedTimestamp(matched: matched + 1)
                return false
            }
            return beginPayload()
        }
        // What matched was payload, and beyond the end of a shorter chunk the beginning of the next one.
        pushedBack = (0..<matched).map { UInt8(truncatingIfNeeded: expected >> (24 - 8 * UInt32($0))) }
        return beginPayload()
    }

    /// Adds payload to the current message.
    ///
    /// Returns whether the message is complete.
    private mutating func append(_ bytes: UnsafeRawBufferPointer, remaining: Int) throws(RTMPChunkError) -> Bool {
        let needed = streams[current].payload.readableBytes + bytes.count
        if needed > streams[current].reservedBytes { try grow(toHold: needed) }
        streams[current].payload.writeBytes(bytes)
        let left = remaining - bytes.count
        place = left == 0 ? .header : .payload(remaining: left)
        return left == 0 && streams[current].missingBytes == 0
    }

    /// Adds what follows of the current message in whole type 3 chunks with headers of one byte, all in one step: in chunks of
    /// 128 bytes a keyframe has thousands.
    ///
    /// Whatever else comes there is left to the steps above.
    ///
    /// Returns whether the message is complete.
    private mutating func appendWholeChunks(
        _ bytes: UnsafeRawBufferPointer,
        consumed: inout Int
    ) throws(RTMPChunkError) -> Bool {
        guard streams[current].id < 64, streams[current].extendedTimestamp == nil else { return false }
        let header = 3 << 6 | UInt8(streams[current].id)
        let missing = streams[current].missingBytes
        var taken = 0
        var end = 0
        while end < bytes.count, bytes[end] == header {
            let size = min(chunkSize, missing - taken)
            guard size > 0, size < bytes.count - end else { break }
            end += 1 + size
            taken += size
        }
        guard taken > 0 else { return false }
        let needed = streams[current].payload.readableBytes + taken
        if needed > streams[current].reservedBytes { try grow(toHold: needed) }
        streams[current].payload.writeWithUnsafeMutableBytes(minimumWritableBytes: taken) { payload in
            var written = 0
            var next = 1
            while written < taken {
                let size = min(chunkSize, taken - written)
                let chunk = UnsafeRawBufferPointer(rebasing: bytes[next..<next + size])
                UnsafeMutableRawBufferPointer(rebasing: payload[written...]).copyMemory(from: chunk)
                written += size
                next += size + 1
            }
            return taken
        }
        consumed += end
        return taken == missing
    }

    // MARK: - Memory

    /// How much the next message gets before any of it has come.
    ///
    /// Where half of what may be kept is reserved, as little as from anybody: many streams at once must not use up the rest.
    private var initialReservation: Int {
        partialBytes + limits.reservation <= limits.partialBytes / 2 ? limits.reservation : Self.initialReservation
    }

    /// Doubles the memory of the current message, up to its announced length.
    private mutating func grow(toHold needed: Int) throws(RTMPChunkError) {
        // Single values, not the stream: a second owner of the payload would make growing it copy it.
        let announced = streams[current].messageLength
        let reserved = streams[current].reservedBytes
        let capacity = min(announced, max(needed, 2 * reserved))
        try reserve(capacity - reserved)
        streams[current].payload.reserveCapacity(capacity)
    }

    private mutating func reserve(_ count: Int) throws(RTMPChunkError) {
        guard partialBytes + count <= limits.partialBytes else {
            throw .tooManyPartialBytes(allowed: limits.partialBytes)
        }
        partialBytes += count
        streams[current].reservedBytes += count
    }

    private mutating func takeMessage() -> RTMPMessage {
        place = .header
        let message = RTMPMessage(
            chunkStreamID: streams[current].id,
            timestamp: streams[current].timestamp,
            typeID: streams[current].messageTypeID,
            messageStreamID: streams[current].messageStreamID,
            payload: streams[current].payload
        )
        discardPartialMessage(at: current)
        return message
    }

    private mutating func discardPartialMessage(at index: Int) {
        partialBytes -= streams[index].reservedBytes
        streams[index].reservedBytes = 0
        streams[index].hasPartialMessage = false
        streams[index].payload = ByteBuffer()
    }

    // MARK: - Chunk streams

    private mutating func index(of header: ChunkHeader) throws(RTMPChunkError) -> Int {
        let id = header.chunkStreamID
        let known = id < 64 ? smallIDs[id] : largeIDs[id] ?? -1
        guard known < 0 else { return known }
        // Type 1 as the first header of a chunk stream says all but the message stream ID, which is 0 for the control
        // messages that librtmp sends so; types 2 and 3 would need a length from nowhere.
        guard header.fmt < 2 else { throw .nothingToRepeat(fmt: header.fmt, chunkStreamID: id) }
        guard streams.count < limits.chunkStreams else { throw .tooManyChunkStreams(allowed: limits.chunkStreams) }
        let new = streams.count
        streams.append(ChunkStream(id: id))
        if id < 64 { smallIDs[id] = new } else { largeIDs[id] = new }
        return new
    }

    // MARK: - Control messages about chunks

    /// Acts on Set Chunk Size and Abort.
    ///
    /// Returns whether the message was one of them.
    private mutating func applyChunkControl(_ message: RTMPMessage) throws(RTMPChunkError) -> Bool {
        guard message.typeID == RTMPMessage.TypeID.setChunkSize || message.typeID == RTMPMessage.TypeID.abort else {
            return false
        }
        guard let value = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self) else {
            throw .shortControlMessage(typeID: message.typeID, length: message.payload.readableBytes)
        }
        if message.typeID == RTMPMessage.TypeID.setChunkSize {
            guard (1...0x7FFF_FFFF).contains(value) else { throw .invalidChunkSize(value) }
            chunkSize = min(Int(value), Self.maximumChunkSize)
        } else {
            abort(chunkStreamID: Int(value))
        }
        return true
    }

    private mutating func abort(chunkStreamID id: Int) {
        let index = id < 64 ? smallIDs[id] : largeIDs[id] ?? -1
        guard index >= 0 else { return }
        discardPartialMessage(at: index)
    }
}

extension ChunkStream {
    /// Takes over what a type 0, 1 or 2 header states.
    @inline(__always)
    fileprivate mutating func apply(_ header: ChunkHeader) {
        extendedTimestamp = header.hasExtendedTimestamp ? header.timestampField : nil
        if header.fmt == 0 {
            timestamp = header.timestampField
            timestampDelta = 0
            messageStreamID = header.messageStreamID
        } else {
            // A delta, extended or not; the sum is modulo 2^32 like the clock itself (§5.3.1.2.2, §7.1.1).
            timestampDelta = header.timestampField
            timestamp &+= header.timestampField
        }
        if header.fmt < 2 {
            messageLength = header.messageLength
            messageTypeID = header.messageTypeID
        }
    }
}
