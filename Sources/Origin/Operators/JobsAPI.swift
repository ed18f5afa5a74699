import MediaCore
import NIOHTTP1

/// `/api/v1/jobs` and `/api/v1/imports`: long work.
extension OperatorAPI {
    /// Every job that is known, the newest first.
    func jobs(_ headers: HTTPHeaders) -> Response? {
        guard let jobs else { return nil }
        return guarded(headers) { () -> Response in
            .operators(.object([("jobs", .array(jobs.jobs.map { JobDocument($0).json }))]))
        }
    }

    /// One job.
    func job(_ id: String, _ headers: HTTPHeaders) -> Response? {
        guard let jobs else { return nil }
        return guarded(headers) { () -> Response in
            jobs.job(id).map { .operators(JobDocument($0).json) } ?? Self.noSuchJob
        }
    }

    /// Cancels a job.
    func cancelJob(_ id: String, _ headers: HTTPHeaders) -> Router.Reply? {
        guard let jobs else { return nil }
        return guarded(headers) { () -> Router.Reply in
            .consult(
                Consultation(
                    work: { .response(jobs.cancel(id).map { .operators(JobDocument($0).json) } ?? Self.noSuchJob) },
                    failure: { .response(.busy(on: .operators)) }
                )
            )
        }
    }

    /// Begins an import.
    func beginImport(_ content: RequestContent, _ headers: HTTPHeaders) -> Router.Reply? {
        guard let imports else { return nil }
        return guarded(headers) { () -> Router.Reply in
            let request: ImportRequest
            do throws(RequestDocument.Fault) {
                request = try ImportRequest(RequestDocument(content.body, headers))
            } catch {
                return .response(error.response)
            }
            return .consult(
                Consultation(
                    work: { .response(imports.requestImport(request).map(Self.accepted) ?? Self.tooManyJobs) },
                    failure: { .response(.busy(on: .operators)) }
                )
            )
        }
    }

    /// The job is followed at its own address (RFC 9110 §15.3.3).
    private static func accepted(_ job: JobStatus) -> Response {
        var fields = HeaderFields()
        fields.forbidStoring()
        fields.add("Location", Route.jobPath(job.id))
        return Response(.accepted, .json, JobDocument(job).json.text + "\n", fields)
    }

    private static var noSuchJob: Response { .problem(.notFound, "There is no such job, or no longer.") }

    private static var tooManyJobs: Response {
        .problem(.serviceUnavailable, "Too many jobs wait already, or the server stops.")
    }
}

extension ImportRequest {
    /// The longest title taken, in bytes.
    private static let longestTitle = 1000

    /// Reads a document.
    fileprivate init(_ document: consuming RequestDocument) throws(RequestDocument.Fault) {
        guard let path = try document.string("path") else {
            throw .member(name: "path", reason: "the absolute path of a file on the server is needed")
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw .member(name: "path", reason: "expected an absolute path")
        }
        let name = try document.string("stream") ?? "main"
        guard let stream = StreamID(name) else { throw .member(name: "stream", reason: "'\(name)' is no stream name") }
        let title = try document.string("title")
        guard title?.utf8.count ?? 0 <= Self.longestTitle else {
            throw .member(name: "title", reason: "longer than \(Self.longestTitle) bytes")
        }
        let transcodes = try document.boolean("transcode") ?? false
        try document.end()
        self.init(path: path, stream: stream, title: title, transcodes: transcodes)
    }
}

/// A job in the words of the API.
struct JobDocument {
    private let job: JobStatus

    init(_ job: JobStatus) { self.job = job }

    /// Its JSON object.
    var json: JSON {
        .object([
            ("id", .string(job.id)), ("kind", .string(job.kind)), ("title", .string(job.title)),
            ("parameters", .object(job.parameters.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            ("state", .string(job.state.rawValue)),
            ("progress", .decimal((job.progress * 1000).rounded() / 1000)),
            ("result", job.result.map(JSON.string) ?? .null),
            ("error", job.error.map(JSON.string) ?? .null),
            ("inputError", .boolean(job.isOfTheInput)),
            ("remarks", .array(job.remarks.map(JSON.string))),
            ("createdAt", Self.time(job.createdAt)),
            ("startedAt", job.startedAt.map(Self.time) ?? .null),
            ("endedAt", job.endedAt.map(Self.time) ?? .null),
        ])
    }

    private static func time(_ milliseconds: Int64) -> JSON {
        .string(WallClockTime(milliseconds: milliseconds).description)
    }
}
