public import NIOCore
internal import Synchronization

/// Where one rendition of a recording is written, part behind part; what is written stays when the process ends.
///
/// Its files are `STEM-1.media`, `STEM-2.media` and so on. A file that has reached its size is left with the next segment, so
/// no segment spans two. The parts of a segment lie one behind the other, or the segment is lost as a whole.
public final class SegmentLog: Sendable {
    /// Where bytes lie.
    public struct Location: Hashable, Sendable {
        /// The number of the file, from 1.
        public let file: UInt32
        /// The place of the first byte in it.
        public let offset: UInt64
        /// How many bytes there are.
        public let length: UInt32
    }

    private struct State {
        var file: MediaFile?
        var number: UInt32
        /// Where the unfinished segment begins; `nil` when a part of it is lost.
        var segmentOffset: Int?
        /// The paths of files that are left but perhaps only in the page cache.
        var left: [String] = []
    }

    private let storage: MediaStorage
    private let stem: String
    private let journal: Journal
    private let made: @Sendable (_ number: UInt32, KeptFile) -> Void
    /// Only the writer's thread uses it.
    private let state: Mutex<State>

    /// A log that goes on behind the files that are there.
    ///
    /// - Parameters:
    ///   - stem: what the paths of its files begin with.
    ///   - number: the number of the newest file that is there; 0 when there is none.
    ///   - journal: what is told of each part when it has been written.
    ///   - storage: writes.
    ///   - made: told of each new file, on the writer's thread.
    public init(
        stem: String,
        after number: UInt32,
        journal: Journal,
        storage: MediaStorage,
        made: @escaping @Sendable (_ number: UInt32, KeptFile) -> Void
    ) {
        self.stem = stem
        self.journal = journal
        self.storage = storage
        self.made = made
        state = Mutex(State(number: number))
    }

    /// Has a part written behind all that were appended before, and then its entry to the journal.
    ///
    /// Returns at once; for any thread. Never fails: what the disk does not take is lost.
    ///
    /// - Parameters:
    ///   - pieces: the part's bytes, one piece behind the other.
    ///   - isFirst: whether it is the first part of its segment.
    ///   - segmentByteCount: the bytes of the whole segment, when this is its last part.
    ///   - entry: what the journal says of it, from where it lies; `nil` for a part that is lost.
    /// - Returns: with the last part, what tells where the segment is.
    public func append(
        _ pieces: [ByteBuffer],
        isFirst: Bool,
        segmentByteCount: Int?,
        entry: @escaping @Sendable (Location?) -> ByteBuffer
    ) -> FiledBytes? {
        let byteCount = pieces.reduce(0) { $0 + $1.readableBytes }
        let segment = segmentByteCount.map { FiledBytes(byteCount: $0) }
        let isTaken = storage.enqueue(
            byteCount,
            { () throws(StorageFailure) in
                guard
                    let location = try self.write(pieces, byteCount: byteCount, isFirst: isFirst, completing: segment)
                else { return false }
                self.journal.write(entry(location))
                return true
            },
            orElse: {
                self.giveUp()
                segment?.settle(nil)
                self.journal.write(entry(nil))
            }
        )
        if !isTaken { segment?.settle(nil) }
        return segment
    }

    /// Makes what was written outlast a crash of the machine.
    ///
    /// Blocks.
    public func synchronize() {
        let paths = state.withLock { state in
            defer { state.left = [] }
            return state.left + [state.file?.path].compactMap(\.self)
        }
        // What the disk does not take is told where it is written.
        for path in paths { try? WritableFile.synchronize(path) }
    }

    private func write(
        _ pieces: [ByteBuffer],
        byteCount: Int,
        isFirst: Bool,
        completing segment: FiledBytes?
    ) throws(StorageFailure) -> Location? {
        var current = state.withLock { $0 }
        if isFirst {
            let isFull = current.file.map { $0.byteCount >= storage.limits.fileSize } ?? true
            if isFull {
                leaveFile()
                current = makeFile(after: current.number)
            }
            current.segmentOffset = current.file?.byteCount
            let begun = current
            state.withLock { state in
                (state.file, state.number, state.segmentOffset) = (begun.file, begun.number, begun.segmentOffset)
            }
        }
        // Behind a part that is lost this one would not be found.
        guard let file = current.file, let segmentOffset = current.segmentOffset else { return nil }
        let slice = try file.append(pieces, byteCount: byteCount)
        if slice.offset == 0 { made(current.number, KeptFile(file)) }
        if let segment {
            let length = slice.offset + byteCount - segmentOffset
            segment.settle(FileSlice(file, offset: segmentOffset, length: length))
        }
        return Location(file: current.number, offset: UInt64(slice.offset), length: UInt32(clamping: byteCount))
    }

    private func makeFile(after number: UInt32) -> State {
        let file = storage.keptFile(making: "\(stem)-\(number + 1)\(MediaStorage.fileSuffix)")
        return State(file: file, number: number + 1)
    }

    /// The segment is lost, and whatever is wrong with the file, the next segment begins with a new one.
    private func giveUp() {
        leaveFile()
        state.withLock { $0.segmentOffset = nil }
    }

    private func leaveFile() {
        let old = state.withLock { state in
            defer { state.file = nil }
            if let path = state.file?.path { state.left.append(path) }
            return state.file
        }
        // What it takes to let go of a file is done behind the lock.
        _ = consume old
    }
}

extension MediaStorage {
    /// A file that is not there yet and is to stay.
    fileprivate func keptFile(making path: String) -> MediaFile {
        MediaFile(id: nextIdentifier(), path: path, storage: self, isKept: true)
    }
}
