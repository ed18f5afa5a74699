internal import Foundation

/// The built server, running on free ports with a data folder of its own.
///
/// What it logs goes to ``log``, and a test waits for a line there. It is killed when nobody holds it any more.
public final class ServerProcess: Sendable {
    /// The port of the HTTP origin.
    public let httpPort: Int
    /// The port of the RTMP listener.
    public let rtmpPort: Int
    /// The port of the RTMPS listener, where there is one.
    public let rtmpsPort: Int?
    /// The port of the HTTPS origin, where there is one.
    public let httpsPort: Int?
    /// The folder that it keeps its data in.
    public let dataFolder: TemporaryFolder
    private let process: ChildProcess

    private init(
        process: ChildProcess,
        dataFolder: TemporaryFolder,
        httpPort: Int,
        httpsPort: Int?,
        rtmpPort: Int,
        rtmpsPort: Int?
    ) {
        self.httpsPort = httpsPort
        self.rtmpsPort = rtmpsPort
        self.process = process
        self.dataFolder = dataFolder
        self.httpPort = httpPort
        self.rtmpPort = rtmpPort
    }

    /// Starts `lyceum serve` and waits until it listens.
    ///
    /// - Parameters:
    ///   - environment: variables on top of those that choose loopback, free ports, the data folder, media alone and the hls.js
    ///     that scripts/fetch-hls-js puts in its place.
    ///   - dataFolder: the folder of an earlier process, to go on with its data; `nil` for an empty one.
    /// - Returns: the server, ready for encoders and viewers.
    /// - Throws: ``DeadlineExceeded`` with its last words when it does not come up.
    public static func start(
        environment: [String: String] = [:],
        dataFolder: TemporaryFolder? = nil
    ) async throws -> ServerProcess {
        let folder = try dataFolder ?? TemporaryFolder()
        var variables = [
            "LYCEUM_DATA_DIR": folder.path,
            "LYCEUM_HTTP_HOST": "127.0.0.1", "LYCEUM_HTTP_PORT": "0",
            "LYCEUM_RTMP_HOST": "127.0.0.1", "LYCEUM_RTMP_PORT": "0", "LYCEUM_METRICS_PORT": "off",
            // Tests wait for what the log tells at this level: every segment.
            "LYCEUM_LOG_LEVEL": "debug",
            // Debug builds on two processors are overloaded by what these tests do; refusals have tests of their own.
            "LYCEUM_OVERLOAD_PERCENT": "off",
            // What is for accounts and their pages sets it.
            "LYCEUM_PLATFORM": "off",
        ]
        if FileManager.default.fileExists(atPath: hlsModule) { variables["LYCEUM_HLS_JS"] = hlsModule }
        // The folder holds no lyceum.yaml and no .env of somebody's own.
        let process = try ChildProcess(
            binary,
            ["serve"],
            environment: variables.merging(environment) { $1 },
            directory: folder.path
        )
        let rtmp = try await process.standardError.line(containing: "rtmp.port=")
        let http = try await process.standardError.line(containing: "http.port=")
        guard let rtmpPort = number("rtmp.port", in: rtmp.text), let httpPort = number("http.port", in: http.text)
        else {
            throw DeadlineExceeded(description: "the server names no ports:\n\(rtmp.text)\n\(http.text)")
        }
        // What it says to its user comes after that: the stream key is in it.
        _ = try await process.standardOutput.line(containing: "Ctrl-C")
        return ServerProcess(
            process: process,
            dataFolder: folder,
            httpPort: httpPort,
            httpsPort: number("https.port", in: rtmp.text),
            rtmpPort: rtmpPort,
            rtmpsPort: number("rtmps.port", in: rtmp.text)
        )
    }

    /// Kills the server and starts another one on its ports and with its data.
    public func killAndRestart(environment: [String: String] = [:]) async throws -> ServerProcess {
        kill()
        try await waitForExit()
        let ports = ["LYCEUM_HTTP_PORT": "\(httpPort)", "LYCEUM_RTMP_PORT": "\(rtmpPort)"]
        return try await Self.start(environment: ports.merging(environment) { $1 }, dataFolder: dataFolder)
    }

    /// The server's binary, which the build puts beside the tests.
    public static var binary: String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("lyceum").path
    }

    /// Where scripts/fetch-hls-js puts hls.js.
    private static var hlsModule: String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../..")
        return package.standardized.appendingPathComponent(".vendor/hls.js/hls.mjs").path
    }

    /// Everything that it has written to its log.
    public var log: OutputLog { process.standardError }
    /// Everything that it has written to standard output.
    public var output: OutputLog { process.standardOutput }

    /// A stream key of a name: the one that the first start has printed, or else a new one.
    ///
    /// - Parameter name: the stream.
    /// - Returns: its key.
    /// - Throws: when the server's own command cannot make one.
    public func streamKey(of name: String = "main") async throws -> String {
        if name == "main", let key = printedKey { return key }
        return try await lyceum("key", "add", name).text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The key in the words of the first start.
    private var printedKey: String? {
        let line = output.lines.first { $0.contains("Stream Key") }
        guard let word = line?.split(separator: " ").last, word.count == 22 else { return nil }
        return String(word)
    }

    /// Runs one of the binary's commands on the server's data folder.
    ///
    /// - Parameter arguments: the command and its arguments.
    /// - Returns: how it ended and what it wrote.
    /// - Throws: ``DeadlineExceeded`` when it does not end.
    public func lyceum(_ arguments: String...) async throws -> Tool.Output {
        try await Tool.run(Self.binary, arguments, environment: ["LYCEUM_DATA_DIR": dataFolder.path])
    }

    /// Where an encoder publishes.
    public func publishURL(key: String) -> String { "rtmp://127.0.0.1:\(rtmpPort)/live/\(key)" }

    /// The address of a path.
    public func url(_ path: String) -> String { "http://127.0.0.1:\(httpPort)\(path)" }

    /// Asks for a path.
    public func get(_ path: String, headers: [String: String] = [:]) async throws -> HTTPResponse {
        try await HTTPClient.send(url(path), headers: headers)
    }

    /// Sends SIGHUP, as tools that renew certificates do.
    public func hangUp() { process.send(SIGHUP) }

    /// Sends SIGTERM, as a person who stops the server does.
    public func terminate() { process.send(SIGTERM) }

    /// Sends SIGKILL.
    public func kill() { process.send(SIGKILL) }

    /// Waits for its end.
    ///
    /// - Parameter limit: how long to wait.
    /// - Returns: how it ended.
    /// - Throws: ``DeadlineExceeded``; the server is killed then.
    @discardableResult
    public func waitForExit(within limit: Duration = .seconds(15)) async throws -> ChildProcess.Exit {
        try await process.waitForExit(within: limit)
    }

    private static func number(_ name: String, in line: String) -> Int? {
        guard let place = line.range(of: "\(name)=") else { return nil }
        return Int(line[place.upperBound...].prefix { $0.isNumber })
    }
}
