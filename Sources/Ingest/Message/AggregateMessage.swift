import NIOCore

/// The messages inside an aggregate message (RTMP 1.0 §7.1.6), in their order.
///
/// Each has a header of 11 bytes as an FLV tag has it (type, length, timestamp, message stream) and is followed by a back
/// pointer of 4. The payloads are slices of the aggregate's. Only media and data can be inside: a command is answered before
/// the next message is read, and an aggregate in an aggregate would let a few bytes go round without end.
struct AggregateMessage: Sequence, IteratorProtocol {
    private let aggregate: RTMPMessage
    private var rest: ByteBuffer
    private var firstTimestamp: UInt32?

    init(_ aggregate: RTMPMessage) {
        self.aggregate = aggregate
        rest = aggregate.payload
    }

    /// The next message, or `nil` at the end or where what is left is none.
    mutating func next() -> RTMPMessage? {
        while let message = nextPart() {
            switch message.typeID {
            case RTMPMessage.TypeID.audio, RTMPMessage.TypeID.video, RTMPMessage.TypeID.dataAMF0,
                RTMPMessage.TypeID.dataAMF3:
                return message
            default: continue
            }
        }
        return nil
    }

    private mutating func nextPart() -> RTMPMessage? {
        guard let (typeID, length) = rest.readTypeAndLength(), let timestamp = rest.readTagTimestamp(),
            // The stream of the aggregate stands for those of its parts.
            rest.readUInt24() != nil,
            let payload = rest.readSlice(length: length)
        else { return nil }
        // Some encoders leave the last back pointer out.
        rest.moveReaderIndex(forwardBy: Swift.min(4, rest.readableBytes))
        let first = firstTimestamp ?? timestamp
        firstTimestamp = first
        return RTMPMessage(
            chunkStreamID: aggregate.chunkStreamID,
            // The aggregate's own timestamp is that of its first part; the others keep their distance to it.
            timestamp: aggregate.timestamp &+ (timestamp &- first),
            typeID: typeID,
            messageStreamID: aggregate.messageStreamID,
            payload: payload
        )
    }
}

extension ByteBuffer {
    fileprivate mutating func readTypeAndLength() -> (typeID: UInt8, length: Int)? {
        guard let word = readInteger(as: UInt32.self) else { return nil }
        return (UInt8(word >> 24), Int(word & 0xFFFFFF))
    }

    /// FLV 10.1 §E.4.1: 24 bits, then the upper eight.
    fileprivate mutating func readTagTimestamp() -> UInt32? {
        guard let low = readUInt24(), let high = readInteger(as: UInt8.self) else { return nil }
        return UInt32(high) << 24 | low
    }
}
