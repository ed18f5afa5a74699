import Jobs
import MediaCore
import Packager
import Recordings
import Transcode

/// What is made of every recording when it is complete, as jobs: its pictures, and what its download needs.
struct RecordingFollowUp: Sendable {
    private enum Kind: String, CaseIterable {
        case pictures
        case download
    }

    /// What a job says of its recording.
    private static let parameter = "recording"

    private let catalog: RecordingCatalog
    private let queue: JobQueue

    /// Jobs of a queue; none yet.
    ///
    /// - Parameters:
    ///   - catalog: the recordings; from now on each that becomes complete has its jobs.
    ///   - queue: does them.
    ///   - exporter: prepares downloads.
    init(_ catalog: RecordingCatalog, _ queue: JobQueue, _ exporter: PackagerExporter) {
        self.catalog = catalog
        self.queue = queue
        queue.register(Kind.pictures.rawValue) { context throws(JobFailure) in
            let recording = try Self.recording(of: context, in: catalog)
            do throws(PictureError) {
                try makePictures(
                    of: recording,
                    progress: { context.progress($0) },
                    isCancelled: { context.isCancelled }
                )
                return recording.id.text
            } catch .cancelled {
                throw .cancelled
            } catch {
                throw .failed("\(error)")
            }
        }
        queue.register(Kind.download.rawValue) { context throws(JobFailure) in
            let recording = try Self.recording(of: context, in: catalog)
            do throws(DownloadFailure) {
                try exporter.prepareDownload(
                    recording,
                    progress: { context.progress($0) },
                    isCancelled: { context.isCancelled }
                )
                return recording.id.text
            } catch .cancelled {
                throw .cancelled
            } catch {
                throw .failed("\(error)")
            }
        }
        catalog.observeCompletion { [queue] recording in
            let facts = recording.facts
            for kind in Kind.allCases {
                // Where too many wait, the download is prepared when somebody wants it.
                _ = queue.submit(kind.rawValue, title: facts.title, parameters: [Self.parameter: facts.id.text])
            }
        }
    }

    /// Whether files are still being made for a recording.
    func isBusy(with id: RecordingID) -> Bool {
        queue.jobs.contains { !$0.state.isFinal && $0.parameters[Self.parameter] == id.text }
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
