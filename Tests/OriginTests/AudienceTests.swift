import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import Testing

@testable import Origin

/// Who watches, and what they were sent.
@Suite("Audience")
struct AudienceTests {
    private let fixture = Fixture()
    private let stream: LiveStream

    init() throws { stream = try fixture.goLive("main") }

    private func get(_ target: String, from address: String = "192.0.2.1", _ fields: (String, String)...) -> Int {
        let headers = HTTPHeaders([("Host", "a")] + fields)
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
        return fixture.router().answer(head, from: address).response.byteCount
    }

    @Test("what was sent is counted by kind, with its bytes, and nothing else is")
    func counts() {
        var bytes = get("/live/main/index.m3u8") + get("/live/main/media.m3u8") + get("/live/main/t1-init-0.mp4")
        bytes += get("/live/main/t1-0.m4s") + get("/live/main/t1-0.m4s", ("Range", "bytes=0-9"))
        bytes += get("/live/main/media.m3u8", ("If-None-Match", "\"media.m3u8\""))
        _ = get("/live/main/t1-9.m4s")
        _ = get("/live/main/media.m3u8?_HLS_msn=x")
        _ = get("/watch/main")
        let figures = stream.audienceFigures(now: .now())
        #expect(figures.requests == [.playlist: 3, .segment: 2, .part: 0, .initialization: 1])
        #expect(figures.bytes == bytes && figures.heldRequests == 0)
    }

    @Test("a viewer is an address with a player, or a token, and has left when it asks for no playlist")
    func viewers() {
        _ = get("/live/main/index.m3u8", from: "192.0.2.1", ("User-Agent", "a"))
        #expect(stream.audienceFigures(now: .now()).viewers == 0, "who only looks follows nothing")
        for _ in 0..<3 { _ = get("/live/main/media.m3u8", from: "192.0.2.1", ("User-Agent", "a")) }
        _ = get("/live/main/media.m3u8", from: "192.0.2.1", ("User-Agent", "b"))
        _ = get("/live/main/media.m3u8", from: "192.0.2.2", ("User-Agent", "a"))
        _ = get("/live/main/media.m3u8", from: "127.0.0.1", ("User-Agent", "a"), ("X-Forwarded-For", "198.51.100.1"))
        _ = get("/live/main/media.m3u8", from: "127.0.0.1", ("User-Agent", "a"), ("X-Forwarded-For", "198.51.100.2"))
        _ = get("/t/one/live/main/media.m3u8", from: "192.0.2.1", ("User-Agent", "a"))
        _ = get("/t/one/live/main/media.m3u8", from: "192.0.2.9", ("User-Agent", "c"))
        #expect(stream.audienceFigures(now: .now()).viewers == 6)
        #expect(stream.audienceFigures(now: .now() + .seconds(19)).viewers == 6)
        #expect(stream.audienceFigures(now: .now() + .seconds(21)).viewers == 0)
    }

    @Test("no more sessions are told apart than there is room for")
    func bounded() {
        let now = NIODeadline.now()
        for session in 0..<(Audience.maximumViewers + 1000) {
            stream.audience.follows(session, until: now + .seconds(20), now: now)
        }
        #expect(stream.audienceFigures(now: now).viewers == Audience.maximumViewers)
        // Those who left make room.
        let later = now + .seconds(30)
        stream.audience.follows(-1, until: later + .seconds(20), now: later)
        #expect(stream.audienceFigures(now: later).viewers == 1)
    }
}
