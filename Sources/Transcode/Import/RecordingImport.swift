internal import Dispatch
internal import Foundation
internal import LiveStore
public import Logging
public import MediaCore
internal import NIOCore
internal import Packager
public import Recordings
public import Storage

/// Makes recordings of files: a file goes through the packager as a live does, faster than time passes.
public struct RecordingImport: Sendable {
    /// What came of a file.
    public struct Outcome: Sendable {
        /// The recording.
        public let recording: RecordingID
        /// What people should know: what was left out, and where the file breaks off.
        public let remarks: [String]
    }

    /// How much may wait for the disk before an import waits too: less than lives may have waiting.
    private static let largestBacklog = 16 << 20
    /// How long a recording may take to be completed by a disk that fails.
    private static let completionTime = Duration.seconds(60)

    private let catalog: RecordingCatalog
    private let storage: MediaStorage
    private let segmentDuration: MediaTime
    private let now: @Sendable () -> WallClockTime
    private let makeTag: @Sendable () -> String
    private let logger: Logger

    /// Imports into a catalog.
    ///
    /// - Parameters:
    ///   - catalog: where recordings go.
    ///   - storage: what writes them.
    ///   - segmentDuration: where segments are meant to end.
    ///   - now: the time of day, for files that do not tell theirs.
    ///   - makeTag: makes a token that no other live has had.
    ///   - logger: told what the packager tells.
    public init(
        catalog: RecordingCatalog,
        storage: MediaStorage,
        segmentDuration: MediaTime,
        now: @escaping @Sendable () -> WallClockTime,
        makeTag: @escaping @Sendable () -> String,
        logger: Logger
    ) {
        self.catalog = catalog
        self.storage = storage
        self.segmentDuration = segmentDuration
        self.now = now
        self.makeTag = makeTag
        self.logger = logger
    }

    /// Imports a file.
    ///
    /// Blocks, for minutes if need be: for a thread of its own, which is none of an event loop or of Swift's tasks.
    ///
    /// - Parameters:
    ///   - request: the file and what is to become of it.
    ///   - progress: told how much is done, 0 to 1.
    ///   - isCancelled: asked now and then.
    /// - Returns: the complete recording.
    /// - Throws: ``ImportError``; nothing is left then.
    public func run(
        _ request: ImportRequest,
        progress: (Double) -> Void = { _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) throws(ImportError) -> Outcome {
        let file = try FileImport(path: request.path, transcodes: request.transcodes, isCancelled: isCancelled)
        let start = file.creationTime ?? now()
        let store = LiveStore()
        let packaging = packaging(into: store, startedAt: start)
        let sink = packaging.beginPublish(request.stream)
        guard let stream = store.stream(request.stream), let id = packaging.recording(of: stream) else {
            throw .storage("no recording was begun")
        }
        do throws(ImportError) {
            let report = try file.run(into: sink, progress: progress, pause: waitForDisk)
            // Before it is complete: what is made of it then is called the same.
            do throws(StorageFailure) {
                try catalog.update(id) { $0.title = Self.title(of: request) }
            } catch {
                throw ImportError.storage("\(error)")
            }
            sink.finish(.clean)
            guard !stream.snapshot.window.isEmpty else { throw ImportError.nothingToPlay(found: file.contents) }
            try complete(id, packaging, request, report)
            return Outcome(recording: id, remarks: report.remarks)
        } catch {
            // The packager has ended the live, or is never told anything again.
            packaging.abandon(stream)
            Self.wait { [storage] in await storage.flush() }
            catalog.delete(id)
            throw error
        }
    }

    private func packaging(into store: LiveStore, startedAt start: WallClockTime) -> LivePackaging {
        LivePackaging(
            store: store,
            storage: storage,
            recordings: catalog,
            configuration: PackagerConfiguration(
                source: .file,
                segmentDuration: segmentDuration,
                partDuration: nil,
                // Nobody watches: what is written is let go of.
                windowDuration: segmentDuration,
                memoryDuration: segmentDuration
            ),
            // Retention counts from when it came here, however old the file is.
            clock: PackagerClock(wall: { start }, completion: now),
            makeTag: makeTag,
            logger: logger
        )
    }

    /// Lets the disk come first: an import never takes the room that lives need.
    private func waitForDisk() {
        guard storage.figures.backlogBytes > Self.largestBacklog else { return }
        Self.wait { [storage] in await storage.flush() }
    }

    private func complete(
        _ id: RecordingID,
        _ packaging: LivePackaging,
        _ request: ImportRequest,
        _ report: FileImport.Report
    ) throws(ImportError) {
        Self.wait { await packaging.completeRecordings(within: Self.completionTime) }
        guard let recording = catalog[id], recording.facts.state == .ready else {
            throw .storage("the disk did not take it within \(Self.completionTime.components.seconds) s")
        }
        guard !recording.facts.gaps.contains(where: { $0.cause == .disk }) else {
            throw .storage("the disk did not take all of it")
        }
        do throws(StorageFailure) {
            try addSubtitles(report.subtitles, to: recording)
        } catch {
            throw .storage("\(error)")
        }
    }

    private static func title(of request: ImportRequest) -> String {
        request.title ?? URL(fileURLWithPath: request.path).deletingPathExtension().lastPathComponent
    }

    private func addSubtitles(_ subtitles: [SubtitleTrack], to recording: Recording) throws(StorageFailure) {
        guard !subtitles.isEmpty else { return }
        let playlists = SubtitlePlaylists(
            subtitles,
            lasting: MediaTime(nanoseconds: recording.facts.duration),
            mediaStart: PackagerConfiguration.timelineOrigin
        )
        let name = RecordingFolder.multivariantPlaylist
        let slice = try recording.file(named: name).whole
        let playlist = try slice.read(0..<slice.length)
        let listed = playlists.listed(in: String(buffer: playlist))
        let files = playlists.files.map { (name: $0.name, bytes: ByteBuffer(string: $0.text)) }
        try catalog.add(files + [(name: name, bytes: ByteBuffer(string: listed))], to: recording.facts.id)
    }

    /// Waits on a thread that may be blocked for something of Swift's tasks.
    private static func wait(for work: @escaping @Sendable () async -> Void) {
        let done = DispatchSemaphore(value: 0)
        Task {
            await work()
            done.signal()
        }
        done.wait()
    }
}
