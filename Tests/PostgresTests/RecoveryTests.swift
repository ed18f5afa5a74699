import Logging
import PlatformTestSupport
import TestSupport
import Testing

@testable import Postgres

@Suite struct RecoveryTests {
    @Test("work fails at once while the server is away, and is done again as soon as it is back")
    func restart() async throws {
        let cluster = try await TestCluster()
        let test = try await TestDatabase.make(on: cluster, poolSize: 3)
        let database = test.database
        var heard = database.notifications(on: ["c"]).makeAsyncIterator()
        #expect(await heard.next() == .reconnected)
        try await database.run { connection in
            try connection.execute("CREATE TABLE kept (a int)")
            try connection.execute("INSERT INTO kept VALUES (1)")
        }
        // All three connections exist, and one is at work while the server dies.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { _ = try await database.run { try $0.execute("SELECT pg_sleep(0.05)") } } }
            try await group.waitForAll()
        }
        let running = Task { try await database.run { try $0.execute("SELECT pg_sleep(600)") } }
        try await database.waitUntil(
            "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%sleep(600)%' AND pid <> pg_backend_pid())"
        )
        try await cluster.stop(isCrash: true)
        let lost = await #expect(throws: DatabaseError.self) { try await running.value }
        guard case .connectionLost = lost else {
            Issue.record("\(String(describing: lost))")
            return
        }
        for _ in 0..<20 {
            let error = await #expect(throws: DatabaseError.self) {
                try await database.run { try $0.execute("SELECT 1") }
            }
            guard case .unavailable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        try await cluster.start()
        #expect(try await Self.untilAvailable { try await database.run { try $0.execute("SELECT * FROM kept") } } == 1)
        #expect(await heard.next() == .reconnected)
    }

    @Test("an orderly restart between two pieces of work is not noticed")
    func orderlyRestart() async throws {
        let cluster = try await TestCluster()
        let test = try await TestDatabase.make(on: cluster)
        try await test.database.run { try $0.execute("CREATE TABLE t (a int)") }
        try await cluster.stop()
        try await cluster.start()
        try await test.database.run { try $0.execute("SELECT * FROM t") }
    }

    @Test("a server without connections to give is unavailable, and those that exist go on")
    func exhausted() async throws {
        let cluster = try await TestCluster(
            connections: 6,
            settings: ["superuser_reserved_connections=0", "max_wal_senders=0"]
        )
        let test = try await TestDatabase.make(on: cluster, poolSize: 1)
        let greedy = test.connect { $0.poolSize = 5 }
        let gates = (0..<5).map { _ in Gate() }
        let inside = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for gate in gates {
                group.addTask {
                    try await greedy.run { connection in
                        inside.continuation.yield()
                        gate.wait()
                        try connection.execute("SELECT 1")
                    }
                }
            }
            var iterator = inside.stream.makeAsyncIterator()
            for _ in gates { await iterator.next() }
            try await test.database.run { try $0.execute("SELECT 1") }
            let late = test.connect()
            let error = await #expect(throws: DatabaseError.self) { try await late.run { try $0.execute("SELECT 1") } }
            #expect(error?.isUnavailable == true)
            try await test.database.run { try $0.execute("SELECT 1") }
            for gate in gates { gate.open() }
            try await group.waitForAll()
        }
    }

    @Test("a server that was never there is unavailable, and the password is not in the message")
    func absent() async throws {
        let configuration = try DatabaseConfiguration(url: "postgres://u:secret@127.0.0.1:1/d")
        let database = Database(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = await #expect(throws: DatabaseError.self) { try await database.run { try $0.execute("SELECT 1") } }
        #expect(error?.isUnavailable == true)
        #expect("\(String(describing: error))".contains("127.0.0.1"))
        #expect(!"\(String(describing: error)) \(configuration)".contains("secret"))
    }

    /// Asks until the back-off is over; who is refused is refused at once, so the database's own clock does the waiting.
    private static func untilAvailable<R: Sendable>(_ work: @escaping @Sendable () async throws -> R) async throws -> R
    {
        try await withDeadline(.seconds(10)) {
            "the database was not available again"
        } _: {
            while true {
                do { return try await work() } catch let error as DatabaseError where error.isUnavailable {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
        }
    }
}
