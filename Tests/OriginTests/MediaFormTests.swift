import LiveStore
import MediaCore
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import Origin

@Suite("Media in other forms")
struct MediaFormTests {
    /// Makes bytes that tell what they were made of, and counts.
    private final class Remuxer: MediaRemuxer {
        let calls = Mutex(0)
        let refusal: String?

        init(refusal: String? = nil) { self.refusal = refusal }

        struct Failure: Error, CustomStringConvertible { let description = "no, not this one" }

        func transportStreamRefusal(of initialization: ByteBuffer) -> String? { refusal }

        func transportStream(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer {
            calls.withLock { $0 += 1 }
            guard refusal == nil else { throw Failure() }
            let size = pieces.reduce(0) { $0 + $1.readableBytes }
            return ByteBuffer(string: "\(String(buffer: initialization)) and \(size) bytes")
        }

        func soundInitialization(_ initialization: ByteBuffer) throws -> ByteBuffer {
            calls.withLock { $0 += 1 }
            guard refusal == nil else { throw Failure() }
            return ByteBuffer(string: "sound of \(String(buffer: initialization))")
        }

        func sound(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer {
            var made = ByteBuffer(string: "sound of ")
            made.writeImmutableBuffer(try transportStream(of: pieces, initialization: initialization))
            return made
        }
    }

    private let fixture = Fixture()
    private let remuxer = Remuxer()

    private func router(_ remuxer: Remuxer) -> Router {
        var router = fixture.router()
        router.remuxer = remuxer
        return router
    }

    // MARK: - Playlists

    private static let header = """
        #EXTM3U
        #EXT-X-VERSION:10
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.200,CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES
        #EXT-X-PART-INF:PART-TARGET=0.400
        #EXT-X-MEDIA-SEQUENCE:7
        #EXT-X-DISCONTINUITY-SEQUENCE:1

        """
    private static let segments = """
        #EXT-X-SKIP:SKIPPED-SEGMENTS=3
        #EXT-X-MAP:URI="t1-init-7.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
        #EXTINF:2.000000,
        t1-10.m4s
        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="t1-init-11.mp4"
        #EXT-X-DATERANGE:ID="a",START-DATE="2026-01-01T00:00:02.000Z"
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
        #EXT-X-PART:DURATION=0.400000,URI="t1-11.0.m4s",INDEPENDENT=YES
        #EXTINF:2.000000,
        t1-11.m4s

        """
    private static let end = """
        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="t1-init-12.mp4"
        #EXT-X-DATERANGE:ID="b",START-DATE="2026-01-01T00:00:04.000Z"
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
        #EXT-X-PART:DURATION=0.400000,URI="t1-12.0.m4s",INDEPENDENT=YES
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI="t1-12.1.m4s"
        #EXT-X-RENDITION-REPORT:URI="media-1.m3u8",LAST-MSN=12,LAST-PART=0

        """
    private static let transportStream = """
        #EXTM3U
        #EXT-X-VERSION:10
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES
        #EXT-X-MEDIA-SEQUENCE:7
        #EXT-X-DISCONTINUITY-SEQUENCE:1
        #EXT-X-SKIP:SKIPPED-SEGMENTS=3
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
        #EXTINF:2.000000,
        t1-10.ts
        #EXT-X-DISCONTINUITY
        #EXT-X-DATERANGE:ID="a",START-DATE="2026-01-01T00:00:02.000Z"
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
        #EXTINF:2.000000,
        t1-11.ts

        """

    /// A playlist in another form, each piece by itself.
    private func rewrite(_ pieces: [(PlaylistText.Role, String)], as form: MediaForm) -> String {
        pieces.map { role, text in
            String(buffer: PlaylistForm.rewrite(PlaylistText(role, ByteBuffer(string: text)), as: form))
        }.joined()
    }

    private static let whole: [(PlaylistText.Role, String)] = [(.header, header), (.segments(first: 10), segments)]

    @Test("a playlist of transport streams has whole segments, and nothing of what is not whole")
    func transportStreamPlaylist() {
        let outlook = PlaylistText.Role.outlook(next: 12)
        #expect(rewrite(Self.whole + [(outlook, Self.end)], as: .transportStream) == Self.transportStream)
        #expect(rewrite(Self.whole + [(outlook, "")], as: .transportStream) == Self.transportStream)
        let ended = Self.whole + [(outlook, "#EXT-X-ENDLIST\n")]
        #expect(rewrite(ended, as: .transportStream) == Self.transportStream + "#EXT-X-ENDLIST\n")
    }

    @Test("a playlist of sound is the stored one with other names, and its parts are all independent")
    func soundPlaylist() {
        let stored = Self.header + Self.segments + Self.end
        let sound =
            stored.replacing(".m4s", with: ".sound.m4s").replacing(".mp4", with: ".sound.mp4")
        #expect(rewrite(Self.whole + [(.outlook(next: 12), Self.end)], as: .sound) == sound)
        let other = """
            #EXT-X-PART:DURATION=0.400000,URI="t1-12.0.m4s"
            #EXT-X-RENDITION-REPORT:URI="sound.m3u8",LAST-MSN=12,LAST-PART=0

            """
        let expected = """
            #EXT-X-PART:DURATION=0.400000,URI="t1-12.0.sound.m4s",INDEPENDENT=YES
            #EXT-X-RENDITION-REPORT:URI="media.m3u8",LAST-MSN=12,LAST-PART=0

            """
        #expect(rewrite([(.outlook(next: 12), other)], as: .sound) == expected)
    }

    // MARK: - Requests

    @Test("a segment is made once, of its own initialization segment, and never changes")
    func segment() throws {
        try fixture.goLive("main")
        let router = router(remuxer)
        for _ in 0..<3 {
            let response = router.get("/live/main/t1-0.ts")
            #expect(response.status == 200 && response["Content-Type"] == "video/mp2t")
            #expect(response.text == "ftyp moov and 1000 bytes")
            #expect(response["ETag"] == "\"t1-0.m4s-ts\"" && response["Cache-Control"]?.contains("immutable") == true)
        }
        #expect(remuxer.calls.withLock { $0 } == 1)
        #expect(router.get("/live/main/t1-0.m4s")["Content-Type"] == "video/mp4")
        #expect(router.get("/live/main/t1-0.ts", [("Range", "bytes=0-3")]).text == "ftyp")
    }

    @Test("the playlist lists them; further renditions with sound have theirs")
    func playlists() throws {
        let stream = try fixture.goLive("main")
        fixture.addRendition(to: stream)
        let router = router(remuxer)
        let response = router.get("/live/main/ts.m3u8")
        #expect(response.text == "#EXTM3U\nt1-0.ts\n" && response["ETag"] == "\"media.m3u8-ts\"")
        #expect(router.get("/live/main/ts-1.m3u8").text == "#EXTM3U\nt1-m1-0.ts\n")
        #expect(router.get("/live/main/t1-m1-0.ts").text == "moov and 1000 bytes")
        #expect(router.get("/live/main/media.m3u8").text == "#EXTM3U\nt1-0.m4s\n")
        #expect(remuxer.calls.withLock { $0 } == 1)
    }

    @Test(
        "what there is not is not made",
        arguments: ["t1-1.ts", "t1-init-0.ts", "t1-0.0.ts", "t1-0.m4s.ts", ".ts", "t2-0.ts", "ts-0.m3u8", "ts-.m3u8"]
    )
    func nothing(name: String) throws {
        try fixture.goLive("main")
        #expect(router(remuxer).get("/live/main/\(name)").status == 404)
        #expect(remuxer.calls.withLock { $0 } == 0)
    }

    @Test("an origin without a remuxer has the stored form alone")
    func none() throws {
        try fixture.goLive("main")
        #expect(fixture.router().get("/live/main/ts.m3u8").status == 404)
        #expect(fixture.router().get("/live/main/t1-0.ts").status == 404)
    }

    @Test("what cannot be made is refused in words, which no cache keeps")
    func refused() throws {
        try fixture.goLive("main")
        let router = router(Remuxer(refusal: "Opus has no place there"))
        let playlist = router.get("/live/main/ts.m3u8")
        #expect(playlist.status == 404 && playlist["Cache-Control"] == "no-store")
        #expect(playlist.text == "This live cannot be had as MPEG-TS: Opus has no place there.\n")
        #expect(router.get("/live/main/t1-0.ts").text == "This segment cannot be had as MPEG-TS: no, not this one.\n")
    }

    @Test("a reload waits for the whole segment, whatever part it names")
    func waits() throws {
        let stream = try fixture.goLive("main")
        stream.addPart()
        let router = router(remuxer)
        #expect(router.get("/live/main/ts.m3u8?_HLS_msn=0").status == 200)
        // The part is there, the segment is not.
        #expect(router.get("/live/main/media.m3u8?_HLS_msn=1&_HLS_part=0").status == 200)
        #expect(router.get("/live/main/ts.m3u8?_HLS_msn=1&_HLS_part=0").status == 503)
        #expect(router.get("/live/main/ts.m3u8?_HLS_msn=3").status == 400)
        #expect(router.get("/live/main/ts.m3u8?_HLS_part=0").status == 400)
    }

    @Test("a segment is made first and encrypted then, with the key that its number has")
    func encrypted() throws {
        try fixture.goLive("main")
        var router = router(remuxer)
        router.encryption = SegmentEncryption(.beside, secret: Array("0123456789abcdef".utf8), keySeconds: 8)
        let clear = router.get("/live/main/t1-0.ts"), closed = router.get("/live/main/aes/t1-0.ts")
        #expect(clear.text == "ftyp moov and 1000 bytes")
        #expect(closed.body.count == 32 && closed["ETag"] == "\"t1-0.m4s-ts-aes\"")
        #expect(closed["Content-Type"] == "video/mp2t")
        #expect(router.get("/live/main/aes/t1-0.m4s").body != closed.body)
        #expect(router.get("/live/main/aes/ts.m3u8")["ETag"] == "\"media.m3u8-ts-aes\"")
    }

    @Test("sound alone: the initialization segment, a segment, a part, and the wait for a part")
    func sound() throws {
        let stream = try fixture.goLive("main")
        stream.addPart()
        let router = router(remuxer)
        #expect(router.get("/live/main/sound.m3u8").status == 200)
        #expect(router.get("/live/main/t1-init-0.sound.mp4").text == "sound of ftyp moov")
        #expect(router.get("/live/main/t1-0.sound.m4s").text == "sound of ftyp moov and 1000 bytes")
        let part = router.get("/live/main/t1-1.0.sound.m4s")
        #expect(part.text == "sound of ftyp moov and 6 bytes" && part["Content-Type"] == "video/mp4")
        #expect(part["ETag"]?.hasSuffix("-sound\"") == true)
        // The part that the stored playlist hints at.
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: "/live/main/t1-1.1.sound.m4s",
            headers: ["Host": "a"]
        )
        guard case .hold(let hold, _) = router.outcome(of: head, from: "192.0.2.1") else {
            Issue.record("not held")
            return
        }
        stream.addPart()
        #expect(stream.wait(for: hold.awaited, on: EmbeddedEventLoop()) {} == nil, "it is there")
        #expect(router.get("/live/main/t1-1.1.sound.m4s").status == 200)
        #expect(router.get("/live/main/t1-1.7.sound.m4s").status == 404)
        #expect(router.get("/live/main/t1-0.sound.mp4").status == 404)
    }

    @Test("a live without sound has none alone")
    func silent() throws {
        try fixture.goLive("main")
        let response = router(Remuxer(refusal: "")).get("/live/main/sound.m3u8")
        #expect(response.status == 404)
        #expect(response.text == "This live cannot be had as sound alone: no, not this one.\n")
    }

    @Test(
        "every form is for those alone who may watch",
        arguments: ["ts.m3u8", "t1-0.ts", "sound.m3u8", "t1-0.sound.m4s", "t1-init-0.sound.mp4"]
    )
    func guarded(name: String) throws {
        let stream = try fixture.goLive("main")
        let key = Secret("0123456789abcdef")
        let authorizer = SignedPlaybackAuthorizer(key: key) { 50 }
        var router = fixture.router(access: ViewerAccess(authorizer: authorizer, cdnSecret: nil))
        router.remuxer = remuxer
        let token = PlaybackToken(stream: stream.id, end: 100).text(key: key)
        #expect(router.get("/live/main/\(name)").status == 403)
        #expect(remuxer.calls.withLock { $0 } == 0)
        let answer = router.get("/t/\(token)/live/main/\(name)")
        #expect(answer.status == 200 && answer.body == self.router(remuxer).get("/live/main/\(name)").body)
    }
}
