import NIOCore

/// Turns our messages into chunks (RTMP 1.0 §5.3).
///
/// Every message begins with a full type 0 header: one that depends on nothing before it cannot be misread, and four bytes
/// more are nothing beside a message of media.
struct RTMPChunkEncoder {
    /// The chunk size last announced to the peer.
    private(set) var chunkSize = RTMPChunkDecoder.defaultChunkSize

    /// Writes a message.
    ///
    /// A Set Chunk Size takes effect after itself (§5.4.1).
    ///
    /// - Parameters:
    ///   - message: its chunk stream is one of 2 to 63, its payload shorter than 16 MiB.
    ///   - output: gets the chunks.
    mutating func write(_ message: RTMPMessage, to output: inout ByteBuffer) {
        precondition((2...63).contains(message.chunkStreamID) && message.payload.readableBytes <= 0xFFFFFF)
        let basicHeader = UInt8(message.chunkStreamID)
        let isExtended = message.timestamp >= 0xFFFFFF
        output.writeInteger(basicHeader)
        output.writeThreeBytes(isExtended ? 0xFFFFFF : message.timestamp)
        output.writeThreeBytes(UInt32(message.payload.readableBytes))
        output.writeInteger(message.typeID)
        output.writeInteger(message.messageStreamID, endianness: .little)
        if isExtended { output.writeInteger(message.timestamp) }

        var payload = message.payload
        while let chunk = payload.readSlice(length: min(chunkSize, payload.readableBytes)) {
            output.writeImmutableBuffer(chunk)
            guard payload.readableBytes > 0 else { break }
            output.writeInteger(0b1100_0000 | basicHeader)
            if isExtended { output.writeInteger(message.timestamp) }
        }
        if message.typeID == RTMPMessage.TypeID.setChunkSize,
            let size = message.payload.getInteger(at: message.payload.readerIndex, as: UInt32.self)
        {
            chunkSize = min(max(1, Int(size)), RTMPChunkDecoder.maximumChunkSize)
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeThreeBytes(_ value: UInt32) {
        writeMultipleIntegers(UInt8(truncatingIfNeeded: value >> 16), UInt16(truncatingIfNeeded: value))
    }
}
