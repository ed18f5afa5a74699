import Logging
import PlatformTestSupport
import Synchronization
import Testing

@testable import Postgres

@Suite struct DatabaseTests {
    @Test("work is done in the order of asking")
    func fairness() async throws {
        let test = try await TestDatabase.make(poolSize: 1)
        let gate = Gate()
        let order = Recorded()
        let blocked = AsyncStream<Void>.makeStream()
        async let first: Void = test.database.run { _ in
            blocked.continuation.yield()
            gate.wait()
        }
        var iterator = blocked.stream.makeAsyncIterator()
        await iterator.next()
        // One after the other gets into the queue before the next task is made: each says so from within the machine.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask { try await test.database.run { _ in order.append(number) } }
                while test.database.waitingCount <= number { await Task.yield() }
            }
            gate.open()
            try await group.waitForAll()
        }
        try await first
        #expect(order.values == Array(0..<20))
    }

    @Test("who finds no connection in time gets an error, and the work of the others goes on")
    func acquireTimeout() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { configuration in
            configuration.poolSize = 1
            configuration.acquireTimeout = .milliseconds(50)
        }
        let gate = Gate()
        async let first = database.run { connection in
            gate.wait()
            return try connection.queryFirst("SELECT 7") { try $0.get(0, as: Int.self) }
        }
        while !database.isBusy { await Task.yield() }
        await #expect(throws: DatabaseError.acquireTimeout) { try await database.run { try $0.execute("SELECT 1") } }
        gate.open()
        #expect(try await first == 7)
        try await database.run { try $0.execute("SELECT 1") }
    }

    @Test("a statement that takes too long is ended, and one that waits too long for a lock")
    func timeouts() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { configuration in
            configuration.statementTimeout = .milliseconds(60)
            configuration.lockTimeout = .milliseconds(30)
        }
        let slow = await #expect(throws: DatabaseError.self) {
            try await database.run { try $0.execute("SELECT pg_sleep(30)") }
        }
        #expect(slow?.sqlState == .queryCanceled)
        try await test.database.run { try $0.execute("CREATE TABLE t (a int)") }
        try await test.database.transaction { connection in
            try connection.execute("LOCK TABLE t")
            let gate = Gate()
            let locked = Mutex<DatabaseError?>(nil)
            Task {
                do { try await database.run { try $0.execute("SELECT * FROM t") } } catch {
                    locked.withLock { $0 = error as? DatabaseError }
                }
                gate.open()
            }
            gate.wait()
            #expect(locked.withLock { $0 }?.sqlState == .lockNotAvailable)
        }
        try await database.run { try $0.execute("SELECT 1") }
    }

    @Test("a task that is cancelled ends its statement on the server, and the connection goes on")
    func cancellation() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { configuration in
            configuration.poolSize = 1
            configuration.statementTimeout = .zero
        }
        let process = try await database.run {
            try $0.queryFirst("SELECT pg_backend_pid()") { try $0.get(0, as: Int.self) }
        }
        let task = Task { try await database.run { try $0.execute("SELECT pg_sleep(600)") } }
        let asleep: SQL = "EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(process) AND wait_event = 'PgSleep')"
        try await test.database.waitUntil(asleep)
        task.cancel()
        try await test.database.waitUntil("NOT " + asleep)
        await #expect(throws: DatabaseError.cancelled) { try await task.value }
        let after = try await database.run {
            try $0.queryFirst("SELECT pg_backend_pid()") { try $0.get(0, as: Int.self) }
        }
        #expect(after == process)
    }

    @Test("a task that is cancelled between two statements of a transaction sends no other, and nothing has happened")
    func cancelledTransaction() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { try $0.execute("CREATE TABLE t (a int)") }
        let (inside, gate) = (AsyncStream<Void>.makeStream(), Gate())
        let task = Task {
            try await test.database.transaction { connection in
                try connection.execute("INSERT INTO t VALUES (1)")
                inside.continuation.yield()
                gate.wait()
                try connection.execute("INSERT INTO t VALUES (2)")
            }
        }
        var iterator = inside.stream.makeAsyncIterator()
        await iterator.next()
        task.cancel()
        gate.open()
        await #expect(throws: DatabaseError.cancelled) { try await task.value }
        let count = try await test.database.run {
            try $0.queryFirst("SELECT count(*) FROM t") { try $0.get(0, as: Int.self) }
        }
        #expect(count == 0)
    }

    @Test("cancellations at any moment hit nobody else's statement")
    func cancellationStorm() async throws {
        let test = try await TestDatabase.make()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let task = Task {
                        try await test.database.run { try $0.execute("SELECT pg_sleep(\(Double(number % 7) / 1000))") }
                    }
                    for _ in 0..<(number % 5) { await Task.yield() }
                    if number.isMultiple(of: 2) {
                        task.cancel()
                        _ = try? await task.value
                    } else {
                        await #expect(throws: Never.self) { try await task.value }
                    }
                }
            }
        }
    }

    @Test("a connection that an administrator ends is replaced before the next work")
    func terminated() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { $0.poolSize = 1 }
        let process = try await database.run {
            try $0.queryFirst("SELECT pg_backend_pid()") { try $0.get(0, as: Int.self) }
        }
        try await test.database.run { try $0.execute("SELECT pg_terminate_backend(\(process)::int)") }
        try await test.database.waitUntil("NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = \(process))")
        let next = try await database.run {
            try $0.queryFirst("SELECT pg_backend_pid()") { try $0.get(0, as: Int.self) }
        }
        #expect(next != process)
    }

    @Test("a database that is shut down ends its connections and takes no work")
    func shutDown() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { $0.applicationName = "to be shut down" }
        try await database.run { try $0.execute("SELECT 1") }
        var heard = database.notifications(on: ["c"]).makeAsyncIterator()
        #expect(await heard.next() == .reconnected)
        await database.shutDown()
        await #expect(throws: DatabaseError.shutDown) { try await database.run { try $0.execute("SELECT 1") } }
        #expect(await heard.next() == nil)
        try await test.database.waitUntil(
            "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'to be shut down')"
        )
    }

    @Test("a database that nobody holds ends its connections")
    func released() async throws {
        let test = try await TestDatabase.make()
        try await test.connect { $0.applicationName = "released" }.run { try $0.execute("SELECT 1") }
        try await test.database.waitUntil(
            "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'released')"
        )
    }

    @Test("notifications are heard in order, on the channels that were asked for")
    func notifications() async throws {
        let test = try await TestDatabase.make()
        var heard = test.database.notifications(on: ["jobs", "Odd \"name\""]).makeAsyncIterator()
        #expect(await heard.next() == .reconnected)
        try await test.database.run { connection in
            try connection.execute("NOTIFY jobs, 'first'")
            try connection.execute("NOTIFY other, 'not for us'")
            try connection.execute("SELECT pg_notify('Odd \"name\"', \("second"))")
        }
        #expect(await heard.next() == .notification(channel: "jobs", payload: "first"))
        #expect(await heard.next() == .notification(channel: "Odd \"name\"", payload: "second"))
        try await test.database.run { connection in
            try connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
        }
        #expect(await heard.next() == .reconnected)
        try await test.database.run { try $0.execute("NOTIFY jobs, 'third'") }
        #expect(await heard.next() == .notification(channel: "jobs", payload: "third"))
    }
}
