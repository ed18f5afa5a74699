internal import Glibc
public import LiveStore
public import NIOCore
public import Storage
internal import Synchronization

/// One recording: its facts, and its files for those who read them.
///
/// What a reader holds stays readable, also when the recording is deleted meanwhile.
public final class Recording: Sendable {
    /// Its identifier.
    public let id: RecordingID
    /// The path of its folder.
    public let folder: String

    private struct State {
        var facts: RecordingFacts
        var files: [String: KeptFile] = [:]
        var isDeleted = false
        /// Whether only the facts are here; the rest has to be fetched from the store before it is read.
        var isOutline: Bool
        /// Held by all who read from the store.
        var lease: StoreLease?
        /// The sizes of the files of media that are in the store, by name.
        var storedSizes: [String: Int] = [:]
        /// Where segments lie that were asked for of late.
        var locations: [SegmentKey: SegmentLocation] = [:]
    }

    private struct SegmentKey: Hashable {
        let rendition: Rendition.ID
        let number: Int
    }

    /// How many locations are kept, 48 bytes each: those that the viewers of a recording are at, give or take.
    private static let knownLocations = 256

    private let storage: MediaStorage
    /// Where its media is when it is not here.
    private let store: (any ObjectStore)?
    private let state: Mutex<State>

    /// The recording of a folder.
    ///
    /// - Parameters:
    ///   - facts: what is known of it.
    ///   - folder: the path of its folder.
    ///   - storage: reads its files.
    ///   - store: has what was uploaded of it.
    ///   - isOutline: whether nothing but the facts is in the folder.
    ///   - lease: condemned with the recording.
    init(
        _ facts: RecordingFacts,
        folder: String,
        storage: MediaStorage,
        store: (any ObjectStore)? = nil,
        isOutline: Bool = false,
        lease: StoreLease? = nil
    ) {
        id = facts.id
        self.folder = folder
        self.storage = storage
        self.store = store
        state = Mutex(State(facts: facts, isOutline: isOutline, lease: lease))
    }

    /// Whether only its facts are here yet: ``RecordingArchive/find(_:)`` fetches the rest.
    public var isOutline: Bool { state.withLock { $0.isOutline } }

    /// The files are here that are to be here.
    func fill() { state.withLock { $0.isOutline = false } }

    /// What is known of it.
    public var facts: RecordingFacts { state.withLock { $0.facts } }

    /// Changes what is known of it, in memory; see ``RecordingCatalog/update(_:_:)``.
    func change(_ change: (inout RecordingFacts) -> Void) -> RecordingFacts {
        state.withLock { state in
            change(&state.facts)
            return state.facts
        }
    }

    // MARK: - Files

    /// One of its files as it is now.
    ///
    /// Blocks, so not for event loops.
    ///
    /// - Parameter name: its name in the recording's folder.
    /// - Returns: the file.
    /// - Throws: ``StorageFailure`` when it is not there.
    public func file(named name: String) throws(StorageFailure) -> KeptFile {
        // Media only grows, and all who read it hold the same file, so that a deletion waits for them; when a recording is
        // complete, its index stays as it is. Other files are exchanged as a whole: those are opened anew.
        let isMedia = RecordingFolder.isMedia(name)
        let isLasting = isMedia || (facts.state == .ready && name.utf8.suffix(6).elementsEqual(".index".utf8))
        if isMedia, facts.droppedAt != nil { return try storedFile(named: name) }
        if isLasting, let known = state.withLock({ $0.files[name] }) { return known }
        guard !name.utf8.contains(UInt8(ascii: "/")), !state.withLock({ $0.isDeleted }) else {
            throw .system(operation: "open", path: "\(folder)/\(name)", code: ENOENT)
        }
        let file = try storage.keptFile(at: "\(folder)/\(name)")
        guard isLasting else { return file }
        return state.withLock { state in
            if let first = state.files[name] { return first }
            // What was dropped meanwhile is not to be found again.
            if state.facts.droppedAt == nil { state.files[name] = file }
            return file
        }
    }

    /// A file of media in the store.
    ///
    /// Its size is what the index says, so the store is not asked for it.
    private func storedFile(named name: String) throws(StorageFailure) -> KeptFile {
        var size = state.withLock { $0.storedSizes[name] }
        if size == nil { size = try indexedSizes(fileOf: name)[name] }
        guard let size, let store, let key = ObjectKey("\(id)/\(name)")
        else { throw .system(operation: "open", path: "\(folder)/\(name)", code: ENOENT) }
        let object = StoredObject(key, byteCount: size, in: store, lease: state.withLock { $0.lease })
        return KeptFile(object)
    }

    /// The sizes of the files that a rendition's index tells of.
    private func indexedSizes(fileOf name: String) throws(StorageFailure) -> [String: Int] {
        guard let end = name.lastIndex(of: "-"), let rendition = Rendition.ID(name[..<end]) else { return [:] }
        var sizes: [String: Int] = [:]
        for location in try locations(in: rendition) where !location.isLost {
            let file = RecordingFolder.media(of: rendition, number: location.file)
            guard let start = Int(exactly: location.offset) else { continue }
            sizes[file] = max(sizes[file] ?? 0, start + Int(location.length))
        }
        state.withLock { $0.storedSizes.merge(sizes) { $1 } }
        return sizes
    }

