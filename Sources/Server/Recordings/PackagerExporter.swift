import Foundation
import LiveStore
import Logging
import MediaCore
import NIOPosix
import Origin
import Packager
import Recordings
import Storage
import Synchronization

/// Makes downloads and clips of recordings for the origin, on threads of their own.
///
/// A download that has been prepared is looked up at once. One that has not is prepared by one thread, one after the other:
/// that is work for the disk, and lives are to notice nothing of it. Who asks for what is being prepared waits for the same.
final class PackagerExporter: RecordingExporter {
    /// How many preparations may wait.
    private static let largestQueue = 64
    /// Looking up takes a few reads, and a clip some links.
    private static let lookupThreads = 2
    /// How much everything else goes before preparations: as much as there is.
    private static let niceness: Int32 = 19
    /// How often a preparation is looked at that somebody else does, in microseconds.
    private static let pollInterval: UInt32 = 100_000

    private struct Key: Hashable {
        let recording: RecordingID
        let rendition: Rendition.ID?
    }

    private typealias Receiver = @Sendable (RecordingExport<RecordedFile>) -> Void

    private struct Preparation {
        var progress = 0.0
        var receivers: [Receiver]
    }

    private let catalog: RecordingCatalog
    private let logger: Logger
    private let lookups = NIOThreadPool(numberOfThreads: lookupThreads)
    private let preparer = NIOThreadPool(numberOfThreads: 1)
    private let preparations = Mutex<[Key: Preparation]>([:])
    private let isShutDown = Atomic(false)

