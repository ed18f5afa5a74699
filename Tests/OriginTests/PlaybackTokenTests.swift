import MediaCore
import NIOHTTP1
import Testing

@testable import Origin

/// Who may watch, decided from a token in the path.
@Suite("Playback tokens")
struct PlaybackTokenTests {
    private let main: StreamID
    private let other: StreamID
    private let key = Secret("0123456789abcdef")

    init() throws {
        main = try #require(StreamID("main"))
        other = try #require(StreamID("other.1_x-y"))
    }

    @Test("a token says what it is for, in characters that a path may have")
    func text() throws {
        let token = PlaybackToken(stream: other, end: 1_795_561_200, address: "2001:db8::7")
        let text = token.text(key: key)
        #expect(text.hasPrefix("other.1_x-y~1795561200~2001:db8::7~"))
        #expect(try PlaybackToken(text, key: key) == token)
        // RFC 3986 §3.3: unreserved characters and the colon need no escape in a path's component.
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:"
        #expect(text.allSatisfy(allowed.contains))
        #expect(PlaybackToken.pathPrefix(text) == "/t/" + text)
    }

    // printf 'lyceum playback 1\nmain~1795561200~' | openssl dgst -sha256 -hmac 0123456789abcdef -binary | base64
    @Test("the signature is HMAC-SHA256 in base 64 for addresses")
    func signature() {
        let text = PlaybackToken(stream: main, end: 1_795_561_200).text(key: key)
        #expect(text == "main~1795561200~~bOPhf5B6AshKVy6iqr1Zv2t-mxlL-wHW2iPk0FV1Opo")
    }

