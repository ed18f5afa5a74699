import TestSupport
import Testing

/// Encrypted lives in players that decrypt.
@Suite("Encryption with real players", .serialized)
struct EncryptionTests {
    @Test("ffmpeg decodes the whole of an encrypted live over several keys, and the same beside it as it is")
    func ffmpeg() async throws {
        let server = try await ServerProcess.start(
            environment: ["LYCEUM_ENCRYPTION": "both", "LYCEUM_KEY_SECONDS": "10", "LYCEUM_WINDOW_SECONDS": "60"]
        )
        let publisher = try FFmpegPublisher(
            .test(seconds: 24),
            to: server.publishURL(key: try await server.streamKey())
        )
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        var hashes: [String] = []
        for folder in ["", "aes/"] {
            let output = try await Tool.check(
                "ffmpeg",
                [
                    "-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i",
                    server.url("/live/main/\(folder)index.m3u8"), "-map", "0", "-f", "streamhash", "-",
                ]
            )
            #expect(output.standardError.isEmpty, "\(output.standardError)")
            hashes.append(output.text)
        }
        #expect(hashes[0] == hashes[1] && hashes[0].contains("SHA256="))
        let playlist = try PlaylistReader.readMedia(try await server.get("/live/main/aes/media.m3u8").body)
        let keys = try playlist.segments.map { try $0.keys.last?.quoted("URI") ?? "none" }
        #expect(Set(keys).count == 3 && !keys.contains("none"))
        #expect(await viewer.segments.first?.entry.keys.isEmpty == true)
    }

    @Test("hls.js plays the parts of an encrypted live through a change of keys")
    func hlsJavaScript() async throws {
        let server = try await ServerProcess.start(
            environment: ["LYCEUM_ENCRYPTION": "on", "LYCEUM_KEY_SECONDS": "10"]
        )
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        _ = try await server.log.line(containing: "live can be watched")
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=hls.js"))
        let seen = try await browser.run(WatchPageTests.playsPictures, [.number(350)])
        #expect((seen["advanced"]?.number ?? 0) > 13 && seen["engine"]?.string == "hls.js")
        #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
