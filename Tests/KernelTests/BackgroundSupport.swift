import Logging
import PlatformTestSupport
import Postgres
import Synchronization

@testable import Kernel

/// What the tests of the background side share.
enum Background {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A database with the Kernel's tables and one for effects: what was done, by whom, in which order.
    static func database(on cluster: TestCluster? = nil, poolSize: Int = 4) async throws -> TestDatabase {
        let modules = [KernelMigrations.all]
        let test =
            if let cluster {
                try await TestDatabase.make(on: cluster, migrations: modules, poolSize: poolSize)
            } else {
                try await TestDatabase.make(migrations: modules, poolSize: poolSize)
            }
        try await test.database.run { connection in
            try connection.execute(
                "CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL, who text NOT NULL)"
            )
        }
        return test
    }

    static func note(_ what: String, by who: String = "", on connection: Connection) throws {
        try connection.execute("INSERT INTO effect (what, who) VALUES (\(what), \(who))")
    }

    /// What was done, in order.
    static func effects(_ database: Database) async throws -> [String] {
        try await database.run { try $0.query("SELECT what FROM effect ORDER BY n") { try $0.get("what") } }
    }

    static func states(_ database: Database) async throws -> [JobState: Int] {
        // The queue's own job comes round when a test takes longer than some seconds.
        let all = try await database.run { try WorkQueue.jobs(limit: 100_000, on: $0) }
            .filter { $0.kind != "job.clean_up" }
        return Dictionary(all.map { ($0.state, 1) }, uniquingKeysWith: +)
    }
}

/// Counts, and lets others wait for a number.
final class Tally: Sendable {
    private struct State {
        var count = 0
        var waiters: [(Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    @discardableResult
    func add(_ more: Int = 1) -> Int {
        let (count, due) = state.withLock { state in
            state.count += more
            let due = state.waiters.filter { $0.0 <= state.count }.map(\.1)
            state.waiters.removeAll { $0.0 <= state.count }
            return (state.count, due)
        }
        for waiter in due { waiter.resume() }
        return count
    }

    func reaches(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

/// Runs queues while a body runs, and stops them after it.
func working<R: Sendable>(_ queues: [WorkQueue], _ body: () async throws -> R) async throws -> R {
    let tasks = queues.map { queue in Task { await queue.run() } }
    let result: Result<R, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    for queue in queues { queue.stop() }
    for task in tasks { await task.value }
    return try result.get()
}

extension WorkQueue {
    /// A queue that looks often and tells nobody.
    convenience init(_ database: Database, _ handlers: [JobHandler], _ change: (inout Configuration) -> Void = { _ in })
    {
        var configuration = Configuration()
        configuration.pollInterval = .milliseconds(20)
        // What runs comes to its end however busy the machine is, unless a test is about that.
        configuration.grace = .seconds(120)
        change(&configuration)
        self.init(database: database, handlers: handlers, configuration: configuration, logger: Background.logger)
    }
}