    @Test("a changed token, another secret and other texts are wrong")
    func wrong() throws {
        let text = PlaybackToken(stream: main, end: 2_000_000_000).text(key: key)
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "a" ? "b" : "a")
            #expect(throws: PlaybackToken.Fault.wrong) { try PlaybackToken(changed, key: key) }
        }
        let others = [
            "", "~", "~~~", "main", "main~1~~", text + "A", String(text.dropLast()), text + "~",
            String(repeating: "~", count: 500), String(repeating: "a", count: 100_000), "main~2000000000~~\u{0}",
        ]
        for other in others { #expect(throws: PlaybackToken.Fault.wrong) { try PlaybackToken(other, key: key) } }
        #expect(throws: PlaybackToken.Fault.wrong) { try PlaybackToken(text, key: Secret("0123456789abcdeg")) }
    }

    @Test("a token is good for its live, its time and its address")
    func check() throws {
        let free = PlaybackToken(stream: main, end: 100)
        try free.check(for: main, from: "192.0.2.1", at: 99)
        #expect(throws: PlaybackToken.Fault.expired) { try free.check(for: main, from: "192.0.2.1", at: 100) }
        #expect(throws: PlaybackToken.Fault.otherStream) { try free.check(for: other, from: "192.0.2.1", at: 1) }
        let bound = PlaybackToken(stream: main, end: 100, address: "192.0.2.1")
        try bound.check(for: main, from: "192.0.2.1", at: 1)
        try bound.check(for: main, from: "::ffff:192.0.2.1", at: 1)
        #expect(throws: PlaybackToken.Fault.otherAddress) { try bound.check(for: main, from: "192.0.2.2", at: 1) }
    }

    // MARK: - Through the router

    private let fixture = Fixture()
    private let cdnSecret = "cdn-secret-0123456789"

    private func router() -> Router {
        let authorizer = SignedPlaybackAuthorizer(key: key) { 50 }
        return fixture.router(access: ViewerAccess(authorizer: authorizer, cdnSecret: Secret(cdnSecret)))
    }

    private func token(_ stream: StreamID, end: Int = 100, address: String? = nil) -> String {
        PlaybackToken(stream: stream, end: end, address: address).text(key: key)
    }

    private static let files = ["index.m3u8", "media.m3u8", "t1-0.m4s", "t1-init-0.mp4"]

    @Test("everything of a live needs a token; what is of no live does not", arguments: files)
    func media(file: String) throws {
        try fixture.goLive("main")
        let open = fixture.router().get("/live/main/\(file)")
        let router = router()
        #expect(router.get("/live/main/\(file)").status == 403)
        #expect(router.get("/live/main/\(file)")["Cache-Control"] == "no-store")
        let answer = router.get("/t/\(token(main))/live/main/\(file)")
        #expect(answer.status == open.status)
        #expect(answer.body == open.body)
        #expect(router.get("/t/\(token(other))/live/main/\(file)").text.contains("for another live"))
        #expect(router.get("/t/\(token(main, end: 50))/live/main/\(file)").text.contains("expired"))
        #expect(router.get("/t/nonsense/live/main/\(file)").text.contains("not valid"))
        #expect(router.get("/t/\(token(main, address: "192.0.2.1"))/live/main/\(file)").status == open.status)
        #expect(router.get("/t/\(token(main, address: "192.0.2.9"))/live/main/\(file)").status == 403)
        // Escapes change nothing about what a path names.
        #expect(router.get("/live/%6dain/\(file)").status == 403)
        #expect(router.get("/%6cive/main/\(file)").status == 403)
        #expect(router.get("/t/\(token(main))/t/x/live/main/\(file)").status == 404)
        #expect(router.get("/healthz").status == 200)
    }

    @Test("pages and the API need it too, keep it in their links, and name no live by themselves")
    func pages() throws {
        try fixture.goLive("main")
        let router = router()
        let prefix = "/t/" + token(main)
        let page = router.get(prefix + "/watch/main")
        #expect(page.status == 200)
        #expect(page.text.contains("data-playlist=\"\(prefix)/live/main/index.m3u8\""))
        #expect(page.text.contains("data-api=\"\(prefix)/api/v1/lives/main\""))
        #expect(!page.text.contains("\"/live/main"))
        #expect(router.get(prefix + "/api/v1/lives/main").text.contains("\(prefix)/live/main/index.m3u8"))
        let denied = router.get("/watch/main")
        #expect(denied.status == 403)
        #expect(denied.text.contains("<h1>This live is for viewers with a link.</h1>"))
        #expect(router.get("/api/v1/lives/main").status == 403)
        #expect(!router.get("/").text.contains("main/"))
        #expect(router.get("/api/v1/lives").text == "{\"lives\":[]}\n")
    }

    @Test("a CDN gets every live with its secret, and the server's word on its viewers")
    func cdn() throws {
        try fixture.goLive("main")
        let router = router()
        let secret = ("Lyceum-CDN", cdnSecret)
        #expect(router.get("/live/main/media.m3u8", [secret]).status == 200)
        #expect(router.get("/live/main/media.m3u8", [("Lyceum-CDN", cdnSecret + "x")]).status == 403)
        let question = "/t/\(token(main, address: "198.51.100.7"))/access/main"
        let forwarded = ("X-Forwarded-For", "10.0.0.1, 198.51.100.7")
        #expect(router.get(question, [secret, forwarded]).status == 204)
        #expect(router.get(question, [secret, forwarded])["Cache-Control"] == "max-age=10")
        #expect(router.get(question, [secret, ("X-Forwarded-For", "198.51.100.7, 10.0.0.1")]).status == 403)
        #expect(router.get(question, [forwarded]).status == 403, "nobody else is believed about addresses")
        #expect(router.get("/access/main", [secret]).status == 403, "its own right is no viewer's")
        #expect(router.get("/t/\(token(main))/access/main").status == 204)
    }

    @Test("with open playback a token in front changes nothing")
    func open() throws {
        try fixture.goLive("main")
        let router = fixture.router()
        #expect(router.get("/t/anything/live/main/media.m3u8").status == 200)
        #expect(!router.get("/t/anything/watch/main").text.contains("anything"))
        #expect(router.get("/t/anything/access/main").status == 204)
        #expect(router.get("/t").status == 404)
        #expect(router.get("/t/x").status == 404)
    }
}
