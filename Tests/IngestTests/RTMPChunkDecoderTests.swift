import NIOCore
import Testing

@testable import Ingest

@Suite("RTMPChunkDecoder")
struct RTMPChunkDecoderTests {
    private static let limits = RTMPChunkDecoder.Limits(messageLength: 1 << 20, partialBytes: 2 << 20, chunkStreams: 16)

    private func decode(_ bytes: [UInt8], _ feed: Feed = .whole) throws -> [RTMPMessage] {
        var decoder = RTMPChunkDecoder(limits: Self.limits)
        var messages: [RTMPMessage] = []
        for var piece in feed.pieces(of: bytes) {
            while let message = try decoder.nextMessage(from: &piece) { messages.append(message) }
            #expect(piece.readableBytes == 0)
        }
        return messages
    }

    private func payload(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(state: seed)
        return generator.bytes(count)
    }

    @Test("every header form and identifier size gives the same messages however it is cut", arguments: Feed.allCases)
    func forms(feed: Feed) throws {
        var wire = WireBuilder()
        for csid in [2, 3, 63, 64, 319, 320, 65_599] {
            wire.type0(csid, timestamp: 1000, length: 5, type: 8, stream: 7, payload: [1, 2, 3, 4, 5])
            wire.type1(csid, delta: 20, length: 3, type: 9, payload: [6, 7, 8])
            wire.type2(csid, delta: 30, payload: [9, 10, 11])
            wire.type3(csid, payload: [12, 13, 14])
        }
        let messages = try decode(wire.bytes, feed)
        #expect(messages.count == 28)
        #expect(messages.prefix(4).map(\.timestamp) == [1000, 1020, 1050, 1080])
        #expect(messages.prefix(4).map(\.typeID) == [8, 9, 9, 9])
        #expect(messages.allSatisfy { $0.messageStreamID == 7 })
        #expect(messages.map(\.chunkStreamID).dropFirst(24) == [65_599, 65_599, 65_599, 65_599])
        #expect(messages[27].payload == ByteBuffer(bytes: [12, 13, 14]))
    }

    @Test("messages interleave chunk by chunk", arguments: Feed.allCases)
    func interleaved(feed: Feed) throws {
        let video = payload(300)
        let audio = payload(200, seed: 2)
        var wire = WireBuilder()
        wire.type0(6, timestamp: 5, length: 300, type: 9, payload: Array(video[..<128]))
        wire.type0(4, timestamp: 6, length: 200, type: 8, payload: Array(audio[..<128]))
        wire.type3(6, payload: Array(video[128..<256]))
        wire.type3(4, payload: Array(audio[128...]))
        wire.type3(6, payload: Array(video[256...]))
        let messages = try decode(wire.bytes, feed)
        #expect(messages.map(\.payload) == [ByteBuffer(bytes: audio), ByteBuffer(bytes: video)])
    }

    @Test("extended timestamps repeat in type 3 chunks or do not", arguments: Feed.allCases, [true, false])
    func extendedTimestamps(feed: Feed, repeats: Bool) throws {
        let times: [UInt32] = [0xFFFFFE, 0xFFFFFF, 0x1000000, 0x1000001, 0x0104_FF05, .max]
        var wire = WireBuilder()
        var expected: [ByteBuffer] = []
        for (index, time) in times.enumerated() {
            // Lengths with a last chunk of 1 to 3 bytes, and payloads that begin every chunk like the timestamp itself.
            for tail in [1, 2, 3, 100] {
                var body = payload(256 + tail, seed: UInt64(index))
                for start in [128, 256] {
                    for byte in 0..<3 where start + byte < body.count {
                        body[start + byte] = UInt8(truncatingIfNeeded: time >> (24 - 8 * UInt32(byte)))
                    }
                    if start + 3 < body.count { body[start + 3] = UInt8(truncatingIfNeeded: time) ^ 0xFF }
                }
                wire.message(4, timestamp: time, type: 9, payload: body, repeatsExtendedTimestamp: repeats)
                expected.append(ByteBuffer(bytes: body))
            }
        }
        // A last message, so that bytes held back for comparison are settled.
        wire.message(5, type: 8, payload: [1])
        expected.append(ByteBuffer(bytes: [1]))
        let messages = try decode(wire.bytes, feed)
        #expect(messages.map(\.payload) == expected)
        #expect(messages.dropLast().map(\.timestamp) == times.flatMap { [$0, $0, $0, $0] })
    }

