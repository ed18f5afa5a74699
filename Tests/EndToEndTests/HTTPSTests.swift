import Foundation
import TestSupport
import Testing

/// HTTPS with HTTP/2 and HTTP/1.1, as clients of many kinds see it.
@Suite("HTTPS", .serialized)
struct HTTPSTests {
    /// A server with a certificate for localhost, and what a client trusts it by.
    private struct Secured {
        let authority: CertificateAuthority
        let server: ServerProcess
        let port: Int

        init(_ environment: [String: String] = [:]) async throws {
            authority = try await CertificateAuthority()
            try await authority.issue("one", serial: 0x11)
            try authority.install("one", as: "live")
            server = try await ServerProcess.start(
                environment: [
                    "LYCEUM_PUBLISH": "open", "LYCEUM_HTTPS_PORT": "0", "LYCEUM_TLS_CERT": authority.file("live.pem"),
                    "LYCEUM_TLS_KEY": authority.file("live.key"),
                ].merging(environment) { $1 }
            )
            port = try #require(server.httpsPort)
        }

        func url(_ path: String) -> String { "https://localhost:\(port)\(path)" }

        /// What curl prints, which trusts the authority and nobody else.
        func curl(_ path: String, _ arguments: String...) async throws -> String {
            let trust = ["--silent", "--show-error", "--max-time", "20", "--cacert", authority.file("ca.pem")]
            return try await Tool.check("curl", trust + arguments + [url(path)]).text
        }

