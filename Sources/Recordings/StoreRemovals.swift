import Glibc
import Storage
import Synchronization

/// The recordings that are deleted here and are still to be removed from the store: one empty file each in a folder, so that
/// a server that restarts does not forget one.
final class StoreRemovals: Sendable {
    private struct State {
        /// Those that somebody reads.
        var held: Set<RecordingID> = []
        var waiting: Set<RecordingID>
    }

    private let directory: String
    private let state: Mutex<State>
    private let observer = Mutex<(@Sendable () -> Void)?>(nil)

    /// What a folder says.
    ///
    /// Blocks.
    init(directory: String) {
        self.directory = directory
        state = Mutex(State(waiting: Set(Folder.names(in: directory).compactMap { RecordingID($0) })))
    }

    /// Whether a recording is deleted.
    func contains(_ id: RecordingID) -> Bool { state.withLock { $0.waiting.contains(id) } }

    /// Those that can be removed now.
    var due: [RecordingID] { state.withLock { Array($0.waiting.subtracting($0.held)) } }

    /// Notes a deletion; ``release(_:)`` is called when nobody reads the recording any more.
    ///
    /// Blocks.
    ///
    /// - Returns: whether the disk has it.
    func note(_ id: RecordingID) -> Bool {
        state.withLock { state in
            state.held.insert(id)
            state.waiting.insert(id)
        }
        guard (try? Folder.make(directory)) != nil else { return false }
        let descriptor = open("\(directory)/\(id)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    /// Nobody reads the recording any more.
    func release(_ id: RecordingID) {
        let isDue = state.withLock { state in
            state.held.remove(id)
            return state.waiting.contains(id)
        }
        if isDue { observer.withLock { $0 }?() }
    }

    /// Has something called, on any thread, when a recording can be removed.
    func observe(_ observer: @escaping @Sendable () -> Void) { self.observer.withLock { $0 = observer } }

    /// The store does not have it any more.
    ///
    /// Blocks.
    func finish(_ id: RecordingID) {
        unlink("\(directory)/\(id)")
        state.withLock { _ = $0.waiting.remove(id) }
    }
}
