import TestSupport
import Testing

/// Several tracks in one publish over Enhanced RTMP, and everything that viewers make of them.
@Suite("Multitrack publishing with ffmpeg", .serialized)
struct MultitrackTests {
    private func publish(_ media: FFmpegPublisher.Media, to server: ServerProcess) async throws -> FFmpegPublisher {
        try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()), with: Tool.newerFFmpeg)
    }

    /// Watches some media playlists to their ends, at the same time.
    private func watchToEnd(_ names: [String], of server: ServerProcess) async throws -> [String: LiveViewer] {
        let viewers = Dictionary(uniqueKeysWithValues: names.map { ($0, LiveViewer(server, mediaPlaylist: $0)) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for viewer in viewers.values { group.addTask { try await viewer.watchToEnd() } }
            try await group.waitForAll()
        }
        return viewers
    }

    /// Every rendition has the same numbers, lengths, dates and discontinuities.
    private func expectAligned(_ viewers: [String: LiveViewer]) async throws {
        var places: [[String]] = []
        for viewer in viewers.values {
            let playlist = try #require(await viewer.playlist)
            places.append(
                await viewer.follower.segments.map { segment in
                    "\(segment.mediaSequenceNumber) \(segment.durationText) \(segment.discontinuitySequenceNumber) "
                        + "\(segment.programDateTime?.text ?? "")"
                }
            )
            #expect(playlist.hasEndList)
        }
        #expect(Set(places).count == 1, "\(places)")
    }

    @Test("two video and two audio tracks are two variants with a group of two, cut at the same places and whole")
    func ladderWithSounds() async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(.ladder(seconds: 9, sounds: 2), to: server)
        let names = ["media.m3u8", "video-0.m3u8", "video-1.m3u8", "audio-0.m3u8", "audio-1.m3u8"]
        let viewers = try await watchToEnd(names, of: server)
        try await publisher.waitForExit()
        try await expectAligned(viewers)

        let multivariant = try #require(await viewers["media.m3u8"]?.multivariant)
        #expect(multivariant.variants.map(\.uri) == ["video-0.m3u8", "video-1.m3u8"])
        #expect(multivariant.variants.map { $0.resolution?.width } == [320, 160])
        #expect(multivariant.variants.allSatisfy { $0.codecs.count == 2 && abs(($0.frameRate ?? 0) - 25) < 0.1 })
        #expect(multivariant.renditions.count == 2)

        for (name, viewer) in viewers {
            let segments = await viewer.segments
            #expect(segments.count == 5, "\(name)")
            let handlers = segments.map { $0.initialization.tracks.map(\.handlerType) }
            let expected = name == "media.m3u8" ? ["vide", "soun"] : [name.hasPrefix("video") ? "vide" : "soun"]
            #expect(handlers.allSatisfy { $0 == expected }, "\(name)")
            guard let video = segments[0].initialization.track(handler: "vide") else { continue }
            let pictures = segments.flatMap { $0.media.samples(of: video.trackID) }
            #expect(pictures.count == 225, "\(name)")
            #expect(segments.allSatisfy { $0.media.samples(of: video.trackID).first?.isSync == true })
        }
        try await expectDecodes(names + ["index.m3u8"], of: server)
    }

    /// ffmpeg decodes each playlist from its beginning to its end and complains about nothing.
    private func expectDecodes(_ names: [String], of server: ServerProcess) async throws {
        for name in names {
            let input = server.url("/live/main/\(name)")
            let output = try await Tool.check(
                "ffmpeg",
                ["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-i", input, "-map", "0", "-f", "null", "-"]
            )
            #expect(output.standardError.isEmpty, "\(name): \(output.standardError)")
        }
    }

    @Test("two video tracks and one audio track are two variants that each carry the sound")
    func ladderWithOneSound() async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(.ladder(seconds: 9, sounds: 1), to: server)
        let viewers = try await watchToEnd(["media.m3u8", "media-1.m3u8"], of: server)
        try await publisher.waitForExit()
        try await expectAligned(viewers)
        let multivariant = try #require(await viewers["media.m3u8"]?.multivariant)
        #expect(multivariant.variants.map(\.uri) == ["media.m3u8", "media-1.m3u8"] && multivariant.renditions.isEmpty)
        for viewer in viewers.values {
            let segments = await viewer.segments
            #expect(segments.allSatisfy { $0.initialization.tracks.map(\.handlerType) == ["vide", "soun"] })
        }
        try await expectDecodes(["media-1.m3u8", "index.m3u8"], of: server)
    }

    @Test("an encoder that comes back with one track of each kind leaves nobody without a picture")
    func comesBackWithFewer() async throws {
        let server = try await ServerProcess.start()
        let first = try await publish(.ladder(sounds: 2), to: server)
        let viewer = LiveViewer(server, mediaPlaylist: "video-1.m3u8")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        first.kill()
        try await first.waitForExit()
        let second = try await publish(.test(seconds: 6), to: server)
        try await viewer.watchToEnd()
        try await second.waitForExit()
        #expect(await viewer.follower.discontinuityCount == 1)
        let last = try #require(await viewer.segments.last?.initialization)
        #expect(last.tracks.map(\.handlerType) == ["vide"])
        #expect(await viewer.multivariant?.variants.map(\.uri) == ["video-0.m3u8"])
    }

    @Test("GStreamer decodes a ladder with separate sound to its end")
    func gstreamer() async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(.ladder(seconds: 8, sounds: 2), to: server)
        try await LiveViewer(server).watchToEnd()
        try await publisher.waitForExit()
        let sink = ["fakesink", "sync=false"]
        let output = try await Tool.check(
            "gst-launch-1.0",
            ["-q", "uridecodebin3", "uri=\(server.url("/live/main/index.m3u8"))", "name=d"]
                + ["d.", "!", "queue", "!", "video/x-raw", "!", "identity", "eos-after=190", "!"] + sink
                + ["d.", "!", "queue", "!", "audio/x-raw", "!", "identity", "eos-after=340", "!"] + sink
        )
        #expect(!output.standardError.contains("ERROR"), "\(output.standardError)")
    }

    // MARK: - In the browser

    /// Plays in hls.js by itself, and switches levels and audio tracks while pictures go on.
    static let switches = """
        const module = await import(arguments[0]);
        const Hls = [module.default, module.Hls, ...Object.values(module)].find((c) => typeof c?.isSupported === "function");
        const video = document.createElement("video");
        video.muted = true;
        document.body.append(video);
        const errors = [];
        const hls = new Hls({ liveDurationInfinity: true });
        hls.on(Hls.Events.ERROR, (_, data) => errors.push(`${data.type} ${data.details} ${data.fatal}`));
        const once = (event) => new Promise((resolve) => hls.once(event, (_, data) => resolve(data)));
        const pictures = async (count) => {
            for (let shown = 0; shown < count; shown += 1) {
                await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
            }
        };
        const parsed = once(Hls.Events.MANIFEST_PARSED);
        hls.attachMedia(video);
        hls.loadSource(arguments[1]);
        await parsed;
        await video.play();
        await pictures(25);
        const widths = [];
        for (const level of [1, 0]) {
            // From the next segment on: at once would throw away what is buffered, of which there is little at the live edge.
            hls.nextLevel = level;
            // The element tells when the other pictures are on the screen.
            while (video.videoWidth !== hls.levels[level].width) await pictures(1);
            await pictures(40);
            widths.push(video.videoWidth);
        }
        const levels = hls.levels.length;
        const sounds = hls.audioTracks.map((track) => track.name);
        let sound = null;
        if (sounds.length > 1) {
            const switched = once(Hls.Events.AUDIO_TRACK_SWITCHED);
            hls.audioTrack = 1;
            await switched;
            await pictures(50);
            sound = hls.audioTrack;
        }
        const played = video.currentTime;
        hls.destroy();
        return { levels, sounds, widths, sound, errors, played };
        """

    @Test("hls.js sees the levels and the audio tracks, and switches between them while it plays", arguments: [1, 2])
    func hlsJS(sounds: Int) async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(.ladder(sounds: sounds), to: server)
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/healthz"))
        let seen = try await browser.run(
            Self.switches,
            [.string(server.url("/assets/hls.mjs")), .string(server.url("/live/main/index.m3u8"))]
        )
        #expect(seen["levels"]?.number == 2)
        // hls.js counts levels from the lowest bit rate.
        #expect(seen["widths"]?.elements.compactMap(\.number) == [320, 160])
        #expect(seen["sounds"]?.elements.compactMap(\.string) == (sounds > 1 ? ["Audio 1", "Audio 2"] : []))
        if sounds > 1 { #expect(seen["sound"]?.number == 1) }
        // A switch throws away what is buffered of the old level, so close to the live edge a moment of waiting may follow;
        // nothing else may.
        let waits: Set = ["mediaError bufferStalledError false", "mediaError bufferSeekOverHole false"]
        #expect(seen["errors"]?.elements.compactMap(\.string).filter { !waits.contains($0) } == [])
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("the watch page plays a ladder, with the browser's own HLS and with hls.js", arguments: ["native", "hls.js"])
    func watchPage(_ engine: String) async throws {
        let server = try await ServerProcess.start()
        let publisher = try await publish(.ladder(sounds: 2), to: server)
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in segments.count >= 3 }
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/watch/main?player=\(engine)"))
        let seen = try await browser.run(
            """
            const video = document.querySelector("video");
            let first = null;
            let last = null;
            for (let shown = 0; shown < 100; shown += 1) {
                const frame = await new Promise((resolve) => video.requestVideoFrameCallback((_, frame) => resolve(frame)));
                first ??= frame.mediaTime;
                last = frame.mediaTime;
            }
            return {
                advanced: last - first,
                engine: document.getElementById("player").dataset.engine,
                soundBytes: video.webkitAudioDecodedByteCount,
            };
            """
        )
        #expect((seen["advanced"]?.number ?? 0) > 3)
        #expect(seen["engine"]?.string == engine)
        #expect((seen["soundBytes"]?.number ?? 0) > 0)
        #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
