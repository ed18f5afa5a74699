import Kernel
import Logging
import Postgres

/// What the platform does when nobody asks: jobs, events on their way, flags.
struct PlatformWork: Sendable {
    let queue: WorkQueue
    let relay: OutboxRelay
    let streams: EventStreams
    let flags: FeatureFlagStore

    /// The work of all modules.
    ///
    /// - Parameters:
    ///   - database: where it stands.
    ///   - areas: the parts of the platform that are on.
    ///   - handlers: what the modules' jobs do.
    ///   - periodic: the modules' jobs that come round.
    ///   - consumers: who hears of events.
    ///   - logger: the log.
    init(
        _ database: Database,
        areas: Set<FeatureFlags.Area>,
        handlers: [JobHandler],
        periodic: [PeriodicJob],
        consumers: [OutboxConsumer] = [],
        logger: Logger
    ) {
        streams = EventStreams(database: database, logger: logger)
        flags = FeatureFlagStore(areas: areas, database: database, logger: logger)
        relay = OutboxRelay(database: database, consumers: consumers, logger: logger)
        queue = WorkQueue(
            database: database,
            handlers: handlers + [relay.handler],
            periodic: periodic + [RequestUpkeep.cleanUp, OutboxRelay.cleanUp, MailQueue.cleanUp, AuditLog.preparation],
            logger: logger
        )
    }

    /// Works until the task is cancelled; jobs that run come to their end then.
    func run() async {
        await withTaskGroup { group in
            group.addTask { await relay.run() }
            group.addTask { await streams.run() }
            group.addTask { await flags.run() }
            await withTaskCancellationHandler {
                await queue.run()
            } onCancel: {
                queue.stop()
            }
            group.cancelAll()
        }
    }
}