    /// - Parameters:
    ///   - catalog: gets the clips.
    ///   - logger: told of what cannot be prepared.
    init(_ catalog: RecordingCatalog, logger: Logger) {
        self.catalog = catalog
        self.logger = logger
        lookups.start()
        preparer.start()
        // On Linux this is the priority of the calling thread alone (setpriority(2)).
        preparer.submit { _ in setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness) }
    }

    /// Stops preparing; what is under way is given up.
    func shutDown() async {
        isShutDown.store(true, ordering: .relaxed)
        try? await preparer.shutdownGracefully()
        try? await lookups.shutdownGracefully()
    }

    // MARK: - Downloads

    func download(
        of recording: Recording,
        rendition: Rendition.ID?,
        _ receive: @escaping @Sendable (RecordingExport<RecordedFile>) -> Void
    ) {
        lookups.submit { [self] state in
            guard case .active = state else { return receive(.failed("the server is stopping")) }
            do throws(DownloadFailure) {
                if let known = try RecordingDownload.prepared(recording, rendition: rendition) {
                    return receive(.made(RecordedFile(known)))
                }
            } catch {
                return receive(outcome(of: error, recording))
            }
            prepare(recording, rendition, receive)
        }
    }

    func progress(of recording: Recording, rendition: Rendition.ID?) -> Double? {
        preparations.withLock { $0[Key(recording: recording.id, rendition: rendition)]?.progress }
    }

    private func prepare(_ recording: Recording, _ rendition: Rendition.ID?, _ receive: @escaping Receiver) {
        let key = Key(recording: recording.id, rendition: rendition)
        switch claim(key, receive) {
        case .mine:
            preparer.submit { [self] state in
                guard case .active = state else { return finish(key, .failed("the server is stopping")) }
                finish(key, prepare(recording, key, { _ in }, { isShutDown.load(ordering: .relaxed) }).outcome)
            }
        case .somebodyElses: break
        case .queueIsFull: receive(.failed("too many downloads are being prepared"))
        }
    }

    /// Prepares a download before anybody asks for it.
    ///
    /// Blocks. Who asks meanwhile waits for it; when it is being prepared already, this waits for that.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - progress: told how much is done, from 0 to 1.
    ///   - isCancelled: asked now and then.
    /// - Throws: ``DownloadFailure``.
    func prepareDownload(
        _ recording: Recording,
        progress: (Double) -> Void,
        isCancelled: () -> Bool
    ) throws(DownloadFailure) {
        let key = Key(recording: recording.id, rendition: nil)
        while claim(key, nil) != .mine {
            guard !isCancelled() else { throw .cancelled }
            progress(self.progress(of: recording, rendition: nil) ?? 0)
            usleep(Self.pollInterval)
        }
        let result = prepare(recording, key, progress, isCancelled)
        finish(key, result.outcome)
        if case .failure(let failure) = result.made { throw failure }
    }

    private enum Claim {
        case mine
        case somebodyElses
        case queueIsFull
    }

    private func claim(_ key: Key, _ receiver: Receiver?) -> Claim {
        let receivers = [receiver].compactMap(\.self)
        return preparations.withLock { preparations in
            if preparations[key] != nil {
                preparations[key]?.receivers += receivers
                return .somebodyElses
            }
            guard preparations.count < Self.largestQueue else { return .queueIsFull }
            preparations[key] = Preparation(receivers: receivers)
            return .mine
        }
    }

    private func finish(_ key: Key, _ outcome: RecordingExport<RecordedFile>) {
        let receivers = preparations.withLock { $0.removeValue(forKey: key)?.receivers ?? [] }
        for receive in receivers { receive(outcome) }
    }

    private typealias Prepared = (
        made: Result<RecordingDownload, DownloadFailure>, outcome: RecordingExport<RecordedFile>
    )

    /// Blocks.
    private func prepare(
        _ recording: Recording,
        _ key: Key,
        _ progress: (Double) -> Void,
        _ isCancelled: () -> Bool
    ) -> Prepared {
        let start = ContinuousClock.now
        do throws(DownloadFailure) {
            let made = try RecordingDownload.prepare(
                recording,
                rendition: key.rendition,
                progress: { done in
                    preparations.withLock { $0[key]?.progress = done }
                    progress(done)
                },
                isCancelled: isCancelled
            )
            logger.info(
                "download prepared",
                metadata: [
                    "recording.id": "\(recording.id)", "download.bytes": "\(made.bytes.length)",
                    "download.preparation": "\(ContinuousClock.now - start)",
                ]
            )
            return (.success(made), .made(RecordedFile(made)))
        } catch {
            return (.failure(error), outcome(of: error, recording))
        }
    }

    private func outcome(of failure: DownloadFailure, _ recording: Recording) -> RecordingExport<RecordedFile> {
        switch failure {
        case .unfinished: return .early("\(failure)")
        case .noSuchRendition, .empty: return .absent("\(failure)")
        case .cancelled: return .failed("the server is stopping")
        case .storage, .unreadable:
            logger.warning(
                "recording cannot be downloaded",
                metadata: ["recording.id": "\(recording.id)", "error.type": "\(failure)"]
            )
            return .failed("it cannot be read from the disk now")
        }
    }

    // MARK: - Clips

    func makeClip(
        of recording: Recording,
        _ span: Range<MediaTime>,
        title: String?,
        _ receive: @escaping @Sendable (RecordingExport<Recording>) -> Void
    ) {
        lookups.submit { [self] state in
            guard case .active = state else { return receive(.failed("the server is stopping")) }
            do {
                let clip = RecordingClip(of: try ClipSource(recording, in: catalog), span, title: title)
                let made = try clip.make(in: catalog, now: Int64(Date().timeIntervalSince1970 * 1000))
                logger.info(
                    "clip made",
                    metadata: ["recording.id": "\(made.id)", "recording.source": "\(recording.id)"]
                )
                receive(.made(made))
            } catch let failure as ClipFailure {
                if case .nothingThere = failure { return receive(.absent("\(failure)")) }
                receive(refusal(of: failure, recording))
            } catch {
                receive(refusal(of: error, recording))
            }
        }
    }

    private func refusal(of failure: any Error, _ recording: Recording) -> RecordingExport<Recording> {
        logger.warning(
            "clip not made",
            metadata: ["recording.source": "\(recording.id)", "error.type": "\(failure)"]
        )
        return .failed("\(failure)")
    }
}

extension RecordedFile {
    fileprivate init(_ download: RecordingDownload) {
        self.init(download.bytes, entityTag: download.entityTag)
    }
}
