import Foundation
import TestSupport
import Testing

/// Low-latency HLS as its players use it.
@Suite("Low latency", .serialized)
struct LowLatencyTests {
    /// How long the checker watches, in seconds; scripts/hls-check asks for longer than every test run needs.
    private static let seconds = ProcessInfo.processInfo.environment["LYCEUM_CHECK_SECONDS"].flatMap(Int.init) ?? 30

    private static func encoder(_ arguments: [String], frameRate: String, group: Int) -> FFmpegPublisher.Media {
        FFmpegPublisher.Media(
            arguments + [
                "-re", "-f", "lavfi", "-i", "testsrc2=rate=\(frameRate):size=\(group == 60 ? "320x180" : "256x144")",
                "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-c:v", "libx264", "-preset",
                "ultrafast", "-pix_fmt", "yuv420p", "-g", "\(group)", "-keyint_min", "\(group)", "-sc_threshold", "0",
                "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "44100",
            ]
        )
    }

    @Test(
        "a player with blocking reloads, deltas and hints finds nothing wrong, through reconnects and changes of format"
    )
    func conformance() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_WINDOW_SECONDS": "30"])
        let url = server.publishURL(key: try await server.streamKey())
        // 29.97 pictures a second with B-frames, 59.94, keyframes that are far apart, other sizes.
        let encoders = [("30000/1001", 60), ("60000/1001", 120), ("25", 250), ("30", 60)]
        var publisher = try FFmpegPublisher(Self.encoder([], frameRate: encoders[0].0, group: encoders[0].1), to: url)
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        let viewer = LowLatencyViewer(server)
        let watching = Task { try await viewer.watch { _ in false } }
        let rounds = max(2, Self.seconds / 12)
        for round in 1...rounds {
            // So many parts of each encoder, then its cable is pulled and another one is there.
            let parts = await viewer.report.parts + 30
            try await Self.wait(for: viewer, within: .seconds(120)) { $0.parts >= parts }
            publisher.kill()
            try await publisher.waitForExit()
            let (rate, group) = encoders[round % encoders.count]
            publisher = try FFmpegPublisher(Self.encoder([], frameRate: rate, group: group), to: url)
        }
        let parts = await viewer.report.parts
        try await Self.wait(for: viewer, within: .seconds(120)) { $0.parts >= parts + 15 }
        publisher.interrupt()
        try await publisher.waitForExit()
        try await watching.value
        let report = await viewer.report
        print("checker: \(report)")
        #expect(report.findings.isEmpty)
        #expect(report.discontinuities == rounds && report.initializations == rounds + 1)
        #expect(report.deltas >= 5)
        #expect(report.hintedParts > report.parts * 3 / 4)
    }

    private static func wait(
        for viewer: LowLatencyViewer,
        within limit: Duration,
        until isDone: @escaping @Sendable (LowLatencyViewer.Report) -> Bool
    ) async throws {
        try await withDeadline(limit) {
            "the live did not come as far as the test wants it"
        } _: {
            while !isDone(await viewer.report) { try await viewer.nextVersion() }
        }
    }

    @Test("the pages' hls.js plays less than 2.5 s behind the encoder, and never stalls")
    func latency() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(
            .test(frameRate: 30, keyframeInterval: 60),
            to: server.publishURL(key: try await server.streamKey())
        )
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        // A page of the same site that plays nothing itself.
        try await browser.open(server.url("/watch/nobody"))
        _ = try await browser.run(Self.startsPlayer)
        var longest = 0.0, stalls = 0.0, samples = 0.0
        // A script may take two minutes.
        for part in 0..<max(1, Self.seconds / 30) {
            let seen = try await browser.run(Self.measuresDelay, [.number(Double(min(30, Self.seconds)))])
            print("delay \(part): \(seen)")
            longest = max(longest, seen["longest"]?.number ?? 99)
            stalls = seen["stalls"]?.number ?? 99
            samples += seen["samples"]?.number ?? 0
        }
        #expect(longest < 2.5)
        #expect(stalls == 0)
        #expect(samples > 10 * Double(Self.seconds))
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("a keyframe that nobody could foretell, right behind an early part, disturbs neither the checker nor hls.js")
    func unforeseenKeyframe() async throws {
        let server = try await ServerProcess.start()
        // Parts have ten pictures: the segment ends behind the second one, whose last picture has given it away.
        let publisher = try FFmpegPublisher(
            FFmpegPublisher.Media([
                "-re", "-f", "lavfi", "-i", "testsrc2=rate=25:size=320x180",
                "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-c:v", "libx264", "-preset",
                "ultrafast", "-pix_fmt", "yuv420p", "-g", "1000", "-sc_threshold", "0", "-force_key_frames",
                "expr:not(mod(n,50))+eq(n,670)", "-c:a", "aac", "-b:a", "96k", "-ac", "2",
            ]),
            to: server.publishURL(key: try await server.streamKey())
        )
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/nobody"))
        _ = try await browser.run(Self.startsPlayer)
        let viewer = LowLatencyViewer(server)
        let watching = Task { try await viewer.watch { $0.segments >= 15 } }
        let seen = try await browser.run(Self.measuresDelay, [.number(20)])
        try await watching.value
        #expect(seen["stalls"]?.number == 0, "\(seen)")
        #expect(await viewer.report.findings.isEmpty)
        let segments = await viewer.follower.segments
        let odd = try #require(
            segments.first { abs($0.duration - 0.8) < 0.02 },
            "the keyframe came too early or too late"
        )
        #expect(odd.parts.map { ($0.duration * 1000).rounded() } == [399, 400, 1])
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    /// Plays with the engine of the watch page, and waits until the first seconds are over, which belong to the start.
    private static let startsPlayer = """
        const { HLSEngine } = await import("/assets/engine.js");
        const file = document.getElementById("player").dataset.hlsFile;
        const Hls = await HLSEngine.library([file]);
        const video = document.createElement("video");
        video.muted = true;
        document.body.append(video);
        const engine = new HLSEngine(Hls, video, { failed() {}, resumed() {} });
        engine.start("/live/main/index.m3u8");
        await video.play();
        const begin = video.currentTime;
        await new Promise(resolve => {
            const shown = () => {
                if (video.currentTime - begin > 3) resolve(); else video.requestVideoFrameCallback(shown);
            };
            video.requestVideoFrameCallback(shown);
        });
        window.check = { engine, video, stalls: 0, events: [] };
        const tell = what => window.check.events.push(`${video.currentTime.toFixed(3)} ${what}`);
        video.addEventListener("waiting", () => { window.check.stalls += 1; tell("waits"); });
        video.addEventListener("playing", () => tell("plays"));
        engine.hls.on(Hls.Events.ERROR, (name, error) => tell(error.details));
        return true;
        """

    /// Compares the capture time of what is shown with the clock, for some seconds.
    private static let measuresDelay = """
        const { engine, video } = window.check;
        const delays = [];
        const from = video.currentTime;
        await new Promise(resolve => {
            const shown = () => {
                const date = engine.hls.playingDate;
                if (date) delays.push((Date.now() - date.getTime()) / 1000);
                if (video.currentTime - from > arguments[0]) resolve(); else video.requestVideoFrameCallback(shown);
            };
            video.requestVideoFrameCallback(shown);
        });
        delays.sort((left, right) => left - right);
        return {
            samples: delays.length, stalls: window.check.stalls, shortest: delays[0], median: delays[delays.length >> 1],
            longest: delays[delays.length - 1], events: window.check.events, latency: engine.hls.latency, target: engine.hls.targetLatency,
        };
        """
}
