import ArgumentParser
import MediaCore
import NIOHTTP1
import Recordings

/// `lyceum recordings`: what a running server has recorded.
struct RecordingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recordings",
        abstract: "Shows, renames, keeps and deletes recordings of the server that runs with a data folder.",
        subcommands: [List.self, Show.self, Rename.self, Keep.self, Unkeep.self, Delete.self],
        defaultSubcommand: List.self
    )

    private static let path = "/api/v1/recordings"

    /// `lyceum recordings list`, or just `lyceum recordings`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the recordings, the newest first.")

        @Option(help: "Only those of this stream.") var stream: String?
        @Option(help: "At most so many.") var limit: Int?
        @Flag(help: "Print a JSON object for each, one a line.") var json = false
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            if let stream, StreamID(stream) == nil { throw ValidationError("'\(stream)' is no stream name") }
            if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
            let client = try await OperatorClient(options)
            var rows: [RecordingTable.Row] = []
            var before: String?
            repeat {
                let answer = try await client.send(.GET, query(after: before, rows.count))
                guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
                let page = try answer.document(RecordingTable.Page.self)
                if json { try say(objectsOf: answer) }
                rows += page.recordings
                before = page.next
            } while before != nil && rows.count < limit ?? .max
            if !json { Terminal.say(RecordingTable(rows).text) }
        }

        private func query(after before: String?, _ count: Int) -> String {
            var query = "limit=\(min(500, (limit ?? .max) - count))"
            if let stream { query += "&stream=\(stream)" }
            if let before { query += "&before=\(before)" }
            return "\(RecordingsCommand.path)?\(query)"
        }

        private func say(objectsOf answer: OperatorClient.Answer) throws {
            guard case .object(let members) = try JSON(parsing: answer.body),
                case .array(let recordings)? = members.first(where: { $0.name == "recordings" })?.value
            else { return }
            for recording in recordings { Terminal.say(recording.text) }
        }
    }

    /// `lyceum recordings show ID`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the API's JSON document of a recording.")

        @Argument(help: "The recording.", transform: RecordingsCommand.id) var id: RecordingID
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let answer = try await OperatorClient(options).send(.GET, "\(RecordingsCommand.path)/\(id)")
            guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
            Terminal.say(answer.text.split(separator: "\n").joined())
        }
    }

    /// `lyceum recordings rename ID TITLE`.
    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Gives a recording another title.")

        @Argument(help: "The recording.", transform: RecordingsCommand.id) var id: RecordingID
        @Argument(help: "The title: 1 to \(RecordingTitle.longest) characters.") var title: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let row = try await RecordingsCommand.change(id, [("title", .string(title))], options)
            Terminal.say("\(id) is called \"\(row.title)\"")
        }
    }

    /// `lyceum recordings keep ID`.
    struct Keep: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Has a recording stay until it is deleted by hand.")

        @Argument(help: "The recording.", transform: RecordingsCommand.id) var id: RecordingID
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            _ = try await RecordingsCommand.change(id, [("kept", .boolean(true))], options)
            Terminal.say("\(id) is kept")
        }
    }

    /// `lyceum recordings unkeep ID`.
    struct Unkeep: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Has a recording go when its time is over.")

        @Argument(help: "The recording.", transform: RecordingsCommand.id) var id: RecordingID
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            _ = try await RecordingsCommand.change(id, [("kept", .boolean(false))], options)
            Terminal.say("\(id) is not kept any more")
        }
    }

    /// `lyceum recordings delete ID ...`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes recordings.",
            discussion: "Who watches one watches on; nobody else finds it any more. It cannot be undone."
        )

        @Argument(help: "The recordings.", transform: RecordingsCommand.id) var ids: [RecordingID]
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let client = try await OperatorClient(options)
            for id in ids {
                let answer = try await client.send(.DELETE, "\(RecordingsCommand.path)/\(id)")
                guard answer.status == 204 else { throw OperatorClient.refusal(answer) }
                Terminal.say("\(id) was deleted")
            }
        }
    }

    private static func id(_ text: String) throws -> RecordingID {
        guard let id = RecordingID(text) else {
            throw ValidationError("'\(text)' is no recording: `lyceum recordings` lists their names of 20 characters")
        }
        return id
    }

    private static func change(
        _ id: RecordingID,
        _ members: [(name: String, value: JSON)],
        _ options: ConfigurationOptions
    ) async throws -> RecordingTable.Row {
        let answer = try await OperatorClient(options).send(.PATCH, "\(path)/\(id)", .object(members))
        guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
        return try answer.document(RecordingTable.Row.self)
    }
}

/// The recordings as a table for a terminal.
struct RecordingTable {
    /// A page of the API's list, as far as the table shows it.
    struct Page: Decodable {
        let recordings: [Row]
        let next: String?
    }

    /// A recording.
    struct Row: Decodable {
        let id: String
        let stream: String
        let title: String
        let state: String
        let startedAt: String
        let duration: Double
        let byteCount: Int
        let kept: Bool
        let gaps: [Gap]
    }

    /// A gap, of which only the number is shown.
    struct Gap: Decodable {}

    private let rows: [Row]

    init(_ rows: [Row]) { self.rows = rows }

    /// The lines; a sentence when there is nothing to show.
    var text: String {
        guard !rows.isEmpty else { return "Nothing was recorded." }
        let head = ["ID", "BEGAN (UTC)", "LENGTH", "SIZE", "GAPS", "", "STREAM", "TITLE"]
        return TextTable.text([head] + rows.map(Self.cells))
    }

    private static func cells(_ row: Row) -> [String] {
        let mark = row.state == "recording" ? "live" : row.kept ? "kept" : ""
        return [
            row.id, String(row.startedAt.prefix(16)).replacing("T", with: " "), length(row.duration),
            size(row.byteCount), row.gaps.isEmpty ? "-" : "\(row.gaps.count)", mark, row.stream, row.title,
        ]
    }

    /// Hours, minutes and seconds.
    static func length(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        let fields = [whole / 3600, whole / 60 % 60, whole % 60]
        return fields.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }

    /// Three digits or so, in the largest unit of a thousand that leaves something before the point.
    static func size(_ byteCount: Int) -> String {
        var (value, units) = (Double(byteCount), ["B", "kB", "MB", "GB", "TB"][...])
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units = units.dropFirst()
        }
        let number = value < 9.95 && units.startIndex > 0 ? "\((value * 10).rounded() / 10)" : "\(Int(value.rounded()))"
        return "\(number) \(units.first ?? "")"
    }
}
