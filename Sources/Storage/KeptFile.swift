internal import Glibc

/// A file on disk that stays when nobody reads it any more, such as one of a recording.
public final class KeptFile: Sendable {
    let file: MediaFile
    /// When its bytes were changed last, in nanoseconds since 1970; 0 for one that is being written.
    public let modificationTime: Int64

    init(_ file: MediaFile, modificationTime: Int64 = 0) {
        self.file = file
        self.modificationTime = modificationTime
    }

    /// How many bytes it has.
    public var byteCount: Int { file.byteCount }

    /// All of it.
    public var whole: FileSlice { FileSlice(file, offset: 0, length: file.byteCount) }

    /// Some of its bytes; `nil` where it does not have them all.
    public func slice(offset: Int, length: Int) -> FileSlice? {
        guard offset >= 0, length >= 0, length <= file.byteCount, offset <= file.byteCount - length else { return nil }
        return FileSlice(file, offset: offset, length: length)
    }

    /// Has the file removed when nobody holds this, or any slice of it, any more.
    public func removeWhenUnused() { file.removeWhenUnused() }
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
