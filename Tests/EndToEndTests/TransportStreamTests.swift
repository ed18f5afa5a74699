import TestSupport
import Testing

/// `/live/NAME/ts.m3u8` with real encoders and players.
@Suite("MPEG-TS with real players", .serialized)
struct TransportStreamTests {
    /// A live that has ended, of a test stream.
    private func ended(
        _ media: FFmpegPublisher.Media = .test(seconds: 8),
        with program: String = "ffmpeg",
        environment: [String: String] = [:]
    ) async throws -> (server: ServerProcess, viewer: LiveViewer) {
        let server = try await ServerProcess.start(environment: environment)
        let url = server.publishURL(key: try await server.streamKey())
        let publisher = try FFmpegPublisher(media, to: url, with: program)
        let viewer = LiveViewer(server)
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        return (server, viewer)
    }

    /// Every segment of the playlist through the strict reader, as one stream.
    private func read(
        _ server: ServerProcess,
        playlist name: String = "ts.m3u8"
    ) async throws -> (playlist: MediaPlaylist, segments: [TransportStreamContent]) {
        let playlist = try PlaylistReader.readMedia(try await server.get("/live/main/\(name)").body)
        var reader = TransportStreamReader()
        var segments: [TransportStreamContent] = []
        for segment in playlist.segments {
            #expect(segment.uri.hasSuffix(".ts") && segment.map == nil && segment.parts.isEmpty)
            let response = try await server.get("/live/main/\(segment.uri)")
            #expect(response.status == 200 && response.headers["content-type"] == "video/mp2t")
            if segment.isDiscontinuous { reader.discontinuity() }
            segments.append(try reader.read(response.body))
        }
        return (playlist, segments)
    }

    /// The pictures and the pieces of sound that ffmpeg decodes, without a warning.
    private func decoded(_ url: String, with program: String = "ffmpeg") async throws -> (pictures: Int, sounds: Int) {
        let output = try await Tool.check(
            program,
            [
                "-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", url, "-map", "0:v", "-map", "0:a",
                "-fps_mode", "passthrough", "-f", "framecrc", "-",
            ]
        )
        #expect(output.standardError.isEmpty, "\(program): \(output.standardError)")
        let lines = output.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return (lines.count { $0.hasPrefix("0,") }, lines.count { $0.hasPrefix("1,") })
    }

