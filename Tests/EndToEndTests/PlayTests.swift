import TestSupport
import Testing

/// Lives played over RTMP by the programs that do so.
@Suite("RTMP play", .serialized)
struct PlayTests {
    /// A program that records a live until it ends.
    enum Recorder: String, CaseIterable {
        case rtmpdump, ffmpeg, newerFFmpeg, gstreamer

        func start(_ url: String, to file: String) throws -> ChildProcess {
            switch self {
            case .rtmpdump: try ChildProcess("rtmpdump", ["--rtmp", url, "--live", "--flv", file])
            case .ffmpeg, .newerFFmpeg:
                try ChildProcess(
                    self == .ffmpeg ? "ffmpeg" : Tool.newerFFmpeg,
                    ["-hide_banner", "-nostdin", "-v", "warning", "-i", url, "-c", "copy", "-f", "flv", file]
                )
            case .gstreamer:
                try ChildProcess(
                    "gst-launch-1.0",
                    ["-q", "rtmp2src", "location=\(url)", "!", "filesink", "location=\(file)"]
                )
            }
        }
    }

    @Test(
        "a live that runs is recorded from a keyframe to its end, every picture of it",
        arguments: Recorder.allCases
    )
    func recorded(recorder: Recorder) async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let publisher = try FFmpegPublisher(.test(seconds: 10), to: server.publishURL(key: "main"))
        _ = try await server.log.line(containing: "live can be watched", within: .seconds(20))
        let folder = try TemporaryFolder()
        let process = try recorder.start(server.publishURL(key: "main"), to: folder.file("live.flv"))
        #expect(try await publisher.waitForExit() == .status(0))
        #expect(try await process.waitForExit(within: .seconds(10)) == .status(0), "\(process.standardError.tail())")

        let (pictures, sounds, errors) = try await decode(folder.file("live.flv"), with: "ffmpeg")
        #expect(errors.isEmpty, "\(errors)")
        // Groups of 50 pictures: the recorder missed one, two or three of the five.
        #expect([100, 150, 200].contains(pictures), "\(pictures)")
        let seconds = Double(pictures) / 25
        #expect(abs(Double(sounds) * 1024 / 48_000 - seconds) < 0.3, "\(sounds) for \(seconds) s")
    }

    @Test("HEVC and Opus pass as they came")
    func enhanced() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let media = FFmpegPublisher.Media([
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=8",
            "-pix_fmt", "yuv420p", "-ac", "2", "-g", "25", "-c:v", "libx265", "-preset", "ultrafast",
            "-x265-params", "log-level=none:scenecut=0:min-keyint=25", "-c:a", "libopus",
            "-rtmp_enhanced_codecs", "hvc1,Opus",
        ])
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: "main"), with: Tool.newerFFmpeg)
        _ = try await server.log.line(containing: "track.kind=audio", within: .seconds(20))
        let folder = try TemporaryFolder()
        let recorder = try Recorder.newerFFmpeg.start(server.publishURL(key: "main"), to: folder.file("live.flv"))
        #expect(try await publisher.waitForExit() == .status(0))
        #expect(try await recorder.waitForExit(within: .seconds(10)) == .status(0))
        let (pictures, sounds, errors) = try await decode(folder.file("live.flv"), with: Tool.newerFFmpeg)
        #expect(errors.isEmpty, "\(errors)")
        #expect(pictures >= 100 && pictures % 25 == 0, "\(pictures)")
        #expect(sounds > pictures)
    }

    @Test("a player stays while the encoder is killed and comes back")
    func throughAnInterruption() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let url = server.publishURL(key: "main")
        let first = try FFmpegPublisher(.test(), to: url)
        _ = try await server.log.line(containing: "track.kind=audio", within: .seconds(20))
        let folder = try TemporaryFolder()
        let player = try Recorder.ffmpeg.start(url, to: folder.file("live.flv"))
        let begun = try await server.log.line(containing: "play begins", within: .seconds(10))
        let segments = try await server.log.line(containing: "segment", after: begun, within: .seconds(20))
        first.kill()
        let second = try FFmpegPublisher(.test(seconds: 6), to: url)
        #expect(try await second.waitForExit() == .status(0))
        #expect(try await player.waitForExit(within: .seconds(10)) == .status(0))
        _ = segments
        let packets = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "csv=p=0",
                folder.file("live.flv"),
            ]
        )
        let times = packets.text.split(separator: "\n").compactMap { Double($0.filter { $0 != "," }) }
        #expect(times.count >= 150)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "time goes on through the interruption")
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 < 15 })
    }

    @Test("there is nothing to play where nobody publishes, and nobody plays where that is off")
    func refused() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_PLAY": "off"])
        let open = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_PLAY": "open"])
        for (server, words) in [(server, "over HLS only"), (open, "nobody publishes main")] {
            let player = try ChildProcess(
                "ffmpeg",
                ["-nostdin", "-v", "info", "-i", server.publishURL(key: "main"), "-f", "null", "-"]
            )
            #expect(try await player.waitForExit(within: .seconds(10)) != .status(0))
            #expect(player.standardError.text.contains(words), "\(player.standardError.tail())")
        }
    }

    @Test("a player that takes nothing does not keep a segment back")
    func slow() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: "main"))
        _ = try await server.log.line(containing: "track.kind=audio", within: .seconds(20))
        let player = try ChildProcess(
            "rtmpdump",
            ["--rtmp", server.publishURL(key: "main"), "--live", "--flv", "/dev/null"]
        )
        _ = try await server.log.line(containing: "play begins", within: .seconds(10))
        player.send(19)  // SIGSTOP
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 6 }
        #expect(await viewer.segments.allSatisfy { !$0.entry.isDiscontinuous && abs($0.entry.duration - 2) < 0.1 })
        player.send(9)
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    /// Decodes a file whole: how many pictures and frames of sound come out, and what the decoder complains of.
    private func decode(_ file: String, with program: String) async throws -> (Int, Int, String) {
        let output = try await Tool.check(
            program,
            [
                "-hide_banner", "-nostdin", "-v", "warning", "-i", file, "-map", "0:v", "-map", "0:a",
                "-fps_mode", "passthrough", "-f", "framecrc", "-",
            ]
        )
        let lines = output.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let pictures = lines.count { $0.hasPrefix("0,") }
        return (pictures, lines.count - pictures, output.standardError)
    }
}
