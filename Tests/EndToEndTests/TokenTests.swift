import Foundation
import TestSupport
import Testing

/// Lives for those with a link, directly and through caches.
@Suite("Viewers with tokens", .serialized)
struct TokenTests {
    private static let cdnSecret = "cdn-secret-of-the-test"

    private func server(
        _ more: [String: String] = [:],
        dataFolder: TemporaryFolder? = nil
    ) async throws -> ServerProcess {
        let environment = [
            "LYCEUM_PUBLISH": "open", "LYCEUM_PLAYBACK": "tokens", "LYCEUM_CDN_SECRET": Self.cdnSecret,
        ]
        return try await ServerProcess.start(environment: environment.merging(more) { $1 }, dataFolder: dataFolder)
    }

    /// What `lyceum token` prints: the page's path and the playlist's.
    private func link(_ server: ServerProcess, _ arguments: String...) async throws -> (page: String, playlist: String)
    {
        let output = try await Tool.run(
            ServerProcess.binary,
            ["token"] + arguments,
            environment: ["LYCEUM_DATA_DIR": server.dataFolder.path, "LYCEUM_PLAYBACK": "tokens"]
        )
        let lines = output.text.split(separator: "\n").map(String.init)
        try #require(output.exit == .status(0) && lines.count == 2, "\(output.standardError)")
        return (lines[0], lines[1])
    }

