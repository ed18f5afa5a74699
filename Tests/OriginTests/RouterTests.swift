import LiveStore
import MediaCore
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import Origin

struct RouteTests {
    @Test("each address has its route")
    func routes() throws {
        let main = try #require(StreamID("main"))
        let table: [(String, Route)] = [
            ("/", .home), ("/watch/main", .watch(main)), ("/watch/main/", .moved(to: "/watch/main")),
            ("/watch", .moved(to: "/")), ("/live/main/index.m3u8", .multivariantPlaylist(main)),
            ("/live/main/media.m3u8", .mediaPlaylist(main)),
            ("/live/main/video-1.m3u8", .renditionPlaylist(main, name: "video-1.m3u8")),
            ("/live/main/poster.jpg", .poster(main)), ("/live/%6Dain/0-a.m4s", .mediaResource(main, name: "0-a.m4s")),
            ("/assets/style.css", .asset("style.css")),
            ("/api/v1/lives", .lives), ("/api/v1/lives/", .moved(to: "/api/v1/lives")),
            ("/api/v1/lives/main", .live(main)), ("/healthz", .health), ("/readyz", .readiness),
        ]
        for (target, route) in table { #expect(Route(try RequestTarget(target)) == route, "\(target)") }
    }

    @Test(
        "an address that names nothing is an error of its part of the site",
        arguments: [
            ("/live/main/index.m3u8/", .media), ("/live/main/", .media), ("/live", .media), ("/live/a/b/c", .media),
            ("/live/../etc/passwd", .media), ("/live/%2e%2e/index.m3u8", .media), ("/live/a%00b/index.m3u8", .media),
            ("/live/a%2Fb/index.m3u8", .media), ("/live//index.m3u8", .media), ("/watch/<script>", .page),
            ("/watch/.hidden", .page), ("/watch//evil.example", .page), ("//evil.example/", .page), ("/nothing", .page),
            ("/assets/../Package.swift", .plain), ("/assets/", .plain), ("/assets/a/", .plain), ("/healthz/", .page),
            ("/api", .api), ("/api/v2/lives", .api), ("/api/v1/lives/a b", .api), ("/api/v1/lives/a/b", .api),
        ] as [(String, Route.Surface)]
    )
    func nothing(target: String, surface: Route.Surface) throws {
        #expect(Route(try RequestTarget(target)) == .nothing(surface))
    }
}

struct MediaResponseTests {
    @Test(
        "playlists are sent with their type, a short life and an entity tag",
        arguments: ["index.m3u8", "media.m3u8"]
    )
    func playlist(name: String) throws {
        let fixture = Fixture()
        try fixture.goLive("main", targetDuration: 4)
        let response = fixture.router().get("/live/main/\(name)")
        #expect(response.status == 200)
        #expect(response["Content-Type"] == "application/vnd.apple.mpegurl")
        #expect(response["Content-Length"] == String(response.body.count))
        #expect(response["Cache-Control"] == "public, max-age=2")
        #expect(response["ETag"] == "\"\(name)\"")
        #expect(response["Vary"] == "Accept-Encoding")
        #expect(response["Content-Encoding"] == nil)
        #expect(response["Access-Control-Allow-Origin"] == "*")
        #expect(response["Access-Control-Expose-Headers"]?.contains("Age") == true)
        #expect(response["Accept-Ranges"] == nil)
        #expect(response.text.hasPrefix("#EXTM3U\n"))
    }

    @Test(
        "a playlist lives in caches for half the target duration at most",
        arguments: [(1, "no-cache"), (2, "public, max-age=1"), (9, "public, max-age=4")]
    )
    func playlistAge(targetDuration: Int, value: String) throws {
        let fixture = Fixture()
        let stream = try fixture.goLive("main", targetDuration: targetDuration)
        #expect(fixture.router().get("/live/main/media.m3u8")["Cache-Control"] == value)
        fixture.end(stream)
        let last = fixture.router().get("/live/main/media.m3u8")
        #expect(last.text.contains("#EXT-X-ENDLIST"))
        #expect(last["Cache-Control"] == value)
    }

