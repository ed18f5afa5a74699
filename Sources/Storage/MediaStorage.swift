internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Media on disk: what is older than the live edge and what is recorded.
///
/// ```
/// event loops   MediaLog.append ---> backlog ---> the writer's thread   pwritev to the log's newest file
///               FiledBytes <------ written or lost ----/        \---    unlink of files that nobody holds
/// any thread    FileSlice.read       pread from one of the files that are kept open
/// ```
///
/// Who appends never waits for the disk and never fails. A disk that is full, read-only, broken or too slow costs the
/// segments that it did not take, each as a whole, and one line in the log; storage goes on by itself when the disk does.
///
/// The bytes lie in the page cache until the kernel writes them back: nothing here is promised to survive a crash of the
/// machine, and what an earlier process has left is removed.
public final class MediaStorage: Sendable {
    /// What lies on the disk and what has become of the rest.
    public struct Figures: Hashable, Sendable {
        /// Bytes in files.
        ///
        /// Some of them may be held by nobody while others of the same file are.
        public internal(set) var bytesOnDisk = 0
        /// Bytes in memory that wait for the disk.
        public internal(set) var backlogBytes = 0
        /// Bytes that were ever written.
        public internal(set) var bytesWritten = 0
        /// Bytes that the disk did not take.
        public internal(set) var bytesLost = 0
        /// Whether the disk fails, or cannot keep up.
        public internal(set) var isFailing = false
    }

    /// What the names of its files end with.
    static let fileSuffix = ".media"

    let limits: StorageLimits
    /// Files that are open for readers.
    let descriptors: ReadDescriptors
    /// How many files are open for readers, with those that are no longer kept open but still sent.
    let openFiles = OpenFileCount()
    /// The one thread that changes what is on the disk.
    let thread = NIOThreadPool(numberOfThreads: 1)
    private let directory: String
    private let logger: Logger
    private let ledger: Mutex<StorageLedger>
    private let identifiers = Atomic(0)

    /// Storage in a folder, which is made if need be, for this user alone.
    ///
    /// Files that an earlier process left there are removed. No other process may use the folder at the same time. Blocks.
    ///
    /// - Parameters:
    ///   - directory: the folder's path.
    ///   - limits: what storage may take of the machine.
    ///   - logger: where trouble with the disk goes, at warning.
    /// - Throws: ``StorageFailure/system(operation:path:code:)`` when the folder cannot be made or written to.
    public init(directory: String, limits: StorageLimits = .init(), logger: Logger) throws(StorageFailure) {
        try Folder.make(directory)
        guard access(directory, R_OK | W_OK | X_OK) == 0 else { throw .last("use", directory) }
        Folder.removeFiles(in: directory, endingWith: Self.fileSuffix)
        self.directory = directory
        self.limits = limits
        self.logger = logger
        descriptors = ReadDescriptors(limit: limits.openFiles)
        ledger = Mutex(StorageLedger(limits: limits))
        thread.start()
    }

    deinit { thread.shutdownGracefully { _ in } }

    /// What lies on the disk and what waits for it.
    public var figures: Figures { ledger.withLock { $0.figures } }

    /// A new log, with files of its own.
    ///
    /// - Parameter name: what operators find its files under, such as `STREAM/TAG/RENDITION`. Any text will do: bytes
    ///   other than letters, digits, dots, `-` and `_` are escaped.
    /// - Returns: the log; it may outlive its name's next one.
    public func makeLog(named name: String) -> MediaLog {
        MediaLog(storage: self, stem: "\(directory)/\(LogName.path(name))-\(nextIdentifier())")
    }

    /// Returns when all that was appended before is written or lost.
    public func flush() async {
        // The thread takes its work in order. When it has shut down, nothing waits.
        try? await thread.runIfActive {}
    }

    /// Writes what waits, then removes all files.
    ///
    /// To be called once, last. What is appended afterwards is lost, and what was written cannot be read any more.
    public func shutDown() async {
        await flush()
        try? await thread.shutdownGracefully()
        descriptors.removeAll()
        let directory = directory
        try? await NIOThreadPool.singleton.runIfActive {
            Folder.removeFiles(in: directory, endingWith: Self.fileSuffix)
        }
    }

    // MARK: - For logs

