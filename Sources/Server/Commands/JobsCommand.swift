import ArgumentParser
import Foundation
import MediaCore
import NIOHTTP1

/// `lyceum jobs`: the long work of a running server.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Shows the long work of the server that runs with a data folder, such as imports, and cancels it.",
        subcommands: [List.self, Cancel.self],
        defaultSubcommand: List.self
    )

    /// `lyceum jobs list`, or just `lyceum jobs`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the jobs, the newest first.")

        @Flag(help: "Print the API's JSON document.") var json = false
        @OptionGroup var options: ConfigurationOptions

        private struct Document: Decodable {
            let jobs: [JobDocument]
        }

        func run() async throws {
            let answer = try await OperatorClient(options).send(.GET, "/api/v1/jobs")
            guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
            if json { return Terminal.say(answer.text) }
            Terminal.say(JobTable(try answer.document(Document.self).jobs).text)
        }
    }

    /// `lyceum jobs cancel ID`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancels a job.")

        @Argument(help: "The job's identifier.") var id: String
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            guard !id.isEmpty, id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
                throw ValidationError("'\(id)' is no job's identifier")
            }
            let answer = try await OperatorClient(options).send(.DELETE, "/api/v1/jobs/\(id)")
            guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
            let job = try answer.document(JobDocument.self)
            Terminal.say(
                job.state == .running ? "job \(id) is being cancelled" : "job \(id) is \(job.state.rawValue)"
            )
        }
    }
}

/// The jobs as a table for a terminal.
struct JobTable {
    private let jobs: [JobDocument]

    init(_ jobs: [JobDocument]) { self.jobs = jobs }

    /// The lines; a sentence when there is nothing to show.
    var text: String {
        guard !jobs.isEmpty else { return "There is no long work, and has been none lately." }
        let rows = [["ID", "KIND", "STATE", "DONE", "SINCE (UTC)", "TITLE", "RESULT"]] + jobs.map(Self.row)
        return TextTable.text(rows)
    }

    private static func row(_ job: JobDocument) -> [String] {
        [
            job.id, job.kind, job.state.rawValue, "\(Int(job.progress * 100)) %",
            String(job.createdAt.dropFirst(5).prefix(11)).replacing("T", with: " "), job.title,
            job.result ?? job.error ?? "",
        ]
    }
}
