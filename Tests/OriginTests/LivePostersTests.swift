import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Origin

@Suite("Pictures of lives")
struct LivePostersTests {
    /// Makes pictures that say how many there were, when it is told to, at the time that it is told.
    final class Studio: PictureMaker {
        struct Broken: Error {}

        private let count = Atomic(0)
        private let clock = Atomic(UInt64(1_000_000_000))
        private let work = Mutex<[@Sendable () -> Void]>([])
        private let hasPictures: Bool
        let isBroken = Atomic(false)

        init(hasPictures: Bool = true) { self.hasPictures = hasPictures }

        func poster(initialization: ByteBuffer, pieces: [ByteBuffer], largestWidth: Int) throws -> ByteBuffer? {
            let number = count.add(1, ordering: .relaxed).newValue
            if isBroken.load(ordering: .relaxed) { throw Broken() }
            return hasPictures ? ByteBuffer(string: "picture \(number)") : nil
        }

        func posters() -> LivePosters {
            LivePosters(
                self,
                logger: Logger(label: "test"),
                now: { .uptimeNanoseconds(self.clock.load(ordering: .relaxed)) },
                perform: { work in self.work.withLock { $0.append(work) } }
            )
        }

        func advance(_ seconds: UInt64) { clock.add(seconds * 1_000_000_000, ordering: .relaxed) }

        /// Makes what has been asked for, and says how much that was.
        @discardableResult
        func makeAll() -> Int {
            let all = work.withLock { work in
                defer { work = [] }
                return work
            }
            for work in all { work() }
            return all.count
        }
    }

    private let fixture = Fixture()

    private func text(_ status: LivePosters.Status) -> String {
        switch status {
        case .unknown: "unknown"
        case .none: "none"
        case .poster(let poster): String(buffer: poster.body)
        }
    }

    @Test("whoever asks first waits, and those who ask soon after get the same picture")
    func once() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        let woken = Atomic(0)
        for _ in 0..<3 { #expect(posters.wait(for: stream) { woken.add(1, ordering: .relaxed) }) }
        #expect(text(posters.status(of: stream)) == "unknown")
        #expect(studio.makeAll() == 1)
        #expect(woken.load(ordering: .relaxed) == 3)
        studio.advance(9)
        #expect(text(posters.status(of: stream)) == "picture 1")
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("an old picture is shown while a new one is made, a very old one is not")
    func renewal() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        studio.advance(10)
        for _ in 0..<10 { #expect(text(posters.status(of: stream)) == "picture 1") }
        #expect(studio.makeAll() == 1)
        #expect(text(posters.status(of: stream)) == "picture 2")
        studio.advance(60)
        #expect(posters.wait(for: stream) {})
        studio.makeAll()
        #expect(text(posters.status(of: stream)) == "picture 3")
    }

    @Test("a live without pictures has none, and is asked again now and then only")
    func soundAlone() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio(hasPictures: false))
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        #expect(text(posters.status(of: stream)) == "none")
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("nothing is made of a live that has no segment yet")
    func preparing() throws {
        let (stream, studio) = (try fixture.prepare("main"), Studio())
        let posters = studio.posters()
        #expect(!posters.wait(for: stream) {})
        #expect(studio.makeAll() == 0)
    }

