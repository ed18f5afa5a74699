internal import LiveStore
internal import Logging
internal import MediaCore
internal import NIOCore
internal import NIOPosix
internal import Recordings
internal import Storage
internal import Synchronization

/// The recordings of the lives that run: one for each, from its first part to its end, across all absences of its encoder and
/// restarts of the process.
final class LiveRecorder: Sendable {
    /// How long until the completion of a recording is tried again that the disk did not take.
    private static let retryInterval = Duration.seconds(5)

    private let catalog: RecordingCatalog
    private let source: RecordingFacts.Source
    private let clock: PackagerClock
    private let logger: Logger
    /// By the tags of lives.
    private let writers = Mutex<[String: RecordingWriter]>([:])
    /// Recordings that are being completed.
    private let completions = Mutex<[RecordingID: Task<Void, Never>]>([:])
    /// Completes recordings, one at a time: neither event loops nor the writer are to wait for that.
    private let thread = NIOThreadPool(numberOfThreads: 1)

    init(_ catalog: RecordingCatalog, source: RecordingFacts.Source, clock: PackagerClock, logger: Logger) {
        self.catalog = catalog
        self.source = source
        self.clock = clock
        self.logger = logger
        thread.start()
    }

    deinit { thread.shutdownGracefully { _ in } }

    /// What is recorded of a live now.
    func recording(of stream: LiveStream) -> RecordingID? { writers.withLock { $0[stream.tag]?.recording.id } }

    // MARK: - The life of a recording

    /// Begins the recording of a live, or goes on with it.
    func begin(_ stream: LiveStream, isResumed: Bool) -> RecordingWriter {
        if isResumed, let writer = writers.withLock({ $0[stream.tag] }) {
            writer.resume(after: .encoder, at: clock.wall())
            return writer
        }
        let writer = catalog.begin { id in
            RecordingFacts(
                id: id,
                stream: stream.id.name,
                title: Self.title(of: stream),
                source: source,
                startedAt: stream.startedAt.milliseconds
            )
        }
        writers.withLock { $0[stream.tag] = writer }
        return writer
    }

    /// The name and the day: `main, 2026-01-31 18:30`.
    private static func title(of stream: LiveStream) -> String {
        let time = stream.startedAt.description
        return "\(stream.id), \(time.prefix(10)) \(time.dropFirst(11).prefix(5))"
    }

    /// Completes the recording of a live that has ended.
    func end(_ stream: LiveStream) {
        guard let writer = writers.withLock({ $0.removeValue(forKey: stream.tag) }) else { return }
        complete(writer)
    }

    /// Removes the recording of a live that was never playable.
    func discard(_ stream: LiveStream) {
        guard let writer = writers.withLock({ $0.removeValue(forKey: stream.tag) }) else { return }
        settle(writer) { catalog, id in
            catalog.delete(id)
            return nil
        }
    }

    // MARK: - Completion

    private func complete(_ writer: RecordingWriter) {
        settle(writer) { [self] _, id in
            // The media first: when the journal goes, nothing else tells of it.
            writer.synchronize()
            return complete(id)
        }
    }

    /// Does something with a recording when all of it is written, again and again until the disk takes it.
    ///
    /// - Parameters:
    ///   - writer: writes it.
    ///   - body: does it, on the thread; returns why the disk does not take it.
    private func settle(
        _ writer: RecordingWriter,
        _ body: @escaping @Sendable (RecordingCatalog, RecordingID) -> StorageFailure?
    ) {
        let written = AsyncStream<Void>.makeStream()
        writer.end(at: clock.completion()) { written.continuation.finish() }
        let id = writer.recording.id
        completions.withLock { completions in
            completions[id] = Task { [self] in
                for await _ in written.stream {}
                while !Task.isCancelled {
                    let failure = (try? await thread.runIfActive { body(self.catalog, id) }) ?? nil
                    guard let failure else { break }
                    logger.warning(
                        "recording not complete yet: the disk fails",
                        metadata: ["recording.id": "\(id)", "error.type": "\(failure)"]
                    )
                    try? await Task.sleep(for: Self.retryInterval)
                }
                // Behind the lock that notes the task.
                self.completions.withLock { $0[id] = nil }
            }
        }
    }

