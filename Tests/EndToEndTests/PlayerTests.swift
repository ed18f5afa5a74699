import TestSupport
import Testing

/// Players that people use, on a live that runs.
@Suite("Players without a browser", .serialized)
struct PlayerTests {
    /// A server with a live that has some segments.
    private func live() async throws -> (server: ServerProcess, publisher: FFmpegPublisher) {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        return (server, publisher)
    }

    @Test("ffprobe reads streams and packets whose times rise")
    func ffprobe() async throws {
        let (server, publisher) = try await live()
        defer { publisher.interrupt() }
        let output = try await Tool.check(
            "ffprobe",
            [
                "-v", "warning", "-show_streams", "-show_packets", "-read_intervals", "%+5", "-of", "json",
                server.url("/live/main/index.m3u8"),
            ]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        let report = try JSONValue(parsing: output.standardOutput)
        let streams = report["streams"]?.elements ?? []
        let video = try #require(streams.first { $0["codec_name"] == "h264" })
        #expect(video["width"]?.number == 320 && video["height"]?.number == 180)
        #expect(video["avg_frame_rate"] == "25/1" || video["r_frame_rate"] == "25/1")
        let audio = try #require(streams.first { $0["codec_name"] == "aac" })
        #expect(audio["sample_rate"] == "48000" && audio["channels"]?.number == 2)

        for kind in ["video", "audio"] {
            let packets = (report["packets"]?.elements ?? []).filter { $0["codec_type"]?.string == kind }
            let times = packets.compactMap { $0["dts_time"]?.string.flatMap(Double.init) }
            #expect(packets.count > 50 && times.count == packets.count)
            for (left, right) in zip(times, times.dropFirst()) {
                #expect(left < right && right - left < 0.1, "\(kind) from \(left) to \(right)")
            }
        }
    }

    @Test("ffmpeg decodes the live without a complaint")
    func ffmpeg() async throws {
        let (server, publisher) = try await live()
        defer { publisher.interrupt() }
        let output = try await Tool.check(
            "ffmpeg",
            [
                "-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", server.url("/live/main/index.m3u8"),
                "-t", "5", "-f", "null", "-",
            ]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
    }

    @Test("GStreamer follows the live over more than its first segments")
    func gstreamerLive() async throws {
        let (server, publisher) = try await live()
        defer { publisher.interrupt() }
        // Ten seconds at the live's own pace; three target durations lie ready at the start.
        try await decode(server, pictures: 250, sounds: 450)
    }

    @Test(
        "GStreamer's older and newer HLS players decode a live that has ended",
        arguments: ["uridecodebin", "uridecodebin3"]
    )
    func gstreamerEnded(_ decoder: String) async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(seconds: 8), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watchToEnd()
        try await publisher.waitForExit()
        // To the end of the live: the older player does not stop when its sinks have had enough.
        let folder = try TemporaryFolder()
        let output = try await Tool.check(
            "gst-launch-1.0",
            ["-q", decoder, "uri=\(server.url("/live/main/index.m3u8"))", "name=d"]
                + ["d.", "!", "queue", "!", "video/x-raw", "!", "videoconvert", "!", "video/x-raw,format=I420", "!"]
                + ["filesink", "location=\(folder.file("pictures"))"]
                + ["d.", "!", "queue", "!", "audio/x-raw", "!", "audioconvert", "!"]
                + ["audio/x-raw,format=S16LE,channels=2", "!", "filesink", "location=\(folder.file("sound"))"]
        )
        #expect(!output.standardError.contains("ERROR"), "\(output.standardError)")
        // 8 s of 25 pictures, each of 320x180 with 12 bits a pixel; sound of 48 kHz, 4 bytes each time.
        #expect(try folder.read("pictures").count == 200 * 320 * 180 * 3 / 2)
        #expect(Double(try folder.read("sound").count) / 4 / 48_000 > 7.9)
    }

    /// Decodes so many pictures and pieces of sound at the live's own pace; gst-launch ends with status 0 only after both.
    private func decode(_ server: ServerProcess, pictures: Int, sounds: Int) async throws {
        let sink = ["fakesink", "sync=true"]
        let arguments =
            ["-q", "uridecodebin3", "uri=\(server.url("/live/main/index.m3u8"))", "name=d"]
            + ["d.", "!", "queue", "!", "video/x-raw", "!", "identity", "eos-after=\(pictures)", "!"] + sink
            + ["d.", "!", "queue", "!", "audio/x-raw", "!", "identity", "eos-after=\(sounds)", "!"] + sink
        let output = try await Tool.check("gst-launch-1.0", arguments)
        #expect(!output.standardError.contains("ERROR"), "\(output.standardError)")
    }

    @Test("librtmp's and GStreamer's encoders publish as well as ffmpeg's", arguments: ["rtmp2sink", "rtmpsink"])
    func gstreamerPublishes(_ sink: String) async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let publisher = try ChildProcess(
            "gst-launch-1.0",
            [
                "-q", "-e", "flvmux", "streamable=true", "name=m", "!", sink, "location=\(url)",
                "videotestsrc", "is-live=true", "num-buffers=200", "!",
                "video/x-raw,width=320,height=180,framerate=25/1,format=I420", "!",
                "x264enc", "key-int-max=50", "speed-preset=ultrafast", "!", "h264parse", "!", "queue", "!", "m.",
                "audiotestsrc", "is-live=true", "num-buffers=375", "samplesperbuffer=1024", "!",
                "audio/x-raw,rate=48000,channels=2", "!", "avenc_aac", "!", "aacparse", "!", "queue", "!", "m.",
            ]
        )
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let variant = try #require(await viewer.multivariant?.variants.first)
        #expect(variant.codecs.count == 2)
        try await publisher.waitForExit(within: .seconds(30))
    }
}
