import Logging
import NIOPosix
import Recordings
import Storage
import Synchronization

/// Keeps recordings within what they may take, and puts them into the store, if there is one.
///
/// Works once a minute and whenever a recording is complete, changed or deleted, one thing behind the other. What does not succeed is tried again
/// the next time.
final class RecordingKeeper: Sendable {
    /// How things stand, for metrics.
    struct Figures: Equatable {
        /// Recordings that wait to be uploaded.
        var pendingUploads = 0
        /// Uploads that did not succeed, since the start.
        var failedUploads = 0
        /// By how many bytes the recordings have more than they may, though nothing can go.
        var excess: Int64 = 0
        /// How many bytes the disk lacks, though nothing can go.
        var shortage: Int64 = 0
    }

    private static let interval = Duration.seconds(60)
    /// How often it is looked for what other servers have put into the store: each time lists all recordings.
    private static let synchronizationInterval = Duration.seconds(600)
    /// From what age on an upload without an end is one of a process that was killed.
    private static let oldestUpload = 86_400

    private let catalog: RecordingCatalog
    private let archive: RecordingArchive?
    private let policy: RetentionPolicy
    private let isBusy: @Sendable (RecordingID) -> Bool
    private let now: @Sendable () -> Int64
    private let logger: Logger
    private let state = Mutex(Figures())
    private let wakeups: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation
    private let pool = NIOThreadPool(numberOfThreads: 1)

    /// A keeper that does nothing yet.
    ///
    /// - Parameters:
    ///   - catalog: the recordings.
    ///   - archive: those of the store; `nil` when there is none.
    ///   - policy: what goes.
    ///   - isBusy: whether files are still being made for a recording, so that it is to be uploaded later.
    ///   - now: the time of day, in milliseconds since 1970.
    ///   - logger: told of what goes, and why.
    init(
        catalog: RecordingCatalog,
        archive: RecordingArchive?,
        policy: RetentionPolicy,
        isBusy: @escaping @Sendable (RecordingID) -> Bool = { _ in false },
        now: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        self.catalog = catalog
        self.archive = archive
        self.policy = policy
        self.isBusy = isBusy
        self.now = now
        self.logger = logger
        (wakeups, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    /// How things stand.
    var figures: Figures { state.withLock { $0 } }

    /// Works until the task is cancelled.
    func run() async {
        catalog.observeWork { [wakeUp] in wakeUp.yield() }
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { [wakeUp] in
                repeat { wakeUp.yield() } while (try? await Task.sleep(for: Self.interval)) != nil
                wakeUp.finish()
            }
            tasks.addTask { await self.followStore() }
            for await _ in wakeups { await keep() }
            tasks.cancelAll()
        }
    }

    /// Does what is to be done now.
    func keep() async {
        await retain()
        guard let archive, !Task.isCancelled else { return }
        do throws(ObjectStoreFailure) {
            try await archive.removeDeleted()
        } catch {
            tell(error, "deleted recordings stay in the store until it can be reached")
        }
        await upload(to: archive)
        // What is in the store now may leave the disk.
        await retain()
    }

    // MARK: - Retention

    private func retain() async {
        let free = try? await pool.runIfActive { [catalog] in DiskSpace.free(at: catalog.directory) }
        let decision = policy.decide(catalog.all.map { .init($0.facts) }, now: now(), free: free ?? nil)
        for step in decision.steps where !Task.isCancelled { await perform(step) }
        let before = state.withLock { figures in
            let before = figures
            (figures.excess, figures.shortage) = (decision.excess, decision.shortage)
            return before
        }
        if decision.excess > 0, before.excess == 0 {
            logger.warning(
                "recordings have more bytes than they may: what is left is kept, or being recorded",
                metadata: ["recording.excess_bytes": "\(decision.excess)"]
            )
        }
        if decision.shortage > 0, before.shortage == 0 {
            logger.warning(
                "the disk has less free than it is to have, and no recording can go: what is left is kept, or being recorded",
                metadata: ["recording.missing_bytes": "\(decision.shortage)"]
            )
        }
    }

    private func perform(_ step: RetentionPolicy.Step) async {
        // An operator may have decided otherwise meanwhile.
        guard let recording = catalog[step.id], step.action == .dropMedia || !recording.facts.isKept else { return }
        let metadata: Logger.Metadata = [
            "recording.id": "\(step.id)", "recording.title": "\(recording.facts.title)",
            "reason": "\(step.reason.rawValue)",
            "recording.bytes": "\(recording.facts.byteCount)",
        ]
        switch step.action {
        case .delete:
            let isDeleted = try? await pool.runIfActive { [catalog] in catalog.delete(step.id) }
            if isDeleted == true { logger.notice("recording deleted", metadata: metadata) }
        case .dropMedia:
            do throws(ObjectStoreFailure) {
                guard try await archive?.dropMedia(of: recording) == true else { return }
                logger.notice("recording left the disk: it is served from the store", metadata: metadata)
            } catch {
                tell(error, "recording stays on the disk")
            }
        }
    }

    // MARK: - Store

    private func upload(to archive: RecordingArchive) async {
        let waiting = { [catalog] in
            catalog.all.filter { $0.facts.state == .ready && $0.facts.droppedAt == nil && $0.facts.uploadedAt == nil }
        }
        // The oldest first.
        for recording in waiting().reversed() where !Task.isCancelled && !isBusy(recording.id) {
            state.withLock { $0.pendingUploads = waiting().count }
            do throws(ObjectStoreFailure) {
                try await archive.upload(recording)
                logger.info("recording uploaded", metadata: ["recording.id": "\(recording.id)"])
            } catch .cancelled {
                break
            } catch {
                state.withLock { $0.failedUploads += 1 }
                tell(error, "recording could not be uploaded")
                // The others would fail the same way.
                if case .unavailable = error { break }
            }
        }
        for recording in catalog.all where recording.facts.isStoreBehind == true && !Task.isCancelled {
            do throws(ObjectStoreFailure) {
                try await archive.putFacts(of: recording.id)
            } catch {
                tell(error, "what is known of a recording could not be put into the store")
                break
            }
        }
        let pending = waiting().count
        state.withLock { $0.pendingUploads = pending }
    }

    private func followStore() async {
        guard let archive else { return }
        repeat {
            do throws(ObjectStoreFailure) {
                try await archive.synchronize()
                try await archive.removeUnfinished(olderThan: Self.oldestUpload)
            } catch {
                tell(error, "the store could not be listed")
            }
        } while (try? await Task.sleep(for: Self.synchronizationInterval)) != nil
    }

    private func tell(_ failure: ObjectStoreFailure, _ words: String) {
        guard failure != .cancelled else { return }
        logger.warning("\(words)", metadata: ["error.type": "\(failure)"])
    }
}
