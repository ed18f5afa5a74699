import Foundation
import TestSupport
import Testing

/// What operators see of a real server: metrics, the streams API and the command.
@Suite("Observation", .serialized)
struct ObservationTests {
    private func start(_ environment: [String: String] = [:]) async throws -> ServerProcess {
        try await ServerProcess.start(environment: ["LYCEUM_METRICS_PORT": "0"].merging(environment) { $1 })
    }

    private func metricsURL(_ server: ServerProcess) throws -> String {
        let lines = server.log.lines.filter { $0.contains("http origin listens") }
        let ports = lines.compactMap { $0.split(separator: ":").last?.prefix { $0.isNumber } }.compactMap { Int($0) }
        let port = try #require(ports.first { $0 != server.httpPort })
        return "http://127.0.0.1:\(port)/metrics"
    }

    /// The samples, read by Prometheus' own parser: `name{label=value}` to value.
    private func metrics(_ server: ServerProcess) async throws -> [String: Double] {
        let script = """
            import sys, urllib.request
            from prometheus_client.parser import text_string_to_metric_families
            text = urllib.request.urlopen(sys.argv[1]).read().decode()
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    labels = ",".join(k + "=" + v for k, v in sorted(sample.labels.items()))
                    print(sample.name + ("{" + labels + "}" if labels else ""), sample.value)
            """
        let output = try await Tool.check("/usr/bin/python3", ["-c", script, try metricsURL(server)])
        var samples: [String: Double] = [:]
        for line in output.text.split(separator: "\n") {
            let words = line.split(separator: " ")
            samples[String(words[0])] = Double(words[1])
        }
        return samples
    }

    private func token(_ server: ServerProcess) throws -> String {
        String(decoding: try server.dataFolder.read("operator-token"), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("metrics count what a publisher sent, and tell the limits and the process")
    func metrics() async throws {
        let server = try await start()
        let before = try await metrics(server)
        #expect(before["rtmp_server_limit{limit=connections_per_address}"] == 100)
        #expect(before["rtmp_server_publishes_total"] == 0)
        #expect(try #require(before["process_resident_memory_bytes"]) > 1_000_000)
        let publisher = try FFmpegPublisher(.test(seconds: 6), to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 1 }
        let during = try await metrics(server)
        #expect(during["rtmp_server_active_publishes"] == 1 && during["rtmp_server_active_connections"] == 1)
        #expect(during["hls_server_viewers"] == 1 && during["hls_server_lives"] == 1)
        // A segment that is far from whole, however late on a busy machine the other requests come.
        async let first = server.get("/live/main/media.m3u8?_HLS_msn=2")
        async let second = server.get("/live/main/media.m3u8?_HLS_msn=2")
        let lowLatency = LowLatencyViewer(server)
        try await lowLatency.watch { $0.hintedParts >= 3 }
        #expect(try await [first.status, second.status] == [200, 200])
        try await viewer.watchToEnd()
        try await publisher.waitForExit()
        _ = try await server.log.line(containing: "publish ended")
        let after = try await metrics(server)
        #expect(after["rtmp_server_access_units_total{kind=video}"] == 150)
        #expect(try #require(after["rtmp_server_access_units_total{kind=audio}"]) >= 280)
        #expect(after["rtmp_server_active_publishes"] == 0 && after["rtmp_server_publishes_total"] == 1)
        #expect(try #require(after["rtmp_server_received_bytes_total"]) > 50_000)
        for kind in ["playlist", "segment", "part", "initialization"] {
            #expect(try #require(after["hls_server_requests_total{kind=\(kind)}"]) >= 1, "\(kind)")
        }
        #expect(try #require(after["hls_server_sent_bytes_total"]) > 50_000)
        #expect(after["hls_server_held_requests"] == 0)
        // Every part that was hinted at, and every reload that waited.
        let waited = try #require(after["hls_part_publish_latency_count"])
        #expect(waited >= 2, "\(waited)")
        #expect(
            after["hls_part_publish_latency_bucket{le=0.5}"] == waited,
            "\(after.filter { $0.key.hasPrefix("hls_part") })"
        )
        #expect(try await server.get("/metrics").status == 404, "not on the viewers' port")
        #expect(try await HTTPClient.send(try metricsURL(server).replacing("/metrics", with: "/")).status == 404)
    }

    @Test("the API tells who publishes, to those with the token, and ends it")
    func streams() async throws {
        let server = try await start()
        let media = FFmpegPublisher.Media.test()
        let publisher = try FFmpegPublisher(media, to: server.publishURL(key: try await server.streamKey()))
        let viewer = LiveViewer(server)
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        let bearer = ["Authorization": "Bearer \(try token(server))"]
        for headers in [[:], ["Authorization": "Bearer wrong"], ["Authorization": "Basic \(try token(server))"]] {
            let refused = try await server.get("/api/v1/streams", headers: headers)
            #expect(refused.status == 401 && refused.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
            #expect(String(decoding: refused.body, as: UTF8.self).contains("\"status\":401"))
        }
        let response = try await server.get("/api/v1/streams/main", headers: bearer)
        #expect(response.status == 200 && response.headers["access-control-allow-origin"] == nil)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
        #expect(document["state"] as? String == "publishing" && document["peerAddress"] as? String == "127.0.0.1")
        #expect((document["encoder"] as? String)?.hasPrefix("Lavf") == true)
        let tracks = try #require(document["tracks"] as? [[String: Any]])
        #expect(tracks.first?["width"] as? Int == 320 && tracks.first?["height"] as? Int == 180)
        let rate = try #require(document["frameRate"] as? Double)
        #expect(abs(rate - 25) < 4, "\(rate)")
        let audience = try #require(document["audience"] as? [String: Any])
        #expect(audience["viewers"] as? Int == 1 && (audience["bytes"] as? Int ?? 0) > 10_000)
        #expect(try #require(document["bitrate"] as? Int) > 50_000)

        let table = try await Tool.run(
            ServerProcess.binary,
            ["streams"],
            environment: ["LYCEUM_DATA_DIR": server.dataFolder.path, "LYCEUM_HTTP_PORT": "\(server.httpPort)"]
        )
        print(table.text)
        #expect(table.text.contains("main") && table.text.contains("320x180@") && table.text.contains("H.264 AAC"))
        #expect(table.text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let end = try await Tool.run(
            ServerProcess.binary,
            ["streams", "end", "main"],
            environment: ["LYCEUM_DATA_DIR": server.dataFolder.path, "LYCEUM_HTTP_PORT": "\(server.httpPort)"]
        )
        #expect(end.exit == .status(0) && end.text == "main was ended\n")
        try await viewer.watchToEnd()
        #expect(try await publisher.waitForExit() != .status(0))
        #expect(publisher.log.text.contains("ended by the operator"), "\(publisher.log.tail())")
        let gone = try await HTTPClient.send(server.url("/api/v1/streams/main"), method: "DELETE", headers: bearer)
        #expect(gone.status == 404)
    }

