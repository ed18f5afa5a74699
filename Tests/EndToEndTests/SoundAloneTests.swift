import TestSupport
import Testing

/// The variant with the sound alone, with real encoders and players.
@Suite("Sound alone with real players", .serialized)
struct SoundAloneTests {
    private static let environment = ["LYCEUM_AUDIO_ONLY": "on"]

    @Test("it is the last variant, and a viewer of it finds the whole of the sound")
    func ended() async throws {
        let server = try await ServerProcess.start(environment: Self.environment)
        let publisher = try FFmpegPublisher(.test(seconds: 8), to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server, mediaPlaylist: "sound.m3u8")
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        let variants = try #require(await viewer.multivariant?.variants)
        #expect(variants.map(\.uri) == ["media.m3u8", "sound.m3u8"])
        #expect(variants[1].codecs == ["mp4a.40.2"] && variants[1].resolution == nil && variants[1].frameRate == nil)
        let segments = await viewer.segments
        let seconds = segments.reduce(0) { $0 + $1.entry.duration }
        let measured = Double(segments.reduce(0) { $0 + $1.bytes.count }) * 8 / seconds
        #expect(
            abs(Double(variants[1].averageBandwidth ?? 0) - measured) < 0.02 * measured,
            "\(variants[1]) \(measured)"
        )
        #expect(variants[1].bandwidth < variants[0].bandwidth)
        #expect(segments.count == 4 && segments.allSatisfy { $0.initialization.track(handler: "vide") == nil })
        let output = try await Tool.check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", server.url("/live/main/sound.m3u8")]
                + ["-map", "0", "-f", "streamhash", "-"]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        let stored = try await Tool.check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", server.url("/live/main/media.m3u8")]
                + ["-map", "0:a", "-f", "streamhash", "-"]
        )
        #expect(output.text == stored.text && output.text.contains("SHA256="))
    }

    @Test("a low-latency viewer finds its parts in order, and hls.js plays the pictures all the same")
    func live() async throws {
        let server = try await ServerProcess.start(environment: Self.environment)
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        let playlist = try PlaylistReader.readMedia(try await server.get("/live/main/sound.m3u8").body)
        let hint = try #require(playlist.preloadHint)
        #expect(hint.hasSuffix(".sound.m4s"))
        // Held until it is there.
        #expect(try await server.get("/live/main/\(hint)").status == 200)
        let report = try await server.get("/live/main/media.m3u8").text.split(separator: "\n")
        #expect(report.contains { $0.hasPrefix("#EXT-X-RENDITION-REPORT:URI=\"sound.m3u8\",LAST-MSN=") })
        for engine in ["hls.js", "native"] {
            let browser = try await WebDriver.start()
            try await browser.open(server.url("/watch/main?player=\(engine)"))
            let seen = try await browser.run(WatchPageTests.playsPictures, [.number(150)])
            #expect((seen["advanced"]?.number ?? 0) > 5 && seen["engine"]?.string == engine)
            #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
            try await browser.quit()
        }
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("GStreamer's older and newer HLS players decode the pictures", arguments: ["uridecodebin", "uridecodebin3"])
    func gstreamer(_ decoder: String) async throws {
        let server = try await ServerProcess.start(environment: Self.environment)
        let publisher = try FFmpegPublisher(.test(seconds: 8), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watchToEnd()
        try await publisher.waitForExit()
        let folder = try TemporaryFolder()
        try await Tool.check(
            "gst-launch-1.0",
            ["-q", decoder, "uri=\(server.url("/live/main/index.m3u8"))", "name=d"]
                + ["d.", "!", "queue", "!", "video/x-raw", "!", "videoconvert", "!", "video/x-raw,format=I420", "!"]
                + ["filesink", "location=\(folder.file("pictures"))"]
                + ["d.", "!", "queue", "!", "audio/x-raw", "!", "fakesink"]
        )
        #expect(try folder.read("pictures").count == 200 * 320 * 180 * 3 / 2)
    }
}
