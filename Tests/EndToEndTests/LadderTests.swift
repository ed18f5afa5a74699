import TestSupport
import Testing

/// Several encoders, or outputs of one, that publish the variants of one live under names with different endings.
@Suite("A ladder from several publishers", .serialized)
struct LadderTests {
    private func start(_ environment: [String: String] = [:]) async throws -> ServerProcess {
        try await ServerProcess.start(
            environment: ["LYCEUM_LADDER": "_1080,_720", "LYCEUM_PUBLISH": "open"].merging(environment) { $1 }
        )
    }

    private static let codecs = [
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0",
        "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "48000",
    ]

    private static func inputs(seconds: Int?) -> [String] {
        let end = seconds.map { ":duration=\($0)" } ?? ""
        return [
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25\(end)",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000\(end)",
        ]
    }

    /// One ffmpeg with an output for each variant: 320x180 with two B-pictures, and 160x90 without any.
    private func publishBoth(to server: ServerProcess, seconds: Int? = nil) async throws -> FFmpegPublisher {
        let first = server.publishURL(key: "main_1080")
        return try FFmpegPublisher(
            FFmpegPublisher.Media(
                Self.inputs(seconds: seconds) + ["-map", "0:v", "-map", "1:a"] + Self.codecs
                    + [
                        "-g", "50", "-keyint_min", "50", "-bf", "2", "-f", "flv", "-flvflags", "no_duration_filesize",
                        first,
                    ]
                    + ["-map", "0:v", "-map", "1:a"] + Self.codecs
                    + ["-g", "50", "-keyint_min", "50", "-bf", "0", "-s", "160x90"]
            ),
            to: server.publishURL(key: "main_720")
        )
    }

    /// An ffmpeg with one variant, with keyframes every second.
    private func publish(_ name: String, size: String, to server: ServerProcess) throws -> FFmpegPublisher {
        try FFmpegPublisher(
            FFmpegPublisher.Media(
                Self.inputs(seconds: nil) + ["-map", "0:v", "-map", "1:a"] + Self.codecs
                    + ["-g", "25", "-keyint_min", "25", "-bf", "0", "-s", size]
            ),
            to: server.publishURL(key: name)
        )
    }

    /// When the pictures that segments begin with are shown, by the segments' numbers.
    private func firstPictures(_ viewer: LiveViewer) async -> [Int: Double] {
        var times: [Int: Double] = [:]
        for segment in await viewer.segments {
            guard let video = segment.initialization.track(handler: "vide"),
                let first = segment.media.samples(of: video.trackID).first, first.isSync
            else { continue }
            let ticks = Double(first.decodeTime) + Double(first.compositionOffset)
            times[segment.entry.mediaSequenceNumber] = ticks / Double(video.timescale)
        }
        return times
    }