    @Test("ffmpeg decodes the same pictures and sound as of the stored form, and a strict reader finds one stream")
    func ffmpeg() async throws {
        let (server, viewer) = try await ended()
        let (playlist, segments) = try await read(server)
        #expect(playlist.hasEndList && playlist.segments.count == 4 && playlist.partTarget == nil)
        let stored = try #require(await viewer.playlist)
        #expect(playlist.segments.map(\.durationText) == stored.segments.map(\.durationText))
        #expect(segments.flatMap { $0.packets(ofType: 0x1B) }.count == 200)
        for packet in segments.flatMap({ $0.packets(ofType: 0x1B) }) {
            let types = try #require(packet.nalUnits).map { $0[0] & 0x1F }
            #expect(types.first == 9 && types.count { $0 == 9 } == 1)
            if packet.isRandomAccess { #expect(types.contains(7) && types.contains(8) && types.contains(5)) }
        }
        let fromTS = try await decoded(server.url("/live/main/ts.m3u8"))
        let fromMP4 = try await decoded(server.url("/live/main/index.m3u8"))
        #expect(fromTS == fromMP4 && fromTS.pictures == 200)
    }

    @Test("ffprobe finds B-pictures shown in order, and times that rise")
    func ffprobe() async throws {
        let (server, _) = try await ended()
        let output = try await Tool.check(
            "ffprobe",
            ["-v", "warning", "-show_packets", "-show_streams", "-of", "json", server.url("/live/main/ts.m3u8")]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        let report = try JSONValue(parsing: output.standardOutput)
        let video = try #require(report["streams"]?.elements.first { $0["codec_name"] == "h264" })
        #expect(video["has_b_frames"]?.number == 2 && video["width"]?.number == 320)
        let packets = (report["packets"]?.elements ?? []).filter { $0["codec_type"] == "video" }
        let times = packets.compactMap { $0["dts"]?.number }
        #expect(times.count == 200 && zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        #expect(packets.contains { $0["pts"]?.number != $0["dts"]?.number })
    }

    @Test("GStreamer's older and newer HLS players decode all of it", arguments: ["uridecodebin", "uridecodebin3"])
    func gstreamer(_ decoder: String) async throws {
        let (server, _) = try await ended()
        let folder = try TemporaryFolder()
        let output = try await Tool.check(
            "gst-launch-1.0",
            ["-q", decoder, "uri=\(server.url("/live/main/ts.m3u8"))", "name=d"]
                + ["d.", "!", "queue", "!", "video/x-raw", "!", "videoconvert", "!", "video/x-raw,format=I420", "!"]
                + ["filesink", "location=\(folder.file("pictures"))"]
                + ["d.", "!", "queue", "!", "audio/x-raw", "!", "audioconvert", "!"]
                + ["audio/x-raw,format=S16LE,channels=2", "!", "filesink", "location=\(folder.file("sound"))"]
        )
        #expect(!output.standardError.contains("ERROR"), "\(output.standardError)")
        #expect(try folder.read("pictures").count == 200 * 320 * 180 * 3 / 2)
        #expect(Double(try folder.read("sound").count) / 4 / 48_000 > 7.9)
    }

    @Test("hls.js in Chromium plays it live")
    func hlsJavaScript() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=native"))
        let seen = try await browser.run(
            """
            const module = await import("/assets/hls.mjs");
            const Hls = [module.default, ...Object.values(module)].find(each => typeof each?.isSupported === "function");
            const video = document.createElement("video");
            video.muted = true;
            document.body.append(video);
            const errors = [];
            const hls = new Hls({ enableWorker: false });
            hls.on(Hls.Events.ERROR, (_, data) => errors.push(data.details));
            hls.loadSource("/live/main/ts.m3u8");
            hls.attachMedia(video);
            video.play();
            let first = null, last = null;
            for (let shown = 0; shown < 150; shown += 1) {
                const frame = await new Promise(resolve =>
                    video.requestVideoFrameCallback((_, frame) => resolve(frame)));
                first ??= frame.mediaTime;
                last = frame.mediaTime;
            }
            return { advanced: last - first, width: video.videoWidth, errors: errors.join(" ") };
            """
        )
        #expect((seen["advanced"]?.number ?? 0) > 5 && seen["width"]?.number == 320)
        #expect(seen["errors"] == "")
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("a reload waits for a whole segment")
    func waits() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        let before = try PlaylistReader.readMedia(try await server.get("/live/main/ts.m3u8").body)
        let next = before.nextMediaSequenceNumber
        let response = try await server.get("/live/main/ts.m3u8?_HLS_msn=\(next)&_HLS_part=0")
        let after = try PlaylistReader.readMedia(response.body)
        #expect(after.segments.last?.mediaSequenceNumber == next)
        #expect(after.preloadHint == nil && after.openSegment == nil)
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("an encoder that is killed and comes back leaves one discontinuity")
    func reconnect() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        let viewer = LiveViewer(server)
        let first = try FFmpegPublisher(.test(), to: url)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        first.kill()
        try await first.waitForExit()
        let second = try FFmpegPublisher(.test(seconds: 4), to: url)
        try await viewer.watchToEnd()
        try await second.waitForExit()
        let (playlist, _) = try await read(server)
        #expect(playlist.segments.count { $0.isDiscontinuous } == 1)
        let pictures = await viewer.segments.reduce(0) { count, segment in
            count
                + (segment.initialization.track(handler: "vide").map { segment.media.samples(of: $0.trackID).count }
                    ?? 0)
        }
        // Its pictures may be shown into the time of the next ones, which no container of ffmpeg takes: they are counted.
        let output = try await Tool.check(
            "ffprobe",
            ["-v", "warning", "-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames"]
                + ["-of", "json", server.url("/live/main/ts.m3u8")]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        let report = try JSONValue(parsing: output.standardOutput)
        let read = report["streams"]?.elements.first?["nb_read_frames"]?.string.flatMap { Int($0) }
        #expect(read == pictures)
    }

    @Test("HEVC with AAC, and H.264 with MP3, of a newer ffmpeg")
    func otherCodecs() async throws {
        let common = [
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6",
            "-pix_fmt", "yuv420p", "-ac", "2", "-g", "50",
        ]
        let cases: [(codecs: [String], types: [UInt8])] = [
            (EnhancedRTMPTests.hevcAAC.publishing, [0x24, 0x0F]),
            (["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "libmp3lame"], [0x1B, 0x03]),
            (["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "ac3"], [0x1B, 0x81]),
            (["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "eac3"], [0x1B, 0x87]),
        ]
        for (codecs, types) in cases {
            let negotiation = ["-rtmp_enhanced_codecs", "hvc1,ac-3,ec-3,.mp3,mp4a"]
            let media = FFmpegPublisher.Media(common + codecs + negotiation)
            let (server, _) = try await ended(media, with: Tool.newerFFmpeg)
            let (_, segments) = try await read(server)
            #expect(segments.allSatisfy { $0.streams.map(\.type) == types })
            #expect(try await decoded(server.url("/live/main/ts.m3u8")).pictures == 150)
        }
    }

    @Test("sound alone, and pictures alone", arguments: [true, false])
    func single(_ isSound: Bool) async throws {
        let (server, _) = try await ended(.test(seconds: 6, video: !isSound, audio: isSound))
        let (_, segments) = try await read(server)
        #expect(segments.allSatisfy { $0.streams.map(\.type) == [isSound ? 0x0F : 0x1B] })
        let output = try await Tool.check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", server.url("/live/main/ts.m3u8")]
                + ["-f", "null", "-"]
        )
        #expect(output.standardError.isEmpty, "\(output.standardError)")
    }

    @Test("encrypted, it is the same")
    func encrypted() async throws {
        let (server, _) = try await ended(environment: ["LYCEUM_ENCRYPTION": "both", "LYCEUM_KEY_SECONDS": "10"])
        let plain = try await decoded(server.url("/live/main/ts.m3u8"))
        let opened = try await decoded(server.url("/live/main/aes/ts.m3u8"))
        #expect(plain == opened && plain.pictures == 200)
        let playlist = try PlaylistReader.readMedia(try await server.get("/live/main/aes/ts.m3u8").body)
        #expect(playlist.segments.allSatisfy { !$0.keys.isEmpty })
        let uri = try #require(playlist.segments.first?.uri)
        let (clear, closed) = (
            try await server.get("/live/main/\(uri)").body, try await server.get("/live/main/aes/\(uri)").body
        )
        #expect(clear.first == 0x47 && clear.count % 188 == 0 && closed.count > clear.count && closed.count % 16 == 0)
    }

    @Test("codecs without a place in MPEG-TS are refused in words")
    func refused() async throws {
        let media = FFmpegPublisher.Media([
            "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=4",
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4", "-pix_fmt", "yuv420p",
            "-g", "50", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "libopus",
            "-rtmp_enhanced_codecs", "Opus",
        ])
        let (server, viewer) = try await ended(media, with: Tool.newerFFmpeg)
        let response = try await server.get("/live/main/ts.m3u8")
        #expect(response.status == 404)
        #expect(response.text == "This live cannot be had as MPEG-TS: Opus has no place in MPEG-TS.\n")
        let uri = try #require(await viewer.segments.first?.entry.uri)
        let segment = try await server.get("/live/main/\(uri.dropLast(4)).ts")
        #expect(segment.status == 404 && segment.text.contains("Opus has no place"))
    }
}

extension EnhancedRTMPTests.Pair {
    /// The arguments that choose the codecs.
    fileprivate var publishing: [String] { ["-c:v"] + video + ["-c:a"] + audio }
}
