import Jobs
import MediaCore
import Packager
import Recordings
import Synchronization
import Transcode

/// What is made of every recording when it is complete, as jobs: its pictures, and what its download needs.
final class RecordingFollowUp: Sendable {
    private enum Kind: String, CaseIterable {
        case pictures
        case download
    }

    /// What a job says of its recording.
    private static let parameter = "recording"

    private let catalog: RecordingCatalog
    private let queue: JobQueue
    /// Jobs whose work is done, though the queue has not noted that yet.
    private let done = Mutex<Set<String>>([])

    /// Jobs of a queue; none yet.
    ///
    /// - Parameters:
    ///   - catalog: the recordings; from now on each that becomes complete has its jobs.
    ///   - queue: does them.
    ///   - exporter: prepares downloads.
    init(_ catalog: RecordingCatalog, _ queue: JobQueue, _ exporter: PackagerExporter) {
        self.catalog = catalog
        self.queue = queue
        register(.pictures) { recording, context throws(PictureError) in
            try makePictures(
                of: recording,
                progress: { context.progress($0) },
                isCancelled: { context.isCancelled }
            )
        }
        register(.download) { recording, context throws(DownloadFailure) in
            try exporter.prepareDownload(
                recording,
                progress: { context.progress($0) },
                isCancelled: { context.isCancelled }
            )
        }
        catalog.observeCompletion { [queue] recording in
            let facts = recording.facts
            for kind in Kind.allCases {
                // Where too many wait, the download is prepared when somebody wants it.
                _ = queue.submit(kind.rawValue, title: facts.title, parameters: [Self.parameter: facts.id.text])
            }
        }
    }

    private func register<Failure: Error>(
        _ kind: Kind,
        _ work: @escaping @Sendable (Recording, JobContext) throws(Failure) -> Void
    ) {
        queue.register(kind.rawValue) { [self] context throws(JobFailure) in
            defer {
                // The recording may be uploaded now.
                note(context.job.id)
                catalog.announceWork()
            }
            let recording = try Self.recording(of: context, in: catalog)
            do throws(Failure) {
                try work(recording, context)
                return recording.id.text
            } catch {
                throw context.isCancelled ? .cancelled : .failed("\(error)")
            }
        }
    }

    private func note(_ job: String) {
        let unfinished = Set(queue.jobs.lazy.filter { !$0.state.isFinal }.map(\.id))
        done.withLock { done in
            done.formIntersection(unfinished)
            done.insert(job)
        }
    }

    /// Whether files are still being made for a recording.
    func isBusy(with id: RecordingID) -> Bool {
        let done = done.withLock { $0 }
        return queue.jobs.contains { job in
            !job.state.isFinal && !done.contains(job.id) && job.parameters[Self.parameter] == id.text
        }
    }

    private static func recording(
        of context: JobContext,
        in catalog: RecordingCatalog
    ) throws(JobFailure) -> Recording {
        guard let recording = context.job.parameters[parameter].flatMap({ RecordingID($0) }).flatMap({ catalog[$0] })
        else { throw .failed("the recording was deleted", isOfTheInput: true) }
        return recording
    }
}
