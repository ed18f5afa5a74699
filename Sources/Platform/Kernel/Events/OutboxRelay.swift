internal import Foundation
public import Logging
public import Postgres

/// Hands the events of the outbox to their consumers: one relay at a time for all servers, whichever gets the lock.
///
/// A batch is one transaction: the effects of the consumers, the marks of delivery, the numbers in the streams, and one
/// notification. A crash leaves all of it or nothing. A consumer that fails does not hold up the others: its delivery
/// becomes a job, with retries and at last a dead letter, and only for this event it loses the order.
public final class OutboxRelay: Sendable {
    /// The most events of a batch.
    static let batch = 250

    /// How long events that were handed on are kept, so that a retry still finds them.
    static let retention: Duration = .seconds(7 * 86_400)

    /// The kind of the job that a failed delivery becomes.
    static let deliveryKind = "outbox.deliver"

    private let database: Database
    private let consumers: [OutboxConsumer]
    private let logger: Logger

    /// A relay to the consumers of all modules, and to the streams, which does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - database: where the outbox is.
    ///   - consumers: who wants events; their names differ.
    ///   - logger: where failures are told.
    public init(database: Database, consumers: [OutboxConsumer], logger: Logger) {
        self.database = database
        self.consumers = consumers
        self.logger = logger
    }

    /// Relays until the task is cancelled; while the database is away, tries again with back-off.
    public func run() async {
        var pace = RelayPace()
        while !Task.isCancelled {
            do {
                pace.relayed(try await relay())
            } catch {
                if pace.failed() { logger.warning("events are not relayed", metadata: ["error": "\(error)"]) }
            }
            do { try await Task.sleep(for: pace.wait) } catch { return }
        }
    }

    /// Hands on one batch.
    ///
    /// - Returns: how many events it had; 0 too when another server is relaying.
    func relay() async throws -> Int {
        // Most looks find nothing: one statement, no transaction.
        guard try await database.run({ try OutboxTable.isWaiting(on: $0) }) else { return 0 }
        return try await database.transaction { [self] connection in
            guard try OutboxTable.becomeRelay(on: connection) else { return 0 }
            let events = try OutboxTable.waiting(limit: Self.batch, on: connection)
            for event in events {
                for consumer in consumers where consumer.wants(event.event.kind) {
                    try deliver(event, to: consumer, on: connection)
                }
            }
            try EventStreamTable.append(events, on: connection)
            try OutboxTable.markRelayed(events.map(\.id), on: connection)
            return events.count
        }
    }

    /// The handler of deliveries that have failed once, and the clean-up: both to be given to the ``WorkQueue``.
    public var handler: JobHandler {
        JobHandler(kind: Self.deliveryKind) { [consumers] run in
            let delivery = try run.payload(as: Delivery.self)
            guard let consumer = consumers.first(where: { $0.name == delivery.consumer }) else {
                throw JobError.permanent("no consumer is called \(delivery.consumer)")
            }
            try await run.database.transaction { connection in
                if let event = try OutboxTable.event(delivery.event, on: connection),
                    try OutboxTable.markConsumed(event.id, by: consumer.name, on: connection)
                {
                    try consumer.consume(event, connection)
                }
                try run.finish(on: connection)
            }
        }
    }

    /// Removes what is no longer needed of outbox and streams.
    public static var cleanUp: PeriodicJob {
        PeriodicJob(kind: "outbox.clean_up", every: .seconds(600)) { run in
            let age = retention.seconds
            while try await run.database.run({ try OutboxTable.removeRelayed(olderThan: age, on: $0) }) > 0 {}
            while try await run.database.run({ try EventStreamTable.prune(on: $0) }) > 0 {}
        }
    }

    private struct Delivery: Codable { let event: Int64, consumer: String }

    private func deliver(_ event: PublishedEvent, to consumer: OutboxConsumer, on connection: Connection) throws {
        do {
            try connection.savepoint {
                guard try OutboxTable.markConsumed(event.id, by: consumer.name, on: connection) else { return }
                try consumer.consume(event, connection)
            }
        } catch let error as DatabaseError where error.isUnavailable || error.isConflict {
            // Not the consumer's fault: the batch as a whole is done again.
            throw error
        } catch {
            logger.error(
                "event not consumed",
                metadata: ["outbox.id": "\(event.id)", "outbox.consumer": "\(consumer.name)", "error": "\(error)"]
            )
            let job = try NewJob(
                kind: Self.deliveryKind,
                of: Delivery(event: event.id, consumer: consumer.name),
                dedupeKey: "\(event.id):\(consumer.name)"
            )
            try WorkQueue.enqueue(job, on: connection)
        }
    }
}

/// How often the relay looks: soon after it has found something, and less often when nothing happens or the database is
/// away.
struct RelayPace: Sendable, Equatable {
    /// How many looks that find nothing go by before the pace slackens.
    private static let eager = 20
    private var quietLooks = 0
    private var failures = 0

    /// A look has found so many events.
    mutating func relayed(_ count: Int) {
        failures = 0
        quietLooks = count > 0 ? 0 : min(quietLooks + 1, Self.eager)
    }

    /// A look has failed.
    ///
    /// - Returns: whether it is the first in a row.
    mutating func failed() -> Bool {
        failures += 1
        return failures == 1
    }

    /// How long until the next look: at most 20 batches a second, so that there are at most as many notifications.
    var wait: Duration {
        if failures > 0 {
            return RetryPolicy(first: .milliseconds(250), longest: .seconds(10)).backOff(attempts: failures)
        }
        return quietLooks < Self.eager ? .milliseconds(50) : .milliseconds(200)
    }
}

extension DatabaseError {
    /// Whether two transactions were in each other's way, so that the same may work at once.
    var isConflict: Bool { sqlState == .serializationFailure || sqlState == .deadlockDetected }
}