    @Test("a further rendition has a playlist and segments of its own, and ends with the live")
    func rendition() throws {
        let fixture = Fixture()
        let stream = try fixture.goLive("main")
        let router = fixture.router()
        #expect(router.get("/live/main/media-1.m3u8").status == 404)
        fixture.addRendition(to: stream)
        let playlist = router.get("/live/main/media-1.m3u8")
        #expect(playlist.status == 200 && playlist["Content-Type"] == "application/vnd.apple.mpegurl")
        #expect(playlist["Cache-Control"] == "public, max-age=2" && playlist.text.hasSuffix("t1-m1-0.m4s\n"))
        #expect(router.get("/live/main/t1-m1-0.m4s").status == 200)
        #expect(router.get("/live/main/t1-m1-init-0.mp4").status == 200)
        #expect(router.get("/live/main/t1-0.m4s").status == 200)
        #expect(router.get("/live/main/video-9.m3u8").status == 404)
        fixture.end(stream)
        #expect(router.get("/live/main/media-1.m3u8").text.contains("#EXT-X-ENDLIST"))
        // The next live of the name has one track only: the playlist of the last live is not its own.
        try fixture.goLive("main", tag: "t2")
        #expect(router.get("/live/main/media-1.m3u8").status == 404)
        #expect(router.get("/live/main/t1-m1-0.m4s").status == 200)
    }

    @Test("a playlist in gzip format has an entity tag of its own and is made once")
    func gzip() throws {
        let fixture = Fixture()
        let stream = try fixture.goLive("main")
        let router = fixture.router()
        let response = router.get("/live/main/media.m3u8", [("Accept-Encoding", "gzip")])
        #expect(response["Content-Encoding"] == "gzip")
        #expect(response["ETag"] == "\"media.m3u8-gzip\"")
        #expect(response["Content-Length"] == String(response.body.count))
        // RFC 1952 section 2.3: the magic number and deflate, and the length of the original in the last four bytes.
        #expect(response.body.starts(with: [0x1F, 0x8B, 8]))
        let length = stream.snapshot.mediaPlaylist?.full.body.readableBytes
        #expect(response.body.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) } == length)

        let first = router.answer(.GET, "/live/main/media.m3u8", [("Accept-Encoding", "gzip")]).response
        let second = router.answer(.GET, "/live/main/media.m3u8", [("Accept-Encoding", "gzip")]).response
        #expect(storage(of: first.body) == storage(of: second.body))
        #expect(storage(of: first.fields) == storage(of: second.fields))
    }

    @Test("a long playlist in gzip format is made of pieces, some of them compressed before, that unpack to its lines")
    func gzipInPieces() async throws {
        let folder = try TemporaryFolder()
        var lasting: [PlaylistText] = []
        for version in 0..<6 {
            let texts =
                [text(.header, "#EXTM3U \(version)\n")] + lasting + [
                    text(.segments(first: version * 64), String(repeating: "recent \(version)\n", count: version)),
                    text(.outlook(next: version * 64), ""),
                ]
            let playlist = StoredResource(playlist: "media.m3u8", texts: texts, entityTag: "e\(version)")
            let packed = try Gzip.compress(playlist)
            try folder.write("packed.gz", Array(packed.readableBytesView))
            let unpacked = try await Tool.check("gzip", ["--decompress", "--stdout", folder.file("packed.gz")])
            #expect(unpacked.text == String(buffer: playlist.body))
            let lines = (0..<64).map { "#EXTINF:2.000000,\ntag-\(version * 64 + $0).m4s\n" }.joined()
            lasting.append(text(.segments(first: version * 64), lines, isLasting: true))
        }
        // What is compressed once is not compressed again.
        var count = 0
        for _ in 0..<3 {
            _ = lasting[0].derived(StoredResource.DerivedForm("deflate")) { bytes in
                count += 1
                return bytes
            }
        }
        #expect(count == 0)
    }

