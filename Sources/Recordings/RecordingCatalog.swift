internal import Foundation
internal import Glibc
public import Logging
internal import NIOCore
public import Storage
internal import Synchronization

/// The recordings of a data folder.
///
/// Each has a folder with its identifier's name; that and `recording.json` in it are all that makes it one, so a backup is a
/// copy. What every recording's facts say is in memory, some hundred bytes each; nothing else is.
public final class RecordingCatalog: Sendable {
    /// The largest `recording.json`, in bytes: thousands of gaps.
    private static let largestFacts = 4 << 20

    /// The path of the folder that they lie in.
    public let directory: String

    private let storage: MediaStorage
    private let randomBytes: @Sendable (Int) -> [UInt8]
    private let logger: Logger
    private let recordings = Mutex<[RecordingID: Recording]>([:])

    /// The recordings of a folder, which is made if need be.
    ///
    /// What an interrupted deletion has left is removed. Blocks.
    ///
    /// - Parameters:
    ///   - directory: the folder's path.
    ///   - storage: reads and writes their files.
    ///   - randomBytes: gives so many bytes of a source that cannot be foretold.
    ///   - logger: told of what cannot be read.
    /// - Throws: ``StorageFailure`` when the folder cannot be made.
    public init(
        directory: String,
        storage: MediaStorage,
        randomBytes: @escaping @Sendable (Int) -> [UInt8],
        logger: Logger
    ) throws(StorageFailure) {
        self.directory = directory
        self.storage = storage
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
        do throws(StorageFailure) {
            let bytes = try WholeFile.read("\(folder)/\(RecordingFolder.facts)", limit: Self.largestFacts)
            guard let facts = try? JSONDecoder().decode(RecordingFacts.self, from: Data(bytes)), facts.id == id else {
                return logger.warning("recording left alone: its facts cannot be read", metadata: ["path": "\(folder)"])
            }
            recordings.withLock { $0[id] = Recording(facts, folder: folder, storage: storage) }
        } catch .system(_, _, ENOENT) {
            // The facts come first when a recording is made, and go first when it is deleted.
            for file in Folder.names(in: folder) { unlink("\(folder)/\(file)") }
            rmdir(folder)
        } catch {
            logger.warning("recording left alone: its facts cannot be read", metadata: ["error.type": "\(error)"])
        }
    }

    private func folder(of id: RecordingID) -> String { "\(directory)/\(id)" }

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
        let recording = Recording(facts, folder: folder, storage: storage)
        do throws(StorageFailure) {
            try write(facts, in: folder)
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
        guard let recording = self[id] else { return nil }
        let facts = recording.change(change)
        try write(facts, in: recording.folder)
        return facts
    }

    /// Deletes a recording.
    ///
    /// From now on nobody finds it; who reads from it reads on. Blocks.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public func delete(_ id: RecordingID) -> Bool {
        guard let recording = recordings.withLock({ $0.removeValue(forKey: id) }) else { return false }
        unlink("\(recording.folder)/\(RecordingFolder.facts)")
        recording.delete()
        return true
    }

    private func write(_ facts: RecordingFacts, in folder: String) throws(StorageFailure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // The facts are plain values: encoding them cannot fail.
        guard let data = try? encoder.encode(facts) else { return }
        try WholeFile.write(ByteBuffer(bytes: data), to: "\(folder)/\(RecordingFolder.facts)")
    }
}
