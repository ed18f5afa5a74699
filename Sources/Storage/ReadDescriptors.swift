import Synchronization

/// The files that are kept open for readers: those that were read last, no more than a number.
///
/// A file that falls out is closed when its last reader is done, and opened again for the next.
final class ReadDescriptors: Sendable {
    private struct Entry {
        let file: ReadableFile
        var lastUse: Int
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var uses = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// None yet.
    init(limit: Int) { self.limit = max(1, limit) }

    /// How many are open here.
    var count: Int { state.withLock { $0.entries.count } }

    /// A file, if it is open.
    subscript(id: Int) -> ReadableFile? {
        state.withLock { state in
            state.uses += 1
            state.entries[id]?.lastUse = state.uses
            return state.entries[id]?.file
        }
    }

    /// Keeps a file open.
    ///
    /// - Complexity: O(*n*) in the open files when there are too many.
    func insert(_ file: ReadableFile, for id: Int) {
        // What falls out is closed behind the lock.
        let evicted = state.withLock { state -> [Entry?] in
            state.uses += 1
            let old = state.entries.updateValue(Entry(file: file, lastUse: state.uses), forKey: id)
            guard state.entries.count > limit,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            else { return [old] }
            return [old, state.entries.removeValue(forKey: oldest.key)]
        }
        _ = consume evicted
    }

    /// Lets go of a file.
    func remove(_ id: Int) {
        let removed = state.withLock { $0.entries.removeValue(forKey: id) }
        _ = consume removed
    }

    /// Lets go of all files.
    func removeAll() {
        let removed = state.withLock { state in
            let entries = state.entries
            state.entries = [:]
            return entries
        }
        _ = consume removed
    }
}
