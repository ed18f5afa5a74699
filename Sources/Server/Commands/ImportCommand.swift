import ArgumentParser
import Foundation
import Logging
import MediaCore
import Recordings
import Storage
import Synchronization
import Transcode
import UnixSignals

/// `lyceum import FILE`: makes a recording of a file.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Makes a recording of a file, without transcoding where its codecs can be streamed.",
        discussion: """
            The server that runs with the data folder does it, as a job; this command follows it, and Ctrl-C cancels it. Where \
            no server runs, this command does it itself.

            Exit codes: 0 when the recording is there, 65 when the file cannot be imported, 69 when the server or the data \
            folder cannot be used, 1 when it was cancelled.
            """
    )

    @Argument(help: "The file.") var file: String
    @Option(help: "The name that the recording belongs to, as if a live of that name had been recorded.")
    var name = "main"
    @Option(help: "What people call it; the file's name unless it is given.") var title: String?
    @Flag(help: "Transcode what cannot be streamed as it is.") var transcode = false
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let (_, configuration) = try await options.load(environment: ProcessInfo.processInfo.environment)
        let request = try request()
        switch try processFile(configuration) {
        case nil: try await ImportFollower(options, request).run()
        case let processFile?:
            try await LocalImport(request, configuration).run()
            withExtendedLifetime(processFile) {}
        }
    }

    private func request() throws -> ImportRequest {
        guard let stream = StreamID(name) else { throw ValidationError("'\(name)' is no stream name") }
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        return ImportRequest(path: path, stream: stream, title: title, transcodes: transcode)
    }

    /// Takes the data folder; `nil` when a server has it.
    private func processFile(_ configuration: ServerConfiguration) throws -> ProcessFile? {
        do throws(ProcessFile.Failure) {
            return try ProcessFile(dataDirectory: configuration.dataDirectory)
        } catch .inUse {
            return nil
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode.unavailable
        }
    }
}

/// An import in the command's own process.
struct LocalImport {
    private let request: ImportRequest
    private let configuration: ServerConfiguration

    init(_ request: ImportRequest, _ configuration: ServerConfiguration) {
        self.request = request
        self.configuration = configuration
    }

    func run() async throws {
        let logger = Logger(label: "lyceum", factory: { StreamLogHandler.standardError(label: $0) })
        let storage: MediaStorage
        let recordings: RecordingCatalog
        do {
            storage = try LiveServer.storage(configuration, logger: logger)
            recordings = try LiveServer.recordings(configuration, storage, logger: logger)
        } catch let failure as StartFailure {
            Terminal.complain("\(failure)")
            throw ExitCode.unavailable
        }
        recordings.deleteUnfinishedImports()
        let result = await outcome(RecordingImport(configuration, recordings, storage, logger: logger))
        await storage.shutDown()
        try tell(result)
    }

    /// On a thread of its own: it blocks.
    private func outcome(_ importer: RecordingImport) async -> Result<RecordingImport.Outcome, ImportError> {
        let isCancelled = Cancellation()
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { isCancelled.cancel() }
        }
        defer { signals.cancel() }
        let request = request
        return await withCheckedContinuation { continuation in
            let thread = Thread {
                var line = ProgressLine(request.fileName)
                let result = Result { () throws(ImportError) in
                    try importer.run(request, progress: { line.show($0) }, isCancelled: { isCancelled.value })
                }
                line.end()
                continuation.resume(returning: result)
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    private func tell(_ result: Result<RecordingImport.Outcome, ImportError>) throws {
        switch result {
        case .success(let outcome):
            for remark in outcome.remarks { Terminal.say("note: \(remark)") }
            Terminal.say("recording \(outcome.recording)")
        case .failure(let error):
            Terminal.complain("\(error)")
            throw error == .cancelled ? .failure : error.isOfTheFile ? ExitCode.wrongData : .unavailable
        }
    }

    private final class Cancellation: Sendable {
        private let flag = Atomic(false)

        var value: Bool { flag.load(ordering: .relaxed) }

        func cancel() { flag.store(true, ordering: .relaxed) }
    }
}