        /// Publishes until there is something to play.
        func goLive() async throws -> FFmpegPublisher {
            let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: "main"))
            _ = try await server.log.line(containing: "live can be watched")
            return publisher
        }
    }

    @Test("both versions of HTTP give the same playlist, whole, in gzip, and in parts")
    func versions() async throws {
        let secured = try await Secured()
        #expect(secured.server.output.text.contains("https://localhost:\(secured.port)/watch/main"))
        let publisher = try await secured.goLive()
        publisher.interrupt()
        try await publisher.waitForExit()
        _ = try await secured.server.log.line(containing: "live ended")

        let plain = String(decoding: try await secured.server.get("/live/main/media.m3u8").body, as: UTF8.self)
        for version in ["--http2", "--http1.1"] {
            #expect(try await secured.curl("/live/main/media.m3u8", version) == plain)
            #expect(try await secured.curl("/live/main/media.m3u8", version, "--compressed") == plain)
        }
        let segment = try #require(plain.split(separator: "\n").first { $0.hasSuffix(".m4s") })
        let sizes = "%{http_version} %{http_code} %{size_download} %header{content-range}"
        let part = try await secured.curl(
            "/live/main/\(segment)",
            "--http2",
            "--output",
            "/dev/null",
            "--range",
            "100-299",
            "--write-out",
            sizes
        )
        #expect(part.hasPrefix("2 206 200 bytes 100-299/"), "\(part)")
    }

    @Test(
        "odd requests over HTTP/2 get what they deserve, and the connection goes on",
        arguments: [
            (["--head"], "/healthz", "200"), ([], "/live/none/index.m3u8", "404"),
            (["--data", "x"], "/healthz", "413"),
            (["--request", "PUT"], "/live/main/index.m3u8", "405"), (["--path-as-is"], "/../../etc/passwd", "404"),
            ([], "/%2e%2e/%00", "404"), ([], "/live/%zz", "400"),
            (["--header", "x: " + String(repeating: "y", count: 9000)], "/healthz", "200"),
            (["--request", "OPTIONS"], "/live/main/index.m3u8", "204"),
        ] as [([String], String, String)]
    )
    func oddRequests(arguments: [String], path: String, status: String) async throws {
        let secured = try await Secured()
        let both = try await Tool.check(
            "curl",
            ["--silent", "--max-time", "20", "--http2", "--cacert", secured.authority.file("ca.pem")] + arguments
                + ["--output", "/dev/null", "--write-out", "%{http_code} ", secured.url(path)]
                + ["--next", "--silent", "--http2", "--cacert", secured.authority.file("ca.pem")]
                + ["--output", "/dev/null", "--write-out", "%{http_code} %{num_connects}", secured.url("/healthz")]
        )
        #expect(both.text == "\(status) 200 0", "the second request went over the first one's connection")
    }

    @Test("a hundred streams at once on each of ten connections, and every one is answered")
    func load() async throws {
        let secured = try await Secured()
        let publisher = try await secured.goLive()
        for path in ["/live/main/media.m3u8", "/live/main/index.m3u8"] {
            let load = try await Tool.check("h2load", ["-n", "5000", "-c", "10", "-m", "100", secured.url(path)])
            #expect(load.text.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(load.text)")
            #expect(load.text.contains("Application protocol: h2"))
        }
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("the certificate is replaced without a restart, TLS 1.1 is refused, plain HTTP is told what is wrong")
    func handshakes() async throws {
        let secured = try await Secured()
        try await secured.authority.issue("two", serial: 0x22)
        func serial() async throws -> String {
            let script = "openssl s_client -connect 127.0.0.1:\(secured.port) </dev/null 2>/dev/null"
            return try await Tool.check("bash", ["-c", script + " | openssl x509 -noout -serial"]).text
        }
        #expect(try await serial() == "serial=11\n")
        try secured.authority.install("two", as: "live")
        secured.server.hangUp()
        _ = try await secured.server.log.line(containing: "certificate replaced")
        #expect(try await serial() == "serial=22\n")

        let old = ["s_client", "-connect", "127.0.0.1:\(secured.port)", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]
        let refused = try await Tool.run("openssl", old)
        #expect(refused.exit != .status(0))
        #expect(refused.standardError.contains("alert protocol version"), "\(refused.standardError)")
        let plain = try await Tool.check("curl", ["--silent", "http://localhost:\(secured.port)/healthz"])
        #expect(plain.text == "This port speaks HTTPS: use https:// in the address.\n")
        // A peer that says nothing is not kept.
        let silent = try await TCPPeer.connect(port: secured.port)
        try await silent.waitUntilClosed(within: .seconds(15))
    }

    @Test("SIGTERM lets a viewer over HTTP/2 read the end of the playlist")
    func stop() async throws {
        let secured = try await Secured()
        let publisher = try await secured.goLive()
        let trust = ["--silent", "--max-time", "20", "--http2", "--cacert", secured.authority.file("ca.pem")]
        _ = try await Tool.check("curl", trust + [secured.url("/live/main/media.m3u8")])
        secured.server.terminate()
        _ = try await secured.server.log.line(containing: "live ended")
        let last = try await Tool.check("curl", trust + [secured.url("/live/main/media.m3u8")])
        #expect(last.text.hasSuffix("#EXT-X-ENDLIST\n"))
        #expect(try await secured.server.waitForExit() == .status(0))
        try await publisher.waitForExit()
    }

    @Test("ffmpeg and Chromium play over TLS", arguments: ["native", "hls.js"])
    func players(engine: String) async throws {
        let secured = try await Secured()
        let publisher = try await secured.goLive()
        if engine == "native" {
            let decoded = try await Tool.check(
                "ffmpeg",
                [
                    "-v", "error", "-ca_file", secured.authority.file("ca.pem"), "-i",
                    secured.url("/live/main/index.m3u8"),
                    "-frames:v", "50", "-f", "null", "-",
                ]
            )
            #expect(decoded.standardError.isEmpty)
        }
        let browser = try await WebDriver.start(arguments: ["--ignore-certificate-errors"])
        try await browser.open(secured.url("/watch/main?player=\(engine)"))
        let played = try await browser.run(
            """
            const video = document.querySelector('video');
            for (;;) {
                if (video.getVideoPlaybackQuality().totalVideoFrames > 50) break;
                await new Promise(done => requestAnimationFrame(done));
            }
            const entries = performance.getEntriesByType('resource').filter(e => e.name.includes('/live/'));
            return entries.map(e => e.nextHopProtocol).filter(p => p !== '');
            """
        )
        // The browser's own player fetches without telling the page.
        if engine == "hls.js" { #expect(!played.elements.isEmpty) }
        #expect(played.elements.allSatisfy { $0.string == "h2" }, "\(played)")
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
