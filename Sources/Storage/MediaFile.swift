import NIOCore
import Synchronization

/// One file of a log.
///
/// It is held by its log while that appends to it, and by every slice of it. When nobody holds it any more, the writer's
/// thread unlinks it, unless it is to be kept: that can take milliseconds, and whoever let go last may be an event loop.
///
/// The file is on the disk under its path for all that time, so nothing needs to keep it open. Writing opens it for each
/// segment; for readers the newest few are kept open, see ``ReadDescriptors``.
final class MediaFile: Sendable {
    /// Tells it apart from all others of the storage.
    let id: Int
    /// Where it is.
    let path: String

    private let storage: MediaStorage
    private let size: Atomic<Int>
    /// The bytes that it had at first, which the storage's figures do not count.
    private let firstSize: Int
    private let isKept: Atomic<Bool>

    /// A file that is not there yet, or one that has bytes already.
    init(id: Int, path: String, storage: MediaStorage, byteCount: Int = 0, isKept: Bool = false) {
        self.id = id
        self.path = path
        self.storage = storage
        size = Atomic(byteCount)
        firstSize = byteCount
        self.isKept = Atomic(isKept)
    }

    deinit {
        if isKept.load(ordering: .relaxed) {
            storage.letGo(id)
        } else {
            storage.discard(id, path: path, byteCount: size.load(ordering: .relaxed) - firstSize)
        }
    }

    /// Has the file unlinked when nobody holds it any more.
    func removeWhenUnused() { isKept.store(false, ordering: .relaxed) }

    /// How many bytes it has; only the writer's thread changes that.
    var byteCount: Int { size.load(ordering: .relaxed) }

    /// Writes bytes behind those that are there.
    ///
    /// Blocks. Where that fails, what was written of them is cut off again.
    ///
    /// - Returns: where they lie.
    func append(_ pieces: [ByteBuffer], byteCount: Int) throws(StorageFailure) -> FileSlice {
        let offset = self.byteCount
        var file =
            offset == 0
            ? try storage.make(path)
            : try storage.withDescriptors { () throws(StorageFailure) in try WritableFile(path) }
        do throws(StorageFailure) {
            try file.write(pieces, at: offset)
            try file.close()
        } catch {
            file.truncate(to: offset)
            throw error
        }
        size.store(offset + byteCount, ordering: .relaxed)
        return FileSlice(self, offset: offset, length: byteCount)
    }

    /// Reads bytes that were written.
    ///
    /// Blocks.
    func read(_ count: Int, at offset: Int) throws(StorageFailure) -> ByteBuffer {
        try storage.readable(id, path: path).read(count, at: offset)
    }

    /// The file, open for reading.
    ///
    /// Blocks.
    func opened() throws(StorageFailure) -> ReadableFile { try storage.readable(id, path: path) }

    /// Whether one more file may be open for as long as somebody reads it.
    ///
    /// Slow readers of many files would else have all descriptors: each file that is sent stays open until it is.
    var mayStayOpen: Bool { storage.openFiles.value <= 2 * storage.limits.openFiles }

    /// The file, if it is open for readers already.
    var openFile: ReadableFile? { storage.descriptors[id] }
}
