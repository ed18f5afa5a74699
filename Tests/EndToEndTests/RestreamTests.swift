import Foundation
import TestSupport
import Testing

/// Lives pushed to other servers: a second Lyceum, over TLS too, and nginx with its RTMP module.
@Suite("Restream", .serialized)
struct RestreamTests {
    /// A server whose live `main` is pushed to these addresses.
    private func server(pushingTo addresses: [String], _ more: [String: String] = [:]) async throws -> ServerProcess {
        let folder = try TemporaryFolder()
        try folder.write("restream", addresses.map { "main \($0)\n" }.joined())
        let environment = ["LYCEUM_PUBLISH": "open"].merging(more) { $1 }
        return try await ServerProcess.start(environment: environment, dataFolder: folder)
    }

    /// What the API tells of the pushes of `main`.
    private func restreams(_ server: ServerProcess) async throws -> [JSONValue] {
        let token = try server.dataFolder.read("operator-token")
        let response = try await server.get(
            "/api/v1/streams/main",
            headers: ["Authorization": "Bearer " + String(decoding: token, as: UTF8.self).trimmed]
        )
        return try JSONValue(parsing: response.body)["restreams"]?.elements ?? []
    }

    @Test("a live goes to two servers whole, one of them over TLS, while a third one is not there")
    func severalTargets() async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("live", serial: 7)
        let plain = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let secure = try await ServerProcess.start(environment: [
            "LYCEUM_PUBLISH": "open", "LYCEUM_RTMPS_PORT": "0", "LYCEUM_TLS_CERT": authority.file("live.pem"),
            "LYCEUM_TLS_KEY": authority.file("live.key"),
        ])
        let securePort = try #require(secure.rtmpsPort)
        let source = try await server(
            pushingTo: [
                "rtmp://127.0.0.1:\(plain.rtmpPort)/live/copy", "rtmps://localhost:\(securePort)/live/copy",
                "rtmp://127.0.8.1:1/live/nowhere",
            ],
            ["LYCEUM_RESTREAM_CA": authority.file("ca.pem")]
        )
        let publisher = try FFmpegPublisher(.test(seconds: 8), to: source.publishURL(key: "main"))
        _ = try await source.log.line(containing: "push failed")
        let states = try await restreams(source)
        #expect(states.count == 3)
        let absent = try #require(states.first { $0["target"]?.string == "rtmp://127.0.8.1:1/live" })
        #expect(absent["state"]?.string == "waiting")
        #expect(absent["lastError"]?.string == "no connection: Connection refused")

