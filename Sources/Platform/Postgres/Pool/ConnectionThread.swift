internal import CLibPQ
internal import Foundation
internal import Logging
internal import NIOCore
internal import Synchronization

/// A thread with one connection at most, which does one unit of work after the other.
///
/// libpq blocks the thread; that is what the thread is for. A unit costs one wake-up, however many statements it has.
final class ConnectionThread: Sendable {
    private struct Inbox {
        var unit: UnitOfWork?
        var isStopped = false
        /// The unit that is being done, and what ends its statements.
        var running: UnitOfWork?
        var canceller: Canceller?
    }

    private let index: Int
    private let configuration: DatabaseConfiguration
    private let logger: Logger
    private let inbox = Mutex(Inbox())
    private let bell = DispatchSemaphore(value: 0)

    init(index: Int, configuration: DatabaseConfiguration, logger: Logger) {
        self.index = index
        self.configuration = configuration
        self.logger = logger
    }

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - pool: decides who is next; held until the thread ends.
    ///   - ended: called last.
    func start(_ pool: Pool, ended: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            run(pool)
            ended()
        }
        thread.name = "postgres-\(index)"
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Hands a unit to the thread, which is idle.
    func assign(_ unit: UnitOfWork) {
        inbox.withLock { $0.unit = unit }
        bell.signal()
    }

    /// Ends the thread, which is idle.
    func stop() {
        inbox.withLock { $0.isStopped = true }
        bell.signal()
    }

    /// Ends what a unit does on the server.
    func cancel(_ unit: UnitOfWork) {
        guard let canceller = inbox.withLock({ $0.running === unit ? $0.canceller : nil }) else { return }
        Self.cancel(unit.id, canceller)
    }

    private static let cancellations = DispatchQueue(label: "postgres.cancel", attributes: .concurrent)
    private static let cancelInterval: DispatchTimeInterval = .milliseconds(100)

    /// Asks until the unit is over: a request that comes between two statements of it has no effect.
    private static func cancel(_ unit: UInt64, _ canceller: Canceller) {
        cancellations.async {
            guard canceller.cancel(unit) else { return }
            cancellations.asyncAfter(deadline: .now() + cancelInterval) { cancel(unit, canceller) }
        }
    }

    // MARK: On the thread

    private func run(_ pool: Pool) {
        var session: Session?
        while true {
            bell.wait()
            let (unit, isStopped) = inbox.withLock { inbox in
                defer { inbox.unit = nil }
                return (inbox.unit, inbox.isStopped)
            }
            if let unit {
                let deliver = perform(unit, &session, pool)
                pool.finished(index, isConnected: session != nil)
                deliver()
            } else if isStopped {
                return
            }
        }
    }

    private func perform(_ unit: UnitOfWork, _ session: inout Session?, _ pool: Pool) -> @Sendable () -> Void {
        if unit.isCancelled { return { unit.refuse(.cancelled) } }
        if let current = session, current.hasEnded {
            logger.debug("database connection has ended", metadata: ["db.connection": "\(index)"])
            session = nil
        }
        if session == nil {
            do {
                session = try connect(pool)
            } catch {
                return { unit.refuse(error) }
            }
        }
        guard let current = session else { return { unit.refuse(.shutDown) } }
        begin(unit, current)
        let deliver = unit.perform(Connection(current, unit))
        end(current)
        if !leaveClean(current) { session = nil }
        return deliver
    }

    private func connect(_ pool: Pool) throws(DatabaseError) -> Session {
        if let refusal = pool.mayConnect(index) { throw refusal }
        do {
            let session = try Session(configuration, logger: logger)
            pool.connected(index)
            return session
        } catch {
            pool.connectFailed(index, error)
            throw error
        }
    }

    private func begin(_ unit: UnitOfWork, _ session: Session) {
        session.canceller.begin(unit.id)
        inbox.withLock { inbox in
            inbox.running = unit
            inbox.canceller = session.canceller
        }
    }

    private func end(_ session: Session) {
        inbox.withLock { inbox in
            inbox.running = nil
            inbox.canceller = nil
        }
        session.canceller.end()
    }

    /// Ends a transaction that the work has left open.
    ///
    /// - Returns: whether the connection can be used for other work.
    private func leaveClean(_ session: Session) -> Bool {
        if session.isInPipeline { return false }
        do {
            switch session.transactionStatus {
            case PQTRANS_IDLE: break
            case PQTRANS_INTRANS, PQTRANS_INERROR: try session.executeScript("ROLLBACK")
            default: return false
            }
            if session.hasStaleStatements { try session.dropStaleStatements() }
        } catch {
            return false
        }
        return !session.isBroken
    }
}
