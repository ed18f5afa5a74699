import Foundation
import TestSupport
import Testing

/// A webhook in another language, which verifies signatures as docs/configuration.md says.
@Suite("Publish webhook", .serialized)
struct WebhookTests {
    private static let secret = "a-secret-of-the-tests"

    /// The receiver: what it answers depends on the stream key.
    private static func script() throws -> String {
        let page = try String(contentsOfFile: documentation, encoding: .utf8)
        let blocks = page.components(separatedBy: "```python\n")
        let verification = try #require(blocks.dropFirst().first?.components(separatedBy: "```").first)
        return verification + """

            import json, sys
            from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
            secret, tries = sys.argv[1], {}

            class Handler(BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    if not is_genuine(secret, self.headers["Lyceum-Signature"], body):
                        return self.answer(500, b"forged")
                    request = json.loads(body)
                    key, id = request["streamKey"], request["id"]
                    tries[id] = tries.get(id, 0) + 1
                    print(key, tries[id], request["query"], request["peerAddress"], flush=True)
                    if key == "slow": time.sleep(3)
                    if key == "broken": return self.connection.close()
                    if key == "huge": return self.answer(200, b'{"allow":true,"stream":"x"}' + b" " * 200000)
                    if key == "late" and tries[id] < 3: return self.answer(503, b"")
                    if key == "limited": return self.answer(200, b'{"allow":true,"stream":"limited","timeLimit":2}')
                    if key in ("good", "late"): return self.answer(200, b'{"allow":true,"stream":"class-7"}')
                    if key == "redirect": return self.answer(302, b"", "/elsewhere")
                    self.answer(403, b'{"detail":"the class begins at nine"}')
                def answer(self, status, body, location=None):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    if location: self.send_header("Location", location)
                    self.end_headers()
                    self.wfile.write(body)
                def log_message(self, *arguments): pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            print("port", server.server_port, flush=True)
            server.serve_forever()
            """
    }

    private static var documentation: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/configuration.md").standardized.path
    }

    private func start() async throws -> (receiver: ChildProcess, server: ServerProcess) {
        let receiver = try ChildProcess("python3", ["-c", try Self.script(), Self.secret])
        let line = try await receiver.standardOutput.line(containing: "port ")
        let port = try #require(line.text.split(separator: " ").last)
        let server = try await ServerProcess.start(environment: [
            "LYCEUM_PUBLISH": "webhook", "LYCEUM_WEBHOOK_URL": "http://127.0.0.1:\(port)/publish",
            "LYCEUM_WEBHOOK_SECRET": Self.secret,
        ])
        return (receiver, server)
    }

    /// What an encoder is told of its publish.
    private func publish(_ key: String, to server: ServerProcess) async throws -> String {
        let peer = try await TCPPeer.connect(port: server.rtmpPort)
        peer.send(RTMPBytes.handshake + RTMPBytes.connect() + RTMPBytes.publish(key))
        try await peer.wait(within: .seconds(15)) { String(decoding: $0, as: UTF8.self).contains("NetStream.Publish.") }
        return String(decoding: peer.received.filter { (0x20..<0x7F).contains($0) }, as: UTF8.self)
    }

    @Test("it allows under another name, for ffmpeg, and never shows the key")
    func allowed() async throws {
        let (receiver, server) = try await start()
        let publisher = try FFmpegPublisher(.test(seconds: 4), to: server.publishURL(key: "good?token=7"))
        let viewer = LiveViewer(server, stream: "class-7")
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        _ = try await receiver.standardOutput.line(containing: "good 1 token=7 127.0.0.1")
        #expect(!server.log.text.contains("token=7"))
        #expect(try await server.get("/live/good/index.m3u8").status == 404)
    }

    @Test("a time limit ends the live and tells the encoder")
    func timeLimit() async throws {
        let (receiver, server) = try await start()
        defer { withExtendedLifetime(receiver) {} }
        let publisher = try FFmpegPublisher(.test(), to: server.publishURL(key: "limited"))
        let viewer = LiveViewer(server, stream: "limited")
        try await viewer.watchToEnd(within: .seconds(30))
        #expect(try await publisher.waitForExit() != .status(0))
        #expect(server.log.text.contains("the time for this stream is over"))
    }

    @Test("a refusal reaches the encoder in its words")
    func refused() async throws {
        let (receiver, server) = try await start()
        defer { withExtendedLifetime(receiver) {} }
        let publisher = try FFmpegPublisher(.test(seconds: 2), to: server.publishURL(key: "anything"))
        #expect(try await publisher.waitForExit() != .status(0))
        #expect(publisher.log.text.contains("the class begins at nine"), "\(publisher.log.tail())")
    }

    @Test("a webhook that answers at the third try is enough; a broken, huge, slow or moved one lets nobody in")
    func unreliable() async throws {
        let (receiver, server) = try await start()
        #expect(try await publish("late", to: server).contains("NetStream.Publish.Start"))
        _ = try await receiver.standardOutput.line(containing: "late 3")
        for key in ["broken", "huge", "slow", "redirect"] {
            let words = try await publish(key, to: server)
            #expect(
                words.contains("NetStream.Publish.BadName") && words.contains("could not check"),
                "\(key): \(words)"
            )
        }
        _ = try await receiver.standardOutput.line(containing: "slow 3")
        #expect(
            !receiver.standardOutput.text.contains("huge 2") && !receiver.standardOutput.text.contains("redirect 2")
        )
    }

    @Test("with nobody at the address encoders are refused, and the server goes on")
    func nobody() async throws {
        let server = try await ServerProcess.start(environment: [
            "LYCEUM_PUBLISH": "webhook", "LYCEUM_WEBHOOK_URL": "http://127.0.0.1:9/publish",
            "LYCEUM_WEBHOOK_SECRET": Self.secret,
        ])
        #expect(try await publish("good", to: server).contains("could not check"))
        #expect(!(try await server.lyceum("config").text.contains(Self.secret)))
        server.terminate()
        #expect(try await server.waitForExit() == .status(0))
    }
}
