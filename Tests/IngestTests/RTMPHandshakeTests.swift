import Cryptography
import NIOCore
import Testing

@testable import Ingest

@Suite("RTMPHandshake")
struct RTMPHandshakeTests {
    /// Feeds bytes and returns the reply and what was left behind C2.
    private func run(_ bytes: [UInt8], _ feed: Feed) throws -> (reply: ByteBuffer?, rest: [UInt8], isComplete: Bool) {
        var handshake = RTMPHandshake { count in [UInt8](repeating: 0x77, count: count) }
        var reply: ByteBuffer?
        var rest: [UInt8] = []
        var isComplete = false
        for var piece in feed.pieces(of: bytes) {
            loop: while true {
                switch try handshake.receive(&piece) {
                case .wait: break loop
                case .reply(let bytes):
                    #expect(reply == nil)
                    reply = bytes
                case .complete:
                    isComplete = true
                    rest += piece.readBytes(length: piece.readableBytes) ?? []
                    break loop
                }
            }
        }
        return (reply, rest, isComplete)
    }

    @Test("a plain C1 is echoed and what follows C2 is left alone", arguments: Feed.allCases)
    func plain(feed: Feed) throws {
        var wire = WireBuilder()
        wire.handshake()
        let c1 = Array(wire.bytes[1..<1537])
        let result = try run(wire.bytes + [1, 2, 3, 4], feed)
        let reply = Array(try #require(result.reply).readableBytesView)
        #expect(reply.count == 3073)
        #expect(reply[0] == 3)
        #expect(reply[1..<9].allSatisfy { $0 == 0 })
        #expect(Array(reply[1537...]) == c1)
        #expect(result.rest == [1, 2, 3, 4])
        #expect(result.isComplete)
    }

    @Test("a C1 with a digest gets digests back in the same layout", arguments: [8, 772], Feed.allCases)
    func digest(base: Int, feed: Feed) throws {
        let playerKey = Array("Genuine Adobe Flash Player 001".utf8)
        var generator = SeededGenerator(state: UInt64(base))
        var c1: [UInt8] = [0, 0, 0, 0, 9, 0, 124, 2] + generator.bytes(1528)
        func place(_ packet: [UInt8]) -> Int { packet[base..<base + 4].reduce(0) { $0 + Int($1) } % 728 + base + 4 }
        func sign(_ packet: [UInt8], _ key: [UInt8]) -> [UInt8] {
            let start = place(packet)
            return HMACSHA256.authenticationCode(for: Array(packet[..<start] + packet[(start + 32)...]), key: key)
        }
        let code = sign(c1, playerKey)
        c1.replaceSubrange(place(c1)..<place(c1) + 32, with: code)

        let result = try run([3] + c1 + [UInt8](repeating: 0, count: 1536), feed)
        let reply = Array(try #require(result.reply).readableBytesView)
        let s1 = Array(reply[1..<1537])
        let s2 = Array(reply[1537...])
        let start = place(s1)
        #expect(s1[4] >= 3)
        #expect(Array(s1[start..<start + 32]) == sign(s1, Array("Genuine Adobe Flash Media Server 001".utf8)))
        #expect(s2 != c1)
        #expect(Array(s2[..<1504]) == [UInt8](repeating: 0x77, count: 1504))
        #expect(result.isComplete)
    }

    @Test(
        "other protocols are told apart by their first byte",
        arguments: [
            (UInt8(6), "rtmpe"), (8, "rtmpe"), (0x16, "TLS"), (UInt8(ascii: "G"), "HTTP"), (UInt8(ascii: "P"), "HTTP"),
            (UInt8(ascii: "H"), "HTTP"), (0, "first byte is 0"), (255, "first byte is 255"),
        ]
    )
    func refused(first: UInt8, word: String) {
        let error = #expect(throws: RTMPHandshakeError.self) { try run([first], .whole) }
        #expect(error?.description.contains(word) == true)
    }
}
