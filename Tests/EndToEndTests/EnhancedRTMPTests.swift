import TestSupport
import Testing

/// A recent ffmpeg publishes each codec of Enhanced RTMP; two ffmpegs, five years apart, decode what is served.
@Suite("Enhanced RTMP", .serialized)
struct EnhancedRTMPTests {
    /// A pair of codecs.
    struct Pair: Sendable, CustomTestStringConvertible {
        let video: [String]
        let audio: [String]
        /// CODECS, the video one up to where it depends on the encoder's version.
        let codecs: [String]
        /// The length of an audio frame in seconds.
        let frame: Double

        var testDescription: String { codecs.joined(separator: " and ") }
    }

    private static let h264 = ["libx264", "-preset", "ultrafast", "-bf", "2", "-sc_threshold", "0"]
    static let hevcAAC = Pair(
        video: ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:scenecut=0:min-keyint=50"],
        audio: ["aac", "-b:a", "96k"],
        codecs: ["hvc1.1.6.L", "mp4a.40.2"],
        frame: 1024 / 48_000
    )
    static let av1Opus = Pair(
        video: ["libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-row-mt", "1"],
        audio: ["libopus", "-b:a", "96k"],
        codecs: ["av01.0.0", "Opus"],
        frame: 960 / 48_000
    )
    static let vp9Opus = Pair(
        video: ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k"],
        audio: ["libopus", "-b:a", "96k"],
        codecs: ["vp09.00.", "Opus"],
        frame: 960 / 48_000
    )
    static let pairs = [
        hevcAAC, av1Opus, vp9Opus,
        Pair(video: h264, audio: ["flac"], codecs: ["avc1.", "fLaC"], frame: 4608 / 48_000),
        Pair(video: h264, audio: ["ac3", "-b:a", "128k"], codecs: ["avc1.", "ac-3"], frame: 1536 / 48_000),
        Pair(video: h264, audio: ["eac3", "-b:a", "128k"], codecs: ["avc1.", "ec-3"], frame: 1536 / 48_000),
        Pair(video: h264, audio: ["libmp3lame", "-b:a", "128k"], codecs: ["avc1.", "mp4a.6B"], frame: 1152 / 48_000),
    ]

    private func publish(_ pair: Pair, seconds: Int? = nil, to server: ServerProcess) async throws -> FFmpegPublisher {
        let end = seconds.map { ":duration=\($0)" } ?? ""
        let inputs = [
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25\(end)",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000\(end)",
            "-pix_fmt", "yuv420p", "-ac", "2", "-g", "50",
        ]
        let negotiation = ["-rtmp_enhanced_codecs", "hvc1,av01,vp09,Opus,fLaC,ac-3,ec-3,.mp3,mp4a"]
        let media = FFmpegPublisher.Media(inputs + ["-c:v"] + pair.video + ["-c:a"] + pair.audio + negotiation)
        return try FFmpegPublisher(
            media,
            to: server.publishURL(key: try await server.streamKey()),
            with: Tool.newerFFmpeg
        )
    }

    @Test("each pair of codecs is served whole, under its name, and decoded without a complaint", arguments: pairs)
    func pair(_ pair: Pair) async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(pair, seconds: 6, to: server)
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        #expect(try await publisher.waitForExit() == .status(0))
        #expect(!server.log.text.contains("broken media dropped"))

        let variant = try #require(await viewer.multivariant?.variants.first)
        #expect(variant.codecs.count == 2)
        #expect(variant.codecs[0].hasPrefix(pair.codecs[0]) && variant.codecs[1] == pair.codecs[1], "\(variant.codecs)")
        #expect(variant.resolution == MultivariantPlaylist.Resolution(width: 320, height: 180))
        let playlist = try #require(await viewer.playlist)
        #expect(abs(playlist.duration - 6) < 0.2)
        let segments = await viewer.segments
        #expect(segments.allSatisfy { !$0.entry.isDiscontinuous })
        var pictures = 0
        for segment in segments {
            let video = try #require(segment.initialization.track(handler: "vide"))
            let samples = segment.media.samples(of: video.trackID)
            #expect(samples.first?.isSync == true)
            pictures += samples.count
        }
        #expect(pictures == 150)
        for program in ["ffmpeg", Tool.newerFFmpeg] { try await expectDecodes(pair, server, with: program) }
    }

    /// Decodes the whole live; `framecrc` writes a line for each decoded picture and each piece of sound.
    private func expectDecodes(_ pair: Pair, _ server: ServerProcess, with program: String) async throws {
        let output = try await Tool.check(
            program,
            [
                "-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", server.url("/live/main/index.m3u8"),
                "-map", "0:v", "-map", "0:a", "-fps_mode", "passthrough", "-f", "framecrc", "-",
            ]
        )
        #expect(output.standardError.isEmpty, "\(program): \(output.standardError)")
        var pictures = 0
        var soundTicks = 0
        for line in output.text.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split(separator: ",").map { $0.filter { $0 != " " } }
            if fields.first == "0" { pictures += 1 } else { soundTicks += fields.count > 3 ? Int(fields[3]) ?? 0 : 0 }
        }
        #expect(pictures == 150, "\(program)")
        // An encoder may begin up to two frames early and end one late; the last second is never cut.
        let sound = Double(soundTicks) / 48_000
        #expect(sound > 6 - 2 * pair.frame - 0.1 && sound < 6 + 4 * pair.frame + 0.1, "\(program): \(sound) s")
    }

    @Test("two tracks of a kind each reach the server under their own number")
    func multitrack() async throws {
        let server = try await ServerProcess.start()
        let inputs = [
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=5",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=5",
            "-re", "-f", "lavfi", "-i", "sine=frequency=880:sample_rate=48000:duration=5",
            "-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p", "-g", "50", "-c:v", "libx264",
            "-preset", "ultrafast", "-c:a:0", "aac", "-c:a:1", "libopus",
        ]
        let media = FFmpegPublisher.Media(inputs)
        let publisher = try FFmpegPublisher(
            media,
            to: server.publishURL(key: try await server.streamKey()),
            with: Tool.newerFFmpeg
        )
        #expect(try await publisher.waitForExit() == .status(0))
        for words in ["track.codec=mp4a.40.2", "track.codec=Opus"] {
            let line = try await server.log.line(containing: words)
            #expect(line.text.contains(words == "track.codec=Opus" ? "track.index=1" : "track.index=0"))
        }
        #expect(!server.log.text.contains("broken media dropped"))
    }

    @Test("a codec that is not taken is refused in words that the encoder shows")
    func refused() async throws {
        let server = try await ServerProcess.start()
        let media = FFmpegPublisher.Media([
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=20", "-c:v", "flv1",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let line = try await server.log.line(containing: "Sorenson")
        #expect(line.text.contains("send H.264, HEVC, AV1 or VP9 video"))
        #expect(try await publisher.waitForExit() != .status(0))
    }

    @Test(
        "Chromium plays AV1 and VP9 with Opus, with its own HLS and with hls.js",
        arguments: [av1Opus, vp9Opus],
        ["native", "hls.js"]
    )
    func chromium(_ pair: Pair, engine: String) async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(pair, to: server)
        try await LiveViewer(server).watch(within: .seconds(40)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=\(engine)"))
        let seen = try await browser.run(WatchPageTests.playsPictures, [.number(75)])
        #expect(seen["width"]?.number == 320 && seen["height"]?.number == 180)
        #expect((seen["advanced"]?.number ?? 0) > 2, "75 pictures of 25 a second")
        #expect(seen["engine"]?.string == engine)
        #expect(try await browser.console().allSatisfy { $0.level != "SEVERE" })
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