    private func goLive(_ server: ServerProcess) async throws -> FFmpegPublisher {
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: "main"))
        _ = try await server.log.line(containing: "live can be watched")
        return publisher
    }

    @Test("a link plays in ffmpeg and in Chromium; without it there is nothing but a word")
    func link() async throws {
        let server = try await server()
        let publisher = try await goLive(server)
        let link = try await link(server, "main", "--for", "2h")
        #expect(try await server.get("/live/main/index.m3u8").status == 403)
        let decoded = try await Tool.check(
            "ffmpeg",
            ["-v", "error", "-i", server.url(link.playlist), "-frames:v", "50", "-f", "null", "-"]
        )
        #expect(decoded.standardError.isEmpty)
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main"))
        let refused = try await browser.run("return document.querySelector('h1').textContent")
        #expect(refused.string == "This live is for viewers with a link.")
        for engine in ["native", "hls.js"] {
            try await browser.open(server.url("\(link.page)?player=\(engine)"))
            let frames = try await browser.run(
                """
                const video = document.querySelector('video');
                for (;;) {
                    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
                    if (frames > 50) return frames;
                    await new Promise(done => requestAnimationFrame(done));
                }
                """
            )
            #expect(frames.number.map { $0 > 50 } == true, "\(engine)")
        }
        #expect(!server.log.text.contains(link.page.split(separator: "/")[1]), "no token in the log")
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("a link runs out, is for one address if wanted, and a secret in the settings makes the same ones")
    func limits() async throws {
        let server = try await server()
        let publisher = try await goLive(server)
        let short = try await link(server, "main", "--for", "1s")
        try await withDeadline(.seconds(10)) {
            "the link does not run out"
        } _: {
            while try await server.get(short.playlist).status != 403 {}
        }
        let bound = try await link(server, "main", "--address", "127.0.9.1")
        #expect(try await server.get(bound.playlist).status == 403)
        let fromThere = try await Tool.check(
            "curl",
            [
                "--silent", "--interface", "127.0.9.1", "--output", "/dev/null", "--write-out", "%{http_code}",
                server.url(bound.playlist),
            ]
        )
        #expect(fromThere.text == "200")
        for wrong in [["main", "--for", "soon"], ["main", "--for", "-1h"], ["ma/in"], ["main", "--address", "here"]] {
            let output = try await Tool.run(ServerProcess.binary, ["token"] + wrong)
            #expect(output.exit == .status(64), "\(wrong)")
        }
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("RTMP play asks for the same token where it is open")
    func rtmp() async throws {
        let server = try await server(["LYCEUM_RTMP_PLAY": "open"])
        let publisher = try await goLive(server)
        let token = try await link(server, "main").page.split(separator: "/")[1]
        func play(_ name: String) async throws -> ChildProcess.Exit {
            let url = server.publishURL(key: name)
            return try await Tool.run("ffmpeg", ["-v", "error", "-i", url, "-frames:v", "25", "-f", "null", "-"]).exit
        }
        #expect(try await play("main?token=\(token)") == .status(0))
        #expect(try await play("main") != .status(0))
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    /// A cache in front of a server, with the configuration that is in `deploy/cdn`.
    enum Cache: String, CaseIterable {
        case nginx, varnish

        /// An address of the test's own: these programs cannot take any free port.
        var address: String { "127.9.\(ProcessInfo.processInfo.processIdentifier % 250).\(self == .nginx ? 1 : 2)" }

        func start(in folder: TemporaryFolder, origin port: Int, secret: String) async throws -> ChildProcess {
            let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
            func configuration(_ name: String, _ replacements: [(String, String)]) throws {
                let file = package.standardized.appendingPathComponent("deploy/cdn/\(name)")
                var text = try String(contentsOf: file, encoding: .utf8)
                for (old, new) in replacements + [("CDN-SECRET", secret)] {
                    try #require(text.contains(old))
                    text = text.replacing(old, with: new)
                }
                try folder.write(name, text)
            }
            switch self {
            case .nginx:
                try configuration(
                    "nginx.conf",
                    [("127.0.0.1:8080", "127.0.0.1:\(port)"), ("listen 8000", "listen \(address):8000")]
                )
                let directives = "daemon off; user root; pid \(folder.file("pid")); error_log stderr notice;"
                let arguments = ["-p", folder.path, "-c", folder.file("nginx.conf"), "-g", directives]
                let process = try ChildProcess("nginx", arguments)
                _ = try await process.standardError.line(containing: "start worker process")
                return process
            case .varnish:
                try configuration("varnish.vcl", [("\"8080\"", "\"\(port)\"")])
                // varnishd closes every descriptor that it inherits, which Foundation takes for its end and waits for that, deaf to
                // all other processes. A shell keeps them.
                let script = "varnishd \"$@\" & trap \"kill $!\" TERM; wait; wait"
                let process = try ChildProcess(
                    "sh",
                    [
                        "-c", script, "sh", "-F", "-n", folder.file("work"), "-a", "\(address):8000", "-f",
                        folder.file("varnish.vcl"), "-s", "malloc,64m",
                    ]
                )
                _ = try await process.standardError.line(containing: "Child starts")
                return process
            }
        }
    }

    @Test("a cache asks who may watch, and serves all viewers from one copy", arguments: Cache.allCases)
    func cache(cache: Cache) async throws {
        let data = try TemporaryFolder()
        var recording = RecordedFolder()
        recording.segments = [RecordedFolder.Segment(Array(repeating: 7, count: 5000), seconds: 2)]
        try recording.write(to: data.file("recordings"))
        let server = try await server(dataFolder: data)
        let publisher = try await goLive(server)
        let folder = try TemporaryFolder()
        let process = try await cache.start(in: folder, origin: server.httpPort, secret: Self.cdnSecret)
        func get(_ path: String, from address: String = "127.0.0.1") async throws -> (status: String, cache: String) {
            let output = try await Tool.check(
                "curl",
                [
                    "--silent", "--interface", address, "--output", "/dev/null", "--write-out",
                    "%{http_code} %header{x-cache}",
                    "http://\(cache.address):8000\(path)",
                ]
            )
            let words = output.text.split(separator: " ").map(String.init)
            return (words.first ?? "", words.count > 1 ? words[1] : "")
        }
        let first = try await link(server, "main", "--for", "2h")
        let second = try await link(server, "main", "--for", "3h")
        let prefix = first.playlist.dropLast("index.m3u8".count)
        let text = try await server.get(String(prefix) + "media.m3u8").body
        let segment = try #require(
            String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasSuffix(".m4s") }
        )
        #expect(try await get("\(prefix)\(segment)") == ("200", "MISS"))
        let other = second.playlist.dropLast("index.m3u8".count)
        #expect(try await get("\(other)\(segment)") == ("200", "HIT"), "another viewer's token, the same copy")
        let asked = server.log.lines.count { $0.contains("/live/main/\(segment)") }
        #expect(asked == 1, "the server was asked for it once")

        #expect(try await get("/live/main/\(segment)").status == "403")
        #expect(try await get("/t/nonsense/live/main/\(segment)").status == "403")
        #expect(try await get("/t/nonsense/live/main/\(segment)", from: "127.0.9.2").status == "403")
        let bound = try await link(server, "main", "--address", "127.0.9.3")
        #expect(try await get(bound.playlist, from: "127.0.9.3").status == "200")
        #expect(try await get(bound.playlist, from: "127.0.9.4").status == "403")
        #expect(try await get(bound.page, from: "127.0.9.3").status == "200")
        #expect(try await get(bound.page, from: "127.0.9.4").status == "403")
        #expect(try await get("/api/v1/streams").status == "403")

        let tokens = [first, second].map { "/t/" + $0.page.split(separator: "/")[1] }
        let recorded = "/vod/\(recording.id)/m0-0.m4s"
        #expect(try await get(tokens[0] + recorded) == ("200", "MISS"))
        #expect(try await get(tokens[1] + recorded) == ("200", "HIT"))
        #expect(try await get("\(tokens[0])/recordings/\(recording.id)").status == "200")
        let elsewhere = "/t/" + (try await link(server, "other").page.split(separator: "/")[1])
        for path in [recorded, "/recordings/\(recording.id)"] {
            #expect(try await get(elsewhere + path).status == "403")
            #expect(try await get(path).status == "403")
        }
        #expect(try await get("/").status == "200")

        let viewer = try await Tool.check(
            "ffmpeg",
            [
                "-v", "error", "-i", "http://\(cache.address):8000\(second.playlist)", "-frames:v", "75", "-f", "null",
                "-",
            ]
        )
        #expect(viewer.standardError.isEmpty, "\(viewer.standardError)")
        publisher.interrupt()
        try await publisher.waitForExit()
        process.send(SIGTERM)
        _ = try await process.waitForExit(within: .seconds(10))
    }
}
