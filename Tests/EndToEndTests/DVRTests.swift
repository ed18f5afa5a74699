import Foundation
import TestSupport
import Testing

/// Lives whose older segments lie on disk, with real encoders and players.
@Suite("Going back in a live", .serialized)
struct DVRTests {
    /// Three minutes of small pictures and a tone, as fast as they can be made.
    private static let threeMinutes = FFmpegPublisher.Media([
        "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=180",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=180",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "50", "-keyint_min", "50",
        "-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k", "-ac", "2",
    ])

    /// A server with three minutes of a live that has ended.
    private func ended(_ environment: [String: String] = [:]) async throws -> ServerProcess {
        let server = try await ServerProcess.start(environment: environment)
        let url = server.publishURL(key: try await server.streamKey())
        try await FFmpegPublisher(Self.threeMinutes, to: url).waitForExit(within: .seconds(120))
        _ = try await server.log.line(containing: "live ended", within: .seconds(30))
        return server
    }

    private func decoded(_ url: String) async throws -> String {
        let output = try await Tool.check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-map", "0", "-f", "streamhash", "-"],
            within: .seconds(120)
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        return output.text
    }

    @Test("all of a live is there, from memory and from disk, as it is, encrypted and compressed")
    func wholeLive() async throws {
        // Where it is recorded, what lies on disk is the recording, and stays.
        let server = try await ended(
            ["LYCEUM_WINDOW_SECONDS": "0", "LYCEUM_ENCRYPTION": "both", "LYCEUM_RECORD": "off"]
        )
        let answer = try await server.get("/live/main/media.m3u8")
        let playlist = try PlaylistReader.readMedia(answer.body)
        #expect(playlist.type == "EVENT" && playlist.mediaSequence == 0 && playlist.segments.count == 90)
        #expect(abs(playlist.duration - 180) < 0.04)
        // Most of it lies on disk.
        let files = try await Tool.check("du", ["-sb", server.dataFolder.file("media")]).text
        #expect((files.split(separator: "\t").first.flatMap { Int($0) } ?? 0) > 2_000_000)
        for segment in playlist.segments {
            let whole = try await server.get("/live/main/\(segment.uri)")
            #expect(whole.status == 200)
            let headers = ["Range": "bytes=100-199"]
            let range = try await server.get("/live/main/\(segment.uri)", headers: headers)
            #expect(range.status == 206 && range.body == Array(whole.body[100..<200]))
        }
        let hashes = try await [
            decoded(server.url("/live/main/index.m3u8")), decoded(server.url("/live/main/aes/index.m3u8")),
        ]
        #expect(hashes[0] == hashes[1] && hashes[0].contains("SHA256="))
        for path in ["/live/main/media.m3u8", "/live/main/aes/media.m3u8"] {
            let packed = try await Tool.check("curl", ["--silent", "--compressed", server.url(path)])
            #expect(packed.standardOutput == (try await server.get(path)).body)
        }
        server.terminate()
        #expect(try await server.waitForExit() == .status(0))
        let left = try await Tool.check("find", [server.dataFolder.file("media"), "-type", "f"])
        #expect(left.text.isEmpty, "nothing is left on disk: \(left.text)")
    }

    @Test("a window slides over what lies on disk, and lets go of it")
    func window() async throws {
        let server = try await ended(["LYCEUM_WINDOW_SECONDS": "80"])
        let playlist = try PlaylistReader.readMedia(try await server.get("/live/main/media.m3u8").body)
        #expect(playlist.type == nil && playlist.mediaSequence == 50 && playlist.segments.count == 40)
        let first = try #require(playlist.segments.first?.uri)
        // A tag may have a hyphen itself.
        try #require(first.hasSuffix("-50.m4s"))
        let tag = first.dropLast("-50.m4s".count)
        for number in 10..<90 { #expect(try await server.get("/live/main/\(tag)-\(number).m4s").status == 200) }
        #expect(try await server.get("/live/main/\(tag)-4.m4s").status == 404)
        _ = try await decoded(server.url("/live/main/index.m3u8"))
    }

    @Test("a viewer in a browser goes back to what lies on disk while the live goes on")
    func seeking() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let publisher = try FFmpegPublisher(
            FFmpegPublisher.Media(
                // A minute and a half at once, then in real time.
                ["-readrate", "1", "-readrate_initial_burst", "90"] + Self.threeMinutes.arguments
            ),
            to: url,
            with: Tool.newerFFmpeg
        )
        try await LiveViewer(server).watch(within: .seconds(60)) { playlist, _ in playlist.segments.count >= 44 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=hls.js"))
        let seen = try await browser.run(Self.seeksBack, [.number(3)])
        #expect((seen["advanced"]?.number ?? 0) > 2.5, "\(seen)")
        #expect((seen["behind"]?.number ?? 0) > 60, "\(seen)")
        #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    /// Plays from the beginning of what can be reached, for some seconds.
    private static let seeksBack = """
        const video = document.querySelector("video");
        const frame = () => new Promise(resolve => video.requestVideoFrameCallback(resolve));
        video.muted = true;
        await video.play();
        await frame();
        const edge = video.currentTime;
        video.currentTime = video.seekable.start(0) + 1;
        await new Promise(resolve => video.addEventListener("seeked", resolve, { once: true }));
        const begin = video.currentTime;
        while (video.currentTime - begin < arguments[0]) await frame();
        return { behind: edge - begin, advanced: video.currentTime - begin };
        """
}
