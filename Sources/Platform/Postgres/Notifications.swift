internal import Foundation
internal import Logging
internal import Synchronization

/// What a listener hears.
public enum DatabaseNotification: Sendable, Hashable {
    /// The connection has been made, for the first time or again: what was sent before it was not heard. Read again what it is
    /// about.
    case reconnected
    /// Somebody has committed a NOTIFY. Its payload has at most 7999 bytes, and equal ones of one transaction come once
    /// (PostgreSQL 15, NOTIFY).
    case notification(channel: String, payload: String)
}

extension Database {
    /// Hears what is sent to channels, on a connection of its own that is made again whenever it ends.
    ///
    /// - Parameter channels: their names, exactly: NOTIFY without quotes makes its letters small.
    /// - Returns: what is heard, until it is not iterated any more or the database is shut down. Who does not keep up loses the
    ///   oldest, and hears ``DatabaseNotification/reconnected``.
    public func notifications(on channels: [String]) -> AsyncStream<DatabaseNotification> {
        let (stream, continuation) = AsyncStream<DatabaseNotification>.makeStream(
            bufferingPolicy: .bufferingNewest(NotificationListener.bufferSize)
        )
        guard let listener = NotificationListener(configuration, channels, continuation, logger) else {
            logger.error("no descriptors for a listener")
            continuation.finish()
            return stream
        }
        guard listeners.insert(listener) else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { _ in listener.stop() }
        listener.start { [listeners] in listeners.remove(listener) }
        return stream
    }
}

/// The listeners of a database, until they end.
final class NotificationListeners: Sendable {
    private let state = Mutex<[ObjectIdentifier: NotificationListener]?>([:])

    /// - Returns: whether the database still has listeners.
    func insert(_ listener: NotificationListener) -> Bool {
        state.withLock { $0?.updateValue(listener, forKey: ObjectIdentifier(listener)) == nil && $0 != nil }
    }

    func remove(_ listener: NotificationListener) { state.withLock { $0?[ObjectIdentifier(listener)] = nil } }

    /// Stops all, and takes no more.
    func stop() {
        let all = state.withLock { state in
            defer { state = nil }
            return state ?? [:]
        }
        for listener in all.values { listener.stop() }
    }
}

/// A thread that waits for notifications.
final class NotificationListener: Sendable {
    static let bufferSize = 1024
    /// How long nothing may be heard before the connection is tried.
    private static let checkInterval: Int32 = 30_000
    private static let firstBackOff: Int32 = 100
    private static let longestBackOff: Int32 = 5_000

    private let configuration: DatabaseConfiguration
    private let channels: [String]
    private let continuation: AsyncStream<DatabaseNotification>.Continuation
    private let logger: Logger
    private let isStopped = Atomic(false)
    /// A pipe: what is written to its end wakes the thread.
    private let wake: (read: Int32, write: Int32)

    init?(
        _ configuration: DatabaseConfiguration,
        _ channels: [String],
        _ continuation: AsyncStream<DatabaseNotification>.Continuation,
        _ logger: Logger
    ) {
        var descriptors: [Int32] = [0, 0]
        guard pipe(&descriptors) == 0 else { return nil }
        // Not for the processes that this one starts.
        for descriptor in descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        wake = (descriptors[0], descriptors[1])
        self.configuration = configuration
        self.channels = channels
        self.continuation = continuation
        self.logger = logger
    }

    deinit {
        close(wake.read)
        close(wake.write)
    }

    func start(ended: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            run()
            continuation.finish()
            ended()
        }
        thread.name = "postgres-listen"
        thread.stackSize = 1 << 20
        thread.start()
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        _ = write(wake.write, [UInt8(1)], 1)
    }

    private func run() {
        var backOff = Self.firstBackOff
        while !isStopped.load(ordering: .acquiring) {
            do {
                let session = try Session(configuration, logger: logger)
                for channel in channels {
                    let name = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(
                        separator: "\"\""
                    )
                    _ = try session.executeOnce("LISTEN \"\(name)\"")
                }
                backOff = Self.firstBackOff
                yield(.reconnected)
                try listen(session)
            } catch {
                logger.warning("database listener disconnected", metadata: ["error.message": "\(error)"])
            }
            wait(milliseconds: Int32(Double(backOff) * .random(in: 0.5...1)))
            backOff = min(backOff * 2, Self.longestBackOff)
        }
    }

    /// Returns when the listener is stopped.
    private func listen(_ session: Session) throws(DatabaseError) {
        while !isStopped.load(ordering: .acquiring) {
            while let (channel, payload) = session.nextNotification() {
                yield(.notification(channel: channel, payload: payload))
            }
            var watched = [
                pollfd(fd: session.socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&watched, 2, Self.checkInterval)
            if ready == 0 {
                // A peer that has vanished without a word is found out by asking.
                _ = try session.executeOnce("SELECT 1")
            } else if watched[0].revents != 0, !session.consumeInput() {
                throw .connectionLost(session.errorMessage)
            }
        }
    }

    private func yield(_ event: DatabaseNotification) {
        if case .dropped = continuation.yield(event) { continuation.yield(.reconnected) }
    }

    private func wait(milliseconds: Int32) {
        var watched = pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, milliseconds)
    }
}
