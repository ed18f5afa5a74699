internal import Glibc
public import NIOCore
internal import NIOPosix
internal import Synchronization

/// A store in a folder, such as one on a network file system that several servers have.
///
/// An object is a file with its name below the folder. What is being put is a file `.put-N-...` beside it, which is renamed when the disk
/// has it all. Copies are links to the same bytes, where the file system can.
public final class FolderStore: ObjectStore {
    private static let temporaryPrefix = ".put-"
    private static let chunkSize = 1 << 20

    private let directory: String
    /// Its own: a network file system that hangs holds up nobody else.
    private let pool = NIOThreadPool(numberOfThreads: 2)
    private let counter = Atomic(0)

    /// A store in a folder, which is made if need be.
    ///
    /// - Throws: ``StorageFailure`` when it cannot be made or used.
    public init(directory: String) throws(StorageFailure) {
        try Folder.make(directory)
        guard access(directory, R_OK | W_OK | X_OK) == 0 else { throw .last("use", directory) }
        self.directory = directory
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    /// Ends its threads.
    public func shutDown() async { try? await pool.shutdownGracefully() }

    private func path(_ key: ObjectKey) -> String { "\(directory)/\(key)" }

    /// Runs something that blocks on the store's threads.
    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StorageFailure) -> Value
    ) async throws(ObjectStoreFailure) -> Value {
        guard !Task.isCancelled else { throw .cancelled }
        do {
            return try await pool.runIfActive { try body() }
        } catch let failure as StorageFailure {
            throw .disk(failure)
        } catch {
            throw Task.isCancelled ? .cancelled : .unavailable("\(error)")
        }
    }

    // MARK: - Putting

    /// Copies the bytes beside the object's place, and renames them.
    public func put(
        _ content: ObjectContent,
        as key: ObjectKey,
        contentType: String,
        progress: @Sendable (Int) -> Void
    ) async throws(ObjectStoreFailure) {
        let source = try await perform { () throws(StorageFailure) in try Source(content) }
        let target = path(key)
        let temporary = temporaryPath(for: target)
        do throws(ObjectStoreFailure) {
            try await perform { () throws(StorageFailure) in
                try Folder.make(Folder.parent(of: target) ?? "/")
                _ = try WritableFile(making: temporary)
            }
            for offset in stride(from: 0, to: source.byteCount, by: Self.chunkSize) {
                let count = min(Self.chunkSize, source.byteCount - offset)
                try await perform { () throws(StorageFailure) in
                    try WritableFile(temporary).write([source.read(count, at: offset)], at: offset)
                }
                progress(count)
            }
            try await perform { () throws(StorageFailure) in try Self.finish(temporary, as: target) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private struct Source: Sendable {
        let file: ReadableFile?
        let bytes: ByteBuffer
        let byteCount: Int

        init(_ content: ObjectContent) throws(StorageFailure) {
            switch content {
            case .bytes(let buffer): (file, bytes, byteCount) = (nil, buffer, buffer.readableBytes)
            case .file(let path):
                let opened = try ReadableFile(path)
                (file, bytes, byteCount) = (opened, ByteBuffer(), try opened.byteCount())
            }
        }

        func read(_ count: Int, at offset: Int) throws(StorageFailure) -> ByteBuffer {
            guard let file else { return bytes.getSlice(at: bytes.readerIndex + offset, length: count) ?? ByteBuffer() }
            return try file.read(count, at: offset)
        }
    }

    /// A name that no other process has: several servers may use the folder.
    private func temporaryPath(for target: String) -> String {
        let folder = Folder.parent(of: target) ?? "/"
        let number = counter.add(1, ordering: .relaxed).newValue
        return "\(folder)/\(Self.temporaryPrefix)\(getpid())-\(UInt32.random(in: 0...UInt32.max))-\(number)"
    }

    private static func finish(_ temporary: String, as target: String) throws(StorageFailure) {
        try WritableFile(temporary).synchronize()
        guard rename(temporary, target) == 0 else { throw .last("rename", target) }
    }

    // MARK: - Reading

    /// Reads the bytes a MiB at a time.
    public func read(
        _ key: ObjectKey,
        _ range: Range<Int>,
        _ receive: (ByteBuffer) async throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure) {
        let path = path(key)
        let file: ReadableFile
        do throws(ObjectStoreFailure) {
            file = try await perform { () throws(StorageFailure) in try ReadableFile(path) }
        } catch .disk(.system(_, _, ENOENT)) {
            throw .notFound(key)
        }
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunkSize) {
            let count = min(Self.chunkSize, range.upperBound - offset)
            try await receive(try await perform { () throws(StorageFailure) in try file.read(count, at: offset) })
        }
    }

    /// What the file system says of the file.
    public func info(_ key: ObjectKey) async throws(ObjectStoreFailure) -> ObjectInfo? {
        let path = path(key)
        return try await perform { Self.info(key, at: path) }
    }

    private static func info(_ key: ObjectKey, at path: String) -> ObjectInfo? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let time = status.st_mtim
        return ObjectInfo(
            key: key,
            byteCount: Int(status.st_size),
            tag: "\(status.st_ino)-\(time.tv_sec).\(time.tv_nsec)-\(status.st_size)"
        )
    }

    /// Walks through the folders that the prefix leaves, in the order of the names.
    public func list(
        prefix: String,
        isFlat: Bool,
        after next: String?,
        limit: Int
    ) async throws(ObjectStoreFailure) -> ObjectPage {
        let directory = directory
        return try await perform {
            var walk = FolderWalk(directory: directory, prefix: prefix, isFlat: isFlat, after: next, limit: limit)
            return walk.page { key, path in Self.info(key, at: path) }
        }
    }

    // MARK: - Changing

    /// Unlinks the files, and removes the folders that are empty then.
    public func delete(_ keys: [ObjectKey]) async throws(ObjectStoreFailure) {
        let (directory, paths) = (directory, keys.map(path))
        try await perform { () throws(StorageFailure) in
            for path in paths {
                guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw .last("unlink", path) }
                var folder = Folder.parent(of: path)
                while let path = folder, path.utf8.count > directory.utf8.count, rmdir(path) == 0 {
                    folder = Folder.parent(of: path)
                }
            }
        }
    }

    /// Links the bytes to a second name, or copies them where that is not possible.
    public func copy(_ key: ObjectKey, to other: ObjectKey) async throws(ObjectStoreFailure) {
        let (source, target) = (path(key), path(other))
        let temporary = temporaryPath(for: target)
        let outcome = try await perform { () throws(StorageFailure) -> Int32 in
            try Folder.make(Folder.parent(of: target) ?? "/")
            guard link(source, temporary) == 0 else { return errno }
            guard rename(temporary, target) == 0 else {
                unlink(temporary)
                throw .last("rename", target)
            }
            // Where both are links to the same file already, rename does nothing (rename(2)).
            unlink(temporary)
            return 0
        }
        switch outcome {
        case 0: break
        case ENOENT: throw .notFound(key)
        default: try await put(.file(source), as: other)
        }
    }

    /// Removes the files of puts that were not finished.
    public func removeUnfinished(olderThan seconds: Int) async throws(ObjectStoreFailure) -> Int {
        let directory = directory
        return try await perform { Self.removeUnfinished(in: directory, before: time(nil) - seconds) }
    }

    private static func removeUnfinished(in folder: String, before limit: Int) -> Int {
        var count = 0
        for name in Folder.names(in: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                count += removeUnfinished(in: path, before: limit)
            } else if name.hasPrefix(temporaryPrefix), status.st_mtim.tv_sec <= limit, unlink(path) == 0 {
                count += 1
            }
        }
        return count
    }
}
