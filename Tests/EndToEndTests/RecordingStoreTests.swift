import TestSupport
import Testing

/// Recordings on their way from one server through object storage to another.
@Suite("Store of recordings", .serialized)
struct RecordingStoreTests {
    /// The pictures that ffprobe finds behind an address.
    private func pictures(at url: String) async throws -> String {
        let arguments = [
            "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets",
        ]
        let probe = try await Tool.check("ffprobe", arguments + ["-of", "csv=p=0", url])
        #expect(probe.standardError.isEmpty)
        return probe.text.split(separator: "\n").first.map(String.init) ?? ""
    }

    @Test("a live is recorded, uploaded and dropped, plays from the store on both servers, and is deleted everywhere")
    func twoServers() async throws {
        let store = try await S3Server.start(.moto)
        try await Tool.check("curl", ["-sf", "-X", "PUT", "http://127.0.0.1:\(store.port)/school"])
        let environment = [
            "LYCEUM_S3_BUCKET": "school", "LYCEUM_S3_ENDPOINT": "http://127.0.0.1:\(store.port)",
            "LYCEUM_S3_ACCESS_KEY": S3Server.accessKey, "LYCEUM_S3_SECRET_KEY": S3Server.secretKey,
            "LYCEUM_S3_PREFIX": "our recordings", "LYCEUM_RECORD_LOCAL_DAYS": "0", "LYCEUM_RECORD_FREE_BYTES": "0",
            "LYCEUM_GRACE_SECONDS": "1",
        ]
        let first = try await ServerProcess.start(environment: environment)
        let key = try await first.streamKey()
        let publisher = try FFmpegPublisher(.test(seconds: 4), to: first.publishURL(key: key))
        try await publisher.waitForExit()
        let dropped = try await first.log.line(containing: "recording left the disk", within: .seconds(30))
        let id = String(dropped.text.split(separator: " ").first { $0.hasPrefix("recording.id=") }?.dropFirst(13) ?? "")
        let path = "/vod/\(id)/index.m3u8"
        let here = try await pictures(at: first.url(path))
        #expect(Int(here) ?? 0 >= 99)

        let second = try await ServerProcess.start(environment: environment)
        #expect(try await pictures(at: second.url(path)) == here)
        let stranger = try await second.get("/vod/abcdefghijkmnpqrstuv/index.m3u8")
        #expect(stranger.status == 404)

        let deletion = try await Tool.run(
            ServerProcess.binary,
            ["recordings", "delete", id, "--http-port", "\(first.httpPort)", "--data-dir", first.dataFolder.path]
        )
        #expect(deletion.exit == .status(0), "\(deletion.standardError)")
        _ = try await first.log.line(containing: "recording removed from the store")
        let left = try await Tool.check("curl", ["-sf", "http://127.0.0.1:\(store.port)/school?list-type=2"]).text
        #expect(!left.contains("<Key>"))
        for server in [first, second] {
            #expect(!server.log.text.contains(S3Server.secretKey) && !server.log.text.contains("Signature="))
            server.terminate()
            #expect(try await server.waitForExit() == .status(0))
        }
        try await store.stop()
    }
}