    @Test("two outputs of one encoder are two variants, whole, with the same segments and the same first pictures")
    func alignedOutputs() async throws {
        let server = try await start()
        let publisher = try await publishBoth(to: server, seconds: 9)
        let viewers = ["media.m3u8", "media-1.m3u8"].map { LiveViewer(server, mediaPlaylist: $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for viewer in viewers { group.addTask { try await viewer.watchToEnd() } }
            try await group.waitForAll()
        }
        try await publisher.waitForExit()

        let multivariant = try #require(await viewers[0].multivariant)
        #expect(multivariant.variants.map(\.uri) == ["media.m3u8", "media-1.m3u8"] && multivariant.renditions.isEmpty)
        #expect(multivariant.variants.map { $0.resolution?.width } == [320, 160])
        var places: [[String]] = []
        for viewer in viewers {
            let segments = await viewer.segments
            #expect(segments.count == 5)
            let video = try #require(segments[0].initialization.track(handler: "vide"))
            let sound = try #require(segments[0].initialization.track(handler: "soun"))
            #expect(segments.flatMap { $0.media.samples(of: video.trackID) }.count == 225)
            // Nine seconds of 1024 samples at 48 kHz, of one output and at the end of the other.
            #expect((420...428).contains(segments.flatMap { $0.media.samples(of: sound.trackID) }.count))
            #expect(await viewer.follower.discontinuityCount == 0)
            places.append(
                segments.map { "\($0.entry.mediaSequenceNumber) \($0.entry.durationText) \($0.entry.isDiscontinuous)" }
            )
        }
        #expect(places[0] == places[1])
        let times = (await firstPictures(viewers[0]), await firstPictures(viewers[1]))
        #expect(times.0.count == 5)
        for (number, time) in times.0 { #expect(abs((times.1[number] ?? 0) - time) < 0.001, "segment \(number)") }
        #expect(try await server.get("/live/main_720/index.m3u8").status == 404)
        let complaints = server.log.lines.filter { $0.contains("warning") && $0.contains("[Packager]") }
        #expect(complaints.isEmpty, "\(complaints)")
    }

    @Test(
        "one of two encoders is killed: the other goes on, and when the first is back there are two variants again",
        arguments: ["media.m3u8", "media-1.m3u8"]
    )
    func leavesAndReturns(watched: String) async throws {
        let server = try await start()
        let better = try publish("main_1080", size: "320x180", to: server)
        // Its clock begins a few seconds after the other's.
        try await waitForSegments(1, of: server)
        let viewer = LowLatencyViewer(server, playlist: watched)
        let early = watched == "media.m3u8" ? watch(viewer) : nil
        let first = try publish("main_720", size: "160x90", to: server)
        try await waitForVariants([320, 160], of: server)
        let watching = early ?? watch(viewer)

        try await waitForSegments(3, of: server)
        first.kill()
        try await first.waitForExit()
        try await waitForVariants([320], of: server)
        let second = try publish("main_720", size: "160x90", to: server)
        try await waitForVariants([320, 160], of: server)
        try await waitForSegments(2, of: server)

        better.interrupt()
        try await better.waitForExit()
        second.interrupt()
        try await second.waitForExit()
        try await watching.value
        let report = await viewer.report
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.segments > 6)
        #expect(await viewer.follower.current?.hasEndList == true)
        #expect(!server.log.lines.contains { $0.contains("keyframes differ") })
    }

    @Test(
        "the encoder of the default variant is killed: the other one becomes the default, and nobody loses the live",
        arguments: ["media.m3u8", "media-1.m3u8"]
    )
    func defaultLeaves(watched: String) async throws {
        let server = try await start()
        let better = try publish("main_1080", size: "320x180", to: server)
        try await waitForSegments(1, of: server)
        let viewer = LowLatencyViewer(server, playlist: watched)
        let early = watched == "media.m3u8" ? watch(viewer) : nil
        let other = try publish("main_720", size: "160x90", to: server)
        try await waitForVariants([320, 160], of: server)
        let watching = early ?? watch(viewer)
        better.kill()
        try await better.waitForExit()
        try await waitForVariants([160], of: server)
        let back = try publish("main_1080", size: "320x180", to: server)
        try await waitForVariants([160, 320], of: server)
        other.kill()
        try await other.waitForExit()
        try await waitForVariants([320], of: server)
        back.interrupt()
        try await back.waitForExit()
        try await watching.value
        let report = await viewer.report
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(await viewer.follower.current?.hasEndList == true)
    }

    /// Watches to the end.
    ///
    /// From the moment when the playlist is there: who comes later has much to load at once, and may miss parts. The second
    /// variant's playlist is there when the test has seen it listed, and the test waits for that itself: one more who polls
    /// could miss the time when both are listed.
    private func watch(_ viewer: LowLatencyViewer) -> Task<Void, any Error> {
        Task { try await viewer.watch { _ in false } }
    }

    /// Waits until so many more segments have been published.
    private func waitForSegments(_ count: Int, of server: ServerProcess) async throws {
        let before = server.log.lines.count { $0.contains("segment published") }
        var line: OutputLog.Line?
        for _ in 0..<before + count {
            line = try await server.log.line(after: line, within: .seconds(30)) { $0.contains("segment published") }
        }
    }

    /// Waits until the multivariant playlist lists variants of these widths.
    private func waitForVariants(_ widths: [Int], of server: ServerProcess) async throws {
        while true {
            let answer = try await server.get("/live/main/index.m3u8")
            if answer.status == 200 {
                let variants = try PlaylistReader.readMultivariant(answer.body).variants
                if variants.map({ $0.resolution?.width }) == widths { return }
            }
            try await waitForSegments(1, of: server)
        }
    }

    @Test("hls.js sees the variants of two encoders as levels, and switches between them while it plays")
    func hlsJS() async throws {
        let server = try await start()
        let publisher = try await publishBoth(to: server)
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/healthz"))
        let seen = try await browser.run(
            MultitrackTests.switches,
            [.string(server.url("/assets/hls.mjs")), .string(server.url("/live/main/index.m3u8"))]
        )
        #expect(seen["levels"]?.number == 2)
        #expect(seen["widths"]?.elements.compactMap(\.number) == [320, 160])
        let waits: Set = ["mediaError bufferStalledError false", "mediaError bufferSeekOverHole false"]
        #expect(seen["errors"]?.elements.compactMap(\.string).filter { !waits.contains($0) } == [])
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
