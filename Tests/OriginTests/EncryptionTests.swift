import Cryptography
import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Origin

/// AES-128 (RFC 8216 §4.3.2.4), checked with the openssl command.
@Suite("Encryption")
struct EncryptionTests {
    private let fixture = Fixture(segmentSize: 100_003)
    private let encryption = SegmentEncryption(.beside, secret: Array("0123456789abcdef".utf8), keySeconds: 8)

    /// A playlist of ten segments of 4 s with parts behind them, the format changing at 3; the lines of so many segments
    /// in each text.
    private func playlist(from first: Int, skipping skipped: Int = 0, segmentsEach count: Int = 100) -> StoredResource {
        var header = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:\(first)"]
        if skipped > 0 { header.append("#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)") }
        header.append("#EXT-X-MAP:URI=\"t1-init-0.mp4\"")
        var texts = [text(.header, header)]
        let end = first + 10
        for start in stride(from: first + skipped, to: end, by: count) {
            let lines = (start..<min(start + count, end)).flatMap { number in
                (number == 3 ? ["#EXT-X-DISCONTINUITY", "#EXT-X-MAP:URI=\"t1-init-3.mp4\""] : [])
                    + ["#EXT-X-PROGRAM-DATE-TIME:x", "#EXTINF:4.000000,", "t1-\(number).m4s"]
            }
            texts.append(text(.segments(first: start), lines, isLasting: start + count < end))
        }
        texts.append(
            text(
                .outlook(next: end),
                ["#EXT-X-PROGRAM-DATE-TIME:x", "#EXT-X-PART:DURATION=0.5,URI=\"t1-\(end).0.m4s\""]
            )
        )
        return StoredResource(playlist: "m", texts: texts, entityTag: "e")
    }

    private func text(_ role: PlaylistText.Role, _ lines: [String], isLasting: Bool = false) -> PlaylistText {
        PlaylistText(role, ByteBuffer(string: lines.map { $0 + "\n" }.joined()), isLasting: isLasting)
    }

    private func encrypted(_ plain: StoredResource) -> [Substring] {
        let made = encryption.encrypted(playlist: plain, tag: "t1", targetDuration: 4)
        #expect(made.entityTag == "e-aes")
        return String(buffer: made.body).split(separator: "\n")
    }

    /// The key in force for each URI, and for each EXT-X-MAP.
    private func keys(_ lines: [Substring]) -> (media: [String: String], maps: [String: String]) {
        var media: [String: String] = [:], maps: [String: String] = [:], key = "none"
        for line in lines {
            if line.hasPrefix("#EXT-X-KEY:METHOD=NONE") {
                key = "none"
            } else if line.hasPrefix("#EXT-X-KEY:METHOD=AES-128,URI=\"") {
                key = String(line.dropFirst(31).dropLast())
            } else if line.hasPrefix("#EXT-X-MAP:URI=\"") {
                maps[String(line.dropFirst(16).dropLast())] = key
            } else if line.hasPrefix("#EXT-X-PART:"), let uri = line.split(separator: "URI=\"").last {
                media[String(uri.dropLast())] = key
            } else if !line.hasPrefix("#") {
                media[String(line)] = key
            }
        }
        return (media, maps)
    }

    @Test(
        "whatever the window, a key governs each segment and part, always the same one, and no initialization segment"
    )
    func governs() {
        for (first, skipped, count) in [
            (0, 0, 9), (1, 0, 9), (2, 0, 9), (3, 0, 9), (4, 0, 9), (0, 4, 9), (1, 2, 9), (7, 1, 9),
            (0, 0, 1), (0, 0, 2), (0, 0, 3), (1, 0, 2), (2, 0, 1), (3, 0, 1), (1, 2, 3),
        ] {
            let (media, maps) = keys(encrypted(playlist(from: first, skipping: skipped, segmentsEach: count)))
            #expect(media.count == 11 - skipped)
            for number in (first + skipped)..<(first + 10) {
                #expect(media["t1-\(number).m4s"] == "t1-\(number / 2).key", "\(number) from \(first)")
            }
            #expect(media["t1-\(first + 10).0.m4s"] == "t1-\((first + 10) / 2).key")
            #expect(maps.values.allSatisfy { $0 == "none" } && !maps.isEmpty)
        }
    }