    @Test("the extended field of types 1 and 2 is a delta, and time is modulo 2^32")
    func extendedDelta() throws {
        var wire = WireBuilder()
        wire.type0(4, timestamp: 0xFFFF_FFF0, length: 1, type: 8, payload: [0])
        wire.type1(4, delta: 0x0100_0000, length: 1, type: 8, payload: [1])
        wire.type2(4, delta: 0x10, payload: [2])
        #expect(try decode(wire.bytes).map(\.timestamp) == [0xFFFF_FFF0, 0x00FF_FFF0, 0x0100_0000])
    }

    @Test("a type 3 message adds the last delta, and nothing after a type 0 header")
    func repeatedDelta() throws {
        var wire = WireBuilder()
        wire.type0(4, timestamp: 500, length: 1, type: 8, payload: [0])
        wire.type3(4, payload: [1])
        wire.type2(4, delta: 23, payload: [2])
        wire.type3(4, payload: [3])
        #expect(try decode(wire.bytes).map(\.timestamp) == [500, 500, 523, 546])
    }

    @Test("Set Chunk Size counts from the next chunk, inside another message too", arguments: Feed.allCases)
    func setChunkSize(feed: Feed) throws {
        let video = payload(500)
        var wire = WireBuilder()
        wire.type0(6, timestamp: 0, length: 500, type: 9, payload: Array(video[..<128]))
        wire.type0(2, timestamp: 0, length: 4, type: 1, stream: 0, payload: [0, 0, 1, 0])
        wire.type3(6, payload: Array(video[128..<384]))
        wire.type0(2, timestamp: 0, length: 4, type: 1, stream: 0, payload: [0x7F, 0xFF, 0xFF, 0xFF])
        wire.type3(6, payload: Array(video[384...]))
        #expect(try decode(wire.bytes, feed).map(\.payload) == [ByteBuffer(bytes: video)])
    }

    @Test("Abort drops the message under way on its chunk stream only", arguments: Feed.allCases)
    func abort(feed: Feed) throws {
        var wire = WireBuilder()
        wire.type0(6, timestamp: 0, length: 500, type: 9, payload: payload(128))
        wire.type0(4, timestamp: 9, length: 130, type: 8, payload: [UInt8](repeating: 1, count: 128))
        wire.type0(2, timestamp: 0, length: 4, type: 2, stream: 0, payload: [0, 0, 0, 6])
        wire.type3(4, payload: [1, 1])
        wire.type0(6, timestamp: 10, length: 2, type: 9, payload: [8, 9])
        let messages = try decode(wire.bytes, feed)
        #expect(messages.map(\.timestamp) == [9, 10])
        #expect(messages.map(\.payload.readableBytes) == [130, 2])
    }

    @Test("a chunk stream may begin with type 1 and messages may be empty", arguments: Feed.allCases)
    func freshTypeOne(feed: Feed) throws {
        var wire = WireBuilder()
        wire.type1(2, delta: 7, length: 0, type: 4, payload: [])
        wire.type3(2, payload: [])
        let messages = try decode(wire.bytes, feed)
        #expect(messages.map(\.timestamp) == [7, 14])
        #expect(messages.allSatisfy { $0.messageStreamID == 0 && $0.payload.readableBytes == 0 })
    }

    @Test(
        "broken chunks are refused with what was seen",
        arguments: [
            ([0b1000_0100, 0, 0, 1], RTMPChunkError.nothingToRepeat(fmt: 2, chunkStreamID: 4)),
            ([0b1100_0100], .nothingToRepeat(fmt: 3, chunkStreamID: 4)),
            ([4, 0, 0, 0, 0x10, 0, 1, 9, 0, 0, 0, 0], .messageTooLong(length: 0x100001, allowed: 1 << 20)),
            ([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0], .invalidChunkSize(0)),
            ([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0x80, 0, 0, 1], .invalidChunkSize(0x8000_0001)),
            ([2, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0], .shortControlMessage(typeID: 2, length: 2)),
            (
                [4, 0, 0, 0, 0, 0, 200, 9, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 128) + [4]
                    + [UInt8](repeating: 0, count: 11),
                .messageInsideMessage(fmt: 0, chunkStreamID: 4)
            ),
        ]
    )
    func refused(bytes: [UInt8], error: RTMPChunkError) {
        for feed in Feed.allCases {
            #expect(throws: error) { try decode(bytes, feed) }
        }
    }

