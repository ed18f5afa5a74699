import Jobs
import MediaCore
import Recordings
import Transcode

/// Imports as jobs: what is asked for over the API, and what the queue does with it.
struct ImportService: ImportDesk {
    /// The kind of its jobs.
    private static let kind = "import"

    private let queue: JobQueue

    /// Imports of a queue.
    init(_ queue: JobQueue, _ importer: RecordingImport) {
        self.queue = queue
        queue.register(Self.kind) { context throws(JobFailure) in
            guard let request = ImportRequest(context.job.parameters) else {
                throw .failed("the job does not say what is to be imported")
            }
            do throws(ImportError) {
                let outcome = try importer.run(
                    request,
                    progress: { context.progress($0) },
                    isCancelled: { context.isCancelled }
                )
                for remark in outcome.remarks { context.remark(remark) }
                return outcome.recording.text
            } catch .cancelled {
                throw .cancelled
            } catch {
                throw .failed("\(error)", isOfTheInput: error.isOfTheFile)
            }
        }
    }

    func requestImport(_ request: ImportRequest) -> JobStatus? {
        queue.submit(Self.kind, title: request.title ?? request.fileName, parameters: request.parameters)
    }
}

extension ImportRequest {
    /// The file's name.
    var fileName: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// What a job keeps of it.
    fileprivate var parameters: [String: String] {
        var parameters = ["path": path, "stream": stream.name, "transcode": transcodes ? "yes" : "no"]
        parameters["title"] = title
        return parameters
    }

    /// Reads what a job has kept.
    fileprivate init?(_ parameters: [String: String]) {
        guard let path = parameters["path"], let stream = parameters["stream"].flatMap({ StreamID($0) }) else {
            return nil
        }
        self.init(path: path, stream: stream, title: parameters["title"], transcodes: parameters["transcode"] == "yes")
    }
}
