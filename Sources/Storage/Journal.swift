internal import Glibc
public import NIOCore
internal import Synchronization

/// A file that is only appended to, entry by entry, by the writer's thread of a storage.
///
/// What the disk does not take waits and is tried again with the next entry, so that nothing is missing in the middle; a
/// file that somebody removed is begun anew with what it needs to be understood.
public final class Journal: Sendable {
    /// How many bytes may wait: hours of a live.
    private static let mostWaiting = 8 << 20

    private struct State {
        /// The bytes of the file that are known to be whole.
        var length: Int
        var waiting = ByteBuffer()
        /// The entries that a file without the others needs.
        var preamble: [ByteBuffer] = []
        var isBroken = false
    }

    /// Where it is.
    public let path: String
    private let storage: MediaStorage
    /// Only the writer's thread uses it.
    private let state: Mutex<State>

    /// A journal that goes on behind the first bytes of a file; what stands behind them is cut off.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - length: how many bytes of it are whole; 0 for one that is to be made.
    ///   - storage: writes.
    public init(path: String, length: Int = 0, storage: MediaStorage) {
        self.path = path
        self.storage = storage
        state = Mutex(State(length: length))
    }

    /// Has an entry written behind all that were appended before.
    ///
    /// Returns at once; for any thread.
    ///
    /// - Parameters:
    ///   - entry: its bytes.
    ///   - isPreamble: whether a file that is begun anew needs it as well.
    public func append(_ entry: ByteBuffer, isPreamble: Bool = false) {
        storage.afterwards { self.write(entry, isPreamble: isPreamble) }
    }

    /// Makes the bytes outlast a crash of the machine.
    ///
    /// Blocks.
    public func synchronize() { try? WritableFile.synchronize(path) }

    /// Writes an entry; on the writer's thread.
    func write(_ entry: ByteBuffer, isPreamble: Bool = false) {
        var state = state.withLock { $0 }
        if isPreamble { state.preamble.append(entry) }
        if state.waiting.readableBytes == 0 {
            state.waiting = entry
        } else if state.waiting.readableBytes + entry.readableBytes <= Self.mostWaiting {
            state.waiting.writeImmutableBuffer(entry)
        }
        do throws(StorageFailure) {
            try write(&state)
            if state.isBroken { storage.note(nil) }
            state.isBroken = false
        } catch {
            if !state.isBroken { storage.note(error) }
            state.isBroken = true
        }
        let written = state
        self.state.withLock { $0 = written }
    }

    private func write(_ state: inout State) throws(StorageFailure) {
        do throws(StorageFailure) {
            try write([state.waiting], at: state.length)
            state.length += state.waiting.readableBytes
        } catch .system(_, _, ENOENT) {
            // It is not there yet, or no longer.
            let isNew = state.length == 0
            let bytes = isNew ? [state.waiting] : state.preamble + [state.waiting]
            var file = try storage.make(path)
            try file.write(bytes, at: 0)
            try file.close()
            state.length = bytes.reduce(0) { $0 + $1.readableBytes }
        }
        state.waiting = ByteBuffer()
    }

    private func write(_ pieces: [ByteBuffer], at offset: Int) throws(StorageFailure) {
        var file = try storage.withDescriptors { () throws(StorageFailure) in try WritableFile(path) }
        do throws(StorageFailure) {
            // Also what an interrupted write has left.
            if try file.byteCount() != offset { file.truncate(to: offset) }
            try file.write(pieces, at: offset)
            try file.close()
        } catch {
            file.truncate(to: offset)
            throw error
        }
    }
}