    private func text(_ role: PlaylistText.Role, _ lines: String, isLasting: Bool = false) -> PlaylistText {
        PlaylistText(role, ByteBuffer(string: lines), isLasting: isLasting)
    }

    private func storage(of buffer: ByteBuffer) -> UnsafeRawPointer? {
        buffer.withUnsafeReadableBytes(\.baseAddress)
    }

    @Test("a segment is sent from the store's own memory and may be kept for ever")
    func segment() throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        for name in ["t1-0.m4s", "t1-init-0.mp4"] {
            let response = fixture.router().get("/live/main/\(name)", [("Accept-Encoding", "gzip")])
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "video/mp4")
            #expect(response["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(response["Accept-Ranges"] == "bytes")
            #expect(response["Content-Encoding"] == nil)
            #expect(response["Vary"] == nil)
        }
        let response = fixture.router().answer(.GET, "/live/main/t1-0.m4s").response
        #expect(storage(of: response.body) == storage(of: fixture.segmentBody))
    }

    @Test("a known entity tag is answered with 304, whatever else is asked", arguments: ["t1-0.m4s", "media.m3u8"])
    func unchanged(name: String) throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        let fields = [("If-None-Match", "\"other\", W/\"\(name)\""), ("Range", "bytes=0-1")]
        let response = fixture.router().get("/live/main/\(name)", fields)
        #expect(response.status == 304)
        #expect(response.body.isEmpty)
        #expect(response["ETag"] == "\"\(name)\"")
        #expect(response["Cache-Control"] != nil)
        #expect(response["Content-Length"] == nil)
        #expect(fixture.router().get("/live/main/\(name)", [("If-None-Match", "\"other\"")]).status == 200)
    }

    @Test("the entity tag of the plain playlist does not stand for the compressed one")
    func tagPerCoding() throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        let fields = [("If-None-Match", "\"media.m3u8\""), ("Accept-Encoding", "gzip")]
        #expect(fixture.router().get("/live/main/media.m3u8", fields).status == 200)
    }

    @Test("a range of a segment is answered with these bytes")
    func range() throws {
        let fixture = Fixture(segmentSize: 1000)
        try fixture.goLive("main")
        let router = fixture.router()
        let part = router.get("/live/main/t1-0.m4s", [("Range", "bytes=10-19")])
        #expect(part.status == 206)
        #expect(part["Content-Range"] == "bytes 10-19/1000")
        #expect(part["Content-Length"] == "10")
        #expect(part.body == Array(10...19))
        let behind = router.get("/live/main/t1-0.m4s", [("Range", "bytes=1000-")])
        #expect(behind.status == 416)
        #expect(behind["Content-Range"] == "bytes */1000")
        #expect(router.get("/live/main/t1-0.m4s", [("Range", "bytes=0-1,3-4")]).status == 200)
        #expect(router.get("/live/main/media.m3u8", [("Range", "bytes=0-1")]).status == 200)
    }

    @Test(
        "If-Range decides between the part and the whole",
        arguments: [("\"t1-0.m4s\"", 206), ("\"other\"", 200), ("Sun, 06 Nov 1994 08:49:37 GMT", 200)]
    )
    func ifRange(value: String, status: Int) throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        let fields = [("Range", "bytes=0-9"), ("If-Range", value)]
        #expect(fixture.router().get("/live/main/t1-0.m4s", fields).status == status)
    }

    @Test("a name that cannot be played yet says when to ask again", arguments: ["main", "nobody"])
    func notLive(name: String) throws {
        let fixture = Fixture()
        try fixture.prepare("main")
        for playlist in ["index.m3u8", "media.m3u8"] {
            let response = fixture.router().get("/live/\(name)/\(playlist)")
            #expect(response.status == 404)
            #expect(response["Retry-After"] == "2")
            #expect(response["Cache-Control"] == "no-store")
            #expect(response["Access-Control-Allow-Origin"] == "*")
        }
    }

    @Test("segments of the live before this one can still be fetched")
    func previousLive() throws {
        let fixture = Fixture()
        fixture.end(try fixture.goLive("main", tag: "t1"))
        try fixture.prepare("main", tag: "t2")
        #expect(fixture.router().get("/live/main/t1-0.m4s").status == 200)
        #expect(fixture.router().get("/live/main/t2-0.m4s").status == 404)
    }
}

