import PlatformTestSupport
import Postgres
import Synchronization
import Testing

@testable import Kernel

@Suite("Durable jobs")
struct WorkQueueTests {
    /// A handler whose effect and end are one transaction.
    static func effectful(_ kind: String = "test", by who: String = "", tally: Tally) -> JobHandler {
        JobHandler(kind: kind) { run in
            try await run.database.transaction { connection in
                try Background.note(run.payload, by: who, on: connection)
                try run.finish(on: connection)
            }
            tally.add()
        }
    }

    @Test("16 workers on two servers do 1000 jobs, each once")
    func once() async throws {
        let test = try await Background.database()
        let other = test.connect()
        let tally = Tally()
        try await test.database.transaction { connection in
            for number in 0..<1000 {
                try WorkQueue.enqueue(NewJob(kind: "test", payload: "\(number)"), on: connection)
            }
        }
        let queues = (0..<4).map { number in
            WorkQueue(number % 2 == 0 ? test.database : other, [Self.effectful(by: "\(number)", tally: tally)])
        }
        try await working(queues) { await tally.reaches(1000) }
        let effects = try await Background.effects(test.database)
        #expect(effects.count == 1000)
        #expect(Set(effects).count == 1000)
        #expect(try await Background.states(test.database) == [.done: 1000])
        let workers = try await test.database.run {
            try $0.queryFirst("SELECT count(DISTINCT who) AS n FROM effect") { try $0.get("n", as: Int.self) }
        }
        #expect(workers == 4)
        await other.shutDown()
    }

