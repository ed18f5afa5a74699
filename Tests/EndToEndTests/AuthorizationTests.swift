import TestSupport
import Testing

/// Who may publish, seen from an encoder.
@Suite("Stream keys", .serialized)
struct AuthorizationTests {
    @Test("a wrong key is refused in plain words, and the server goes on")
    func wrongKey() async throws {
        let server = try await ServerProcess.start()
        let publisher = try FFmpegPublisher(.test(seconds: 5), to: server.publishURL(key: "guessed-Key-1234"))
        #expect(try await publisher.waitForExit() != .status(0))
        #expect(publisher.log.text.lowercased().contains("stream key"), "\(publisher.log.tail())")
        #expect(try await server.get("/live/main/index.m3u8").status == 404)
        #expect(!server.log.text.contains("guessed-Key-1234"), "a key is a secret, also a wrong one")
        #expect(try await server.get("/healthz").status == 200)
    }

    @Test("the key is made once, is secret, and stays the same over a restart")
    func keyIsKept() async throws {
        let first = try await ServerProcess.start()
        let key = try first.streamKey()
        #expect(key.utf8.count >= 20)
        let mode = try await Tool.check("stat", ["--format=%a", first.dataFolder.file("publish-keys")])
        #expect(mode.text == "600\n")
        #expect(!first.log.text.contains(key))
        first.terminate()
        try await first.waitForExit()

        let second = try await ServerProcess.start(dataFolder: first.dataFolder)
        #expect(try second.streamKey() == key)
        let other = try await ServerProcess.start()
        #expect(try other.streamKey() != key)
    }

    @Test("an open server takes the stream's name for its key")
    func open() async throws {
        let server = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let publisher = try FFmpegPublisher(.test(seconds: 5), to: server.publishURL(key: "workshop"))
        let viewer = LiveViewer(server, stream: "workshop")
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        #expect(await viewer.segments.count >= 2)
    }
}
