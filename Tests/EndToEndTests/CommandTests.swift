import TestSupport
import Testing

/// The binary as a person or a script calls it.
@Suite("Commands")
struct CommandTests {
    @Test(
        "a wrong setting is refused with its key, its value and what was expected",
        arguments: [
            ("LYCEUM_HTTP_PORT", "70000"), ("LYCEUM_RTMP_PORT", "rtmp"), ("LYCEUM_PUBLISH", "perhaps"),
            ("LYCEUM_SEGMENT_SECONDS", "0"), ("LYCEUM_WINDOW_SECONDS", "-1"), ("LYCEUM_LOG_LEVEL", "loud"),
        ]
    )
    func wrongConfiguration(_ key: String, _ value: String) async throws {
        let folder = try TemporaryFolder()
        let output = try await Tool.run(
            ServerProcess.binary,
            ["serve"],
            environment: ["LYCEUM_DATA_DIR": folder.path, key: value]
        )
        #expect(output.exit == .status(64))
        #expect(output.standardError.contains(key) && output.standardError.contains(value), "\(output.standardError)")
        #expect(output.standardError.contains("expected"), "\(output.standardError)")
    }

    @Test("a port that is taken is named in a sentence", arguments: ["LYCEUM_HTTP_PORT", "LYCEUM_RTMP_PORT"])
    func portTaken(_ key: String) async throws {
        let server = try await ServerProcess.start()
        let port = key == "LYCEUM_HTTP_PORT" ? server.httpPort : server.rtmpPort
        let folder = try TemporaryFolder()
        var environment = [
            "LYCEUM_DATA_DIR": folder.path, "LYCEUM_HTTP_HOST": "127.0.0.1", "LYCEUM_RTMP_HOST": "127.0.0.1",
            "LYCEUM_HTTP_PORT": "0", "LYCEUM_RTMP_PORT": "0",
        ]
        environment[key] = "\(port)"
        let output = try await Tool.run(ServerProcess.binary, ["serve"], environment: environment)
        #expect(output.exit == .status(69))
        #expect(output.standardError.contains("\(port)"), "\(output.standardError)")
    }

    @Test("what is asked for is told, and nonsense is refused")
    func commands() async throws {
        let version = try await Tool.check(ServerProcess.binary, ["version"])
        #expect(!version.text.isEmpty)
        let config = try await Tool.run(ServerProcess.binary, ["config"], environment: ["LYCEUM_HTTP_PORT": "8123"])
        #expect(config.exit == .status(0) && config.text.contains("8123"))
        #expect(try await Tool.run(ServerProcess.binary, ["nonsense"]).exit == .status(64))
    }
}
