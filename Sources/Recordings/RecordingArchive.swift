internal import Glibc
public import Logging
internal import NIOCore
internal import NIOPosix
public import Storage
internal import Synchronization

/// The recordings of a store that several servers share, beside those of this server's disk.
///
/// A recording is the objects `ID/NAME` with the names of its folder. `recording.json` is put last and removed first: a
/// recording is whole in the store when that is there.
///
/// ```
/// ready here -> upload -> in both places -> dropMedia -> media in the store alone
///                              other servers: find, synchronize -> outline -> its small files
/// deleted here -> note on the disk -> last reader gone -> removeDeleted -> gone everywhere
/// ```
public final class RecordingArchive: Sendable {
    /// The largest file but media that is fetched: pictures of many hours.
    private static let largestFile = 64 << 20
    /// Files of a recording but media: playlists, indexes, initialization segments and pictures.
    private static let mostFiles = 10_000

    let catalog: RecordingCatalog
    let store: any ObjectStore
    /// What blocks is done here.
    let pool: NIOThreadPool
    let logger: Logger
    private let now: @Sendable () -> Int64
    private let lookups = LookupBook()
    /// What `recording.json` was in the store when it was read last.
    private let tags = Mutex<[RecordingID: String]>([:])

    /// The recordings of a store.
    ///
    /// - Parameters:
    ///   - catalog: the recordings here; made with the same store.
    ///   - store: the store.
    ///   - now: the time of day, in milliseconds since 1970.
    ///   - logger: told of what is found and lost.
    public init(
        catalog: RecordingCatalog,
        store: any ObjectStore,
        now: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        self.catalog = catalog
        self.store = store
        self.now = now
        self.logger = logger
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    /// Does something that blocks.
    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StorageFailure) -> Value
    ) async throws(ObjectStoreFailure) -> Value {
        do {
            return try await pool.runIfActive { try body() }
        } catch let failure as StorageFailure {
            throw .disk(failure)
        } catch {
            throw Task.isCancelled ? .cancelled : .unavailable("\(error)")
        }
    }

    static func key(_ id: RecordingID, _ name: String) -> ObjectKey? { ObjectKey("\(id)/\(name)") }

    /// What the store has of a recording, by name.
    private func objects(of id: RecordingID) async throws(ObjectStoreFailure) -> [String: ObjectInfo] {
        var objects: [String: ObjectInfo] = [:]
        let prefix = "\(id)/"
        try await store.listAll(prefix: prefix) { page in
            for object in page.objects { objects[String(object.key.text.dropFirst(prefix.count))] = object }
        }
        return objects
    }

    // MARK: - Upload

    /// Puts a recording that is complete into the store.
    ///
    /// Can be called again after it failed: media that is there with the right size is not sent again.
    ///
    /// - Parameters:
    ///   - recording: the recording.
    ///   - progress: told which part of its bytes is there, from 0 to 1.
    ///   - isCancelled: asked before each file.
    /// - Throws: why not all of it is there.
    public func upload(
        _ recording: Recording,
        progress: @escaping @Sendable (Double) -> Void = { _ in },
        isCancelled: @Sendable () -> Bool = { false }
    ) async throws(ObjectStoreFailure) {
        guard recording.facts.state == .ready, recording.facts.droppedAt == nil else { return }
        let files = try await blocking { RecordingFiles(of: recording.folder) }
        let there = try await objects(of: recording.id)
        let meter = UploadMeter(total: files.byteCount, progress)
        for file in files.all {
            guard !isCancelled() else { throw .cancelled }
            try await put(file, of: recording, there[file.name], meter)
        }
        // What an earlier try has left of files that are not part of it any more.
        let names = Set(files.all.map(\.name) + [RecordingFolder.facts])
        try await store.delete(there.filter { !names.contains($0.key) }.map(\.value.key))
        try await finish(recording)
        progress(1)
    }

    private func put(
        _ file: RecordingFiles.File,
        of recording: Recording,
        _ there: ObjectInfo?,
        _ meter: UploadMeter
    ) async throws(ObjectStoreFailure) {
        guard let key = Self.key(recording.id, file.name) else { return }
        let isMedia = RecordingFolder.isMedia(file.name)
        guard !isMedia || there?.byteCount != file.byteCount else { return meter.add(file.byteCount) }
        var original: ObjectKey?
        if isMedia { original = try await blocking { [self] in self.original(of: file, in: recording) } }
        if let original, try await copy(original, file.byteCount, to: key) {
            return meter.add(file.byteCount)
        }
        let path = "\(recording.folder)/\(file.name)"
        try await store.put(.file(path), as: key, contentType: RecordingFiles.contentType(of: file.name)) { count in
            meter.add(count)
        }
    }

    /// Where a clip shares a file with the recording that it was cut from, the store can share it as well.
    private func original(of file: RecordingFiles.File, in clip: Recording) -> ObjectKey? {
        guard let source = clip.facts.cut.flatMap({ catalog[$0.source] }), source.facts.uploadedAt != nil else {
            return nil
        }
        // The clip has names of its own for them.
        let names = Folder.names(in: source.folder).filter { RecordingFolder.isMedia($0) }
        let name = names.first { RecordingFiles.inode("\(source.folder)/\($0)") == file.inode }
        return name.flatMap { Self.key(source.id, $0) }
    }

    private func copy(_ key: ObjectKey, _ byteCount: Int, to other: ObjectKey) async throws(ObjectStoreFailure) -> Bool
    {
        do throws(ObjectStoreFailure) {
            guard try await store.info(key)?.byteCount == byteCount else { return false }
            try await store.copy(key, to: other)
            return true
        } catch .notFound {
            return false
        }
    }

    private func finish(_ recording: Recording) async throws(ObjectStoreFailure) {
        let time = now()
        guard catalog[recording.id] === recording else { throw .cancelled }
        var facts = recording.facts
        facts.uploadedAt = time
        try await put(facts)
        try await blocking { [catalog] () throws(StorageFailure) in
            _ = try catalog.update(fromStore: recording.id) { $0.uploadedAt = time }
        }
        // It was deleted meanwhile, and the removal may have come before the last of these objects.
        if catalog[recording.id] !== recording { try await remove(recording.id) }
    }

    /// Puts the facts of an uploaded recording into the store again, after they were changed.
    public func putFacts(of id: RecordingID) async throws(ObjectStoreFailure) {
        guard let facts = catalog[id]?.facts, facts.uploadedAt != nil else { return }
        try await put(facts)
        try await blocking { [catalog] () throws(StorageFailure) in
            _ = try catalog.update(fromStore: id) { known in
                if known.inStore == facts.inStore { known.isStoreBehind = nil }
            }
        }
    }

    private func put(_ facts: RecordingFacts) async throws(ObjectStoreFailure) {
        guard let key = Self.key(facts.id, RecordingFolder.facts), let document = facts.inStore.document else { return }
        try await store.put(.bytes(document), as: key, contentType: "application/json")
        let tag = try await store.info(key)?.tag
        tags.withLock { $0[facts.id] = tag }
    }

    // MARK: - Removal

    /// Removes the media of an uploaded recording from this server's disk, when the store has all of it.
    ///
    /// - Returns: whether the media is gone from the disk.
    /// - Throws: why the store cannot be asked, or the disk fails.
    @discardableResult
    public func dropMedia(of recording: Recording) async throws(ObjectStoreFailure) -> Bool {
        guard recording.facts.uploadedAt != nil, recording.facts.droppedAt == nil else { return false }
        let files = try await blocking { RecordingFiles(of: recording.folder) }
        let there = try await objects(of: recording.id)
        let missing = files.all.first { RecordingFolder.isMedia($0.name) && there[$0.name]?.byteCount != $0.byteCount }
        guard missing == nil, there[RecordingFolder.facts] != nil else {
            logger.warning(
                "recording is not whole in the store: it is uploaded again",
                metadata: ["recording.id": "\(recording.id)", "file": "\(missing?.name ?? RecordingFolder.facts)"]
            )
            try await blocking { [catalog] () throws(StorageFailure) in
                _ = try catalog.update(fromStore: recording.id) { $0.uploadedAt = nil }
            }
            return false
        }
        let time = now()
        return try await blocking { [catalog] () throws(StorageFailure) in
            guard try catalog.update(fromStore: recording.id, { $0.droppedAt = time }) != nil else { return false }
            recording.dropMedia()
            return true
        }
    }

    /// Removes from the store what was deleted here and is read by nobody any more.
    ///
    /// - Returns: how many recordings that were.
    /// - Throws: why the store does not remove them: they are tried again the next time.
    @discardableResult
    public func removeDeleted() async throws(ObjectStoreFailure) -> Int {
        let due = catalog.removals.due
        for id in due {
            try await remove(id)
            try await blocking { [catalog] in catalog.removals.finish(id) }
            logger.info("recording removed from the store", metadata: ["recording.id": "\(id)"])
        }
        return due.count
    }

    /// Removes what was begun to be uploaded long ago and never finished.
    public func removeUnfinished(olderThan seconds: Int) async throws(ObjectStoreFailure) {
        try await store.removeUnfinished(olderThan: seconds)
    }

    private func remove(_ id: RecordingID) async throws(ObjectStoreFailure) {
        // The facts first: what is left without them is no recording.
        if let key = Self.key(id, RecordingFolder.facts) { try await store.delete([key]) }
        try await store.delete(try await objects(of: id).map(\.value.key))
        tags.withLock { $0[id] = nil }
    }

    // MARK: - Recordings of other servers

    /// A recording with the files that have to be here to serve it; `nil` when neither this server nor the store has it.
    ///
    /// What the store did not have is not asked for again for a while, and who asks for what is being fetched waits for that.
    ///
    /// - Parameter id: the recording.
    /// - Returns: the recording.
    /// - Throws: why it cannot be said or fetched; ``ObjectStoreFailure/unavailable(_:)`` also when too many are asked for.
    public func find(_ id: RecordingID) async throws(ObjectStoreFailure) -> Recording? {
        if let known = catalog[id], !known.isOutline { return known }
        switch lookups.begin(id, now: .now(), isKnown: catalog[id] != nil, { self.lookup(id) }) {
        case .missing: return nil
        case .busy: throw .unavailable("too many recordings are being looked for")
        case .under(let task): return try await task.value.get()
        }
    }

    private func lookup(_ id: RecordingID) -> Task<Result<Recording?, ObjectStoreFailure>, Never> {
        Task {
            do throws(ObjectStoreFailure) {
                let recording = try await fetch(id)
                lookups.end(id, wasFound: recording != nil, now: .now())
                return .success(recording)
            } catch {
                lookups.end(id, wasFound: nil, now: .now())
                return .failure(error)
            }
        }
    }

    private func fetch(_ id: RecordingID) async throws(ObjectStoreFailure) -> Recording? {
        if catalog[id] == nil { try await adopt(id) }
        guard let recording = catalog[id] else { return nil }
        guard recording.isOutline else { return recording }
        let there = try await objects(of: id)
        guard there[RecordingFolder.facts] != nil else { return nil }
        let isSmall = { (name: String) in
            !RecordingFolder.isMedia(name) && ![RecordingFolder.facts, RecordingFolder.journal].contains(name)
                && !name.utf8.contains(UInt8(ascii: "/"))
        }
        let files = there.filter { isSmall($0.key) && $0.value.byteCount <= Self.largestFile }
        guard files.count <= Self.mostFiles else { throw .misunderstood("\(files.count) files of the recording \(id)") }
        // The playlist that all begins with comes last: what has it has everything.
        for (name, object) in files.sorted(by: { Self.rank($0.key) < Self.rank($1.key) }) {
            let bytes = try await store.bytes(of: object.key, 0..<object.byteCount)
            try await blocking { () throws(StorageFailure) in
                try WholeFile.write(bytes, to: "\(recording.folder)/\(name)")
            }
        }
        recording.fill()
        logger.info("recording found in the store", metadata: ["recording.id": "\(id)"])
        return recording
    }

    private static func rank(_ name: String) -> Int { name == RecordingFolder.multivariantPlaylist ? 1 : 0 }

    /// Takes in the facts of a recording, if the store has it.
    private func adopt(_ id: RecordingID) async throws(ObjectStoreFailure) {
        guard !catalog.removals.contains(id), let (facts, tag) = try await storedFacts(of: id) else { return }
        try await blocking { [catalog] () throws(StorageFailure) in try catalog.adopt(facts) }
        tags.withLock { $0[id] = tag }
    }

    private func storedFacts(of id: RecordingID) async throws(ObjectStoreFailure) -> (RecordingFacts, tag: String)? {
        guard let key = Self.key(id, RecordingFolder.facts), let info = try await store.info(key) else { return nil }
        guard info.byteCount <= RecordingCatalog.largestFacts else {
            throw .misunderstood("\(info.byteCount) bytes of facts of the recording \(id)")
        }
        do throws(ObjectStoreFailure) {
            let document = try await store.bytes(of: key, 0..<info.byteCount)
            guard var facts = RecordingFacts(document: document), facts.id == id, facts.state == .ready else {
                throw .misunderstood("the facts of the recording \(id)")
            }
            facts.droppedAt = now()
            return (facts, info.tag)
        } catch .notFound {
            return nil
        }
    }

    /// Takes in what other servers have put into the store, changed there and removed from it.
    ///
    /// - Throws: why the store cannot be listed; then nothing is forgotten.
    public func synchronize() async throws(ObjectStoreFailure) {
        let before = Set(catalog.all.filter { $0.facts.droppedAt != nil }.map(\.id))
        var found: Set<RecordingID> = []
        try await store.listAll(prefix: "", isFlat: false) { page in
            found.formUnion(page.folders.compactMap { RecordingID($0.dropLast()) })
        }
        for id in found where catalog[id] == nil { try await adoptWhatCanBeRead(id) }
        for id in before.intersection(found) { try await refresh(id) }
        for id in before.subtracting(found) { try await forget(id) }
    }

    private func forget(_ id: RecordingID) async throws(ObjectStoreFailure) {
        logger.info("recording forgotten: the store does not have it any more", metadata: ["recording.id": "\(id)"])
        try await blocking { [catalog] in catalog.forget(id) }
    }

    /// One recording that cannot be read does not hide the others.
    private func adoptWhatCanBeRead(_ id: RecordingID) async throws(ObjectStoreFailure) {
        do throws(ObjectStoreFailure) {
            try await adopt(id)
        } catch .misunderstood(let words) {
            logger.warning("recording in the store left alone", metadata: ["reason": "\(words)"])
        }
    }

    private func refresh(_ id: RecordingID) async throws(ObjectStoreFailure) {
        guard let key = Self.key(id, RecordingFolder.facts) else { return }
        // Some stores list a folder for a while that nothing is in any more.
        guard let info = try await store.info(key) else { return try await forget(id) }
        guard catalog[id]?.facts.isStoreBehind != true, tags.withLock({ $0[id] }) != info.tag,
            let (facts, tag) = try await storedFacts(of: id)
        else { return }
        try await blocking { [catalog] () throws(StorageFailure) in
            _ = try catalog.update(fromStore: id) { known in
                let droppedAt = known.droppedAt
                known = facts
                known.droppedAt = droppedAt
            }
        }
        tags.withLock { $0[id] = tag }
    }
}
