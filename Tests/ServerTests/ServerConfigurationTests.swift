import ArgumentParser
import Foundation
import Logging
import MediaCore
import SystemPackage
import TestSupport
import Testing

@testable import lyceum

@Suite("Configuration")
struct ServerConfigurationTests {
    private func sources(
        flags: [(key: ConfigurationKey, value: String)] = [],
        environment: [String: String] = [:],
        dotEnv: String? = nil,
        yaml: String? = nil
    ) async throws -> ConfigurationSources {
        let folder = try TemporaryFolder()
        if let dotEnv { try Data(dotEnv.utf8).write(to: URL(fileURLWithPath: folder.path + "/.env")) }
        if let yaml { try Data(yaml.utf8).write(to: URL(fileURLWithPath: folder.path + "/lyceum.yaml")) }
        return try await ConfigurationSources(
            flags: flags,
            environment: environment,
            configurationFile: nil,
            directory: FilePath(folder.path)
        )
    }

    @Test("the defaults run")
    func defaults() async throws {
        let configuration = try ServerConfiguration(try await sources())
        #expect(configuration.httpPort == 8080)
        #expect(configuration.rtmpPort == 1935)
        #expect(configuration.rtmpHost == "0.0.0.0")
        #expect(configuration.publishing == .keys)
        #expect(configuration.segmentDuration == .milliseconds(2000))
        #expect(configuration.logLevel == .info)
        #expect(configuration.hlsJavaScript == nil)
    }

    @Test("flags go before the environment, .env, lyceum.yaml and the defaults, in this order")
    func precedence() async throws {
        let yaml =
            "http:\n  port: 1\n  host: h\nrtmp:\n  port: 2\n  host: r\ngrace:\n  seconds: 4\nsegment: {seconds: 4.5}\n"
        let dotEnv = "LYCEUM_HTTP_PORT=11\nLYCEUM_RTMP_PORT=12\nLYCEUM_HTTP_HOST=e\n"
        let environment = ["LYCEUM_HTTP_PORT": "21", "LYCEUM_RTMP_PORT": "22"]
        let configuration = try ServerConfiguration(
            try await sources(flags: [(.httpPort, "31")], environment: environment, dotEnv: dotEnv, yaml: yaml)
        )
        #expect(configuration.httpPort == 31)
        #expect(configuration.rtmpPort == 22)
        #expect(configuration.httpHost == "e")
        #expect(configuration.rtmpHost == "r")
        #expect(configuration.gracePeriod == .seconds(4))
        #expect(configuration.segmentDuration == .milliseconds(4500))
        #expect(configuration.windowDuration == .milliseconds(7_200_000))
    }

    @Test(
        "a wrong value is refused with its key, itself, where it stands and what was expected",
        arguments: [
            ("LYCEUM_HTTP_PORT", "http"), ("LYCEUM_HTTP_PORT", "65536"), ("LYCEUM_RTMP_PORT", "-1"),
            ("LYCEUM_PUBLISH", "all"), ("LYCEUM_SEGMENT_SECONDS", "0.9"), ("LYCEUM_SEGMENT_SECONDS", "nan"),
            ("LYCEUM_WINDOW_SECONDS", "5"), ("LYCEUM_GRACE_SECONDS", "soon"), ("LYCEUM_LOG_LEVEL", "loud"),
            ("LYCEUM_HLS_JS_URL", "http://example.org/hls.mjs"), ("LYCEUM_LADDER", "1080,720"),
            ("LYCEUM_LADDER", "_1080,_1080"), ("LYCEUM_OVERLOAD_PERCENT", "101"), ("LYCEUM_OVERLOAD_PERCENT", "on"),
        ]
    )
    func wrongValue(name: String, value: String) async throws {
        let sources = try await sources(environment: [name: value])
        let error = #expect(throws: ConfigurationError.self) { try ServerConfiguration(sources) }
        let text = try #require(error).description
        let key = try #require(ConfigurationKey.all.first { $0.environmentName == name })
        #expect(text == "\(name) is '\(value)' (from the environment), expected \(key.expected)")
    }

    @Test("a group where a value belongs is refused, and so is a file that is no YAML")
    func wrongYAML() async throws {
        let group = try await sources(yaml: "publish:\n  - keys\n")
        #expect(throws: ConfigurationError.self) { try ServerConfiguration(group) }
        await #expect(throws: ConfigurationError.self) { try await sources(yaml: "http: [port\n") }
    }

    @Test("open publishing listens on loopback alone unless told otherwise")
    func openPublishing() async throws {
        let open = try ServerConfiguration(try await sources(environment: ["LYCEUM_PUBLISH": "open"]))
        #expect(open.rtmpHost == "127.0.0.1")
        let told = try ServerConfiguration(
            try await sources(environment: ["LYCEUM_PUBLISH": "open", "LYCEUM_RTMP_HOST": "0.0.0.0"])
        )
        #expect(told.rtmpHost == "0.0.0.0")
    }

    @Test("an empty value counts as none")
    func emptyValue() async throws {
        let configuration = try ServerConfiguration(try await sources(environment: ["LYCEUM_HTTP_PORT": ""]))
        #expect(configuration.httpPort == 8080)
    }

    @Test("a misspelt variable is noticed")
    func misspelt() {
        let names = ConfigurationKey.unknownNames(
            in: ["LYCEUM_HTP_PORT": "1", "LYCEUM_HTTP_PORT": "1", "PATH": "/bin"]
        )
        #expect(names == ["LYCEUM_HTP_PORT"])
    }

    @Test("every key is named alike in the environment, on the command line and in docs/configuration.md")
    func documentedKeys() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let page = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let parts = page.components(separatedBy: "\(ConfigurationDocuments.tableBegin)\n")
        let table = parts.last?.components(separatedBy: ConfigurationDocuments.tableEnd).first
        #expect(parts.count == 2 && table == ConfigurationDocuments.table, "lyceum config --table has another table")
        let help = ServeCommand.helpMessage(columns: 400)
        for key in ConfigurationKey.all { #expect(help.contains("\(key.flag) "), "\(key.flag) is no flag") }
    }

    @Test("the file .env.example has every setting, and sets none when it is taken as it is")
    func exampleFile() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let text = try String(contentsOf: root.appendingPathComponent(".env.example"), encoding: .utf8)
        #expect(text == ConfigurationDocuments.environmentFile, "lyceum config --example has another file")
        #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") })
        // Each of its lines can be taken as it stands.
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("#LYCEUM_") }.map { $0.dropFirst() }
        #expect(lines.count == ConfigurationKey.all.count)
        let environment = Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), String(parts[1]))
            }
        )
        _ = try ServerConfiguration(try await sources(environment: environment))
    }
}
