import TestSupport
import Testing

/// Emptying a server of its publishers without hurting one.
@Suite("Draining", .serialized)
struct DrainTests {
    @Test("a publisher that can move is asked to; one that cannot goes on; new ones are not taken; then it is drained")
    func drain() async throws {
        let server = try await ServerProcess.start(environment: [
            "LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_RECONNECT_URL": "rtmp://other.example/live",
        ])
        let ffmpeg = try FFmpegPublisher(.test(), to: server.publishURL(key: "plain"))
        let viewer = LiveViewer(server, stream: "plain")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        let capable = try await TCPPeer.connect(port: server.rtmpPort)
        let capsEx = RTMPBytes.name("capsEx") + RTMPBytes.number(1)
        capable.send(RTMPBytes.handshake + RTMPBytes.connect(capsEx) + RTMPBytes.publish("capable"))
        try await capable.wait(within: .seconds(5)) { String(decoding: $0, as: UTF8.self).contains("Publish.Start") }
        let idle = try await TCPPeer.connect(port: server.rtmpPort)

        let said = try await lyceum("drain", server)
        #expect(said.status == .status(0) && said.text.contains("takes no new publishers"), "\(said.text)")
        try await capable.wait(within: .seconds(5)) {
            let text = String(decoding: $0, as: UTF8.self)
            return text.contains("NetConnection.Connect.ReconnectRequest") && text.contains("rtmp://other.example/live")
        }
        try await idle.waitUntilClosed(within: .seconds(5))
        #expect(try await server.get("/readyz").body == Array("draining\n".utf8))
        await #expect(throws: (any Error).self) { try await TCPPeer.connect(port: server.rtmpPort) }
        #expect(try await lyceum("drain", server).text.contains("already"))

        // The one that cannot move is not disturbed, the other one leaves by itself.
        let seen = await viewer.segments.count
        try await viewer.watch(within: .seconds(30)) { playlist, segments in
            segments.count >= seen + 2 && !playlist.hasEndList
        }
        #expect(!capable.isClosed)
        capable.send(RTMPBytes.command("FCUnpublish", 9, RTMPBytes.null))
        try await capable.waitUntilClosed(within: .seconds(5))
        async let waiting = lyceum("drain", server, "--wait")
        ffmpeg.interrupt()
        try await viewer.watchToEnd()
        try await ffmpeg.waitForExit()
        #expect(try await waiting.text.contains("the last publisher has left"))
        _ = try await server.log.line(containing: "rtmp server drained")
        // It serves its viewers on.
        #expect(try await server.get("/live/plain/index.m3u8").status == 200)
        server.terminate()
        #expect(try await server.waitForExit() == .status(0))
    }

    @Test("with no server there is nobody to drain, whatever an old file says")
    func nobody() async throws {
        let server = try await ServerProcess.start()
        server.kill()
        try await server.waitForExit()
        let said = try await lyceum("drain", server)
        #expect(said.status == .status(69) && said.text.contains("no server runs"), "\(said.text)")
    }

    @Test("a second server cannot have the same data folder")
    func secondServer() async throws {
        let server = try await ServerProcess.start()
        let said = try await lyceum("serve", server, "--http-port", "0", "--rtmp-port", "0")
        #expect(said.status == .status(69) && said.text.contains("another server (process"), "\(said.text)")
    }

    private func lyceum(
        _ command: String,
        _ server: ServerProcess,
        _ arguments: String...
    ) async throws -> (status: ChildProcess.Exit, text: String) {
        let output = try await Tool.run(
            ServerProcess.binary,
            [command] + arguments,
            environment: ["LYCEUM_DATA_DIR": server.dataFolder.path],
            within: .seconds(30)
        )
        return (output.exit, output.text + output.standardError)
    }
}