    @Test("the picture of before stays where the next one cannot be made")
    func broken() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        studio.isBroken.store(true, ordering: .relaxed)
        studio.advance(10)
        _ = posters.status(of: stream)
        #expect(studio.makeAll() == 1)
        #expect(text(posters.status(of: stream)) == "picture 1")
    }

    @Test("a live that has ended keeps its last picture")
    func ended() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        fixture.end(stream)
        studio.advance(3600)
        #expect(text(posters.status(of: stream)) == "picture 1")
        #expect(studio.makeAll() == 0)
    }

    @Test("the next live of a name begins without a picture")
    func nextLive() throws {
        let (stream, studio) = (try fixture.goLive("main"), Studio())
        let posters = studio.posters()
        _ = posters.status(of: stream)
        studio.makeAll()
        fixture.end(stream)
        let next = try fixture.goLive("main", tag: "t2")
        #expect(text(posters.status(of: next)) == "unknown")
        studio.makeAll()
        #expect(text(posters.status(of: next)) == "picture 2")
    }

    @Test("of more lives than are kept, those go that nobody has asked for")
    func bound() throws {
        let studio = Studio()
        let posters = studio.posters()
        let first = try fixture.goLive("first")
        _ = posters.status(of: first)
        studio.makeAll()
        for number in 0..<LivePosters.maximumPosters {
            studio.advance(1)
            _ = posters.status(of: try fixture.goLive("live\(number)"))
            studio.makeAll()
        }
        #expect(text(posters.status(of: first)) == "unknown")
    }

    // MARK: - Over HTTP

    /// What becomes of a request for a picture that has to be made.
    private func made(_ router: Router, _ target: String, _ studio: Studio) throws -> WireResponse {
        let headers = HTTPHeaders([("Host", "example.org")])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
        guard case .commission(let commission) = router.outcome(of: head, from: "192.0.2.1") else {
            throw Studio.Broken()
        }
        let outcome = Mutex<Router.Outcome?>(nil)
        commission.begin { received in outcome.withLock { $0 = received } }
        if case .some = outcome.withLock({ $0 }) { throw Studio.Broken() }
        studio.makeAll()
        guard case .answer(let answer) = outcome.withLock({ $0 }) else { throw Studio.Broken() }
        return WireResponse(answer.response)
    }

    @Test("a picture is sent as JPEG that caches keep for ten seconds")
    func response() throws {
        let studio = Studio()
        try fixture.goLive("main")
        let router = fixture.router(posters: studio.posters())
        let response = try made(router, "/live/main/poster.jpg", studio)
        #expect(response.status == 200 && response.text == "picture 1")
        #expect(response["Content-Type"] == "image/jpeg" && response["Content-Length"] == "9")
        #expect(response["Cache-Control"] == "public, max-age=10")
        let tag = try #require(response["ETag"])
        #expect(router.get("/live/main/poster.jpg", [("If-None-Match", tag)]).status == 304)
        #expect(router.get("/live/main/poster.jpg").status == 200)
    }

    @Test("there is none of sound alone, of a live that is not there, and where none are made")
    func noPicture() throws {
        let studio = Studio(hasPictures: false)
        try fixture.goLive("main")
        try fixture.prepare("soon")
        let router = fixture.router(posters: studio.posters())
        #expect(try made(router, "/live/main/poster.jpg", studio).status == 404)
        #expect(router.get("/live/nobody/poster.jpg").status == 404)
        #expect(fixture.router().get("/live/main/poster.jpg").status == 404)
        #expect(!router.get("/").text.contains("<img"))
        #expect(router.get("/api/v1/lives/main").text.contains(#""poster":null"#))
    }

    @Test("pages show a picture once there is one, and whoever sees the page first has it made")
    func pages() throws {
        let studio = Studio()
        try fixture.goLive("main")
        let router = fixture.router(posters: studio.posters())
        #expect(!router.get("/").text.contains("<img"))
        #expect(studio.makeAll() == 1)
        let home = router.get("/").text
        #expect(home.contains(#"<img src="/live/main/poster.jpg" alt="A picture of main""#))
        #expect(router.get("/api/v1/lives").text.contains(#""poster":"/live/main/poster.jpg""#))
        let watch = router.get("/watch/main").text
        #expect(watch.contains(#" poster="/live/main/poster.jpg""#))
        #expect(watch.contains(#"<meta property="og:image" content="http://example.org/live/main/poster.jpg">"#))
    }

    @Test(
        "a preview elsewhere has the address that the page was asked for by",
        arguments: [
            ("example.org:8080", "http", nil, "http://example.org:8080"),
            ("example.org", "https", nil, "https://example.org"),
            ("example.org", "http", "https", "https://example.org"), ("[::1]:80", "http", nil, "http://[::1]:80"),
            ("example.org:80\"", "http", nil, nil), ("<script>", "http", nil, nil),
            ("a.example:99999", "http", nil, nil),
        ] as [(String, String, String?, String?)]
    )
    func site(host: String, scheme: String, forwarded: String?, site: String?) {
        var headers = HTTPHeaders([("Host", host)])
        if let forwarded { headers.add(name: "X-Forwarded-Proto", value: forwarded) }
        #expect(Pages.site(headers, scheme: scheme) == site)
    }
}
