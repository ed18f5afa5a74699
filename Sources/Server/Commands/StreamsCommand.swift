import ArgumentParser
import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// `lyceum streams`: who publishes on a running server.
struct StreamsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "Shows who publishes on the server that runs with a data folder, and ends publishes.",
        subcommands: [List.self, End.self],
        defaultSubcommand: List.self
    )

    /// `lyceum streams list`, or just `lyceum streams`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the publishes, running ones first.")

        @Flag(help: "Print the API's JSON document.") var json = false
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let (status, body) = try await StreamsCommand.request(.GET, "/api/v1/streams", options)
            guard status == 200 else { throw StreamsCommand.unexpected(status, body) }
            if json { return Terminal.say(String(decoding: body, as: UTF8.self)) }
            let document = try JSONDecoder().decode(StreamTable.Document.self, from: Data(body))
            Terminal.say(StreamTable(document.streams).text)
        }
    }

    /// `lyceum streams end NAME`.
    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a publish and its live.")

        @Argument(help: "The stream's name.") var name: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            guard let stream = StreamID(name) else { throw ValidationError("'\(name)' is no stream name") }
            let (status, body) = try await StreamsCommand.request(.DELETE, "/api/v1/streams/\(stream)", options)
            switch status {
            case 204: Terminal.say("\(stream) was ended")
            case 404:
                Terminal.complain("nobody publishes \(stream)")
                throw ExitCode.failure
            default: throw StreamsCommand.unexpected(status, body)
            }
        }
    }

    private static func request(
        _ method: HTTPMethod,
        _ path: String,
        _ options: ConfigurationOptions
    ) async throws -> (status: Int, body: [UInt8]) {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let host = ["0.0.0.0", "::"].contains(configuration.httpHost) ? "127.0.0.1" : configuration.httpHost
        var request = HTTPClientRequest(url: "http://\(host):\(configuration.httpPort)\(path)")
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(try token(configuration).revealed)")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            let body = try await response.body.collect(upTo: 16 << 20)
            return (Int(response.status.code), Array(body.readableBytesView))
        } catch {
            Terminal.complain("no server answers on \(host):\(configuration.httpPort): \(error)")
            throw ExitCode.unavailable
        }
    }

    private static func token(_ configuration: ServerConfiguration) throws -> Secret {
        if let token = configuration.operatorToken { return token }
        let file = SecretFile.operatorToken(dataDirectory: configuration.dataDirectory)
        if let token = try? file.read() { return token }
        Terminal.complain("there is no \(file.path): start the server first, or name its data folder with --data-dir")
        throw ExitCode.unavailable
    }

    private static func unexpected(_ status: Int, _ body: [UInt8]) -> ExitCode {
        Terminal.complain(
            "the server answered with status \(status): \(String(decoding: body.prefix(500), as: UTF8.self))"
        )
        return .unavailable
    }
}

/// The publishes as a table for a terminal, within 80 columns for usual names.
struct StreamTable {
    /// The API's document, as far as the table shows it.
    struct Document: Decodable {
        let streams: [Stream]
    }

    /// A publish.
    struct Stream: Decodable {
        let name: String
        let state: String
        let startedAt: String
        let peerAddress: String
        let tracks: [Track]
        let bitrate: Int
        let frameRate: Double
        let droppedFrames: Int
        let endReason: String?
    }

    /// One of its tracks.
    struct Track: Decodable {
        let codecName: String
        let width: Int?
        let height: Int?
    }

    private let streams: [Stream]

    init(_ streams: [Stream]) {
        self.streams = streams.sorted {
            ($0.state == "ended" ? 1 : 0, $0.name) < ($1.state == "ended" ? 1 : 0, $1.name)
        }
    }

    /// The lines; a sentence when there is nothing to show.
    var text: String {
        guard !streams.isEmpty else { return "Nobody publishes, and nobody has since the server started." }
        let rows = [["NAME", "STATE", "SINCE (UTC)", "FROM", "MEDIA", "RATE", "LOST"]] + streams.map(Self.row)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }

    private static func row(_ stream: Stream) -> [String] {
        let pictures = stream.tracks.filter { $0.width != nil }
        let size = pictures.first.map { "\($0.width ?? 0)x\($0.height ?? 0)" }
        let rate = pictures.isEmpty ? "" : "@\(Int(stream.frameRate.rounded()))"
        let media = ([size.map { $0 + rate }] + stream.tracks.map { $0.codecName }).compactMap(\.self)
        let isEnded = stream.state == "ended"
        return [
            stream.name, isEnded ? "ended" : "live",
            String(stream.startedAt.dropFirst(5).prefix(11)).replacing("T", with: " "),
            stream.peerAddress, media.joined(separator: " "),
            isEnded ? "-" : "\(Double(stream.bitrate / 10_000) / 100) Mb/s", "\(stream.droppedFrames)",
        ]
    }
}