    /// Has the writer's thread write bytes, if they find room in the backlog.
    ///
    /// - Parameters:
    ///   - byteCount: how many.
    ///   - write: writes them; called on that thread. False when there is no use in writing them.
    ///   - giveUp: called on that thread instead, or after a failure; it holds none of the bytes.
    /// - Returns: whether they found room; if not, they are lost already.
    func enqueue(
        _ byteCount: Int,
        _ write: @escaping @Sendable () throws(StorageFailure) -> Bool,
        orElse giveUp: @escaping @Sendable () -> Void
    ) -> Bool {
        let (isTaken, notice) = ledger.withLock { $0.offered(byteCount) }
        if let notice { tell(notice) }
        guard isTaken else {
            // In its order with what is taken.
            thread.submit { _ in giveUp() }
            return false
        }
        thread.submit { state in
            guard case .active = state, self.ledger.withLock({ $0.mayWrite(now: .now()) }) else {
                giveUp()
                return self.ledger.withLock { $0.gaveUp(byteCount) }.forEach { self.tell($0) }
            }
            do throws(StorageFailure) {
                let isWritten = try write()
                if !isWritten { giveUp() }
                self.ledger.withLock { isWritten ? $0.wrote(byteCount) : $0.gaveUp(byteCount) }
                    .forEach { self.tell($0) }
            } catch {
                giveUp()
                self.ledger.withLock { $0.failed(byteCount, now: .now()) }.forEach { self.tell($0, error) }
            }
        }
        return true
    }

    /// Calls something on the writer's thread when all that was appended before is written or lost.
    ///
    /// For any thread; after ``shutDown()`` it is called at once.
    public func afterwards(_ body: @escaping @Sendable () -> Void) { thread.submit { _ in body() } }

    /// Notes that what is not media could not be written, or could be again.
    func note(_ failure: StorageFailure?) {
        let notices = ledger.withLock { ledger in
            failure == nil ? ledger.wrote(0) : ledger.failed(0, now: .now())
        }
        for notice in notices { tell(notice, failure) }
    }

    /// A file that is not there yet.
    func file(at stem: String) -> MediaFile {
        MediaFile(id: nextIdentifier(), path: stem + Self.fileSuffix, storage: self)
    }

    func nextIdentifier() -> Int { identifiers.add(1, ordering: .relaxed).newValue }

    private func tell(_ notice: StorageLedger.Notice, _ failure: StorageFailure? = nil) {
        let figures = figures
        let metadata: Logger.Metadata = [
            "storage.backlog_bytes": "\(figures.backlogBytes)", "storage.lost_bytes": "\(figures.bytesLost)",
        ]
        switch notice {
        case .overrun: logger.warning("disk does not keep up, segments are lost for the archive", metadata: metadata)
        case .caughtUp: logger.notice("disk keeps up again", metadata: metadata)
        case .failing:
            let reason: Logger.Metadata = ["error.type": "\(failure.map(\.description) ?? "unknown")"]
            logger.warning(
                "disk fails, segments are lost for the archive",
                metadata: metadata.merging(reason) { $1 }
            )
        case .recovered: logger.notice("disk works again", metadata: metadata)
        }
    }

    // MARK: - For files

    /// Makes a file, and the folders that it lies in.
    func make(_ path: String) throws(StorageFailure) -> WritableFile {
        do throws(StorageFailure) {
            return try withDescriptors { () throws(StorageFailure) in try WritableFile(making: path) }
        } catch .system(_, _, ENOENT) {
            try Folder.make(Folder.parent(of: path) ?? directory)
            return try withDescriptors { () throws(StorageFailure) in try WritableFile(making: path) }
        }
    }

    /// A file, open for reading.
    func readable(_ id: Int, path: String) throws(StorageFailure) -> ReadableFile {
        if let open = descriptors[id] { return open }
        let file = try withDescriptors { () throws(StorageFailure) in
            try ReadableFile(path, countedIn: openFiles)
        }
        descriptors.insert(file, for: id)
        return file
    }

    /// Opens something; where the process has no descriptors left, once more without those that are kept open for readers.
    func withDescriptors<File: ~Copyable>(
        _ open: () throws(StorageFailure) -> File
    ) throws(StorageFailure) -> File {
        do throws(StorageFailure) {
            return try open()
        } catch .system(_, _, EMFILE) where descriptors.count > 0 {
            descriptors.removeAll()
            return try open()
        }
    }

    /// Closes a file that nobody holds, and that stays.
    func letGo(_ id: Int) {
        guard descriptors[id] != nil else { return }
        let descriptors = descriptors
        thread.submit { _ in descriptors.remove(id) }
    }

    /// Removes a file that nobody holds, and the folders that are empty then.
    func discard(_ id: Int, path: String, byteCount: Int) {
        let (directory, descriptors) = (directory, descriptors)
        thread.submit { _ in
            // Unlinked first: the blocks are given back where the last descriptor is closed, and that is to be here.
            unlink(path)
            descriptors.remove(id)
            self.ledger.withLock { $0.removed(byteCount) }
            var folder = Folder.parent(of: path)
            // A kept file lies elsewhere: only its own folder goes with it, if it was the last one there.
            while let path = folder, path != directory, rmdir(path) == 0, path.utf8.starts(with: "\(directory)/".utf8) {
                folder = Folder.parent(of: path)
            }
        }
    }
}
