public import Logging
internal import Synchronization

/// A PostgreSQL database: a few connections, each on a thread of its own, that are shared in the order of asking.
///
/// Work is handed over as a whole: one closure with all its statements.
///
/// ```swift
/// let handle = try await database.run { connection in
///     try connection.queryFirst("SELECT handle FROM account WHERE id = \(id)") { row in try row.get("handle", as: String.self) }
/// }
/// ```
///
/// Connections are made when they are needed. While the server cannot be reached, work fails at once with
/// ``DatabaseError/unavailable(_:)``; as soon as it can again, work is done again.
public final class Database: Sendable {
    /// What was configured.
    public let configuration: DatabaseConfiguration
    let logger: Logger
    let listeners = NotificationListeners()
    private let pool: Pool

    /// A database that nobody has connected to yet.
    ///
    /// - Parameters:
    ///   - configuration: where it is and how it is used.
    ///   - logger: told of connections that fail, and of the server's notices at debug.
    public init(_ configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        pool = Pool(configuration, logger: logger)
    }

    deinit {
        pool.shutDown()
        listeners.stop()
    }

    /// Does work on a connection; each statement is a transaction of its own.
    ///
    /// - Parameter work: runs on the connection's thread, and may block it.
    /// - Returns: what the work returns.
    /// - Throws: what the work throws, or ``DatabaseError``.
    @discardableResult
    public func run<R: Sendable>(_ work: @escaping @Sendable (Connection) throws -> R) async throws -> R {
        let id = pool.nextIdentifier()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
                let unit = UnitOfWork(
                    id: id,
                    counter: StatementCounter.current,
                    perform: { connection in
                        let result = Result { try work(connection) }
                        return { continuation.resume(with: result) }
                    },
                    refuse: { continuation.resume(throwing: $0) }
                )
                pool.submit(unit)
            }
        } onCancel: {
            pool.cancel(id)
        }
    }

    /// How much work waits for a connection.
    public var waitingCount: Int { pool.waitingCount }
    /// Whether work is being done.
    var isBusy: Bool { pool.isBusy }

    /// Ends all connections as soon as their work is done; work that waits fails with ``DatabaseError/shutDown``.
    public func shutDown() async {
        listeners.stop()
        pool.shutDown()
        await pool.waitForEnd()
    }
}