    @Test("the job of a worker that was killed is taken over, and the dead one changes nothing any more")
    func takenOver() async throws {
        let test = try await Background.database()
        let tally = Tally()
        try await test.database.run { _ = try WorkQueue.enqueue(NewJob(kind: "test", payload: "1"), on: $0) }
        // It claims, and is never heard of again.
        let claimed = try await test.database.run {
            try JobTable.claim(kinds: ["test"], except: [], limit: 1, worker: "killed", lease: 0, on: $0)
        }
        let job = try #require(claimed.first)
        let dead = JobRun(job, worker: "killed", forgetsPayload: false, database: test.database)
        let queue = WorkQueue(test.database, [Self.effectful(tally: tally)])
        try await working([queue]) {
            await queue.keepLeases()
            await tally.reaches(1)
        }
        #expect(try await Background.effects(test.database) == ["1"])
        let summary = try #require(try await test.database.run { try WorkQueue.job(job.publicID, on: $0) })
        #expect(summary.state == .done)
        #expect(summary.attempts == 2)
        // It was only slow, and comes back: its transaction is refused as a whole.
        await #expect(throws: JobError.leaseLost) {
            try await test.database.transaction { connection in
                try Background.note("again", on: connection)
                try dead.finish(on: connection)
            }
        }
        await #expect(throws: JobError.leaseLost) { try await dead.progress(0.5) }
        #expect(try await Background.effects(test.database) == ["1"])
    }

    @Test("a live worker keeps its job beyond the length of a lease")
    func renewed() async throws {
        let test = try await Background.database()
        let (began, go) = (Tally(), Tally())
        try await test.database.run { _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: $0) }
        let handler = JobHandler(kind: "test") { run in
            began.add()
            await go.reaches(1)
        }
        let queue = WorkQueue(test.database, [handler])
        try await working([queue]) {
            await began.reaches(1)
            // As if nearly the whole lease had gone by.
            try await test.database.run {
                _ = try $0.execute("UPDATE job SET locked_until = now() - interval '1 ms' WHERE state = 'running'")
            }
            await queue.keepLeases()
            let taken = try await test.database.run { try JobTable.takeOver(on: $0) }
            #expect(taken == 0)
            go.add()
        }
        #expect(began.count == 1)
        #expect(try await Background.states(test.database) == [.done: 1])
    }

    @Test("what fails is tried again, and given up after the last attempt, until somebody retries it")
    func deadLetter() async throws {
        let test = try await Background.database()
        let attempts = Tally()
        let handler = JobHandler(kind: "test", retry: RetryPolicy(maximumAttempts: 3, first: .zero)) { run in
            guard attempts.add() > 3 else { throw Broken(attempt: run.attempt) }
        }
        let enqueued = try await test.database.run { try WorkQueue.enqueue(NewJob(kind: "test"), on: $0) }
        let id = try #require(enqueued)
        try await working([WorkQueue(test.database, [handler])]) { await attempts.reaches(3) }
        let dead = try #require(try await test.database.run { try WorkQueue.job(id, on: $0) })
        #expect(dead.state == .dead)
        #expect(dead.attempts == 3)
        #expect(dead.lastError?.contains("attempt: 3") == true)
        #expect(try await test.database.run { try WorkQueue.counts(on: $0) }.dead == 1)

        #expect(try await test.database.run { try WorkQueue.retry(id, on: $0) })
        try await working([WorkQueue(test.database, [handler])]) { await attempts.reaches(4) }
        let done = try #require(try await test.database.run { try WorkQueue.job(id, on: $0) })
        #expect(done.state == .done)
        #expect(done.attempts == 1)
        #expect(try await test.database.run { try WorkQueue.retry(id, on: $0) } == false)
    }

    struct Broken: Error { let attempt: Int }

    @Test("a permanent failure is a dead letter at once, and so is a payload that is none")
    func permanent() async throws {
        let test = try await Background.database()
        let tally = Tally()
        let handler = JobHandler(kind: "test") { run in
            defer { tally.add() }
            _ = try run.payload(as: [String].self)
            throw JobError.permanent("never")
        }
        try await test.database.run { connection in
            _ = try WorkQueue.enqueue(NewJob(kind: "test", payload: "[]"), on: connection)
            _ = try WorkQueue.enqueue(NewJob(kind: "test", payload: "{}"), on: connection)
        }
        try await working([WorkQueue(test.database, [handler])]) { await tally.reaches(2) }
        let errors = try await test.database.run { try WorkQueue.jobs(.init(state: .dead), limit: 10, on: $0) }
            .compactMap(\.lastError)
        #expect(errors.count == 2)
        #expect(errors.contains("never"))
        #expect(tally.count == 2)
    }

    @Test("a job whose worker dies each time is given up")
    func deadly() async throws {
        let test = try await Background.database()
        let tally = Tally()
        try await test.database.run { connection in
            _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: connection)
            _ = try connection.execute("UPDATE job SET attempts = 8")
        }
        let queue = WorkQueue(test.database, [Self.effectful(tally: tally)])
        try await working([queue]) {
            while try await Background.states(test.database)[.dead] == nil { await Task.yield() }
        }
        #expect(tally.count == 0)
    }

    @Test("a job that waits is cancelled at once, one that runs is told to end")
    func cancelled() async throws {
        let test = try await Background.database()
        let began = Tally()
        let handler = JobHandler(kind: "test") { _ in
            began.add()
            try await Task.sleep(for: .seconds(600))
        }
        let ids = try await test.database.run { connection in
            try (0..<2).compactMap { delay in
                try WorkQueue.enqueue(NewJob(kind: "test", delay: .seconds(delay * 3600)), on: connection)
            }
        }
        let queue = WorkQueue(test.database, [handler])
        try await working([queue]) {
            await began.reaches(1)
            for id in ids {
                let isCancelled = try await test.database.run { try WorkQueue.cancel(id, on: $0) }
                #expect(isCancelled)
            }
            let states = try await Background.states(test.database)
            #expect(states == [.cancelled: 1, .running: 1])
            await queue.keepLeases()
        }
        #expect(try await Background.states(test.database) == [.cancelled: 2])
        #expect(try await test.database.run { try WorkQueue.cancel(ids[0], on: $0) } == false)
    }

    @Test("a server that stops puts back what it could not end, and the attempt does not count")
    func stopped() async throws {
        let test = try await Background.database()
        let began = Tally()
        let handler = JobHandler(kind: "test") { _ in
            began.add()
            try await Task.sleep(for: .seconds(600))
        }
        try await test.database.run { _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: $0) }
        try await working([WorkQueue(test.database, [handler]) { $0.grace = .zero }]) { await began.reaches(1) }
        let job = try #require(try await test.database.run { try WorkQueue.jobs(limit: 1, on: $0) }.first)
        #expect(job.state == .queued)
        #expect(job.attempts == 0)
    }

    @Test(
        "a server that stops lets what runs come to its end, also when its task is cancelled",
        arguments: [false, true]
    )
    func graceful(isCancelled: Bool) async throws {
        let test = try await Background.database()
        let (began, go) = (Tally(), Tally())
        let handler = JobHandler(kind: "test") { _ in
            began.add()
            await go.reaches(1)
        }
        try await test.database.run { _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: $0) }
        let queue = WorkQueue(test.database, [handler])
        let running = Task { await queue.run() }
        await began.reaches(1)
        if isCancelled { running.cancel() } else { queue.stop() }
        go.add()
        await running.value
        #expect(try await Background.states(test.database) == [.done: 1])
    }

    @Test("a job is there if and only if its change is, and an unfinished one is not enqueued twice")
    func transactional() async throws {
        let test = try await Background.database()
        try? await test.database.transaction { connection in
            _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: connection)
            throw Broken(attempt: 0)
        }
        #expect(try await Background.states(test.database) == [:])
        let job = NewJob(kind: "test", dedupeKey: "k")
        #expect(try await test.database.run { try WorkQueue.enqueue(job, on: $0) } != nil)
        #expect(try await test.database.run { try WorkQueue.enqueue(job, on: $0) } == nil)
        let other = NewJob(kind: "other", dedupeKey: "k")
        #expect(try await test.database.run { try WorkQueue.enqueue(other, on: $0) } != nil)
        let tally = Tally()
        try await working([WorkQueue(test.database, [Self.effectful(tally: tally)])]) { await tally.reaches(1) }
        #expect(try await test.database.run { try WorkQueue.enqueue(job, on: $0) } != nil)
        // Nobody here does the other kind: it waits for a server that does.
        #expect(try await Background.states(test.database) == [.done: 1, .queued: 2])
    }

    @Test("progress is seen while the job runs")
    func progress() async throws {
        let test = try await Background.database()
        let (began, go) = (Tally(), Tally())
        let handler = JobHandler(kind: "test") { run in
            try await run.progress(0.25, note: "a quarter")
            try await run.progress(.nan)
            try await run.progress(0.5)
            began.add()
            await go.reaches(1)
        }
        try await test.database.run { _ = try WorkQueue.enqueue(NewJob(kind: "test"), on: $0) }
        try await working([WorkQueue(test.database, [handler])]) {
            await began.reaches(1)
            let job = try #require(try await test.database.run { try WorkQueue.jobs(limit: 1, on: $0) }.first)
            #expect(job.progress == 0.5)
            #expect(job.note == "a quarter")
            go.add()
        }
    }

    @Test("of two servers one enqueues a periodic job when it is due, and none before")
    func periodic() async throws {
        let test = try await Background.database()
        let queues = (0..<2).map { _ in
            WorkQueue(
                database: test.database,
                handlers: [],
                periodic: [PeriodicJob(kind: "round", every: .seconds(3600)) { _ in }],
                logger: Background.logger
            )
        }
        func rounds() async throws -> Int {
            try await test.database.run { try WorkQueue.jobs(.init(kind: "round"), limit: 10, on: $0) }.count
        }
        for queue in queues { await queue.enqueuePeriodic() }
        #expect(try await rounds() == 1)
        try await test.database.run { connection in
            _ = try connection.execute("UPDATE job SET state = 'done', finished_at = now()")
        }
        for queue in queues { await queue.enqueuePeriodic() }
        #expect(try await rounds() == 1)
        try await test.database.run { connection in
            _ = try connection.execute("UPDATE job_schedule SET next_at = now() - interval '1 s'")
        }
        for queue in queues { await queue.enqueuePeriodic() }
        #expect(try await rounds() == 2)
    }

    @Test("a database that is killed and comes back loses no job and doubles no effect")
    func restarted() async throws {
        let cluster = try await TestCluster()
        let test = try await Background.database(on: cluster)
        let other = test.connect()
        let (tally, restart) = (Tally(), Tally())
        try await test.database.transaction { connection in
            for number in 0..<300 {
                try WorkQueue.enqueue(NewJob(kind: "test", payload: "\(number)"), on: connection)
            }
        }
        let handler = JobHandler(kind: "test", retry: RetryPolicy(maximumAttempts: 50, first: .zero)) { run in
            if tally.count >= 100 { restart.add() }
            try await run.database.transaction { connection in
                try Background.note(run.payload, on: connection)
                try run.finish(on: connection)
            }
            tally.add()
        }
        let queues = [test.database, other].map { WorkQueue($0, [handler]) { $0.lease = .seconds(3) } }
        try await working(queues) {
            await restart.reaches(1)
            try await cluster.stop(isCrash: true)
            try await cluster.start()
            while (try? await Background.states(test.database))?[.done] != 300 { await Task.yield() }
        }
        let effects = try await Background.effects(test.database)
        #expect(effects.count == 300)
        #expect(Set(effects).count == 300)
    }

    @Test(
        "what follows an attempt",
        arguments: [
            (nil, nil, .done), (nil, .leaseLost, .done), (JobError.leaseLost, .leaseLost, .leave),
            (JobError.permanent("no"), nil, .bury(error: "no")),
            (JobError.permanent("no"), .stopping, .bury(error: "no")),
            (CancellationError(), .stopping, .release), (CancellationError(), .cancelRequested, .cancel),
            (Broken(attempt: 1), nil, .retry(after: .seconds(5), error: "Broken(attempt: 1)")),
        ] as [((any Error)?, JobOutcome.Interruption?, JobOutcome)]
    )
    func outcome(error: (any Error)?, interruption: JobOutcome.Interruption?, outcome: JobOutcome) {
        let found = JobOutcome(error: error, interruption: interruption, attempts: 1, retry: RetryPolicy(), jitter: 0)
        #expect(found == outcome)
    }
}
