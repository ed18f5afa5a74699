import ArgumentParser
import Foundation
import MediaCore
import NIOHTTP1
import UnixSignals

/// An import by the server that runs with the data folder: asked for, and followed to its end.
struct ImportFollower {
    /// How often the server is asked how far it is.
    private static let interval = Duration.milliseconds(250)

    private let options: ConfigurationOptions
    private let request: ImportRequest

    init(_ options: ConfigurationOptions, _ request: ImportRequest) {
        self.options = options
        self.request = request
    }

    func run() async throws {
        let client = try await OperatorClient(options)
        let job = try await begin(client)
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                _ = try? await client.send(.DELETE, "/api/v1/jobs/\(job.id)")
            }
        }
        defer { signals.cancel() }
        try tell(try await follow(job.id, client))
    }

    private func begin(_ client: OperatorClient) async throws -> JobDocument {
        var document: [(name: String, value: JSON)] = [
            ("path", .string(request.path)), ("stream", .string(request.stream.name)),
            ("transcode", .boolean(request.transcodes)),
        ]
        if let title = request.title { document.append(("title", .string(title))) }
        let answer = try await client.send(.POST, "/api/v1/imports", .object(document))
        guard answer.status == 202 else { throw OperatorClient.refusal(answer) }
        return try answer.document(JobDocument.self)
    }

    private func follow(_ id: String, _ client: OperatorClient) async throws -> JobDocument {
        var line = ProgressLine(request.fileName)
        defer { line.end() }
        while true {
            let answer = try await client.send(.GET, "/api/v1/jobs/\(id)")
            guard answer.status == 200 else { throw OperatorClient.refusal(answer) }
            let job = try answer.document(JobDocument.self)
            if job.state == .running || job.state == .done { line.show(job.progress) }
            if job.state.isFinal { return job }
            try await Task.sleep(for: Self.interval)
        }
    }

    private func tell(_ job: JobDocument) throws {
        for remark in job.remarks { Terminal.say("note: \(remark)") }
        switch job.state {
        case .done: Terminal.say("recording \(job.result ?? "")")
        case .cancelled:
            Terminal.complain("cancelled")
            throw ExitCode.failure
        default:
            Terminal.complain(job.error ?? "the job ended as \(job.state.rawValue)")
            throw job.isOfTheInput ? ExitCode.wrongData : .unavailable
        }
    }
}

/// A job as the API tells of it.
struct JobDocument: Decodable {
    let id: String
    let kind: String
    let title: String
    let state: JobStatus.State
    let progress: Double
    let result: String?
    let error: String?
    let isOfTheInput: Bool
    let remarks: [String]
    let createdAt: String

    private enum CodingKeys: String, CodingKey {
        case id, kind, title, state, progress, result, error, remarks, createdAt
        case isOfTheInput = "inputError"
    }
}
