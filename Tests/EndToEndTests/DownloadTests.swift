import Foundation
import TestSupport
import Testing

/// What was recorded as one file, and pieces of it, with real encoders, programs and a browser.
@Suite("Downloads and clips", .serialized)
struct DownloadTests {
    /// Pictures and a tone, as fast as they can be made.
    private static func media(seconds: Int) -> FFmpegPublisher.Media {
        FFmpegPublisher.Media(FFmpegPublisher.Media.test(seconds: seconds).arguments.filter { $0 != "-re" })
    }

    private func authorization(_ server: ServerProcess) throws -> [String: String] {
        let token = String(decoding: try server.dataFolder.read("operator-token"), as: UTF8.self)
        return ["Authorization": "Bearer \(token.trimmingCharacters(in: .whitespacesAndNewlines))"]
    }

    private func post(_ server: ServerProcess, _ path: String, _ document: String) async throws -> JSONValue {
        var headers = try authorization(server)
        headers["Content-Type"] = "application/json"
        let answer = try await HTTPClient.send(
            server.url(path),
            method: "POST",
            headers: headers,
            body: Array(document.utf8)
        )
        #expect(answer.status == 201, "\(answer.text)")
        return try JSONValue(parsing: answer.body)
    }

    /// The newest recording.
    private func newest(_ server: ServerProcess) async throws -> String {
        let answer = try await server.get("/api/v1/recordings", headers: try authorization(server))
        let recordings = try JSONValue(parsing: answer.body)["recordings"]?.elements
        return try #require(recordings?.first?["id"]?.string)
    }

    private func duration(_ path: String) async throws -> Double {
        let output = try await Tool.check(
            "ffprobe",
            ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
        )
        #expect(output.standardError == "")
        return Double(output.text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? .nan
    }

    private func decodes(_ path: String) async throws {
        let output = try await Tool.run("ffmpeg", ["-v", "error", "-nostdin", "-i", path, "-f", "null", "-"])
        #expect(output.exit == .status(0) && output.standardError == "")
    }

    @Test("a live that has ended is downloaded, resumed, read in pieces, played by Chromium, and cut")
    func everything() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        try await FFmpegPublisher(Self.media(seconds: 12), to: url).waitForExit()
        _ = try await server.log.line(containing: "recording complete", within: .seconds(30))
        let id = try await newest(server)
        let address = server.url("/vod/\(id)/download.mp4")
        let folder = try TemporaryFolder()

        // In one go, and in two: half of it, and the rest as a range.
        let (whole, half) = (folder.file("whole.mp4"), folder.file("half.mp4"))
        try await Tool.check("curl", ["-sSf", "-o", whole, address])
        try await decodes(whole)
        #expect(abs(try await duration(whole) - 12) < 0.1)
        try await Tool.check("curl", ["-sSf", "-r", "0-199999", "-o", half, address])
        try await Tool.check("curl", ["-sSf", "-C", "-", "-o", half, address])
        #expect(try folder.read("half.mp4") == (try folder.read("whole.mp4")))
        // ffmpeg seeks in it by ranges, and copies.
        try await Tool.ffmpeg(["-ss", "5", "-i", address, "-c", "copy", folder.file("rest.mp4")])
        try await decodes(folder.file("rest.mp4"))
        let head = try await HTTPClient.send(address, method: "HEAD")
        #expect(head.headers["content-length"] == "\(try folder.read("whole.mp4").count)")

        let browser = try await WebDriver.start()
        try await browser.open(server.url("/healthz"))
        let seen = try await browser.run(
            """
            const video = document.createElement("video");
            video.muted = true; video.src = arguments[0];
            document.body.append(video);
            const event = (name) => new Promise((resolve, reject) => {
                video.addEventListener(name, resolve, { once: true });
                video.addEventListener("error", () => reject(video.error.message), { once: true });
            });
            await video.play();
            await new Promise(resolve => video.requestVideoFrameCallback(resolve));
            const seeked = event("seeked");
            video.currentTime = 9;
            await seeked;
            const picture = await new Promise(resolve => video.requestVideoFrameCallback((_, frame) => resolve(frame.mediaTime)));
            await event("ended");
            return { width: video.videoWidth, duration: video.duration, picture };
            """,
            [.string(address)]
        )
        #expect(seen["width"]?.number == 320 && abs((seen["duration"]?.number ?? 0) - 12) < 0.1)
        #expect(abs((seen["picture"]?.number ?? 0) - 9) < 0.3)
        try await browser.quit()

        let clip = try await post(
            server,
            "/api/v1/recordings/\(id)/clips",
            "{\"start\":3.5,\"end\":8,\"title\":\"A piece\"}"
        )
        let clipID = try #require(clip["id"]?.string)
        let cut = folder.file("cut.mp4")
        try await Tool.check("curl", ["-sSf", "-o", cut, server.url("/vod/\(clipID)/download.mp4")])
        try await decodes(cut)
        #expect(abs(try await duration(cut) - 4.5) < 0.04)
        try await decodes(server.url("/vod/\(clipID)/index.m3u8"))
        // Nothing of the recording can be had by the clip.
        let last = try await server.get("/vod/\(clipID)/m0.m3u8").text.split(separator: "\n")
            .filter { $0.hasSuffix(".m4s") }
        #expect(last.last == "m0-\(last.count - 1).m4s" && last.count < 6)
        #expect(try await server.get("/vod/\(clipID)/m0-\(last.count).m4s").status == 404)
        #expect(try await server.get("/vod/\(clipID)/m0-1.media").status == 404)
    }

    @Test("a clip is made while its live goes on, and the download waits for the end")
    func whileLive() async throws {
        let server = try await ServerProcess.start()
        let url = server.publishURL(key: try await server.streamKey())
        // The recording is as long as what was sent until then; the encoder stays.
        let publisher = try FFmpegPublisher(.test(keyframeInterval: 25), to: url)
        try await LiveViewer(server).watch(within: .seconds(60)) { _, segments in segments.count >= 3 }
        let id = try await newest(server)
        #expect(try await server.get("/vod/\(id)/download.mp4").status == 409)
        let clip = try await post(server, "/api/v1/recordings/\(id)/clips", "{\"start\":1,\"end\":4}")
        let clipID = try #require(clip["id"]?.string)
        #expect(clip["state"]?.string == "ready" && clip["duration"]?.number == 3)
        try await decodes(server.url("/vod/\(clipID)/index.m3u8"))
        #expect(abs(try await duration(server.url("/vod/\(clipID)/download.mp4")) - 3) < 0.04)
        publisher.interrupt()
        try await publisher.waitForExit()
    }
}