        for copy in [plain, secure] {
            let viewer = LiveViewer(copy, stream: "copy")
            try await viewer.watchToEnd()
            let playlist = try #require(await viewer.playlist)
            #expect(abs(playlist.duration - 8) < 0.2, "from its first keyframe to its end: \(playlist.duration)")
            #expect(await viewer.follower.discontinuityCount == 0)
        }
        #expect(try await publisher.waitForExit() == .status(0))
        #expect(!source.log.text.contains("nowhere") && !source.log.text.contains("/copy"), "no key in the log")
    }

    @Test("a server that was restarted gets the live again, and one that has another authority gets nothing")
    func restarted() async throws {
        let authority = try await CertificateAuthority()
        try await authority.issue("live", serial: 7)
        let tls = [
            "LYCEUM_PUBLISH": "open", "LYCEUM_RTMPS_PORT": "0", "LYCEUM_TLS_CERT": authority.file("live.pem"),
            "LYCEUM_TLS_KEY": authority.file("live.key"),
        ]
        let first = try await ServerProcess.start(environment: tls)
        let securePort = try #require(first.rtmpsPort)
        let source = try await server(pushingTo: [
            "rtmp://127.0.0.1:\(first.rtmpPort)/live/copy", "rtmps://localhost:\(securePort)/live/copy2",
        ])
        let publisher = try FFmpegPublisher(.test(), to: source.publishURL(key: "main"))
        let distrusted = try await source.log.line(containing: "CERTIFICATE_VERIFY_FAILED")
        #expect(distrusted.text.contains("push failed"))
        let pushed = try await source.log.line(containing: "live is pushed")
        first.kill()
        try await first.waitForExit()
        let failed = try await source.log.line(after: pushed, within: .seconds(10)) {
            $0.contains("push failed") && $0.contains("rtmp://")
        }
        let second = try await ServerProcess.start(
            environment: ["LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_PORT": "\(first.rtmpPort)"]
        )
        _ = try await source.log.line(containing: "live is pushed", after: failed)
        let viewer = LiveViewer(second, stream: "copy")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        publisher.interrupt()
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
    }

    @Test("an encoder that is killed and comes back stays one publish for the other server")
    func throughAnInterruption() async throws {
        let copy = try await ServerProcess.start(environment: ["LYCEUM_PUBLISH": "open"])
        let source = try await server(pushingTo: ["rtmp://127.0.0.1:\(copy.rtmpPort)/live/copy"])
        let url = source.publishURL(key: "main")
        let first = try FFmpegPublisher(.test(), to: url)
        let viewer = LiveViewer(copy, stream: "copy")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        first.kill()
        let second = try FFmpegPublisher(.test(seconds: 6), to: url)
        try await viewer.watchToEnd()
        #expect(try await second.waitForExit() == .status(0))
        #expect(copy.log.lines.count { $0.contains("publish accepted") } == 1)
        let playlist = try #require(await viewer.playlist)
        #expect(playlist.duration > 10)
    }

    @Test("commands change the targets of a running live, and a refusal is told in the server's words")
    func commands() async throws {
        let copy = try await ServerProcess.start()
        let source = try await server(pushingTo: ["rtmp://127.0.0.1:\(copy.rtmpPort)/live/wrong-key"])
        let publisher = try FFmpegPublisher(.test(), to: source.publishURL(key: "main"))
        let refused = try await source.log.line(containing: "push failed")
        #expect(refused.text.contains("NetStream.Publish.Denied: the stream key is wrong"))
        #expect(!refused.text.contains("wrong-key"))

        let removed = try await source.lyceum("restream", "remove", "main")
        #expect(removed.exit == .status(0))
        let empty = try await source.lyceum("restream", "list")
        #expect(empty.text.hasPrefix("no live is pushed anywhere"))
        let address = "rtmp://127.0.0.1:\(copy.rtmpPort)/live/\(try await copy.streamKey())"
        let script = "echo '\(address)' | '\(ServerProcess.binary)' restream add main"
        let environment = ["LYCEUM_DATA_DIR": source.dataFolder.path]
        let added = try await Tool.run("bash", ["-c", script], environment: environment)
        #expect(added.text == "main is pushed to rtmp://127.0.0.1:\(copy.rtmpPort)/live\n")
        let again = try await Tool.run("bash", ["-c", script], environment: environment)
        #expect(again.exit != .status(0))
        #expect(again.standardError.contains("main is pushed there already"))
        let list = try await source.lyceum("restream", "list")
        #expect(list.text == "main  rtmp://127.0.0.1:\(copy.rtmpPort)/live\n")
        source.hangUp()
        _ = try await source.log.line(containing: "live is pushed")
        let viewer = LiveViewer(copy)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        _ = try await source.lyceum("restream", "remove", "main")
        source.hangUp()
        // The publish there is ended properly: its live does not wait for an encoder.
        try await viewer.watchToEnd()
        publisher.interrupt()
        try await publisher.waitForExit()
    }

    @Test("nginx with its RTMP module takes the live and records it whole")
    func nginx() async throws {
        let folder = try TemporaryFolder()
        // An address of the test's own: nginx cannot take any free port.
        let host = "127.8.\(ProcessInfo.processInfo.processIdentifier % 250).1"
        try folder.write(
            "nginx.conf",
            """
            load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
            daemon off;
            user root;
            worker_processes 1;
            pid \(folder.file("pid"));
            error_log stderr notice;
            events {}
            rtmp { server { listen \(host):1935; application app { live on; record all; record_path \(folder.path); } } }
            """
        )
        let nginx = try ChildProcess("nginx", ["-p", folder.path, "-c", folder.file("nginx.conf")])
        _ = try await nginx.standardError.line(containing: "start worker process")
        let source = try await server(pushingTo: ["rtmp://\(host)/app/copy"])
        let publisher = try FFmpegPublisher(.test(seconds: 6), to: source.publishURL(key: "main"))
        _ = try await source.log.line(containing: "live is pushed")
        #expect(try await publisher.waitForExit() == .status(0))
        _ = try await source.log.line(containing: "push ended")
        nginx.send(SIGQUIT)
        _ = try await nginx.waitForExit(within: .seconds(10))
        let recording = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".flv") }
        )
        let output = try await Tool.check(
            "ffmpeg",
            [
                "-v", "warning", "-i", folder.file(recording), "-map", "0", "-fps_mode", "passthrough", "-f",
                "framecrc", "-",
            ]
        )
        let pictures = output.text.split(separator: "\n").count { $0.hasPrefix("0,") || $0.hasPrefix("1,") }
        #expect(output.standardError.isEmpty, "\(output.standardError)")
        // 150 pictures and 282 frames of sound, give or take the first.
        #expect((425...434).contains(pictures), "\(pictures)")
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