struct RouterTests {
    @Test(
        "HEAD has the fields of GET and no body",
        arguments: [
            "/", "/live/main/media.m3u8", "/live/main/t1-0.m4s", "/api/v1/lives", "/nothing", "/assets/watch.js",
        ]
    )
    func head(target: String) throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        let get = fixture.router().answer(.GET, target).response
        let head = fixture.router().answer(.HEAD, target).response
        #expect(head.body.readableBytes == 0)
        #expect(get.body.readableBytes > 0)
        #expect(head.status == get.status)
        #expect(head.fields == get.fields)
    }

    @Test(
        "other methods are refused with what is allowed, where there is something",
        arguments: ["POST", "PUT", "BREW"]
    )
    func methods(method: String) throws {
        let router = Fixture().router()
        for target in ["/", "/live/main/media.m3u8", "/api/v1/lives", "/healthz", "/assets/style.css"] {
            let response = WireResponse(router.answer(HTTPMethod(rawValue: method), target).response)
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET, HEAD, OPTIONS")
        }
        #expect(WireResponse(router.answer(HTTPMethod(rawValue: method), "/nothing").response).status == 404)
    }

    @Test("a preflight lets every site read media and the API, and no page")
    func preflight() throws {
        let router = Fixture().router()
        for target in ["/live/main/t1-0.m4s", "/api/v1/lives/main"] {
            let response = WireResponse(router.answer(.OPTIONS, target, [("Origin", "https://example.net")]).response)
            #expect(response.status == 204)
            #expect(response["Access-Control-Allow-Origin"] == "*")
            #expect(response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS")
            #expect(response["Access-Control-Allow-Headers"] == "*")
            #expect(response["Content-Length"] == nil)
        }
        #expect(WireResponse(router.answer(.OPTIONS, "/").response)["Access-Control-Allow-Origin"] == nil)
        #expect(WireResponse(router.answer(.OPTIONS, "*").response).status == 204)
    }

    @Test("the API tells where a live stands")
    func api() throws {
        let fixture = Fixture()
        let router = fixture.router()
        #expect(
            router.get("/api/v1/lives/main").text == """
                {"name":"main","state":"offline","startedAt":null,"tag":null,\
                "playlist":"/live/main/index.m3u8","page":"/watch/main","poster":null}

                """
        )
        let stream = try fixture.goLive("main")
        let live = router.get("/api/v1/lives/main")
        #expect(live.status == 200)
        #expect(live["Content-Type"] == "application/json")
        #expect(live["Cache-Control"] == "no-store")
        #expect(live.text.contains(#""state":"live","startedAt":"2026-09-21T14:13:20.000Z","tag":"t1""#))
        stream.interrupt(at: .now)
        #expect(router.get("/api/v1/lives/main").text.contains(#""state":"interrupted""#))
        fixture.end(stream)
        #expect(router.get("/api/v1/lives/main").text.contains(#""state":"ended""#))
        try fixture.prepare("main", tag: "t2")
        #expect(router.get("/api/v1/lives/main").text.contains(#""state":"preparing""#))
    }

    @Test("the API lists the lives by name")
    func list() throws {
        let fixture = Fixture()
        for name in ["b", "a", "c"] { try fixture.goLive(name) }
        let names = fixture.router().get("/api/v1/lives").text.split(separator: "\"name\":\"").dropFirst().map(\.first)
        #expect(names == ["a", "b", "c"])
    }

    @Test("errors have the form of their part of the site and are never stored")
    func errors() {
        let router = Fixture().router()
        let api = router.get("/api/v1/nothing")
        #expect(api.status == 404)
        #expect(api["Content-Type"] == "application/problem+json")
        #expect(api.text.contains(#""title":"Not Found","status":404"#))
        #expect(router.get("/live/main/x.m4s")["Content-Type"] == "text/plain; charset=utf-8")
        #expect(router.get("/nothing")["Content-Type"] == "text/html; charset=utf-8")
        for target in ["/api/v1/nothing", "/live/main/x.m4s", "/nothing", "/%zz", "/assets/nothing"] {
            #expect(router.get(target)["Cache-Control"] == "no-store", "\(target)")
        }
        #expect(router.get("/%zz").status == 400)
    }

    @Test(
        "a request with a body, without a host, or too long is refused and the connection ends",
        arguments: [
            (.http1_1, "/", [("Host", "a"), ("Content-Length", "1")], 413),
            (.http1_1, "/", [("Host", "a"), ("Content-Length", "00")], 413),
            (.http1_1, "/", [("Host", "a"), ("Transfer-Encoding", "chunked")], 413),
            (.http1_1, "/", [], 400), (.http1_1, "/", [("Host", "a"), ("host", "b")], 400),
            (.http1_0, "/", [("Host", "a"), ("host", "b")], 400),
            (.http1_1, "/" + String(repeating: "a", count: 2048), [("Host", "a")], 414),
            (HTTPVersion(major: 2, minor: 0), "/", [("Host", "a")], 505),
        ] as [(HTTPVersion, String, [(String, String)], UInt)]
    )
    func faults(version: HTTPVersion, target: String, fields: [(String, String)], status: UInt) {
        let head = HTTPRequestHead(version: version, method: .GET, uri: target, headers: HTTPHeaders(fields))
        let answer = Fixture().router().answer(head, from: "192.0.2.1")
        #expect(answer.response.status.code == status)
        #expect(answer.persistence == .close)
    }

    @Test(
        "the connection stays as the version and the client have it",
        arguments: [
            (.http1_1, nil, .keepAlive), (.http1_1, "close", .close), (.http1_1, "Keep-Alive", .keepAlive),
            (.http1_0, nil, .close), (.http1_0, "keep-alive", .keepAliveExplicitly),
        ] as [(HTTPVersion, String?, Persistence)]
    )
    func persistence(version: HTTPVersion, connection: String?, expected: Persistence) {
        var headers = HTTPHeaders([("Host", "a"), ("Content-Length", "0")])
        if let connection { headers.add(name: "Connection", value: connection) }
        let head = HTTPRequestHead(version: version, method: .GET, uri: "/healthz", headers: headers)
        #expect(Fixture().router().answer(head, from: "192.0.2.1").persistence == expected)
    }

    @Test("readiness is told apart from health")
    func readiness() {
        #expect(Fixture().router(readiness: .ready).get("/readyz").status == 200)
        for readiness in [OriginServer.Readiness.starting, .draining, .overloaded] {
            let router = Fixture().router(readiness: readiness)
            #expect(router.get("/readyz").status == 503)
            #expect(router.get("/healthz").status == 200)
        }
    }

    @Test("an asset may be kept for ever under the address of its version only")
    func assets() throws {
        let router = Fixture().router(hlsJavaScript: ByteBuffer(string: "export const x = 1;"))
        for name in [
            "style.css", "home.js", "watch.js", "recording.js", "controls.js", "engine.js", "icon.svg", "hls.mjs",
        ] {
            let address = try #require(router.assets.address(of: name))
            #expect(router.get(address)["Cache-Control"] == "public, max-age=31536000, immutable")
            let plain = router.get("/assets/\(name)")
            #expect(plain["Cache-Control"] == "no-cache")
            #expect(plain["X-Content-Type-Options"] == "nosniff")
            let tag = try #require(plain["ETag"])
            #expect(router.get("/assets/\(name)", [("If-None-Match", tag)]).status == 304)
            let compressed = router.get(address, [("Accept-Encoding", "gzip")])
            #expect(compressed["Content-Encoding"] == "gzip")
            #expect(compressed["ETag"] != tag)
        }
        #expect(Fixture().router().get("/assets/hls.mjs").status == 404)
    }
}