    /// Removes its media from the disk, but for what somebody reads: that goes with its last reader.
    ///
    /// To be called when the facts say that it was dropped. Blocks.
    func dropMedia() {
        let held = state.withLock { state in
            let media = state.files.filter { RecordingFolder.isMedia($0.key) }
            for name in media.keys { state.files[name] = nil }
            return media
        }
        for file in held.values { file.removeWhenUnused() }
        for name in Folder.names(in: folder) where RecordingFolder.isMedia(name) && held[name] == nil {
            unlink("\(folder)/\(name)")
        }
    }

    /// Where a segment lies, counted from 0; `nil` when there is none of this number.
    ///
    /// Blocks.
    public func location(of number: Int, in rendition: Rendition.ID) throws(StorageFailure) -> SegmentLocation? {
        let index = try file(named: RecordingFolder.index(of: rendition))
        guard number >= 0, number < index.byteCount / SegmentIndex.recordSize,
            let slice = index.slice(offset: number * SegmentIndex.recordSize, length: SegmentIndex.recordSize)
        else { return nil }
        var record = try slice.read(0..<slice.length)
        guard let location = SegmentIndex.read(from: &record) else { return nil }
        state.withLock { state in
            // While it is recorded, or taken up again, its index may still change.
            guard state.facts.state == .ready else { return }
            if state.locations.count >= Self.knownLocations { state.locations.removeAll(keepingCapacity: true) }
            state.locations[SegmentKey(rendition: rendition, number: number)] = location
        }
        return location
    }

    /// The bytes of a segment that was asked for of late, on the disk; `nil` says nothing.
    ///
    /// For event loops: the disk is not looked at.
    public func knownSegment(_ number: Int, in rendition: Rendition.ID) -> FileSlice? {
        let (location, files) = state.withLock { state in
            (
                state.facts.state == .ready && state.facts.droppedAt == nil
                    ? state.locations[SegmentKey(rendition: rendition, number: number)] : nil, state.files
            )
        }
        guard let location, !location.isLost, let offset = Int(exactly: location.offset) else { return nil }
        let media = files[RecordingFolder.media(of: rendition, number: location.file)]
        return media?.slice(offset: offset, length: Int(location.length))
    }

    /// The locations of all segments of a rendition, in order.
    ///
    /// Blocks. 48 bytes a segment, a megabyte for twelve hours.
    public func locations(in rendition: Rendition.ID) throws(StorageFailure) -> [SegmentLocation] {
        let index = try file(named: RecordingFolder.index(of: rendition)).whole
        var records = try index.read(0..<index.length)
        var locations: [SegmentLocation] = []
        while let location = SegmentIndex.read(from: &records) { locations.append(location) }
        return locations
    }

    /// The bytes of a segment; `nil` where there is none, or they are lost.
    ///
    /// Blocks.
    public func segment(at location: SegmentLocation, in rendition: Rendition.ID) throws(StorageFailure) -> FileSlice? {
        guard !location.isLost, let offset = Int(exactly: location.offset) else { return nil }
        let media = try file(named: RecordingFolder.media(of: rendition, number: location.file))
        return media.slice(offset: offset, length: Int(location.length))
    }

    /// Takes a file that is being written, so that all its readers hold the same one.
    func adopt(_ file: KeptFile, named name: String) { state.withLock { $0.files[name] = file } }

    // MARK: - What is made of it

    /// Writes a file of its folder, or replaces it: readers and a crash see the old one, or the new one whole.
    ///
    /// For what is made of a recording, such as pictures. Blocks until the disk has the bytes.
    ///
    /// - Parameters:
    ///   - name: its name in the recording's folder.
    ///   - bytes: what it is to have.
    /// - Throws: ``StorageFailure`` when the disk does not take it, or the recording is deleted.
    public func replaceFile(named name: String, with bytes: ByteBuffer) throws(StorageFailure) {
        guard !name.utf8.contains(UInt8(ascii: "/")), !state.withLock({ $0.isDeleted }) else {
            throw .system(operation: "write", path: "\(folder)/\(name)", code: ENOENT)
        }
        try WholeFile.write(bytes, to: "\(folder)/\(name)")
    }

    /// Removes a file that was made of it, if there is one of this name; whoever reads it reads no further.
    ///
    /// Blocks.
    public func removeFile(named name: String) {
        guard !name.utf8.contains(UInt8(ascii: "/")) else { return }
        unlink("\(folder)/\(name)")
    }

    // MARK: - Deletion

    /// Removes the folder, but for the files that somebody reads: these go with their last reader.
    ///
    /// The journal and the facts go first: without them the rest is no recording, also after a crash. Blocks. No file can be
    /// opened afterwards.
    func delete() {
        for name in [RecordingFolder.journal, RecordingFolder.facts] { unlink("\(folder)/\(name)") }
        let held = state.withLock { state in
            state.isDeleted = true
            let files = state.files
            state.files = [:]
            state.lease?.condemn()
            state.lease = nil
            return files
        }
        for file in held.values { file.removeWhenUnused() }
        for name in Folder.names(in: folder) where held[name] == nil { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}
