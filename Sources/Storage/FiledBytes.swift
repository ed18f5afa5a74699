public import NIOCore
internal import Synchronization

/// Bytes that were appended to a ``MediaLog`` or a ``SegmentLog``, and what has become of them.
public final class FiledBytes: Sendable {
    /// Where bytes are on their way to the disk.
    public enum State: Hashable, Sendable {
        /// They wait for the disk.
        case pending
        /// They can be read from their ``FiledBytes/slice``.
        case written
        /// They will never be there.
        case lost
    }

    private enum Outcome {
        case pending
        case written(FileSlice)
        case lost
    }

    /// How many bytes there are.
    public let byteCount: Int

    private let outcome = Mutex(Outcome.pending)

    init(byteCount: Int) { self.byteCount = byteCount }

    /// Bytes that an earlier process wrote; `nil` for such as it lost.
    public init(byteCount: Int, in slice: FileSlice?) {
        self.byteCount = byteCount
        settle(slice)
    }

    /// What has become of them.
    ///
    /// Changes once, from pending.
    public var state: State {
        switch outcome.withLock({ $0 }) {
        case .pending: .pending
        case .written: .written
        case .lost: .lost
        }
    }

    /// Where they lie; `nil` unless they are written.
    public var slice: FileSlice? {
        guard case .written(let slice) = outcome.withLock({ $0 }) else { return nil }
        return slice
    }

    /// They lie in this file, or nowhere.
    func settle(_ slice: FileSlice?) {
        outcome.withLock { $0 = slice.map(Outcome.written) ?? .lost }
    }
}

/// Some bytes of a file, on the disk or in a store.
///
/// Holds on to the file: it is there as long as any slice of it.
public struct FileSlice: Sendable {
    private enum Place: Sendable {
        case file(MediaFile)
        case object(StoredObject)
    }

    private let place: Place
    let offset: Int
    /// How many bytes there are.
    public let length: Int

    private init(_ place: Place, offset: Int, length: Int) {
        self.place = place
        self.offset = offset
        self.length = length
    }

    init(_ file: MediaFile, offset: Int, length: Int) { self.init(.file(file), offset: offset, length: length) }

    init(_ object: StoredObject, offset: Int, length: Int) {
        self.init(.object(object), offset: offset, length: length)
    }

    /// Whether the bytes are in a store: reading them takes as long as the network does.
    ///
    /// Then ``read(_:)`` makes a thread wait for that; ``fetch(_:)`` does not.
    public var isRemote: Bool {
        switch place {
        case .file: false
        case .object: true
        }
    }

    /// Reads some of the bytes.
    ///
    /// Blocks, so not for event loops; where ``isRemote``, for no task either.
    ///
    /// - Parameter range: which, counted from the slice's beginning.
    /// - Returns: that many bytes.
    /// - Throws: ``StorageFailure/outOfBounds(_:length:)`` for a range that the slice does not have;
    ///   ``StorageFailure/system(operation:path:code:)`` and ``StorageFailure/truncated(path:offset:)`` when the disk fails
    ///   or somebody else has changed the file; ``StorageFailure/store(_:)`` when the store fails.
    public func read(_ range: Range<Int>) throws(StorageFailure) -> ByteBuffer {
        try check(range)
        switch place {
        case .file(let file): return try file.read(range.count, at: offset + range.lowerBound)
        case .object(let object): return try object.readAndWait(range.count, at: offset + range.lowerBound)
        }
    }

    /// Fetches some of the bytes of a slice that is remote, without a thread that waits.
    ///
    /// - Parameter range: which, counted from the slice's beginning.
    /// - Returns: that many bytes.
    /// - Throws: as ``read(_:)``.
    public func fetch(_ range: Range<Int>) async throws(StorageFailure) -> ByteBuffer {
        try check(range)
        switch place {
        case .file(let file): return try file.read(range.count, at: offset + range.lowerBound)
        case .object(let object): return try await object.read(range.count, at: offset + range.lowerBound)
        }
    }

    /// The bytes, for the system to send, if nothing has to be waited for: their file is open, and they were read of late.
    ///
    /// For event loops. `nil` says that ``openRegion()`` may make them ready.
    public var readyRegion: OpenRegion? {
        guard case .file(let media) = place, let file = media.openFile, file.isTouched(offset..<offset + length) else {
            return nil
        }
        return OpenRegion(self, in: file)
    }

    /// The bytes, for the system to send, with the disk already asked for them.
    ///
    /// Blocks, so not for event loops.
    ///
    /// - Returns: the bytes; `nil` where they have to be read, since they are remote, or too many files are being sent.
    /// - Throws: as ``read(_:)``.
    public func openRegion() throws(StorageFailure) -> OpenRegion? {
        guard case .file(let media) = place, media.openFile != nil || media.mayStayOpen else { return nil }
        let file = try media.opened()
        if !file.isTouched(offset..<offset + length) { try file.touch(offset..<offset + length) }
        return OpenRegion(self, in: file)
    }

    private func check(_ range: Range<Int>) throws(StorageFailure) {
        guard range.lowerBound >= 0, range.upperBound <= length else { throw .outOfBounds(range, length: length) }
    }

    /// Some of the bytes, those of the range that the slice has.
    public func subslice(_ range: Range<Int>) -> FileSlice {
        let known = range.clamped(to: 0..<length)
        return FileSlice(place, offset: offset + known.lowerBound, length: known.count)
    }
}
