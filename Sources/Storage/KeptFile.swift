internal import Glibc

/// A file that stays when nobody reads it any more, such as one of a recording: on the disk, or in a store.
public final class KeptFile: Sendable {
    private enum Place {
        case file(MediaFile)
        case object(StoredObject)
    }

    private let place: Place
    /// When its bytes were changed last, in nanoseconds since 1970; 0 for one that is being written, and in a store.
    public let modificationTime: Int64

    init(_ file: MediaFile, modificationTime: Int64 = 0) {
        place = .file(file)
        self.modificationTime = modificationTime
    }

    /// A file in a store.
    public init(_ object: StoredObject) {
        place = .object(object)
        modificationTime = 0
    }

    /// How many bytes it has.
    public var byteCount: Int {
        switch place {
        case .file(let file): file.byteCount
        case .object(let object): object.byteCount
        }
    }

    /// All of it.
    public var whole: FileSlice { unchecked(offset: 0, length: byteCount) }

    /// Some of its bytes; `nil` where it does not have them all.
    public func slice(offset: Int, length: Int) -> FileSlice? {
        let byteCount = byteCount
        guard offset >= 0, length >= 0, length <= byteCount, offset <= byteCount - length else { return nil }
        return unchecked(offset: offset, length: length)
    }

    private func unchecked(offset: Int, length: Int) -> FileSlice {
        switch place {
        case .file(let file): FileSlice(file, offset: offset, length: length)
        case .object(let object): FileSlice(object, offset: offset, length: length)
        }
    }

    /// Has a file on the disk removed when nobody holds this, or any slice of it, any more.
    ///
    /// What is in a store goes by its ``StoreLease``.
    public func removeWhenUnused() {
        if case .file(let file) = place { file.removeWhenUnused() }
    }
}

extension MediaStorage {
    /// A file that is there already and is to stay.
    ///
    /// Blocks, so not for event loops.
    ///
    /// - Parameter path: where it is.
    /// - Returns: the file with the bytes that it has now.
    /// - Throws: ``StorageFailure/system(operation:path:code:)`` when it cannot be looked at, or is no regular file.
    public func keptFile(at path: String) throws(StorageFailure) -> KeptFile {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .last("stat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .system(operation: "open", path: path, code: EINVAL) }
        let time = status.st_mtim
        return KeptFile(
            MediaFile(id: nextIdentifier(), path: path, storage: self, byteCount: Int(status.st_size), isKept: true),
            modificationTime: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        )
    }
}
