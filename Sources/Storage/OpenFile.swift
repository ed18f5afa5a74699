// The system calls of storage, with their failures as errors.

internal import Glibc
public import NIOCore
internal import Synchronization

/// A file that is written to; closed when it goes.
struct WritableFile: ~Copyable {
    /// How many pieces one call takes: IOV_MAX of Linux (`UIO_MAXIOV` in linux/uio.h).
    private static let mostVectors = 1024

    private let path: String
    private var descriptor: Int32

    /// Opens a file that exists.
    init(_ path: String) throws(StorageFailure) {
        try self.init(path, O_WRONLY)
    }

    /// Makes a file that does not exist, for this user alone.
    init(making path: String) throws(StorageFailure) {
        try self.init(path, O_WRONLY | O_CREAT | O_EXCL)
    }

    private init(_ path: String, _ flags: Int32) throws(StorageFailure) {
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw .last("open", path) }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Writes bytes at a place.
    ///
    /// They reach the page cache, and the disk when the kernel writes that back; nothing is promised to survive a crash.
    func write(_ pieces: [ByteBuffer], at offset: Int) throws(StorageFailure) {
        let byteCount = pieces.reduce(0) { $0 + $1.readableBytes }
        var written = 0
        while written < byteCount {
            let (count, code) = withExtendedLifetime(pieces) {
                let vectors = Self.vectors(pieces, skipping: written)
                let count = pwritev(descriptor, vectors, Int32(vectors.count), off_t(offset + written))
                return (count, errno)
            }
            if count < 0, code == EINTR { continue }
            // A call that takes nothing and names no reason would be made for ever.
            guard count > 0 else { throw .system(operation: "write", path: path, code: count < 0 ? code : ENOSPC) }
            written += count
        }
    }

    /// The memory of pieces behind their first bytes, as much as one call takes; valid as long as the pieces are held.
    private static func vectors(_ pieces: [ByteBuffer], skipping skipped: Int) -> [iovec] {
        var vectors: [iovec] = []
        var skipped = skipped
        for piece in pieces where vectors.count < mostVectors {
            let part = min(skipped, piece.readableBytes)
            skipped -= part
            guard part < piece.readableBytes else { continue }
            // A buffer's memory stays where it is while somebody holds the buffer; the system only reads.
            piece.withUnsafeReadableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rebasing: bytes[part...]))
                vectors.append(iovec(iov_base: rest.baseAddress, iov_len: rest.count))
            }
        }
        return vectors
    }

    /// Makes a file's bytes outlast a crash of the machine.
    ///
    /// Blocks.
    static func synchronize(_ path: String) throws(StorageFailure) {
        let file = try WritableFile(path)
        guard fdatasync(file.descriptor) == 0 else { throw .last("fdatasync", path) }
    }

    /// How many bytes the file has.
    func byteCount() throws(StorageFailure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("stat", path) }
        return Int(status.st_size)
    }

    /// Cuts off what stands behind a place; where that fails, too, nobody refers to it.
    func truncate(to length: Int) {
        if descriptor >= 0 { _ = ftruncate(descriptor, off_t(length)) }
    }

    /// Waits until the disk has what was written.
    func synchronize() throws(StorageFailure) {
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", path) }
    }

    /// Closes the file: some file systems say only now that they had no room (NFS, quotas).
    mutating func close() throws(StorageFailure) {
        let status = Glibc.close(descriptor)
        descriptor = -1
        // After EINTR the descriptor is closed nevertheless (close(2)).
        guard status == 0 || errno == EINTR else { throw .last("close", path) }
    }
}

/// How many files are open for readers.
final class OpenFileCount: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func opened() { count.add(1, ordering: .relaxed) }

    func closed() { count.subtract(1, ordering: .relaxed) }
}

/// A file that is read by anybody at any place; closed when nobody holds it.
public final class ReadableFile: Sendable {
    /// How much is read at once where only the page cache is to have it, in bytes: what a processor's cache has room for.
    private static let scratchSize = 64 << 10

    private let path: String
    private let descriptor: Int32
    private let recentReads = Mutex(RecentReads())
    private let count: OpenFileCount?

    /// Opens a file.
    ///
    /// Blocks.
    public convenience init(_ path: String) throws(StorageFailure) { try self.init(path, countedIn: nil) }

