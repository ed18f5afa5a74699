import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Recordings
import Storage
import TestSupport
import Testing

@testable import Origin

/// What viewers get of a recording.
@Suite("Responses of recordings")
struct RecordedResponsesTests {
    private let base = "/vod/abcdefghijkmnpqrstuv"

    /// Three segments of which the second is lost, and a few more files.
    private func recording(_ count: Int = 3, size: Int = 5000) -> RecordedFolder {
        var recording = RecordedFolder()
        recording.initialization = Array("ftyp moov".utf8)
        recording.segments = (0..<count).map { number in
            let bytes = Array(FiledLive.body(number, size + number % 1000).readableBytesView)
            return RecordedFolder.Segment(number == 1 ? nil : bytes, seconds: 2)
        }
        return recording
    }

    @Test("segments come from the place that the index tells, immutable, with ranges and conditions")
    func segments() throws {
        let recorded = try Recorded(recording())
        let router = recorded.router()
        for number in [0, 2] {
            let whole = try router.fetch("\(base)/m0-\(number).m4s")
            #expect(whole.status == 200 && whole.body == Array(FiledLive.body(number, 5000 + number).readableBytesView))
            #expect(whole["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(whole["Content-Type"] == "video/mp4" && whole["Accept-Ranges"] == "bytes")
            #expect(whole["Access-Control-Allow-Origin"] == "*")
            let part = try router.fetch("\(base)/m0-\(number).m4s", [("Range", "bytes=-10")])
            #expect(part.status == 206 && part.body == Array(whole.body.suffix(10)))
            let tag = try #require(whole["ETag"])
            #expect(try router.fetch("\(base)/m0-\(number).m4s", [("If-None-Match", tag)]).status == 304)
            let past = try router.fetch("\(base)/m0-\(number).m4s", [("Range", "bytes=6000-")])
            #expect(past.status == 416)
        }
        #expect(try router.fetch("\(base)/m0-1.m4s").status == 410, "its bytes are lost")
        #expect(try router.fetch("\(base)/m0-3.m4s").status == 404)
        #expect(try router.fetch("\(base)/v1-0.m4s").status == 404)
        let initialization = try router.fetch("\(base)/m0-init-0.mp4")
        #expect(initialization.text == "ftyp moov" && initialization["Cache-Control"]?.contains("immutable") == true)
        let head = router.consult(.HEAD, "\(base)/m0-0.m4s")
        #expect(head.file == nil && WireResponse(head)["Content-Length"] == "5000")
        let preflight = WireResponse(router.consult(.OPTIONS, "\(base)/m0-0.m4s"))
        #expect(preflight.status == 204 && preflight["Access-Control-Allow-Origin"] == "*")
        #expect(router.consult(.POST, "\(base)/m0-0.m4s").status == .methodNotAllowed)
    }

