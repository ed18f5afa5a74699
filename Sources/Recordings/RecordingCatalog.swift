internal import Foundation
internal import Glibc
public import Logging
internal import MediaCore
public import NIOCore
public import Storage
internal import Synchronization

/// The recordings of a data folder.
///
/// Each has a folder with its identifier's name; that and `recording.json` in it are all that makes it one, so a backup is a
/// copy. What every recording's facts say is in memory, some hundred bytes each; nothing else is.
public final class RecordingCatalog: Sendable {
    /// The largest `recording.json`, in bytes: thousands of gaps.
    static let largestFacts = 4 << 20
    /// The largest journal, in bytes: weeks of a live.
    private static let largestJournal = 1 << 30

    /// The path of the folder that they lie in.
    public let directory: String

    private let storage: MediaStorage
    /// Where recordings are kept that are not here.
    private let store: (any ObjectStore)?
    /// What is deleted here and is to be deleted in the store.
    let removals: StoreRemovals
    private let randomBytes: @Sendable (Int) -> [UInt8]
    private let logger: Logger
    private let workObserver = Mutex<(@Sendable () -> Void)?>(nil)
    private let completionObserver = Mutex<(@Sendable (Recording) -> Void)?>(nil)
    private let recordings = Mutex<[RecordingID: Recording]>([:])
    /// Held while facts are written, by threads that wait for the disk anyway: what is written last is what was changed last.
    private let writing = Mutex(())

    /// The recordings of a folder, which is made if need be.
    ///
    /// What an interrupted deletion has left is removed. Blocks.
    ///
    /// - Parameters:
    ///   - directory: the folder's path.
    ///   - storage: reads and writes their files.
    ///   - store: has recordings whose media is not in the folder; `nil` for none.
    ///   - randomBytes: gives so many bytes of a source that cannot be foretold.
    ///   - logger: told of what cannot be read.
    /// - Throws: ``StorageFailure`` when the folder cannot be made.
    public init(
        directory: String,
        storage: MediaStorage,
        store: (any ObjectStore)? = nil,
        randomBytes: @escaping @Sendable (Int) -> [UInt8],
        logger: Logger
    ) throws(StorageFailure) {
        self.directory = directory
        self.storage = storage
        self.store = store
        removals = StoreRemovals(directory: "\(directory)/deleted")
        self.randomBytes = randomBytes
        self.logger = logger
        try Folder.make(directory)
        for name in Folder.names(in: directory) {
            guard let id = RecordingID(name) else { continue }
            load(id)
        }
    }

    private func load(_ id: RecordingID) {
        let folder = folder(of: id)
        let hasJournal = access("\(folder)/\(RecordingFolder.journal)", F_OK) == 0
        do throws(StorageFailure) {
            let bytes = try WholeFile.read("\(folder)/\(RecordingFolder.facts)", limit: Self.largestFacts)
            guard let facts = RecordingFacts(document: ByteBuffer(bytes: bytes)), facts.id == id else {
                return logger.warning("recording left alone: its facts cannot be read", metadata: ["path": "\(folder)"])
            }
            guard facts.state == .ready || hasJournal else { return remove(folder) }
            let isOutline =
                facts.droppedAt != nil && access("\(folder)/\(RecordingFolder.multivariantPlaylist)", F_OK) != 0
            let recording = recording(facts, in: folder, isOutline: isOutline)
            // What an interrupted removal has left.
            if facts.droppedAt != nil { recording.dropMedia() }
            recordings.withLock { $0[id] = recording }
        } catch .system(_, _, ENOENT) {
            guard hasJournal, let facts = factsFromJournal(of: id) else { return remove(folder) }
            let recording = recording(facts, in: folder)
            recordings.withLock { $0[id] = recording }
        } catch {
            logger.warning("recording left alone: its facts cannot be read", metadata: ["error.type": "\(error)"])
        }
    }

    /// What a journal tells of a recording whose facts the disk did not take.
    private func factsFromJournal(of id: RecordingID) -> RecordingFacts? {
        guard let opening = try? journal(of: id)?.opening, opening.id == id else { return nil }
        return RecordingFacts(
            id: id,
            stream: opening.stream.name,
            title: opening.stream.name,
            source: opening.source,
            startedAt: opening.startedAt.milliseconds
        )
    }

    /// Removes what a deletion has left that was interrupted.
    private func remove(_ folder: String) {
        for file in Folder.names(in: folder) { unlink("\(folder)/\(file)") }
        rmdir(folder)
    }

    private func recording(_ facts: RecordingFacts, in folder: String, isOutline: Bool = false) -> Recording {
        let lease = store.map { _ in StoreLease { [removals] in removals.release(facts.id) } }
        return Recording(
            facts,
            folder: folder,
            storage: storage,
            store: store,
            isOutline: isOutline,
            lease: lease
        )
    }

