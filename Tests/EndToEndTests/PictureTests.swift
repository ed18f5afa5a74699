import TestSupport
import Testing

/// Pictures of lives and recordings, as viewers see them.
@Suite("Pictures", .serialized)
struct PictureTests {
    @Test("a live has a picture of its newest keyframe, on the home page as well")
    func live() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: try await server.streamKey()))
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in !segments.isEmpty }
        // Held until it is made.
        let picture = try await server.get("/live/main/poster.jpg")
        #expect(picture.status == 200 && picture.headers["content-type"] == "image/jpeg")
        let folder = try TemporaryFolder()
        try folder.write("poster.jpg", picture.body)
        let probe = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0",
                folder.file("poster.jpg"),
            ]
        )
        #expect(probe.text.hasPrefix("mjpeg,320,180") && probe.standardError.isEmpty)
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/"))
        let seen = try await browser.run(
            """
            const picture = document.querySelector(".lives img");
            await picture.decode();
            return { width: picture.naturalWidth, alt: picture.alt };
            """
        )
        #expect(seen["width"]?.number == 320 && seen["alt"]?.string == "A picture of main")
        #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
        try await browser.quit()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("a live of sound alone has none")
    func soundAlone() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(
            .test(video: false),
            to: server.publishURL(key: try await server.streamKey())
        )
        try await LiveViewer(server).watch(within: .seconds(30)) { _, segments in !segments.isEmpty }
        #expect(try await server.get("/live/main/poster.jpg").status == 404)
        #expect(!(try await server.get("/").text).contains("<img"))
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    /// A recording with a storyboard of six pictures.
    private func startWithStoryboard() async throws -> (ServerProcess, RecordedFolder) {
        let data = try TemporaryFolder()
        let recording = try await RecordedFolder.make()
        let folder = try recording.write(to: data.file("recordings"))
        try await Tool.ffmpeg(
            [
                "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=12", "-vf",
                "fps=1/2,scale=160:90,tile=10x1", "-frames:v", "1", "\(folder)/storyboard-1.jpg",
            ]
        )
        let cues = (0..<6).map { number in
            let times = (0...1).map { "00:00:\(number * 2 + $0 * 2 < 10 ? "0" : "")\(number * 2 + $0 * 2).000" }
            return "\(times[0]) --> \(times[1])\nstoryboard-1.jpg#xywh=\(number * 160),0,160,90\n"
        }
        try data.write(
            "recordings/\(recording.id)/storyboard.vtt",
            "WEBVTT\n\n" + cues.joined(separator: "\n")
        )
        return (try await ServerProcess.start(dataFolder: data), recording)
    }

    @Test("the player shows where seeking goes, by pointer and by keyboard")
    func storyboard() async throws {
        let (server, recording) = try await startWithStoryboard()
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/recordings/\(recording.id)"))
        _ = try await browser.run(WatchPageTests.playsPictures, [.number(10)])
        let seen = try await browser.run(
            """
            const player = document.getElementById("player"), seek = player.querySelector(".seek");
            const preview = player.querySelector(".preview"), picture = preview.querySelector(".picture");
            const shown = (wanted) => new Promise(resolve => {
                const look = () => { if (preview.hidden !== wanted) { observer.disconnect(); resolve(); } };
                const observer = new MutationObserver(look);
                observer.observe(preview, { attributes: true });
                look();
            });
            const what = () => ({ place: picture.style.backgroundPosition, width: picture.offsetWidth,
                height: picture.offsetHeight, time: preview.textContent, left: preview.getBoundingClientRect().left,
                image: picture.style.backgroundImage });
            const { left, width } = seek.getBoundingClientRect();
            const before = preview.hidden;
            seek.dispatchEvent(new PointerEvent("pointermove", { clientX: left + 7 + (width - 14) * 5 / 12, bubbles: true }));
            await shown(true);
            const pointed = what();
            const image = new Image();
            image.src = pointed.image.slice(5, -2);
            await image.decode();
            seek.dispatchEvent(new PointerEvent("pointerleave"));
            const after = preview.hidden;
            seek.focus();
            seek.value = 11;
            seek.dispatchEvent(new Event("input", { bubbles: true }));
            await shown(true);
            return { before, pointed, after, moved: what(), imageWidth: image.naturalWidth,
                right: player.getBoundingClientRect().right };
            """
        )
        #expect(seen["before"] == .bool(true) && seen["after"] == .bool(true))
        #expect(seen["pointed"]?["place"]?.string == "-320px 0px" && seen["pointed"]?["time"]?.string == "0:05")
        #expect(seen["pointed"]?["width"]?.number == 160 && seen["pointed"]?["height"]?.number == 90)
        #expect(seen["moved"]?["place"]?.string == "-800px 0px" && seen["moved"]?["time"]?.string == "0:11")
        #expect((seen["moved"]?["left"]?.number ?? 0) + 160 <= seen["right"]?.number ?? 0, "inside the player")
        #expect(seen["imageWidth"]?.number == 1600)
        #expect(try await browser.console().filter { $0.level == "SEVERE" }.isEmpty)
        try await browser.quit()
    }
}