    @Test("connections above the limit of an address are refused and counted")
    func refusedConnections() async throws {
        let server = try await start(["LYCEUM_RTMP_MAX_CONNECTIONS_PER_ADDRESS": "2"])
        var peers: [TCPPeer] = []
        for _ in 0..<2 { peers.append(try await TCPPeer.connect(port: server.rtmpPort)) }
        for peer in peers {
            peer.send(RTMPBytes.handshake)
            try await peer.wait(within: .seconds(5)) { $0.count >= 3073 }
        }
        let third = try await TCPPeer.connect(port: server.rtmpPort)
        try await third.waitUntilClosed(within: .seconds(5))
        let samples = try await metrics(server)
        #expect(samples["rtmp_server_refused_connections_total{reason=too_many_from_address}"] == 1)
        #expect(samples["rtmp_server_active_connections"] == 2)
    }

    @Test("a publisher that floods is held to its rate, while another one's segments stay punctual")
    func flood() async throws {
        let server = try await start([
            "LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_MAX_BYTES_PER_SECOND": "4000000", "LYCEUM_SEGMENT_SECONDS": "1",
        ])
        let paced = try FFmpegPublisher(.test(keyframeInterval: 25), to: server.publishURL(key: "paced"))
        let viewer = LiveViewer(server, stream: "paced")
        try await viewer.watch(within: .seconds(30)) { _, segments in segments.count >= 2 }
        let clock = ContinuousClock()
        let start = clock.now
        // 50 MB as fast as they go: four seconds' worth pass at once, some lie in the system's buffers, the rest takes
        // its time.
        let flood = FFmpegPublisher.Media([
            "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=20", "-c:v", "libx264", "-preset", "ultrafast",
            "-b:v", "20000k", "-minrate", "20000k", "-maxrate", "20000k", "-bufsize", "10000k", "-x264-params",
            "nal-hrd=cbr:force-cfr=1", "-g", "25",
        ])
        let publisher = try FFmpegPublisher(flood, to: server.publishURL(key: "flood"))
        async let watching: Void = viewer.watch(within: .seconds(40)) { _, segments in segments.count >= 10 }
        _ = try await server.log.line(within: .seconds(60)) { $0.contains("publish ended") && $0.contains("flood") }
        let seconds = Double((clock.now - start).components.seconds)
        #expect(seconds >= 4, "\(seconds) s")
        try await publisher.waitForExit(within: .seconds(60))
        _ = try await server.log.line(containing: "the encoder sends more than allowed")
        try await watching
        for (earlier, later) in zip(await viewer.arrivals, await viewer.arrivals.dropFirst()) {
            #expect(later - earlier < .milliseconds(2500))
        }
        paced.interrupt()
        try await paced.waitForExit()
    }
}