    func folder(of id: RecordingID) -> String { "\(directory)/\(id)" }

    // MARK: - Looking up

    /// All recordings, the newest first.
    public var all: [Recording] {
        recordings.withLock { Array($0.values) }.sorted {
            let (left, right) = ($0.facts, $1.facts)
            return (left.startedAt, left.id.text) > (right.startedAt, right.id.text)
        }
    }

    /// A recording; `nil` when there is none of this identifier.
    public subscript(id: RecordingID) -> Recording? { recordings.withLock { $0[id] } }

    // MARK: - Changing

    /// Makes a recording with a folder of its own.
    ///
    /// Blocks.
    ///
    /// - Parameter makeFacts: gives its facts, from its identifier.
    /// - Returns: the recording, without any file but its facts.
    /// - Throws: ``StorageFailure`` when the disk does not take it.
    public func make(_ makeFacts: (RecordingID) -> RecordingFacts) throws(StorageFailure) -> Recording {
        let facts = makeFacts(RecordingID(randomBytes: randomBytes))
        let folder = folder(of: facts.id)
        try Folder.make(folder)
        let recording = recording(facts, in: folder)
        do throws(StorageFailure) {
            try writeFacts(of: recording)
        } catch {
            rmdir(folder)
            throw error
        }
        recordings.withLock { $0[facts.id] = recording }
        return recording
    }

    /// Changes the facts of a recording, in memory and on the disk.
    ///
    /// Blocks.
    ///
    /// - Returns: the facts as they are now; `nil` when there is no such recording.
    /// - Throws: ``StorageFailure`` when the disk does not take them; then they are changed in memory only.
    @discardableResult
    public func update(
        _ id: RecordingID,
        _ change: (inout RecordingFacts) -> Void
    ) throws(StorageFailure) -> RecordingFacts? {
        var isWork = false
        let facts = try self.change(
            id,
            with: { facts in
                let before = facts.inStore
                change(&facts)
                isWork = before != facts.inStore && facts.state == .ready
                if before.uploadedAt != nil, before != facts.inStore { facts.isStoreBehind = true }
            }
        )
        if isWork { workObserver.withLock { $0 }?() }
        return facts
    }

    /// Changes facts in a way that the store knows of.
    @discardableResult
    func update(
        fromStore id: RecordingID,
        _ change: (inout RecordingFacts) -> Void
    ) throws(StorageFailure) -> RecordingFacts? {
        try self.change(id, with: change)
    }

    private func change(
        _ id: RecordingID,
        with change: (inout RecordingFacts) -> Void
    ) throws(StorageFailure) -> RecordingFacts? {
        guard let recording = self[id] else { return nil }
        let facts = recording.change(change)
        try writeFacts(of: recording)
        return facts
    }

