import NIOCore

/// The server's side of the RTMP handshake (RTMP 1.0 §5.2), without I/O.
///
/// ```
/// waitingForC0 --C0 = 3--> waitingForC1 --C1--> reply S0 S1 S2 --> waitingForC2 --C2--> complete
/// ```
///
/// Bytes may come in pieces of any size. What follows C2 is left in the buffer for the chunk decoder. A C1 that carries
/// a digest is answered with digests (``RTMPDigest``), as Flash, ffmpeg and some hardware want it; any other is echoed.
struct RTMPHandshake {
    /// The size of C1, S1, C2 and S2 (§5.2.3, §5.2.4).
    static let packetSize = 1536
    /// The protocol version in C0 and S0 (§5.2.2).
    static let version: UInt8 = 3

    /// What the caller does next.
    enum Action: Equatable {
        /// Nothing until more bytes come.
        case wait
        /// Send these bytes, then call again.
        case reply(ByteBuffer)
        /// The handshake is over; the rest of the buffer is chunks.
        case complete
    }

    private enum State {
        case waitingForC0
        /// At most ``packetSize`` bytes have been gathered.
        case waitingForC1(gathered: [UInt8])
        /// C2 is not checked: it echoes S1, which tells nothing, and old encoders send it wrong.
        case waitingForC2(remaining: Int)
        case complete
    }

    private var state = State.waitingForC0
    private let randomBytes: (Int) -> [UInt8]

    /// A handshake that waits for C0.
    ///
    /// - Parameter randomBytes: makes so many unpredictable bytes for S1 and S2.
    init(randomBytes: @escaping (Int) -> [UInt8]) {
        self.randomBytes = randomBytes
    }

    /// Takes what it needs from the front of `buffer`.
    ///
    /// Call it until it answers ``Action/wait`` or ``Action/complete``.
    ///
    /// - Throws: ``RTMPHandshakeError`` when the peer speaks something else.
    mutating func receive(_ buffer: inout ByteBuffer) throws(RTMPHandshakeError) -> Action {
        switch state {
        case .waitingForC0:
            guard let version = buffer.readInteger(as: UInt8.self) else { return .wait }
            guard version == Self.version else { throw RTMPHandshakeError(firstByte: version) }
            state = .waitingForC1(gathered: [])
            return try receive(&buffer)

        case .waitingForC1(var gathered):
            state = .waitingForC1(gathered: [])
            let count = min(Self.packetSize - gathered.count, buffer.readableBytes)
            gathered.append(contentsOf: buffer.readBytes(length: count) ?? [])
            guard gathered.count == Self.packetSize else {
                state = .waitingForC1(gathered: gathered)
                return .wait
            }
            state = .waitingForC2(remaining: Self.packetSize)
            return .reply(reply(to: gathered))

        case .waitingForC2(let remaining):
            let count = min(remaining, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: count)
            state = count == remaining ? .complete : .waitingForC2(remaining: remaining - count)
            return count == remaining ? .complete : .wait

        case .complete:
            return .complete
        }
    }

    /// S0, S1 and S2 for a C1.
    private func reply(to c1: [UInt8]) -> ByteBuffer {
        let random = randomBytes(2 * Self.packetSize)
        // S1: our epoch 0, version 0 for "no digest" (§5.2.3 says zero), then random bytes.
        var s1 = [UInt8](repeating: 0, count: 8) + random.prefix(Self.packetSize - 8)
        var s2 = c1
        if let digest = RTMPDigest(c1: c1) {
            digest.sign(s1: &s1)
            s2 = digest.s2(random: Array(random.suffix(Self.packetSize)))
        }
        var reply = ByteBuffer()
        reply.reserveCapacity(1 + 2 * Self.packetSize)
        reply.writeInteger(Self.version)
        reply.writeBytes(s1)
        reply.writeBytes(s2)
        return reply
    }
}
