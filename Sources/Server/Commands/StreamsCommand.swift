import ArgumentParser
import MediaCore
import NIOHTTP1

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
            let answer = try await OperatorClient(options).send(.GET, "/api/v1/streams")
            guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
            if json { return Terminal.say(answer.text) }
            Terminal.say(StreamTable(try answer.document(StreamTable.Document.self).streams).text)
        }
    }

    /// `lyceum streams end NAME`.
    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a publish and its live.")

        @Argument(help: "The stream's name.") var name: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            guard let stream = StreamID(name) else { throw ValidationError("'\(name)' is no stream name") }
            let answer = try await OperatorClient(options).send(.DELETE, "/api/v1/streams/\(stream)")
            switch answer.status {
            case 204: Terminal.say("\(stream) was ended")
            case 404:
                Terminal.complain("nobody publishes \(stream)")
                throw ExitCode.failure
            default: throw OperatorClient.refusal(answer)
            }
        }
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
        return TextTable.text(rows)
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
