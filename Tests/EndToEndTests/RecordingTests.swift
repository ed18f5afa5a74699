import TestSupport
import Testing

/// Recordings of a running server: the page in a real Chromium, players, and the command.
@Suite("Recordings", .serialized)
struct RecordingTests {
    /// A server that finds a recording of twelve seconds in its data folder.
    private func start(
        _ change: (inout RecordedFolder) -> Void = { _ in }
    ) async throws -> (ServerProcess, RecordedFolder) {
        let data = try TemporaryFolder()
        var recording = try await RecordedFolder.make()
        recording.title = "Lesson 7: <rivers> & \\\"deltas\\\""
        change(&recording)
        try recording.write(to: data.file("recordings"))
        return (try await ServerProcess.start(dataFolder: data), recording)
    }

    @Test("a recording plays on its page, seeks, ends and begins again", arguments: ["native", "hls.js"])
    func page(engine: String) async throws {
        let (server, recording) = try await start()
        let browser = try await WebDriver.start()
        try await browser.open(server.url("/recordings/\(recording.id)?player=\(engine)"))
        let seen = try await browser.run(WatchPageTests.playsPictures, [.number(25)])
        #expect(seen["width"]?.number == 320 && seen["engine"]?.string == engine)
        let shown = try await browser.run(
            """
            const player = document.getElementById("player"), video = player.querySelector("video");
            const event = (name) => new Promise(resolve => video.addEventListener(name, resolve, { once: true }));
            const state = (wanted) => new Promise(resolve => {
                const look = () => { if (player.dataset.state === wanted) { observer.disconnect(); resolve(); } };
                const observer = new MutationObserver(look);
                observer.observe(player, { attributes: true });
                look();
            });
            const length = player.querySelector(".time .length").textContent;
            const seek = player.querySelector(".seek");
            let seeked = event("seeked");
            seek.value = 9; seek.dispatchEvent(new Event("input", { bubbles: true }));
            await seeked;
            const place = video.currentTime;
            await state("over");
            const again = player.querySelector("[data-action=start]");
            const words = again.hidden ? "" : again.textContent;
            const pictures = new Promise(resolve => video.requestVideoFrameCallback((_, frame) => resolve(frame.mediaTime)));
            again.click();
            await state("playing");
            return { length, place, words, first: await pictures, duration: video.duration };
            """
        )
        #expect(shown["length"]?.string == "0:12")
        #expect(abs((shown["place"]?.number ?? 0) - 9) < 0.2)
        #expect(shown["words"]?.string == "Play again")
        #expect((shown["first"]?.number ?? 99) < 3, "it begins again")
        #expect(abs((shown["duration"]?.number ?? 0) - 12) < 0.2)
        let errors = try await browser.console().filter { $0.level == "SEVERE" }
        #expect(errors.isEmpty, "\(errors)")
        try await browser.quit()
    }

    @Test("ffprobe and ffmpeg find every picture and nothing wrong")
    func players() async throws {
        let (server, recording) = try await start()
        let url = server.url("/vod/\(recording.id)/index.m3u8")
        let probe = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0",
                url,
            ]
        )
        #expect(probe.standardError.isEmpty)
        #expect(probe.text.contains("h264,300"))
        let late = try await Tool.check(
            "ffmpeg",
            ["-v", "error", "-ss", "7", "-i", url, "-frames:v", "10", "-f", "null", "-"]
        )
        #expect(late.standardError.isEmpty)
    }

    @Test("the command lists, shows, renames, keeps and deletes")
    func command() async throws {
        let (server, recording) = try await start { $0.startedAt = 1_790_000_000_000 }
        let table = try await server.lyceum("recordings", "--http-port", "\(server.httpPort)").text
        #expect(table.contains("2026-09-21 14:13  00:00:12"))
        #expect(table.contains("Lesson 7: <rivers> & \"deltas\""))
        func run(_ arguments: String...) async throws -> Tool.Output {
            try await Tool.run(
                ServerProcess.binary,
                ["recordings"] + arguments + [
                    "--http-port", "\(server.httpPort)", "--data-dir", server.dataFolder.path,
                ]
            )
        }
        #expect(try await run("rename", recording.id, " Rivers ").text == "\(recording.id) is called \"Rivers\"\n")
        #expect(try await run("rename", recording.id, " ").standardError.contains("The member 'title' is wrong"))
        #expect(try await run("keep", recording.id).exit == .status(0))
        let shown = try JSONValue(parsing: try await run("show", recording.id).standardOutput)
        #expect(shown["title"]?.string == "Rivers" && shown["kept"] == .bool(true))
        #expect(try await run("list", "--json", "--stream", "main").text.contains("\"title\":\"Rivers\""))
        #expect(try await run("list", "--stream", "nobody").text == "Nothing was recorded.\n")
        #expect(try await run("unkeep", recording.id).exit == .status(0))
        #expect(try await run("delete", recording.id).exit == .status(0))
        let gone = try await run("delete", recording.id)
        #expect(gone.exit == .status(1) && gone.standardError.contains("no such recording"))
        #expect(try await server.get("/vod/\(recording.id)/index.m3u8").status == 404)
        #expect(try await server.get("/recordings/\(recording.id)").status == 404)
    }
}
