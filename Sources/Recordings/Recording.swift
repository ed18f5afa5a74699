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
    }

    private let storage: MediaStorage
    private let state: Mutex<State>

    /// The recording of a folder.
    init(_ facts: RecordingFacts, folder: String, storage: MediaStorage) {
        id = facts.id
        self.folder = folder
        self.storage = storage
        state = Mutex(State(facts: facts))
    }

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
        // Media only grows behind what an index tells of, and other files are exchanged as a whole: those are opened anew.
        let isMedia = name.utf8.suffix(6).elementsEqual(".media".utf8)
        if isMedia, let known = state.withLock({ $0.files[name] }) { return known }
        guard !name.utf8.contains(UInt8(ascii: "/")), !state.withLock({ $0.isDeleted }) else {
            throw .system(operation: "open", path: "\(folder)/\(name)", code: ENOENT)
        }
        let file = try storage.keptFile(at: "\(folder)/\(name)")
        guard isMedia, facts.state == .ready else { return file }
        return state.withLock { state in
            if let first = state.files[name] { return first }
            state.files[name] = file
            return file
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
        return SegmentIndex.read(from: &record)
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
            return files
        }
        for file in held.values { file.removeWhenUnused() }
        for name in Folder.names(in: folder) where held[name] == nil { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}
