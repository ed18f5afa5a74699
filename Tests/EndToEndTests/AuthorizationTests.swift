import Foundation
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

    @Test("the key is made and printed once, lies hashed in a private file, and stays the same over a restart")
    func keyIsKept() async throws {
        let first = try await ServerProcess.start()
        let key = try await first.streamKey()
        #expect(key.utf8.count == 22)
        let mode = try await Tool.check("stat", ["--format=%a", first.dataFolder.file("publish-keys")])
        #expect(mode.text == "600\n")
        let file = String(decoding: try first.dataFolder.read("publish-keys"), as: UTF8.self)
        #expect(file.contains("main sha256:") && !file.contains(key))
        #expect(!first.log.text.contains(key))
        first.terminate()
        try await first.waitForExit()

        let second = try await ServerProcess.start(dataFolder: first.dataFolder)
        #expect(!second.output.text.contains(key) && second.output.text.contains("lyceum key rotate main"))
        let publisher = try FFmpegPublisher(.test(seconds: 3), to: second.publishURL(key: key))
        #expect(try await publisher.waitForExit() == .status(0), "\(publisher.log.tail())")
        let other = try await ServerProcess.start()
        #expect(try await other.streamKey() != key)
    }

    @Test("keys are added, listed, replaced and removed while the server runs")
    func keyCommands() async throws {
        let server = try await ServerProcess.start()
        let main = try await server.streamKey()
        let workshop = try await server.streamKey(of: "workshop")
        #expect(try await isAccepted(workshop, by: server))
        let list = try await server.lyceum("key", "list").text
        #expect(list.contains("main") && list.contains("workshop") && !list.contains(workshop))

        let rotated = try await server.lyceum("key", "rotate", "workshop").text.split(separator: "\n")[0]
        #expect(try await !isAccepted(workshop, by: server), "the key of before")
        #expect(try await isAccepted(String(rotated), by: server))
        #expect(try await server.lyceum("key", "remove", "workshop").exit == .status(0))
        #expect(try await !isAccepted(String(rotated), by: server))
        #expect(try await isAccepted(main, by: server))
        #expect(try await server.lyceum("key", "remove", "workshop").exit == .status(64), "there is none any more")
        #expect(try await server.lyceum("key", "add", "no/name").exit == .status(64))
    }

    @Test("a plain key in the file counts and is hashed; a broken line changes nothing but the log")
    func editedByHand() async throws {
        let server = try await ServerProcess.start()
        let main = try await server.streamKey()
        let path = server.dataFolder.file("publish-keys")
        let text = String(decoding: try server.dataFolder.read("publish-keys"), as: UTF8.self)
        try (text + "class my-own-secret-words # room 4\n").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try await isAccepted("my-own-secret-words", by: server))
        let hashed = String(decoding: try server.dataFolder.read("publish-keys"), as: UTF8.self)
        #expect(hashed.contains("class sha256:") && hashed.contains("# room 4"))
        #expect(!hashed.contains("my-own-secret-words"))

        try "main short\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try await isAccepted(main, by: server))
        _ = try await server.log.line(containing: "line 1: the key has 5 characters")
    }

    /// Whether NetStream.Publish.Start is the answer to a key.
    private func isAccepted(_ key: String, by server: ServerProcess) async throws -> Bool {
        let peer = try await TCPPeer.connect(port: server.rtmpPort)
        peer.send(RTMPBytes.handshake + RTMPBytes.connect() + RTMPBytes.publish(key))
        try await peer.wait(within: .seconds(15)) { String(decoding: $0, as: UTF8.self).contains("NetStream.Publish.") }
        return String(decoding: peer.received, as: UTF8.self).contains("NetStream.Publish.Start")
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
