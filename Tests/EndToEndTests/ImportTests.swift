import Foundation
import TestSupport
import Testing

/// `lyceum import`, with and without a server, as a person calls it.
@Suite("Import")
struct ImportTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file of some seconds with B-pictures, two languages and subtitles.
    private func makeFile(_ name: String = "talk.mkv", seconds: Int = 6) async throws -> String {
        try folder.write("text.srt", "1\n00:00:01,000 --> 00:00:02,000\nGood morning\n")
        let path = folder.file(name)
        try await Tool.ffmpeg([
            "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i",
            "sine=frequency=440:sample_rate=48000",
            "-f", "lavfi", "-i", "sine=frequency=880:sample_rate=48000", "-i", folder.file("text.srt"), "-map", "0:v",
            "-map",
            "1:a", "-map", "2:a", "-map", "3:s", "-t", "\(seconds)", "-c:v", "libx264", "-preset", "ultrafast",
            "-pix_fmt",
            "yuv420p", "-bf", "2", "-g", "50", "-c:a", "aac", "-c:s", "srt", "-metadata:s:a:0", "language=eng",
            "-metadata:s:a:1", "language=fra", "-metadata:s:s:0", "language=eng", "-metadata",
            "creation_time=2024-05-06T07:08:09Z", path,
        ])
        return path
    }

    private func lyceum(_ server: ServerProcess, _ arguments: [String]) async throws -> Tool.Output {
        try await Tool.run(
            ServerProcess.binary,
            arguments,
            environment: [
                "LYCEUM_DATA_DIR": server.dataFolder.path, "LYCEUM_HTTP_HOST": "127.0.0.1",
                "LYCEUM_HTTP_PORT": "\(server.httpPort)",
            ]
        )
    }

    /// The identifier that an import names in the end.
    private func recording(_ output: Tool.Output) throws -> String {
        #expect(output.exit == .status(0), "\(output.standardError)")
        let line = try #require(output.text.split(separator: "\n").last)
        return String(try #require(line.split(separator: " ").last))
    }

    private func token(_ server: ServerProcess) throws -> [String: String] {
        let token = String(decoding: try server.dataFolder.read("operator-token"), as: UTF8.self)
        return ["Authorization": "Bearer \(token.trimmingCharacters(in: .whitespacesAndNewlines))"]
    }

    @Test("a running server imports a file, and ffprobe finds all of it under /vod")
    func server() async throws {
        let file = try await makeFile()
        let server = try await ServerProcess.start()
        let output = try await lyceum(server, ["import", file, "--name", "course", "--title", "First talk"])
        let id = try recording(output)
        #expect(output.text.contains("100 %"), "\(output.text)")

        let index = server.url("/vod/\(id)/index.m3u8")
        let playlist = try await server.get("/vod/\(id)/index.m3u8").text
        for expected in [
            #"LANGUAGE="en""#, #"LANGUAGE="fr""#, "TYPE=SUBTITLES", #"URI="s0.m3u8""#, #"SUBTITLES="subtitles""#,
        ] { #expect(playlist.contains(expected), "\(playlist)") }
        let media = try await server.get("/vod/\(id)/m0.m3u8").text
        #expect(media.contains("#EXT-X-PROGRAM-DATE-TIME:2024-05-06T07:08:09.000Z"), "\(media)")
        #expect(
            try await server.get("/vod/\(id)/s0-0.vtt").text.contains("00:00:01.021 --> 00:00:02.021\nGood morning")
        )

        let probe = try await Tool.check(
            "ffprobe",
            ["-v", "error", "-show_format", "-of", "json", server.url("/vod/\(id)/m0.m3u8")]
        )
        #expect(probe.standardError.isEmpty, "\(probe.standardError)")
        let format = (try JSONSerialization.jsonObject(with: Data(probe.standardOutput)) as? [String: Any])?["format"]
        let duration = Double((format as? [String: Any])?["duration"] as? String ?? "") ?? 0
        #expect(abs(duration - 6) <= 0.041, "\(duration)")
        let decoded = try await Tool.run("ffmpeg", ["-v", "error", "-i", index, "-f", "null", "-"])
        #expect(decoded.exit == .status(0) && decoded.standardError.isEmpty, "\(decoded.standardError)")

        let facts = try await server.get("/api/v1/recordings/\(id)", headers: try token(server)).text
        #expect(facts.contains(#""title":"First talk""#) && facts.contains(#""stream":"course""#), "\(facts)")
        let jobs = try await lyceum(server, ["jobs"])
        #expect(jobs.text.contains("import") && jobs.text.contains("done") && jobs.text.contains(id), "\(jobs.text)")
        #expect(try await server.get("/api/v1/jobs").status == 401)
    }

    @Test("without a server the command imports by itself, and the next server has the recording")
    func alone() async throws {
        let file = try await makeFile()
        let data = try TemporaryFolder()
        let output = try await Tool.run(
            ServerProcess.binary,
            ["import", file],
            environment: ["LYCEUM_DATA_DIR": data.path]
        )
        let id = try recording(output)
        let server = try await ServerProcess.start(dataFolder: data)
        #expect(try await server.get("/vod/\(id)/index.m3u8").status == 200)
    }

    @Test("a file that cannot be streamed is refused with 65, by the server as without it, and leaves nothing")
    func refused() async throws {
        let path = folder.file("old.mov")
        try await Tool.ffmpeg([
            "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25", "-t", "1", "-c:v", "mpeg2video", path,
        ])
        let server = try await ServerProcess.start()
        for output in [
            try await lyceum(server, ["import", path]),
            try await Tool.run(
                ServerProcess.binary,
                ["import", path],
                environment: ["LYCEUM_DATA_DIR": folder.file("data")]
            ),
        ] {
            #expect(output.exit == .status(65))
            #expect(output.standardError.contains("mpeg2video 64x64"), "\(output.standardError)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: server.dataFolder.file("recordings"))
        #expect(left.isEmpty, "\(left)")
        let missing = try await lyceum(server, ["import", folder.file("missing.mp4")])
        #expect(missing.exit == .status(65))
    }

    @Test("an import that the end of the server interrupts begins anew with the next one, and leaves one recording")
    func killed() async throws {
        let file = try await makeFile(seconds: 20)
        // Far more than can be imported before the server is killed.
        let long = folder.file("long.mkv")
        try await Tool.ffmpeg(["-stream_loop", "60", "-i", file, "-map", "0:v", "-map", "0:a:0", "-c", "copy", long])
        let server = try await ServerProcess.start()
        let document = #"{"path": "\#(long)", "title": "Long"}"#
        let begun = try await Tool.check(
            "curl",
            [
                "-sf", "-X", "POST", "-H", "Content-Type: application/json", "-H",
                "Authorization: \(try token(server)["Authorization"] ?? "")", "-d", document,
                server.url("/api/v1/imports"),
            ]
        )
        #expect(
            begun.text.contains(#""state":"waiting""#) || begun.text.contains(#""state":"running""#),
            "\(begun.text)"
        )
        _ = try await server.log.line(containing: "job begun")
        server.kill()
        try await server.waitForExit()

        let next = try await ServerProcess.start(dataFolder: server.dataFolder)
        _ = try await next.log.line(containing: "job ended", within: .seconds(60))
        let jobs = try await next.get("/api/v1/jobs", headers: try token(next)).text
        #expect(jobs.contains(#""state":"done""#), "\(jobs)")
        let recordings = try FileManager.default.contentsOfDirectory(atPath: next.dataFolder.file("recordings"))
        #expect(recordings.count == 1, "\(recordings)")
    }

    @Test("Ctrl-C cancels the import on the server, and nothing of it is left")
    func cancelled() async throws {
        let file = try await makeFile(seconds: 20)
        let long = folder.file("long.mkv")
        try await Tool.ffmpeg(["-stream_loop", "200", "-i", file, "-map", "0:v", "-map", "0:a:0", "-c", "copy", long])
        let server = try await ServerProcess.start()
        let command = try ChildProcess(
            ServerProcess.binary,
            ["import", long],
            environment: [
                "LYCEUM_DATA_DIR": server.dataFolder.path, "LYCEUM_HTTP_HOST": "127.0.0.1",
                "LYCEUM_HTTP_PORT": "\(server.httpPort)",
            ]
        )
        _ = try await command.standardOutput.line(containing: " %")
        command.send(SIGINT)
        #expect(try await command.waitForExit(within: .seconds(30)) == .status(1))
        let jobs = try await server.get("/api/v1/jobs", headers: try token(server)).text
        #expect(jobs.contains(#""state":"cancelled""#), "\(jobs)")
        let left = try FileManager.default.contentsOfDirectory(atPath: server.dataFolder.file("recordings"))
        #expect(left.isEmpty, "\(left)")
    }
}
