internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One object of a store, for those who read it as if it were a file on the disk.
public final class StoredObject: Sendable {
    /// How many bytes it has.
    public let byteCount: Int

    private let store: any ObjectStore
    private let key: ObjectKey
    /// Held as long as anybody reads.
    private let lease: StoreLease?

    /// An object.
    ///
    /// - Parameters:
    ///   - key: its name.
    ///   - byteCount: how many bytes it has.
    ///   - store: the store that has it.
    ///   - lease: keeps the store from removing it.
    public init(_ key: ObjectKey, byteCount: Int, in store: any ObjectStore, lease: StoreLease? = nil) {
        self.key = key
        self.byteCount = byteCount
        self.store = store
        self.lease = lease
    }

    /// Reads so many bytes at a place.
    func read(_ count: Int, at offset: Int) async throws(StorageFailure) -> ByteBuffer {
        do throws(ObjectStoreFailure) {
            return try await store.bytes(of: key, offset..<offset + count)
        } catch {
            throw .store(error)
        }
    }

    /// Reads so many bytes at a place, and waits for them.
    ///
    /// Not for event loops.
    func readAndWait(_ count: Int, at offset: Int) throws(StorageFailure) -> ByteBuffer {
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: ByteBuffer.self)
        Task(executorPreference: WaitedForExecutor.shared) {
            do throws(StorageFailure) {
                promise.succeed(try await self.read(count, at: offset))
            } catch {
                promise.fail(error)
            }
        }
        do {
            return try promise.futureResult.wait()
        } catch {
            throw (error as? StorageFailure) ?? .store(.unavailable("\(error)"))
        }
    }
}

/// Runs what threads wait for, on a thread of its own: Swift's own threads may all be among those that wait.
private final class WaitedForExecutor: TaskExecutor {
    /// One for all: it has no state, and whoever waits has a thread already.
    static let shared = WaitedForExecutor()

    private let pool = NIOThreadPool(numberOfThreads: 1)

    private init() { pool.start() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Keeps what is in a store as long as somebody reads it.
///
/// Those who read hold it. When it was condemned and nobody holds it any more, it tells that the time has come.
public final class StoreLease: Sendable {
    private let isCondemned = Atomic(false)
    private let whenUnused: @Sendable () -> Void

    /// A lease.
    ///
    /// - Parameter whenUnused: called once, on any thread, when it was condemned and nobody holds it.
    public init(whenUnused: @escaping @Sendable () -> Void) { self.whenUnused = whenUnused }

    /// Has the removal begin when nobody holds this any more.
    public func condemn() { isCondemned.store(true, ordering: .releasing) }

    deinit {
        if isCondemned.load(ordering: .acquiring) { whenUnused() }
    }
}