    @Test("a segment that was asked for of late is answered without a look at the disk, until it is deleted")
    func known() throws {
        let recorded = try Recorded(recording())
        let router = recorded.router()
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "\(base)/m0-2.m4s", headers: ["Host": "a"])
        guard case .consult = router.outcome(of: head, from: "192.0.2.1") else {
            Issue.record("nobody knows where it lies")
            return
        }
        let first = try router.fetch("\(base)/m0-2.m4s")
        guard case .answer(let answer) = router.outcome(of: head, from: "192.0.2.1") else {
            Issue.record("it was asked for before")
            return
        }
        #expect(answer.response.byteCount == 5002 && WireResponse(answer.response)["ETag"] == first["ETag"])
        #expect(try answer.response.file?.read(0..<5002).readableBytesView.elementsEqual(first.body) == true)
        let id = try #require(RecordingID("abcdefghijkmnpqrstuv"))
        #expect(recorded.catalog.delete(id))
        guard case .answer(let gone) = router.outcome(of: head, from: "192.0.2.1") else {
            Issue.record("there is nothing to look at")
            return
        }
        #expect(gone.response.status == .notFound)
    }

    @Test("a playlist may be kept for a short while, and has another tag when it is exchanged")
    func playlists() throws {
        let recorded = try Recorded(recording())
        let router = recorded.router()
        let playlist = try router.fetch("\(base)/m0.m3u8")
        #expect(playlist.status == 200 && playlist.text.contains("m0-2.m4s"))
        #expect(playlist["Content-Type"] == "application/vnd.apple.mpegurl")
        #expect(playlist["Cache-Control"] == "public, max-age=60" && playlist["Vary"] == "Accept-Encoding")
        let tag = try #require(playlist["ETag"])
        #expect(try router.fetch("\(base)/m0.m3u8", [("If-None-Match", tag)]).status == 304)
        try recorded.folder.write("recordings/abcdefghijkmnpqrstuv/m0.m3u8", "#EXTM3U\n")
        let changed = try router.fetch("\(base)/m0.m3u8", [("If-None-Match", tag)])
        #expect(changed.status == 200 && changed["ETag"] != tag)
    }

    @Test("a long playlist is compressed once, kept beside it, and made anew when the playlist is exchanged")
    func compression() async throws {
        let recorded = try Recorded(recording(2000, size: 0))
        let router = recorded.router()
        let plain = try router.fetch("\(base)/m0.m3u8")
        let accepting = [("Accept-Encoding", "gzip")]
        let gzip = try router.fetch("\(base)/m0.m3u8", accepting)
        #expect(gzip["Content-Encoding"] == "gzip" && gzip["ETag"] != plain["ETag"])
        #expect(gzip["Content-Length"] == "\(gzip.body.count)" && gzip.body.count * 5 < plain.body.count)
        #expect(try await gunzip(gzip.body) == plain.body)
        let kept = "recordings/abcdefghijkmnpqrstuv/m0.m3u8.gz"
        #expect(try recorded.folder.read(kept) == gzip.body)
        #expect(try router.fetch("\(base)/m0.m3u8", accepting).body == gzip.body)
        let other = String(repeating: "#EXTM3U of another time\n", count: 10_000)
        try recorded.folder.write("recordings/abcdefghijkmnpqrstuv/m0.m3u8", other)
        let anew = try router.fetch("\(base)/m0.m3u8", accepting)
        #expect(try await gunzip(anew.body) == Array(other.utf8) && anew["ETag"] != gzip["ETag"])
        // A short one fits one packet as it is.
        #expect(try router.fetch("\(base)/index.m3u8", accepting)["Content-Encoding"] == nil)
        // Where the disk takes nothing more, it is sent as it is.
        try FileManager.default.removeItem(atPath: recorded.folder.file(kept))
        try FileManager.default.createDirectory(
            atPath: recorded.folder.file(kept + ".new"),
            withIntermediateDirectories: false
        )
        let bare = try router.fetch("\(base)/m0.m3u8", accepting)
        #expect(bare["Content-Encoding"] == nil && bare.body == Array(other.utf8))
    }

    private func gunzip(_ bytes: [UInt8]) async throws -> [UInt8] {
        let folder = try TemporaryFolder()
        try folder.write("body.gz", bytes)
        return try await Tool.check("gzip", ["-dc", folder.file("body.gz")]).standardOutput
    }

    @Test(
        "nothing else of the folder can be had",
        arguments: [
            "recording.json", "journal", "m0-1.media", "m0.index", "m0.m3u8.gz", "m0.m3u8.new", "..",
            "%2e%2e%2frecording.json",
            "..%2fabcdefghijkmnpqrstuv%2findex.m3u8", ".m3u8", "-.m3u8", "M0.m3u8", "m0-01.m4s", "m0-init-0.m4s",
            "m0-0.mp4",
            "m0-1.ts", "a.b.m3u8", "index.m3u8/", "x/index.m3u8", "download.mp4",
            "\(String(repeating: "a", count: 49)).jpg",
        ]
    )
    func otherNames(name: String) throws {
        let recorded = try Recorded(recording())
        for other in ["journal", "download.mp4", ".m3u8", "-.m3u8", "M0.m3u8", "m0.m3u8.gz"] {
            try recorded.folder.write("recordings/abcdefghijkmnpqrstuv/\(other)", "secret")
        }
        let answer = try recorded.router().fetch("\(base)/\(name)")
        #expect(answer.status == 404 && answer["Access-Control-Allow-Origin"] == "*")
    }

    @Test("pictures and texts are served with their types, also while the recording is being made")
    func pictures() throws {
        for state in ["ready", "recording"] {
            var recording = recording()
            recording.state = state
            let recorded = try Recorded(recording)
            let router = recorded.router()
            #expect(try router.fetch("\(base)/poster.jpg").status == 404)
            try recorded.folder.write("recordings/abcdefghijkmnpqrstuv/poster.jpg", "JPEG")
            try recorded.folder.write("recordings/abcdefghijkmnpqrstuv/storyboard.vtt", "WEBVTT\n")
            let poster = try router.fetch("\(base)/poster.jpg")
            #expect(poster.text == "JPEG" && poster["Content-Type"] == "image/jpeg")
            #expect(poster["Cache-Control"] == (state == "ready" ? "public, max-age=60" : "no-cache"))
            #expect(try router.fetch("\(base)/storyboard.vtt")["Content-Type"] == "text/vtt; charset=utf-8")
        }
    }

    @Test("a recording that is still being made names its live")
    func stillLive() throws {
        var recording = recording()
        recording.state = "recording"
        let recorded = try Recorded(recording)
        let answer = try recorded.router().fetch("\(base)/index.m3u8")
        #expect(answer.status == 404 && answer["Cache-Control"] == "no-store")
        #expect(answer.text == "This is still live, at /live/main/index.m3u8.\n")
        #expect(try recorded.router().fetch("\(base)/m0-0.m4s").status == 404)
    }

    @Test("who needs a token for the live needs it for its recordings, and it is good for no others")
    func access() throws {
        let recorded = try Recorded(recording())
        let key = Secret("0123456789abcdef")
        let authorizer = SignedPlaybackAuthorizer(key: key) { 1000 }
        let router = recorded.router(access: ViewerAccess(authorizer: authorizer, cdnSecret: Secret("cdn")))
        func token(_ name: String, end: Int = 2000) throws -> String {
            "/t/" + PlaybackToken(stream: try #require(StreamID(name)), end: end).text(key: key)
        }
        for path in [
            "\(base)/index.m3u8", "\(base)/m0-0.m4s", "\(base)/nothing.jpg", "/recordings/abcdefghijkmnpqrstuv",
        ] {
            #expect(try router.fetch(path).status == 403)
            #expect(try router.fetch(try token("other") + path).status == 403)
            #expect(try router.fetch(try token("main", end: 999) + path).status == 403)
            #expect(try router.fetch(try token("main") + path).status == (path.hasSuffix("jpg") ? 404 : 200))
            #expect(try router.fetch(path, [("Lyceum-CDN", "cdn")]).status == (path.hasSuffix("jpg") ? 404 : 200))
        }
        // A CDN's own right does not answer its question about a viewer.
        for question in ["/access/vod/abcdefghijkmnpqrstuv", "/access/recordings/abcdefghijkmnpqrstuv"] {
            #expect(try router.fetch(question, [("Lyceum-CDN", "cdn")]).status == 403)
            #expect(try router.fetch(try token("other") + question).status == 403)
            #expect(try router.fetch(try token("main") + question).status == 204)
            #expect(try router.fetch(try token("main") + question + "/x").status == 404)
        }
        #expect(try router.fetch(try token("main") + "/access/vod/zzzzzzzzzzzzzzzzzzzz").status == 404)
        let page = try router.fetch(try token("main") + "/recordings/abcdefghijkmnpqrstuv").text
        #expect(page.contains("\"\(try token("main"))\(base)/index.m3u8\""))
        #expect(try router.fetch("/vod/zzzzzzzzzzzzzzzzzzzz/index.m3u8").status == 404)
    }

    @Test("a recording's page tells what it is, and is found by nobody who was not given its address")
    func page() throws {
        var recording = recording()
        recording.title = "Rivers <b>& deltas</b>"
        recording.gaps = """
            [{"cause":"encoder","start":1500000000,"duration":0,"missing":75000},\
            {"cause":"disk","start":3700000000000,"duration":8000000000,"missing":8000}]
            """
        let recorded = try Recorded(recording)
        let path = "/recordings/\(recording.id)"
        let page = try recorded.router().fetch(path)
        #expect(page.status == 200 && page["X-Robots-Tag"] == "noindex" && page["Referrer-Policy"] == "no-referrer")
        for markup in [
            "\n<meta name=\"robots\" content=\"noindex\">\n",
            "<title>Rivers &lt;b&gt;&amp; deltas&lt;/b&gt; · Lyceum</title>",
            "<time datetime=\"2026-09-21T14:13:20.000Z\">21 September 2026, 14:13 UTC</time><span>6 seconds</span>",
            "index.m3u8#t=1\" data-place=\"1\">0:02</a> <span>The connection to the streamer was lost: 1 minute 15 seconds.",
            ">1:01:40</a> <span>The server could not store what came: 8 seconds.</span></li>",
            "<noscript><video class=\"plain\" controls playsinline src=\"\(base)/index.m3u8\"></video>",
            "data-duration=\"6.0\" data-storyboard=\"\"",
        ] {
            #expect(page.text.contains(markup), "\(markup)")
        }
        #expect(!page.text.contains(" poster="))
        try recorded.folder.write("recordings/\(recording.id)/poster.jpg", "JPEG")
        try recorded.folder.write("recordings/\(recording.id)/storyboard.vtt", "WEBVTT")
        let pictured = try recorded.router().fetch(path).text
        #expect(pictured.contains(" poster=\"\(base)/poster.jpg\""))
        #expect(pictured.contains("data-storyboard=\"\(base)/storyboard.vtt\""))
        #expect(try recorded.router().fetch(path + "/")["Location"] == path)
        #expect(try recorded.router().fetch("/recordings").status == 404)
        let nothing = try recorded.router().fetch("/recordings/zzzzzzzzzzzzzzzzzzzz")
        #expect(nothing.status == 404 && nothing.text.contains("There is no such recording"))
        recording.state = "recording"
        let live = try Recorded(recording).router().fetch(path).text
        #expect(live.contains("href=\"/watch/main\">Watch it live</a>") && !live.contains("<video"))
    }

    @Test(
        "lengths in words have their two largest units",
        arguments: [
            (0, "less than a second"), (1, "1 second"), (61, "1 minute 1 second"), (120, "2 minutes"), (3600, "1 hour"),
            (3605, "1 hour"), (43_290, "12 hours 1 minute"),
        ]
    )
    func lengths(seconds: Int64, words: String) { #expect(RecordingWords.length(seconds * 1_000_000_000) == words) }

    @Test("who reads when a recording is deleted gets all bytes; nobody finds it any more")
    func deletion() async throws {
        var recording = recording(1)
        let body = Array(FiledLive.body(0, 1_000_000).readableBytesView)
        recording.segments = [RecordedFolder.Segment(body, seconds: 6)]
        let recorded = try Recorded(recording)
        let router = recorded.router()
        let server = try await recorded.listen(router)
        let (group, address) = (MultiThreadedEventLoopGroup.singleton, try #require(server.localAddress))
        // A small window and nobody who reads: most of the body is still on the disk.
        let slow = try await LoopbackClient.connect(to: address, on: group, isReading: false)
        try await slow.send("GET \(base)/m0-0.m4s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let other = try await LoopbackClient.connect(to: address, on: group)
        let authorization = "\(Recorded.authorization.0): \(Recorded.authorization.1)\r\n"
        // Behind a look at the disk on another connection the slow one has its segment.
        for number in 1...8 {
            try await other.send("GET \(base)/m0-0.m4s HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\n\r\n")
            #expect(try await other.responses(number).last?.status == 206)
        }
        try await other.send(
            "DELETE /api/v1/recordings/abcdefghijkmnpqrstuv HTTP/1.1\r\nHost: a\r\n\(authorization)\r\n"
        )
        #expect(try await other.responses(9).last?.status == 204)
        for path in ["\(base)/m0-0.m4s", "\(base)/index.m3u8", "/recordings/abcdefghijkmnpqrstuv"] {
            try await other.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        #expect(try await other.responses(12).suffix(3).map(\.status) == [404, 404, 404])
        try await slow.startReading()
        let isWhole = WireResponse.all(in: try await slow.receivedAtEnd()).first?.body == body
        #expect(isWhole)
        // With the last reader goes the last file, and the folder.
        await router.disk.quiesce()
        await recorded.storage.flush()
        #expect(!FileManager.default.fileExists(atPath: recorded.folder.file("recordings/\(recording.id)")))
        try await slow.close()
        try await other.close()
        try await server.close()
    }
}
