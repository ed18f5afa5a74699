import NIOCore

/// The client's side of the RTMP handshake (RTMP 1.0 §5.2) in its simple form, without I/O.
///
/// ```
/// send C0 C1 --> waitingForS0 --S0 = 3--> waitingForS1 --S1--> reply C2 --> waitingForS2 --S2--> complete
/// ```
struct RTMPClientHandshake {
    private enum State {
        case waitingForS0
        /// At most one packet has been gathered.
        case waitingForS1(gathered: [UInt8])
        /// S2 is not checked: it echoes C1, or a digest of it.
        case waitingForS2(remaining: Int)
        case complete
    }

    private var state = State.waitingForS0

    /// C0 and C1, which the client sends without being asked.
    ///
    /// - Parameter random: at least 1528 unpredictable bytes.
    /// - Returns: the bytes to send.
    static func opening(random: [UInt8]) -> ByteBuffer {
        var opening = ByteBuffer()
        opening.writeInteger(RTMPHandshake.version)
        // Our epoch 0, then zero (§5.2.3): "no digest".
        opening.writeInteger(UInt64(0))
        opening.writeBytes(random.prefix(RTMPHandshake.packetSize - 8))
        return opening
    }

    /// Takes what it needs from the front of `buffer`.
    ///
    /// Call it until it answers ``RTMPHandshake/Action/wait`` or ``RTMPHandshake/Action/complete``.
    ///
    /// - Throws: ``RTMPHandshakeError`` when the server speaks something else.
    mutating func receive(_ buffer: inout ByteBuffer) throws(RTMPHandshakeError) -> RTMPHandshake.Action {
        switch state {
        case .waitingForS0:
            guard let version = buffer.readInteger(as: UInt8.self) else { return .wait }
            guard version == RTMPHandshake.version else { throw RTMPHandshakeError(firstByte: version) }
            state = .waitingForS1(gathered: [])
            return try receive(&buffer)

        case .waitingForS1(var gathered):
            let count = min(RTMPHandshake.packetSize - gathered.count, buffer.readableBytes)
            gathered.append(contentsOf: buffer.readBytes(length: count) ?? [])
            guard gathered.count == RTMPHandshake.packetSize else {
                state = .waitingForS1(gathered: gathered)
                return .wait
            }
            state = .waitingForS2(remaining: RTMPHandshake.packetSize)
            // C2 echoes S1 (§5.2.4).
            return .reply(ByteBuffer(bytes: gathered))

        case .waitingForS2(let remaining):
            let count = min(remaining, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: count)
            state = count == remaining ? .complete : .waitingForS2(remaining: remaining - count)
            return count == remaining ? .complete : .wait

        case .complete:
            return .complete
        }
    }
}
