import TestSupport
import Testing

/// A good publisher beside everything that attackers and broken clients do: it must not notice.
@Suite("Hostile peers", .serialized)
struct HostilePeersTests {
    /// What one kind of peer does after it has connected.
    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let pieces: [[UInt8]]

        init(_ name: String, _ pieces: [UInt8]...) {
            testDescription = name
            self.pieces = pieces
        }
    }

    private static let opened = RTMPBytes.handshake + RTMPBytes.connect()

    /// Those that end by the server's own decision, and soon.
    static let scripts = [
        Script("a TLS ClientHello", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]),
        Script("an HTTP request", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
        Script("an encrypted handshake, RTMPE", [6] + [UInt8](repeating: 1, count: 1536)),
        Script(
            "a message of 16 MiB before publish",
            opened + RTMPBytes.chunk(type: 9, [1], length: 0xFFFFFF, stream: 1)
        ),
        Script(
            "chunk streams without end",
            opened + (0..<200).flatMap(cutOffMessage)
        ),
        Script("a chunk size of 0", opened + RTMPBytes.chunk(type: 1, [0, 0, 0, 0], chunkStream: 2)),
        Script("a chunk that continues nothing", opened + [0xC0 | 9, 0, 0]),
        Script(
            "a message inside a message",
            opened + [UInt8](repeating: 7, count: 12) + [UInt8](repeating: 7, count: 200)
        ),
        Script("AMF nested without end", opened + deepValue),
        Script("a string that ends too early", opened + RTMPBytes.message(type: 20, [2, 0xFF, 0xFF, 0x61])),
        Script("publish before connect", RTMPBytes.handshake + RTMPBytes.publish("x")),
        Script("connect twice", opened + RTMPBytes.connect()),
        Script("a wrong key", opened + RTMPBytes.publish("guessed-0123456789")),
        Script(
            "message streams without end",
            opened + (0..<64).flatMap { RTMPBytes.command("createStream", Double($0), [5]) }
        ),
        Script("noise", (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 ^ ($0 >> 3)) }),
        Script(
            "noise after the handshake",
            RTMPBytes.handshake + (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 89) }
        ),
    ]

    /// 128 of 200 bytes on a chunk stream of its own.
    private static func cutOffMessage(_ chunkStream: Int) -> [UInt8] {
        [0, UInt8(chunkStream), 0, 0, 0, 0, 0, 200, 8, 1, 0, 0, 0] + [UInt8](repeating: 0, count: 128)
    }

    private static let deepValue = RTMPBytes.message(
        type: 20,
        RTMPBytes.string("x") + RTMPBytes.number(1) + (0..<400).flatMap { _ in [UInt8(3), 0, 1, 0x61] }
    )

    /// Those that only hold a connection, by hundreds.
    private static let holders = [
        Script("no byte at all", []),
        Script("half a handshake", [3] + [UInt8](repeating: 0x5A, count: 700)),
        Script("a handshake and nothing more", RTMPBytes.handshake),
        Script("connected and silent", opened),
        Script("a chunk header cut off", opened + [3, 0, 0]),
    ]

    @Test("500 held connections and every hostile script leave a running publisher undisturbed")
    func undisturbed() async throws {
        let server = try await ServerProcess.start(environment: [
            "LYCEUM_SEGMENT_SECONDS": "1", "LYCEUM_RTMP_HANDSHAKE_SECONDS": "120", "LYCEUM_RTMP_PUBLISH_SECONDS": "120",
        ])
        let media = FFmpegPublisher.Media.test(keyframeInterval: 25)
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }

        // It goes on watching while the others come.
        async let watching: Void = viewer.watchToEnd(within: .seconds(120))
        let held = try await Self.hold(500, port: server.rtmpPort)
        #expect(held.count { !$0.isClosed } == 500, "all are taken")
        try await Self.attack(port: server.rtmpPort)

        var line = try await server.log.line(containing: "segment published")
        for _ in 0..<(3 + server.log.lines.count { $0.contains("segment published") }) {
            line = try await server.log.line(after: line, within: .seconds(10)) { $0.contains("segment published") }
        }
        #expect(held.count { !$0.isClosed } == 500, "none of them has run out of its time yet")
        publisher.interrupt()
        try await watching
        try await publisher.waitForExit()

        // The viewer has compared the sample times of each segment with those of the one before.
        #expect(await viewer.follower.discontinuityCount == 0)
        let numbers = await viewer.follower.segments.map(\.mediaSequenceNumber)
        #expect(numbers == Array(0..<numbers.count), "every segment was listed")
        for segment in await viewer.segments.dropLast() {
            #expect(segment.media.samples(of: 1).count == 25, "\(segment.entry.uri): no picture lost")
        }
        try await Self.expectPunctual(viewer)
        #expect(!server.log.text.contains("guessed-0123456789"))
    }

    /// Holds connections, a hundred from each address.
    private static func hold(_ count: Int, port: Int) async throws -> [TCPPeer] {
        var held: [TCPPeer] = []
        for index in 0..<count {
            let peer = try await TCPPeer.connect(port: port, from: "127.0.1.\(index / 100 + 1)")
            holders[index % holders.count].pieces.forEach(peer.send)
            held.append(peer)
        }
        return held
    }

    /// Runs every script, whole and a byte at a time, and waits until the server has had enough of each.
    private static func attack(port: Int) async throws {
        var attackers: [TCPPeer] = []
        for (index, script) in scripts.enumerated() {
            for repetition in 0..<6 {
                let peer = try await TCPPeer.connect(port: port, from: "127.0.2.\(index * 6 + repetition + 1)")
                if repetition & 1 == 0 {
                    script.pieces.forEach(peer.send)
                } else {
                    for byte in script.pieces.joined() { peer.send([byte]) }
                }
                attackers.append(peer)
            }
        }
        for (index, attacker) in attackers.enumerated() {
            do {
                try await attacker.waitUntilClosed(within: .seconds(40))
            } catch {
                Issue.record("still open: \(scripts[index / 6].testDescription)")
            }
        }
    }

    /// No segment later than a busy machine explains.
    private static func expectPunctual(_ viewer: LiveViewer) async throws {
        let arrivals = await viewer.arrivals
        for (earlier, later) in zip(arrivals, arrivals.dropFirst()) {
            #expect(later - earlier < .milliseconds(2500), "segments of 1 s came \(later - earlier) apart")
        }
    }
}