struct PagesTests {
    @Test("the home page tells a newcomer where to publish, and lists lives once there are any")
    func home() throws {
        let fixture = Fixture()
        let router = fixture.router()
        #expect(router.get("/").text.contains("<code>rtmp://example.org:1935/live</code>"))
        #expect(!fixture.router(rtmpPort: nil).get("/").text.contains("rtmp://"))
        try fixture.goLive("main")
        let page = router.get("/").text
        #expect(page.contains("href=\"/watch/main\""))
        #expect(page.contains("data-state=\"live\""))
        #expect(!page.contains("rtmp://"))
    }

    @Test(
        "only a plain host name goes onto the page",
        arguments: [
            ("example.org:8080", "example.org"), ("127.0.0.1", "127.0.0.1"), ("[::1]:8080", "[::1]"),
            ("<script>", nil), ("a b", nil), ("", nil), (":80", nil), ("[::1", nil), ("a\"b:80", nil),
        ] as [(String, String?)]
    )
    func hostName(host: String, name: String?) {
        #expect(Pages.hostName(host) == name)
    }

    @Test("pages run and load nothing but this server's own files")
    func policy() throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        for target in ["/", "/watch/main", "/watch/nobody", "/nothing"] {
            let page = fixture.router(hlsAddress: "https://cdn.example/hls.mjs").get(target)
            let policy = try #require(page["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'; script-src 'self' https://cdn.example/hls.mjs;"))
            #expect(!policy.contains("unsafe"))
            #expect(policy.contains("frame-ancestors 'self'"))
            #expect(page["X-Content-Type-Options"] == "nosniff")
            #expect(page["Referrer-Policy"] != nil)
            #expect(!page.text.contains("<script>") && !page.text.contains("<style") && !page.text.contains(" style="))
            #expect(page.text.firstMatch(of: /\son[a-z]+=/) == nil)
        }
    }

    @Test("without JavaScript a live is a plain video element, and a name that is offline says so")
    func withoutJavaScript() throws {
        let fixture = Fixture()
        try fixture.goLive("main")
        let router = fixture.router()
        let live = try #require(noscript(router.get("/watch/main").text))
        #expect(live.contains("<video class=\"plain\" controls playsinline src=\"/live/main/index.m3u8\">"))
        let offline = try #require(noscript(router.get("/watch/nobody").text))
        #expect(!offline.contains("<video"))
        #expect(offline.contains("Not live now"))
    }

    private func noscript(_ page: String) -> Substring? {
        page.split(separator: "<noscript>").last?.split(separator: "</noscript>").first
    }

    @Test("the watch page names hls.js only where there is one")
    func hlsJavaScript() throws {
        let bare = Fixture().router().get("/watch/main").text
        #expect(bare.contains("data-hls-file=\"\" data-hls-address=\"\""))
        let full = Fixture().router(hlsJavaScript: ByteBuffer(string: "x"), hlsAddress: "https://cdn.example/hls.mjs")
        #expect(full.get("/watch/main").text.contains("data-hls-file=\"/assets/hls.mjs?v="))
        #expect(full.get("/watch/main").text.contains("data-hls-address=\"https://cdn.example/hls.mjs\""))
    }

    @Test(
        "an hls.js address that could break out of a header field is refused",
        arguments: [
            "http://cdn.example/hls.mjs", "https://", "https://cdn.example/a b", "https://cdn.example/a;b",
            "https://cdn.example/a\r\nX: y", "https://cdn.example/'a'", "https://cdn.example/a,b",
        ]
    )
    func hlsAddress(address: String) {
        #expect(throws: HLSJavaScriptSource.Fault.badAddress(address)) {
            try HLSJavaScriptSource(file: nil, address: address)
        }
    }
}
