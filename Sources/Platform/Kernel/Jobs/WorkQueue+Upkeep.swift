internal import Logging
internal import Postgres
internal import Synchronization

/// What goes on beside the jobs: leases, the schedule, and the writing down of what became of each.
extension WorkQueue {
    /// Wakes the queue whenever some server has enqueued a job, and after each loss of the connection that tells of
    /// them.
    func listen() async {
        for await _ in database.notifications(on: [JobTable.channel]) { wake() }
    }

    /// Does something again and again until the task is cancelled.
    func repeatedly(every interval: Duration, _ body: () async -> Void) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { return }
            await body()
        }
    }

    /// Renews the leases of what runs here, ends what is no longer ours, and takes over what others have left.
    func keepLeases() async {
        let ids = state.withLock { Array($0.running.keys) }
        let (worker, lease) = (worker, configuration.lease.seconds)
        do {
            let (kept, taken) = try await database.run { connection in
                let kept = try JobTable.renew(ids, worker: worker, lease: lease, on: connection)
                return (kept, try JobTable.takeOver(on: connection))
            }
            if taken > 0 { logger.warning("jobs taken over", metadata: ["job.count": "\(taken)"]) }
            for id in ids {
                switch kept[id] {
                case nil: interrupt(id, .leaseLost)
                case true?: interrupt(id, .cancelRequested)
                case false?: break
                }
            }
        } catch {
            // The claims tell of a database that is away.
            logger.debug("leases not renewed", metadata: ["error": "\(error)"])
        }
    }

    /// Enqueues what has come round.
    func enqueuePeriodic() async {
        for job in periodic {
            let (kind, interval) = (job.handler.kind, job.interval.seconds)
            do {
                try await database.transaction { try JobTable.enqueueIfDue(kind, every: interval, on: $0) }
            } catch {
                logger.debug("periodic job not enqueued", metadata: ["job.kind": "\(kind)", "error": "\(error)"])
            }
        }
    }

    /// Tells a job to end.
    ///
    /// A job that has ended meanwhile is no longer there, and one that was told before keeps its reason.
    func interrupt(_ id: Int64, _ reason: JobOutcome.Interruption) {
        let task = state.withLock { state -> Task<Void, any Error>? in
            guard let running = state.running[id], running.interruption == nil else { return nil }
            state.running[id]?.interruption = reason
            return running.task
        }
        task?.cancel()
    }

    /// Tells all jobs to end, because the server stops.
    func interruptAll() {
        for id in state.withLock({ Array($0.running.keys) }) { interrupt(id, .stopping) }
    }

    /// Writes down what became of a job; while the database is away, until the lease would have ended anyway.
    func settle(_ run: JobRun, _ handler: JobHandler, _ error: (any Error)?) async {
        let outcome = JobOutcome(
            error: error,
            interruption: state.withLock { $0.running[run.id]?.interruption },
            attempts: run.attempt,
            retry: handler.retry,
            jitter: .random(in: 0...1)
        )
        report(outcome, of: run)
        do {
            try await database.patiently(within: configuration.lease) { try Self.write(outcome, of: run, on: $0) }
        } catch {
            logger.error("outcome of a job not written", metadata: ["job.id": "\(run.publicID)", "error": "\(error)"])
        }
    }

    private static func write(_ outcome: JobOutcome, of run: JobRun, on connection: Connection) throws {
        let lease = JobLease(id: run.id, worker: run.worker, attempt: run.attempt)
        switch outcome {
        case .done:
            // Nothing to do if the handler has finished it with its effect.
            _ = try JobTable.finish(lease, forgetsPayload: run.forgetsPayload, on: connection)
        case .retry(let wait, let error):
            try JobTable.requeue(lease, after: wait.seconds, error: error, countsAttempt: true, on: connection)
        case .release: try JobTable.requeue(lease, after: 0, error: nil, countsAttempt: false, on: connection)
        case .cancel: try JobTable.end(lease, as: .cancelled, error: nil, on: connection)
        case .bury(let error):
            try JobTable.end(lease, as: .dead, error: error, on: connection)
            struct Burial: Encodable { let kind: String }
            let event = try OutboxEvent(
                kind: deadKind,
                subject: run.publicID,
                stream: stream,
                of: Burial(kind: run.kind)
            )
            try Outbox.publish(event, on: connection)
        case .leave: break
        }
    }

    private func report(_ outcome: JobOutcome, of run: JobRun) {
        var metadata: Logger.Metadata = [
            "job.id": "\(run.publicID)", "job.kind": "\(run.kind)", "job.attempt": "\(run.attempt)",
        ]
        switch outcome {
        case .retry(_, let error):
            metadata["error"] = "\(error)"
            logger.info("job is tried again", metadata: metadata)
        case .bury(let error):
            metadata["error"] = "\(error)"
            logger.error("job is given up", metadata: metadata)
        case .leave: logger.warning("job was taken over by another worker", metadata: metadata)
        case .done, .release, .cancel: logger.debug("job has ended", metadata: metadata)
        }
    }
}