    /// Completes a recording from its journal.
    ///
    /// - Returns: why the disk does not take it.
    private func complete(_ id: RecordingID) -> StorageFailure? {
        do throws(StorageFailure) {
            guard let contents = try catalog.journal(of: id), let completion = RecordingCompletion(contents) else {
                logger.warning("recording removed: nothing of it was written", metadata: ["recording.id": "\(id)"])
                catalog.delete(id)
                return nil
            }
            try catalog.complete(id, with: completion.files) { facts in
                facts.duration = completion.duration.nanoseconds
                facts.byteCount = completion.byteCount
                facts.gaps = completion.gaps
                facts.endedAt = (contents.endedAt ?? contents.capturedUntil).milliseconds
            }
            logger.info(
                "recording complete",
                metadata: [
                    "recording.id": "\(id)", "recording.duration": "\(completion.duration.decimalSeconds) s",
                    "recording.gaps": "\(completion.gaps.count)",
                ]
            )
            return nil
        } catch {
            return error
        }
    }

    /// Waits until the recordings that have ended are complete; where the disk fails, no longer than so long.
    ///
    /// What is not complete then is completed by the next process.
    func settle(within limit: Duration) async {
        let tasks = completions.withLock { Array($0.values) }
        let timer = Task {
            try await Task.sleep(for: limit)
            for task in tasks { task.cancel() }
        }
        for task in tasks { await task.value }
        timer.cancel()
    }

    /// Makes what was written outlast a crash of the machine.
    func synchronize() {
        let writers = writers.withLock { Array($0.values) }
        guard !writers.isEmpty else { return }
        thread.submit { _ in for writer in writers { writer.synchronize() } }
    }

    // MARK: - Restart

    /// Takes up the lives whose recordings an earlier process did not complete, or completes these.
    func restore(into store: LiveStore, _ configuration: PackagerConfiguration, longestAbsence: Duration) {
        // The newest one first: of two lives of one name it goes on.
        for recording in catalog.all where recording.facts.state == .recording && recording.facts.source == .live {
            if !takeUp(recording, into: store, configuration, longestAbsence: longestAbsence),
                let error = complete(recording.id)
            {
                logger.warning(
                    "recording not complete: the disk fails",
                    metadata: ["recording.id": "\(recording.id)", "error.type": "\(error)"]
                )
            }
        }
    }

    private func takeUp(
        _ recording: Recording,
        into store: LiveStore,
        _ configuration: PackagerConfiguration,
        longestAbsence: Duration
    ) -> Bool {
        guard let contents = try? catalog.journal(of: recording.id), contents.endedAt == nil,
            contents.opening.source == .live, store.stream(contents.opening.stream) == nil,
            contents.capturedUntil + MediaTime(longestAbsence) >= clock.wall(),
            let snapshot = LiveRestoration(contents, of: recording, configuration: configuration).snapshot(),
            let writer = catalog.resume(recording.id, after: contents)
        else { return false }
        let stream = store.restore(
            contents.opening.stream,
            tag: contents.opening.tag,
            startedAt: contents.opening.startedAt,
            snapshot,
            at: clock.monotonic()
        )
        writer.resume(after: .server, at: clock.wall())
        writers.withLock { $0[stream.tag] = writer }
        logger.notice(
            "live taken up again: waiting for the encoder",
            metadata: ["stream.id": "\(stream.id)", "live.duration": "\(contents.duration.decimalSeconds) s"]
        )
        return true
    }
}

extension MediaTime {
    fileprivate init(_ duration: Duration) { self = .milliseconds(duration.components.seconds * 1000) }
}