    /// Opens a file that is counted as long as it is open.
    init(_ path: String, countedIn count: OpenFileCount?) throws(StorageFailure) {
        self.path = path
        self.count = count
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .last("open", path) }
        count?.opened()
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        count?.closed()
    }

    /// How many bytes it has now.
    public func byteCount() throws(StorageFailure) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("stat", path) }
        return Int(status.st_size)
    }

    /// Reads so many bytes at a place.
    ///
    /// Blocks.
    public func read(_ count: Int, at offset: Int) throws(StorageFailure) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: count)
        while bytes.readableBytes < count {
            let (missing, place) = (count - bytes.readableBytes, offset + bytes.readableBytes)
            var code: Int32 = 0
            var received = 0
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { room in
                received = pread(descriptor, room.baseAddress, missing, off_t(place))
                code = errno
                return max(0, received)
            }
            if received < 0, code == EINTR { continue }
            guard received >= 0 else { throw .system(operation: "read", path: path, code: code) }
            guard received > 0 else { throw .truncated(path: path, offset: place) }
        }
        return bytes
    }

    /// Whether some bytes were read by ``touch(_:)`` of late.
    func isTouched(_ range: Range<Int>) -> Bool {
        let now = NIODeadline.now()
        return recentReads.withLock { $0.has(range, now: now) }
    }

    /// Has the page cache read some bytes, and those around them that are in the same blocks.
    ///
    /// Blocks.
    ///
    /// - Parameter range: which bytes, counted from the file's beginning.
    /// - Throws: ``StorageFailure/system(operation:path:code:)`` and ``StorageFailure/truncated(path:offset:)`` when the disk
    ///   fails or somebody else has changed the file.
    func touch(_ range: Range<Int>) throws(StorageFailure) {
        let whole = RecentReads.whole(range)
        let failure = withUnsafeTemporaryAllocation(byteCount: Self.scratchSize, alignment: 16) {
            scratch -> StorageFailure? in
            var place = whole.lowerBound
            while place < whole.upperBound {
                let received = pread(descriptor, scratch.baseAddress, scratch.count, off_t(place))
                if received < 0, errno == EINTR { continue }
                guard received >= 0 else { return StorageFailure.last("read", path) }
                guard received > 0 else { break }
                place += received
            }
            return place < range.upperBound ? StorageFailure.truncated(path: path, offset: place) : nil
        }
        if let failure { throw failure }
        let now = NIODeadline.now()
        recentReads.withLock { $0.note(range, now: now) }
    }

    /// Some bytes, to be sent by the system.
    ///
    /// The handle is not to be closed: its descriptor is that of this file.
    func region(_ range: Range<Int>) -> FileRegion {
        FileRegion(
            fileHandle: NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor),
            readerIndex: range.lowerBound,
            endIndex: range.upperBound
        )
    }
}

/// Folders.
public enum Folder {
    /// Makes a folder for this user alone, and those above it that are missing.
    public static func make(_ path: String) throws(StorageFailure) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, let parent = parent(of: path) else { throw .last("mkdir", path) }
        try make(parent)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("mkdir", path) }
    }

    /// The folder that something lies in; `nil` for what has none above it.
    static func parent(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// Removes the files of a folder that end like ours, at any depth, and the folders that are empty then.
    ///
    /// A folder that was given by mistake loses nothing that is not ours.
    static func removeFiles(in path: String, endingWith suffix: String) {
        for name in names(in: path) {
            let item = "\(path)/\(name)"
            var status = stat()
            guard lstat(item, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                removeFiles(in: item, endingWith: suffix)
                rmdir(item)
            case S_IFREG where name.utf8.reversed().starts(with: suffix.utf8.reversed()): unlink(item)
            default: break
            }
        }
    }

    /// What lies in a folder; nothing where it cannot be read.
    public static func names(in path: String) -> [String] {
        guard let folder = opendir(path), let start = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // The entry ends with its name, before the end of the structure.
            let name = UnsafeRawPointer(entry).advanced(by: start).assumingMemoryBound(to: CChar.self)
            names.append(String(cString: name))
        }
        return names.filter { $0 != "." && $0 != ".." }
    }
}