    @Test("nothing but keys is added to a playlist, and the multivariant playlist stays as it is")
    func onlyKeys() {
        let plain = playlist(from: 5, segmentsEach: 4)
        let text = String(buffer: plain.body)
        #expect(encrypted(plain).filter { !$0.hasPrefix("#EXT-X-KEY") } == text.split(separator: "\n"))
        let index = StoredResource(
            kind: .multivariantPlaylist,
            name: "i",
            body: ByteBuffer(string: text),
            entityTag: "e"
        )
        #expect(encryption.encrypted(playlist: index, tag: "t1", targetDuration: 4) === index)
    }

    @Test("openssl decrypts a segment with the key of its playlist and its number")
    func decrypts() async throws {
        try fixture.goLive("main")
        var router = fixture.router()
        router.encryption = encryption
        let key = router.get("/live/main/aes/t1-0.key")
        #expect(key.status == 200 && key.body.count == 16 && key["Cache-Control"] == "no-store")
        #expect(key["Content-Type"] == "application/octet-stream" && key["Access-Control-Allow-Origin"] == "*")
        let segment = router.get("/live/main/aes/t1-0.m4s")
        #expect(segment.status == 200 && segment.body.count == 100_016)
        #expect(segment["ETag"] == "\"t1-0.m4s-aes\"" && segment["Cache-Control"]?.contains("immutable") == true)
        let folder = try TemporaryFolder()
        try folder.write("segment", segment.body)
        try await Tool.check(
            "openssl",
            [
                "enc", "-d", "-aes-128-cbc", "-K", Hexadecimal.text(key.body), "-iv", String(repeating: "0", count: 32),
                "-in", folder.file("segment"), "-out", folder.file("plain"),
            ]
        )
        #expect(try folder.read("plain") == Array(fixture.segmentBody.readableBytesView))
        // A part of the encrypted bytes, and the segment as it is beside them.
        #expect(router.get("/live/main/aes/t1-0.m4s", [("Range", "bytes=16-31")]).body == Array(segment.body[16..<32]))
        #expect(router.get("/live/main/t1-0.m4s").body.count == 100_003)
        #expect(router.get("/live/main/aes/t1-init-0.mp4").body == router.get("/live/main/t1-init-0.mp4").body)
    }

    @Test(
        "there are no keys but those of the live, made up names are nothing",
        arguments: [
            "t1-2.key", "t1-00.key", "t1--1.key", "t1-.key", "t2-0.key", "t1-0.key2", ".key",
            "t1-9223372036854775808.key",
        ]
    )
    func otherKeys(name: String) throws {
        try fixture.goLive("main")
        var router = fixture.router()
        router.encryption = encryption
        #expect(router.get("/live/main/aes/\(name)").status == 404)
        #expect(router.get("/live/main/t1-0.key").status == 404, "not where media is as it is")
        #expect(router.get("/live/main/aes/aes/t1-0.key").status == 404)
        #expect(fixture.router().get("/live/main/aes/t1-0.key").status == 404, "not without encryption")
    }

    @Test("in place of the media as it is, nothing is left of that")
    func instead() throws {
        try fixture.goLive("main")
        var router = fixture.router()
        router.encryption = SegmentEncryption(.instead, secret: Array("0123456789abcdef".utf8), keySeconds: 8)
        #expect(router.get("/live/main/t1-0.m4s").body.count == 100_016)
        #expect(router.get("/live/main/t1-0.key").status == 200)
        #expect(router.get("/live/main/aes/t1-0.m4s").status == 404)
    }

    @Test("a key is only for those who may watch")
    func guarded() throws {
        try fixture.goLive("main")
        let authorizer = SignedPlaybackAuthorizer(key: Secret("0123456789abcdef")) { 0 }
        var router = fixture.router(access: ViewerAccess(authorizer: authorizer, cdnSecret: nil))
        router.encryption = encryption
        #expect(router.get("/live/main/aes/t1-0.key").status == 403)
        #expect(router.get("/live/main/aes/t1-0.m4s").status == 403)
    }
}