    /// Deletes a recording.
    ///
    /// From now on nobody finds it; who reads from it reads on. Where there is a store, ``RecordingArchive/removeDeleted()``
    /// removes it there when nobody reads it. Blocks.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public func delete(_ id: RecordingID) -> Bool {
        guard let recording = recordings.withLock({ $0.removeValue(forKey: id) }) else { return false }
        if store != nil, !removals.note(id) {
            logger.warning(
                "recording stays in the store: the disk does not take the note that it is deleted",
                metadata: ["recording.id": "\(id)"]
            )
        }
        recording.delete()
        return true
    }

    // MARK: - Recordings in the making

    /// Begins a recording.
    ///
    /// Returns at once; its folder is made by the writer's thread.
    ///
    /// - Parameter makeFacts: gives its facts, from its identifier.
    /// - Returns: what writes it.
    public func begin(_ makeFacts: (RecordingID) -> RecordingFacts) -> RecordingWriter {
        let facts = makeFacts(RecordingID(randomBytes: randomBytes))
        let recording = recording(facts, in: folder(of: facts.id))
        recordings.withLock { $0[facts.id] = recording }
        storage.afterwards { [self] in
            do throws(StorageFailure) {
                try Folder.make(recording.folder)
                try writeFacts(of: recording)
            } catch {
                // The journal tells the same, once the disk takes it.
                logger.warning("recording begins without its facts", metadata: ["error.type": "\(error)"])
            }
        }
        return RecordingWriter(recording, after: nil, storage: storage)
    }

    /// Goes on with a recording that an earlier process did not complete.
    ///
    /// - Parameters:
    ///   - id: the recording.
    ///   - contents: what its journal says.
    /// - Returns: what writes it; `nil` when there is none of this identifier.
    public func resume(_ id: RecordingID, after contents: JournalContents) -> RecordingWriter? {
        self[id].map { RecordingWriter($0, after: contents, storage: storage) }
    }

    /// What the journal of a recording in the making says; `nil` when it says nothing yet.
    ///
    /// Blocks. The bytes of media that it tells of are there.
    public func journal(of id: RecordingID) throws(StorageFailure) -> JournalContents? {
        let path = "\(folder(of: id))/\(RecordingFolder.journal)"
        return JournalContents(ByteBuffer(bytes: try WholeFile.read(path, limit: Self.largestJournal)))
    }

    /// Completes a recording: its files, its facts, and then the end of its journal.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - id: the recording.
    ///   - files: names and bytes of what is made of its journal.
    ///   - change: what becomes of its facts.
    /// - Throws: ``StorageFailure`` when the disk does not take all of it: then it can be tried again.
    public func complete(
        _ id: RecordingID,
        with files: [(name: String, bytes: ByteBuffer)],
        _ change: (inout RecordingFacts) -> Void
    ) throws(StorageFailure) {
        guard let recording = self[id] else { return }
        try write(files, into: recording)
        try update(id) { facts in
            change(&facts)
            facts.state = .ready
        }
        unlink("\(recording.folder)/\(RecordingFolder.journal)")
        announceCompletion(of: recording)
    }

    /// Tells who observes that a recording has become complete.
    public func announceCompletion(of recording: Recording) {
        completionObserver.withLock { $0 }?(recording)
        announceWork()
    }

    // MARK: - Recordings in the store

    /// Takes in a recording of which the store has told the facts; its files are fetched when they are needed.
    ///
    /// Blocks.
    func adopt(_ facts: RecordingFacts) throws(StorageFailure) {
        guard self[facts.id] == nil, !removals.contains(facts.id) else { return }
        let folder = folder(of: facts.id)
        try Folder.make(folder)
        let outline = recording(facts, in: folder, isOutline: true)
        try writeFacts(of: outline)
        recordings.withLock { $0[facts.id] = $0[facts.id] ?? outline }
    }

    /// Forgets a recording that the store does not have any more, of which nothing but copies is here.
    ///
    /// Blocks.
    func forget(_ id: RecordingID) {
        guard let recording = self[id], recording.facts.droppedAt != nil else { return }
        recordings.withLock { $0[id] = nil }
        recording.delete()
    }

    /// Has something called, on a thread that may wait for the disk, with each recording that has become complete.
    public func observeCompletion(_ observer: @escaping @Sendable (Recording) -> Void) {
        completionObserver.withLock { $0 = observer }
    }

    /// Calls who observes work: what kept a recording from the store is over.
    public func announceWork() { workObserver.withLock { $0 }?() }

    /// Has something called, on any thread, whenever a recording is complete, or the store is to learn something of one.
    public func observeWork(_ observer: @escaping @Sendable () -> Void) {
        workObserver.withLock { $0 = observer }
        removals.observe(observer)
    }

    /// Puts files into a recording's folder, or others in their place, one after the other.
    ///
    /// Blocks. They count as bytes of the recording.
    ///
    /// - Parameters:
    ///   - files: their names and bytes.
    ///   - id: the recording.
    /// - Throws: ``StorageFailure`` when the disk does not take one; those before it are there.
    public func add(_ files: [(name: String, bytes: ByteBuffer)], to id: RecordingID) throws(StorageFailure) {
        guard let recording = self[id] else { return }
        try write(files, into: recording)
        let byteCount = files.reduce(0) { $0 + Int64($1.bytes.readableBytes) }
        try update(id) { $0.byteCount += byteCount }
    }

    /// Deletes the recordings of files that an earlier process has left half-made.
    ///
    /// Blocks.
    public func deleteUnfinishedImports() {
        for recording in all where recording.facts.state == .recording && recording.facts.source == .file {
            delete(recording.facts.id)
        }
    }

    private func write(
        _ files: [(name: String, bytes: ByteBuffer)],
        into recording: Recording
    ) throws(StorageFailure) {
        for file in files { try WholeFile.write(file.bytes, to: "\(recording.folder)/\(file.name)") }
    }

    private func writeFacts(of recording: Recording) throws(StorageFailure) {
        try writing.withLock { _ throws(StorageFailure) in
            guard let bytes = recording.facts.document else { return }
            try WholeFile.write(bytes, to: "\(recording.folder)/\(RecordingFolder.facts)")
        }
    }
}

extension RecordingFacts {
    /// The facts without what is about this server's disk.
    var inStore: RecordingFacts {
        var facts = self
        (facts.droppedAt, facts.isStoreBehind) = (nil, nil)
        return facts
    }

    /// The facts as they stand in `recording.json`.
    ///
    /// They are plain values: encoding them cannot fail.
    var document: ByteBuffer? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { ByteBuffer(bytes: $0) }
    }

    /// Reads what ``document`` wrote; `nil` for what is no facts of a recording.
    init?(document: ByteBuffer) {
        guard let facts = try? JSONDecoder().decode(RecordingFacts.self, from: Data(document.readableBytesView)) else {
            return nil
        }
        self = facts
    }
}