    @Test("chunk streams and incomplete messages are capped")
    func caps() {
        var wire = WireBuilder()
        for csid in 3..<20 { wire.type0(csid, timestamp: 0, length: 0, type: 9, payload: []) }
        #expect(throws: RTMPChunkError.tooManyChunkStreams(allowed: 16)) { try decode(wire.bytes) }

        wire = WireBuilder()
        wire.type0(2, timestamp: 0, length: 4, type: 1, stream: 0, payload: [0, 0x10, 0, 0])
        for csid in 3..<6 {
            wire.type0(csid, timestamp: 0, length: 1 << 20, type: 9, payload: payload(1 << 20).dropLast())
            wire.bytes.append(0)
        }
        #expect(throws: Never.self) { try decode(wire.bytes) }
        wire = WireBuilder()
        for csid in 3..<6 {
            wire.type0(csid, timestamp: 0, length: 1 << 20, type: 9, payload: payload(128))
        }
        for _ in 0..<8191 { for csid in 3..<6 { wire.type3(csid, payload: [UInt8](repeating: 0, count: 128)) } }
        #expect(throws: RTMPChunkError.tooManyPartialBytes(allowed: 2 << 20)) { try decode(wire.bytes) }
    }

    @Test("an announced length costs little until its bytes come")
    func announcedLength() throws {
        let limits = RTMPChunkDecoder.Limits(messageLength: 10 << 20, partialBytes: 1 << 20, chunkStreams: 16)
        var decoder = RTMPChunkDecoder(limits: limits)
        var wire = WireBuilder()
        // Fifteen announcements of 10 MiB against 1 MiB in all.
        for csid in 3..<18 { wire.type0(csid, timestamp: 0, length: 10 << 20, type: 9, payload: payload(128)) }
        var input = ByteBuffer(bytes: wire.bytes)
        #expect(try decoder.nextMessage(from: &input) == nil)
    }

    @Test("a publisher's messages get more at once, and as many as anybody's can still begin")
    func trustedReservation() throws {
        // As a publisher has them.
        let limits = IngestLimits()
        var decoder = RTMPChunkDecoder(
            limits: RTMPChunkDecoder.Limits(
                messageLength: limits.maximumMessageLength,
                partialBytes: limits.maximumPartialBytes,
                chunkStreams: limits.maximumChunkStreams,
                reservation: RTMPChunkDecoder.trustedReservation
            )
        )
        var wire = WireBuilder()
        for csid in 3..<64 { wire.type0(csid, timestamp: 0, length: 10 << 20, type: 9, payload: payload(128)) }
        var input = ByteBuffer(bytes: wire.bytes)
        #expect(try decoder.nextMessage(from: &input) == nil)
    }

    @Test("random bytes end in a message or an error, never in a trap", arguments: 0..<200)
    func randomBytes(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        let bytes = generator.bytes(4096)
        let whole = Result { try decode(bytes) }
        let dripped = Result { try decode(bytes, .drip) }
        switch (whole, dripped) {
        case (.success(let left), .success(let right)): #expect(left == right)
        case (.failure(let left), .failure(let right)): #expect("\(left)" == "\(right)")
        default: Issue.record("whole and dripped differ: \(whole), \(dripped)")
        }
    }

    @Test("what our encoder writes is read back", arguments: Feed.allCases)
    func roundTrip(feed: Feed) throws {
        var encoder = RTMPChunkEncoder()
        var wire = ByteBuffer()
        var sent: [RTMPMessage] = []
        for (index, size) in [0, 1, 127, 128, 129, 5000].enumerated() {
            for timestamp in [0, 0xFFFFFF, UInt32.max] {
                let body = ByteBuffer(bytes: payload(size, seed: UInt64(size)))
                sent.append(
                    RTMPMessage(
                        chunkStreamID: 3 + index,
                        timestamp: timestamp,
                        typeID: 20,
                        messageStreamID: 0x0102_0304,
                        payload: body
                    )
                )
            }
        }
        for (index, message) in sent.enumerated() {
            if index == 9 { encoder.write(RTMPReply.setChunkSize(4096), to: &wire) }
            encoder.write(message, to: &wire)
        }
        #expect(try decode(Array(wire.readableBytesView), feed) == sent)
    }
}
