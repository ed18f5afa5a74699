public import NIOCore

/// A place for files that are complete, such as those of finished recordings, which several servers can share.
///
/// There are two: a folder (``FolderStore``), and object storage with the S3 interface. A file is there as a whole or not at
/// all, and is replaced as a whole.
public protocol ObjectStore: Sendable {
    /// Puts something into the store, in place of what is there under this name.
    ///
    /// What is large is sent in parts, each of which is tried again by itself; nothing is left of what does not succeed.
    ///
    /// - Parameters:
    ///   - content: the bytes.
    ///   - key: its name.
    ///   - contentType: what kind of bytes they are, for those who fetch them without this server.
    ///   - progress: told how many bytes were taken since it was told last.
    /// - Throws: why it cannot be put.
    func put(
        _ content: ObjectContent,
        as key: ObjectKey,
        contentType: String,
        progress: @Sendable (Int) -> Void
    ) async throws(ObjectStoreFailure)

    /// Reads some of an object's bytes, in pieces of which one is in memory at a time.
    ///
    /// Goes on where it was when a connection breaks.
    ///
    /// - Parameters:
    ///   - key: the object.
    ///   - range: which bytes.
    ///   - receive: called with each piece, in order; the next is not fetched before it returns.
    /// - Throws: ``ObjectStoreFailure/notFound(_:)``, or why it cannot be read; or what `receive` throws.
    func read(
        _ key: ObjectKey,
        _ range: Range<Int>,
        _ receive: (ByteBuffer) async throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure)

    /// What is known of an object; `nil` when there is none.
    func info(_ key: ObjectKey) async throws(ObjectStoreFailure) -> ObjectInfo?

    /// A page of the objects whose names begin alike, each once, in an order of the store's own.
    ///
    /// - Parameters:
    ///   - prefix: what the names begin with.
    ///   - isFlat: whether objects in folders below, told by a `/` behind the prefix, are named one by one; else their
    ///     folders are.
    ///   - next: ``ObjectPage/next`` of the page before; `nil` for the first.
    ///   - limit: how many names at most, up to 1000.
    /// - Returns: the page.
    /// - Throws: why it cannot be listed.
    func list(
        prefix: String,
        isFlat: Bool,
        after next: String?,
        limit: Int
    ) async throws(ObjectStoreFailure) -> ObjectPage

    /// Removes objects; one that is not there is removed already.
    func delete(_ keys: [ObjectKey]) async throws(ObjectStoreFailure)

    /// Copies an object within the store, without its bytes coming here.
    func copy(_ key: ObjectKey, to other: ObjectKey) async throws(ObjectStoreFailure)

    /// Removes what was begun to be put long ago and never finished, such as by a process that was killed.
    ///
    /// - Parameter seconds: how long ago at least.
    /// - Returns: how many there were.
    /// - Throws: why they cannot be removed.
    @discardableResult
    func removeUnfinished(olderThan seconds: Int) async throws(ObjectStoreFailure) -> Int

    /// Ends what is under way; the store is not used afterwards.
    func shutDown() async
}

extension ObjectStore {
    /// Some of an object's bytes, in memory.
    public func bytes(of key: ObjectKey, _ range: Range<Int>) async throws(ObjectStoreFailure) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(range.count)
        try await read(key, range) { (piece: ByteBuffer) throws(ObjectStoreFailure) in bytes.writeImmutableBuffer(piece)
        }
        return bytes
    }

    /// Puts something into the store; see ``put(_:as:contentType:progress:)``.
    public func put(
        _ content: ObjectContent,
        as key: ObjectKey,
        contentType: String = "application/octet-stream"
    ) async throws(ObjectStoreFailure) {
        try await put(content, as: key, contentType: contentType) { _ in }
    }

    /// All objects, or folders, whose names begin alike; see ``list(prefix:isFlat:after:limit:)``.
    ///
    /// - Parameters:
    ///   - prefix: what the names begin with.
    ///   - isFlat: whether objects in folders below are named one by one.
    ///   - receive: called with each page.
    /// - Throws: why they cannot be listed, or what `receive` throws.
    public func listAll(
        prefix: String,
        isFlat: Bool = true,
        _ receive: (ObjectPage) throws(ObjectStoreFailure) -> Void
    ) async throws(ObjectStoreFailure) {
        var next: String?
        repeat {
            let page = try await list(prefix: prefix, isFlat: isFlat, after: next, limit: 1000)
            try receive(page)
            next = page.next
        } while next != nil
    }
}

/// What is put into a store.
public enum ObjectContent: Sendable {
    /// A file on the disk, read as it is sent.
    case file(String)
    /// A few bytes in memory.
    case bytes(ByteBuffer)
}

/// What is known of an object.
public struct ObjectInfo: Hashable, Sendable {
    /// Its name.
    public var key: ObjectKey
    /// How many bytes it has.
    public var byteCount: Int
    /// Changes with its bytes.
    public var tag: String

    /// An object.
    public init(key: ObjectKey, byteCount: Int, tag: String) {
        self.key = key
        self.byteCount = byteCount
        self.tag = tag
    }
}

/// Some of the names in a store.
public struct ObjectPage: Hashable, Sendable {
    /// Objects.
    public var objects: [ObjectInfo]
    /// Folders, each ending with `/`, where they were asked for.
    public var folders: [String]
    /// Where the next page begins, in the store's own words; `nil` when this is the last one.
    public var next: String?

    /// A page.
    public init(objects: [ObjectInfo] = [], folders: [String] = [], next: String? = nil) {
        self.objects = objects
        self.folders = folders
        self.next = next
    }
}
