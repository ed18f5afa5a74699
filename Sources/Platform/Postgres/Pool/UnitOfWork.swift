internal import Synchronization

/// Work for one connection, and somebody who waits for its outcome.
final class UnitOfWork: Sendable {
    let id: UInt64
    /// Counts the statements of the task that waits.
    let counter: StatementCounter?
    /// Does the work; what it returns tells the waiting task, and is called when the connection is free for others.
    let perform: @Sendable (Connection) -> @Sendable () -> Void
    /// Tells the waiting task that nothing was done.
    let refuse: @Sendable (DatabaseError) -> Void
    private let cancellation = Atomic(false)

    init(
        id: UInt64,
        counter: StatementCounter?,
        perform: @escaping @Sendable (Connection) -> @Sendable () -> Void,
        refuse: @escaping @Sendable (DatabaseError) -> Void
    ) {
        self.id = id
        self.counter = counter
        self.perform = perform
        self.refuse = refuse
    }

    /// Whether the task does not want the outcome any more.
    var isCancelled: Bool { cancellation.load(ordering: .acquiring) }

    func cancel() { cancellation.store(true, ordering: .releasing) }
}
