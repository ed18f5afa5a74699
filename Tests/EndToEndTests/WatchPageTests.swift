import TestSupport
import Testing

/// The page that people watch on, in a real Chromium.
@Suite("Watch page in Chromium", .serialized)
struct WatchPageTests {
    /// Waits in the page for pictures: for so many that were shown, counted by the browser itself.
    static let playsPictures = """
        const video = await new Promise(resolve => {
            const look = () => {
                const video = document.querySelector("video");
                if (video) { observer.disconnect(); resolve(video); }
            };
            const observer = new MutationObserver(look);
            observer.observe(document, { childList: true, subtree: true });
            look();
        });
        let first = null;
        for (let shown = 0; shown < arguments[0]; shown += 1) {
            const frame = await new Promise(resolve => video.requestVideoFrameCallback((_, frame) => resolve(frame)));
            first ??= frame.mediaTime;
            var last = frame.mediaTime;
        }
        return {
            advanced: last - first,
            currentTime: video.currentTime,
            decoded: video.getVideoPlaybackQuality().totalVideoFrames,
            width: video.videoWidth,
            height: video.videoHeight,
            engine: document.getElementById("player").dataset.engine,
        };
        """

    private func expectPictures(_ browser: WebDriver, engine: String) async throws {
        let seen = try await browser.run(Self.playsPictures, [.number(75)])
        #expect(seen["width"]?.number == 320 && seen["height"]?.number == 180)
        #expect((seen["advanced"]?.number ?? 0) > 2, "75 pictures of 25 a second")
        #expect((seen["decoded"]?.number ?? 0) >= 75)
        #expect((seen["currentTime"]?.number ?? 0) > 0)
        #expect(seen["engine"]?.string == engine)
    }

    private func expectSilentConsole(_ browser: WebDriver) async throws {
        let errors = try await browser.console().filter { $0.level == "SEVERE" }
        #expect(errors.isEmpty)
    }

    @Test("a running live plays, with the browser's own HLS and with hls.js", arguments: ["native", "hls.js"])
    func plays(_ engine: String) async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=\(engine)"))
        try await expectPictures(browser, engine: engine)
        try await expectSilentConsole(browser)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("a page that was open before the live begins to play by itself, and knows when it is over")
    func waitsAndEnds() async throws {
        let server = try await ServerProcess.start()
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main"))
        let publisher = try FFmpegPublisher(
            .test(seconds: 20),
            to: server.publishURL(key: try await server.streamKey())
        )
        let seen = try await browser.run(Self.playsPictures, [.number(25)])
        #expect((seen["decoded"]?.number ?? 0) >= 25)
        let state = try await browser.run(
            """
            const player = document.getElementById("player");
            return await new Promise(resolve => {
                const look = () => {
                    if (player.dataset.state === "ended") { observer.disconnect(); resolve(player.dataset.state); }
                };
                const observer = new MutationObserver(look);
                observer.observe(player, { attributes: true });
                look();
            });
            """
        )
        #expect(state == "ended")
        try await expectSilentConsole(browser)
        try await browser.quit()
        try await publisher.waitForExit()
    }

    @Test(
        "pictures and then sound that are missing for four seconds each do not stop a player",
        arguments: ["native", "hls.js"]
    )
    func survivesMissingMedia(_ engine: String) async throws {
        let server = try await ServerProcess.start()
        let folder = try TemporaryFolder()
        // Made without pacing; the packets are dropped when it is sent.
        let whole = FFmpegPublisher.Media.test(seconds: 30).arguments.filter { $0 != "-re" }
        try await Tool.ffmpeg(whole + [folder.file("whole.flv")])
        let media = FFmpegPublisher.Media([
            "-re", "-i", folder.file("whole.flv"), "-c", "copy",
            "-bsf:v", "noise=drop=gte(pts*tb\\,8)*lt(pts*tb\\,12)",
            "-bsf:a", "noise=drop=gte(pts*tb\\,15)*lt(pts*tb\\,19)",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=\(engine)"))
        // From some seconds before the pictures go to some after the sound is back.
        let seen = try await browser.run(Self.playsPictures, [.number(375)])
        #expect((seen["advanced"]?.number ?? 0) > 17)
        #expect(seen["engine"]?.string == engine)
        try await expectSilentConsole(browser)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
        try await viewer.watchToEnd()
        #expect(await viewer.follower.discontinuityCount == 0)
    }

    @Test("pictures alone that pause for longer than a part do not stop a player")
    func survivesPause() async throws {
        let server = try await ServerProcess.start()
        let folder = try TemporaryFolder()
        let whole = FFmpegPublisher.Media.test(seconds: 30, audio: false).arguments.filter { $0 != "-re" }
        try await Tool.ffmpeg(whole + [folder.file("whole.flv")])
        // Pictures that nothing refers to would be missed by nobody; these are all of 1.6 s, up to a keyframe.
        let media = FFmpegPublisher.Media([
            "-re", "-i", folder.file("whole.flv"), "-c", "copy",
            "-bsf:v", "noise=drop=gte(pts*tb\\,10.4)*lt(pts*tb\\,12)",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let lowLatency = LowLatencyViewer(server)
        _ = try await server.log.line(containing: "live can be watched")
        let watching = Task { try await lowLatency.watch { _ in false } }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=hls.js"))
        let seen = try await browser.run(Self.playsPictures, [.number(350)])
        #expect((seen["advanced"]?.number ?? 0) > 15)
        try await expectSilentConsole(browser)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
        try await watching.value
        #expect(await lowLatency.report.findings.isEmpty)
        #expect(await lowLatency.report.discontinuities == 0)
    }

    @Test("a viewer stays when the encoder is killed and comes back")
    func survivesInterruption() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let first = try FFmpegPublisher(.test(), to: url)
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=hls.js"))
        try await expectPictures(browser, engine: "hls.js")
        first.kill()
        try await first.waitForExit()

        let second = try FFmpegPublisher(.test(), to: url)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.contains { $0.entry.isDiscontinuous } }
        // More pictures than can still lie in the buffer from before.
        let seen = try await browser.run(Self.playsPictures, [.number(300)])
        #expect((seen["decoded"]?.number ?? 0) >= 300)
        try await browser.quit()
        second.interrupt()
        try await second.waitForExit()
    }
}
