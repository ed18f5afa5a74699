import PlatformTestSupport
import Synchronization
import Testing

@testable import Postgres

@Suite struct TransactionTests {
    private struct Refused: Error {}

    @Test(
        "transactions that overlap give the same as one after the other",
        arguments: [Isolation.serializable, .repeatableRead]
    )
    func overlap(isolation: Isolation) async throws {
        let test = try await TestDatabase.make(poolSize: 6)
        try await test.database.run { connection in
            try connection.execute("CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL)")
            try connection.execute("INSERT INTO account SELECT n, 100 FROM generate_series(0, 9) AS n")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<6 {
                group.addTask {
                    for round in 0..<20 {
                        let (from, to) = ((task + round) % 10, (task * 3 + round * 7 + 1) % 10)
                        guard from != to else { continue }
                        try await test.database.transaction(isolation) { connection in
                            func amount(_ id: Int) throws -> Int {
                                try #require(
                                    try connection.queryFirst("SELECT amount FROM account WHERE id = \(id)") {
                                        try $0.get(0)
                                    }
                                )
                            }
                            let (a, b) = (try amount(from), try amount(to))
                            try connection.execute("UPDATE account SET amount = \(a - 1) WHERE id = \(from)")
                            try connection.execute("UPDATE account SET amount = \(b + 1) WHERE id = \(to)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let sum = try await test.database.run {
            try $0.queryFirst("SELECT sum(amount) FROM account") { try $0.get(0, as: Int.self) }
        }
        #expect(sum == 1000)
    }

    @Test("a transaction that has met another is done again from its beginning")
    func retry() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            try connection.execute("CREATE TABLE counter (n int)")
            try connection.execute("INSERT INTO counter VALUES (0)")
        }
        let other = test.connect { $0.poolSize = 1 }
        let attempts = Atomic(0)
        let (inside, go) = (AsyncStream<Void>.makeStream(), Gate())
        async let first: Void = test.database.transaction(.repeatableRead) { connection in
            let attempt = attempts.add(1, ordering: .relaxed).newValue
            try connection.execute("SELECT n FROM counter")
            if attempt == 1 {
                inside.continuation.yield()
                go.wait()
            }
            try connection.execute("UPDATE counter SET n = n + 1")
        }
        var iterator = inside.stream.makeAsyncIterator()
        await iterator.next()
        try await other.run { try $0.execute("UPDATE counter SET n = n + 10") }
        go.open()
        try await first
        #expect(attempts.load(ordering: .relaxed) == 2)
        let n = try await other.run { try $0.queryFirst("SELECT n FROM counter") { try $0.get(0, as: Int.self) } }
        #expect(n == 11)
    }

    @Test("of two transactions that wait for one another one is done again")
    func deadlock() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            try connection.execute("CREATE TABLE pair (id int PRIMARY KEY, n int)")
            try connection.execute("INSERT INTO pair VALUES (1, 0), (2, 0)")
        }
        let attempts = Recorded()
        let gates = [Gate(), Gate()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (own, other) in [(1, 2), (2, 1)] {
                group.addTask {
                    try await test.database.transaction { connection in
                        let isFirst = !attempts.values.contains(own)
                        attempts.append(own)
                        try connection.execute("UPDATE pair SET n = n + 1 WHERE id = \(own)")
                        if isFirst {
                            gates[other - 1].open()
                            gates[own - 1].wait()
                        }
                        try connection.execute("UPDATE pair SET n = n + 1 WHERE id = \(other)")
                    }
                }
            }
            try await group.waitForAll()
        }
        // The server may find the deadlock in both of them at once.
        #expect((3...4).contains(attempts.values.count))
        let n = try await test.database.run { try $0.query("SELECT n FROM pair") { try $0.get(0, as: Int.self) } }
        #expect(n == [2, 2])
    }

    @Test("attempts are bounded, and their waits grow to a limit")
    func waits() {
        let waits = (1...TransactionRetry.attempts).map { TransactionRetry.wait(after: $0, jitter: 1) }
        #expect(waits.first == .some(.milliseconds(4)))
        #expect(waits.last == .some(nil))
        #expect(waits.compactMap { $0 }.max() == .milliseconds(250))
        #expect(TransactionRetry.wait(after: 3, jitter: 0) == .zero)
    }

    @Test("nothing of a transaction that throws has happened, and its connection goes on")
    func rollback() async throws {
        let test = try await TestDatabase.make(poolSize: 1)
        try await test.database.run { try $0.execute("CREATE TABLE t (a int)") }
        await #expect(throws: Refused.self) {
            try await test.database.transaction { connection in
                try connection.execute("INSERT INTO t VALUES (1)")
                throw Refused()
            }
        }
        // An error that the work keeps to itself: COMMIT rolls back, and that is told.
        await #expect(throws: DatabaseError.transactionAborted) {
            try await test.database.transaction { connection in
                try connection.execute("INSERT INTO t VALUES (1)")
                _ = try? connection.execute("SELECT 1/0")
            }
        }
        // A transaction by hand that is left open.
        try await test.database.run { connection in
            try connection.execute("BEGIN")
            try connection.execute("INSERT INTO t VALUES (1)")
        }
        let count = try await test.database.run {
            try $0.queryFirst("SELECT count(*) FROM t") { try $0.get(0, as: Int.self) }
        }
        #expect(count == 0)
    }

    @Test("a savepoint undoes its own work only")
    func savepoint() async throws {
        let test = try await TestDatabase.make()
        let values = try await test.database.transaction { connection in
            try connection.execute("CREATE TABLE t (a int UNIQUE)")
            try connection.execute("INSERT INTO t VALUES (1)")
            try connection.savepoint {
                try connection.execute("INSERT INTO t VALUES (2)")
                #expect(throws: DatabaseError.self) {
                    try connection.savepoint {
                        try connection.execute("INSERT INTO t VALUES (3)")
                        try connection.execute("INSERT INTO t VALUES (1)")
                    }
                }
                try connection.execute("INSERT INTO t VALUES (4)")
            }
            return try connection.query("SELECT a FROM t ORDER BY a") { try $0.get(0, as: Int.self) }
        }
        #expect(values == [1, 2, 4])
    }
}
