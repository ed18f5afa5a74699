import Dispatch
import PlatformTestSupport
import Postgres
import Testing

@testable import Kernel

@Suite("The outbox and its relay")
struct OutboxTests {
    struct Broken: Error {}

    static let recorder = OutboxConsumer(name: "recorder", kinds: ["happened"]) { event, connection in
        try Background.note(event.event.payload, by: "recorder", on: connection)
    }

    func relay(_ database: Database, _ consumers: [OutboxConsumer] = [recorder]) -> OutboxRelay {
        OutboxRelay(database: database, consumers: consumers, logger: Background.logger)
    }

    func publish(_ numbers: some Sequence<Int> & Sendable, _ database: Database) async throws {
        try await database.transaction { connection in
            for number in numbers {
                try Outbox.publish(OutboxEvent(kind: "happened", payload: "\(number)"), on: connection)
            }
        }
    }

    @Test("events are handed on in their order, to who wants them, and only if their change was committed")
    func order() async throws {
        let test = try await Background.database()
        try await publish(0..<300, test.database)
        try? await test.database.transaction { connection in
            try Outbox.publish(OutboxEvent(kind: "happened", payload: "999"), on: connection)
            throw Broken()
        }
        try await test.database.run { try Outbox.publish(OutboxEvent(kind: "other"), on: $0) }
        let relay = relay(test.database)
        #expect(try await test.database.run { try Outbox.lag(on: $0) }.waiting == 301)
        #expect(try await relay.relay() == OutboxRelay.batch)
        #expect(try await relay.relay() == 301 - OutboxRelay.batch)
        #expect(try await relay.relay() == 0)
        #expect(try await Background.effects(test.database) == (0..<300).map(String.init))
        #expect(try await test.database.run { try Outbox.lag(on: $0) } == Outbox.Lag(waiting: 0, oldestSeconds: 0))
    }

    @Test("ten deliveries of an event have one effect")
    func retries() async throws {
        let test = try await Background.database()
        try await test.database.run {
            try Outbox.publish(OutboxEvent(kind: "happened", stream: "s", payload: "1"), on: $0)
        }
        for _ in 0..<10 {
            #expect(try await relay(test.database).relay() == 1)
            try await test.database.run { _ = try $0.execute("UPDATE outbox SET relayed_at = NULL") }
        }
        #expect(try await Background.effects(test.database) == ["1"])
        #expect(try await test.database.run { try EventStreamTable.head(of: "s", on: $0) } == 1)
    }

    @Test("two relays and eight writers: each event once, those of a writer in its order")
    func two() async throws {
        let test = try await Background.database(poolSize: 12)
        let other = test.connect()
        let relays = [relay(test.database), relay(other)].map { relay in Task { await relay.run() } }
        try await withThrowingTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<50 { try await self.publish([writer * 1000 + number], test.database) }
                }
            }
            try await group.waitForAll()
        }
        while try await test.database.run({ try Outbox.lag(on: $0) }).waiting > 0 { await Task.yield() }
        for relay in relays { relay.cancel() }
        for relay in relays { await relay.value }
        let effects = try await Background.effects(test.database).compactMap(Int.init)
        #expect(effects.count == 400)
        for writer in 0..<8 {
            #expect(effects.filter { $0 / 1000 == writer } == (0..<50).map { writer * 1000 + $0 })
        }
        await other.shutDown()
    }

    @Test("an event that is committed after a later one is not passed over")
    func late() async throws {
        let test = try await Background.database()
        let relay = relay(test.database)
        let (written, commit) = (Tally(), DispatchSemaphore(value: 0))
        let late = Task {
            try await test.database.transaction { connection in
                try Outbox.publish(OutboxEvent(kind: "happened", payload: "1"), on: connection)
                written.add()
                commit.wait()
            }
        }
        await written.reaches(1)
        try await publish([2], test.database)
        #expect(try await relay.relay() == 1)
        commit.signal()
        try await late.value
        #expect(try await relay.relay() == 1)
        #expect(try await Background.effects(test.database) == ["2", "1"])
    }

    @Test("a consumer that fails holds up nobody; its delivery becomes a job")
    func failing() async throws {
        let test = try await Background.database()
        let attempts = Tally()
        let failing = OutboxConsumer(name: "failing", kinds: ["happened"]) { event, connection in
            try Background.note("failing \(event.event.payload)", on: connection)
            // Also a failed statement leaves the rest of the batch alone.
            if attempts.add() == 1 { _ = try connection.execute("SELECT 1 / 0") }
        }
        let relay = relay(test.database, [failing, Self.recorder])
        try await publish([1, 2], test.database)
        #expect(try await relay.relay() == 2)
        #expect(try await Background.effects(test.database) == ["1", "failing 2", "2"])
        try await working([WorkQueue(test.database, [relay.handler])]) {
            while try await Background.states(test.database) != [.done: 1] { await Task.yield() }
        }
        #expect(try await Background.effects(test.database) == ["1", "failing 2", "2", "failing 1"])
    }

    @Test("the relay looks at most 20 times a second, and seldom while nothing happens or nothing works")
    func pace() {
        var pace = RelayPace()
        pace.relayed(OutboxRelay.batch)
        #expect(pace.wait == .milliseconds(50))
        for _ in 0..<20 { pace.relayed(0) }
        #expect(pace.wait == .milliseconds(200))
        let failures = (0..<3).map { _ in pace.failed() }
        #expect(failures == [true, false, false])
        for _ in 0..<100 { _ = pace.failed() }
        #expect(pace.wait == .seconds(10))
        pace.relayed(1)
        #expect(pace.wait == .milliseconds(50))
    }
}

@Suite("The inbox")
struct InboxTests {
    @Test("an event that is sent five times is worked on once")
    func once() async throws {
        let test = try await Background.database()
        let news = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    try await test.database.transaction { connection in
                        try Inbox.receive(
                            provider: "pay",
                            eventID: "e1",
                            type: "paid",
                            payload: #"{"a":1}"#,
                            on: connection
                        )
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(news == 1)
        let handler = Inbox.handler(provider: "pay") { event, run in
            try await run.database.run { try Background.note("\(event.type) \(event.eventID)", on: $0) }
        }
        try await working([WorkQueue(test.database, [handler])]) {
            while try await Background.states(test.database) != [.done: 1] { await Task.yield() }
        }
        #expect(try await Background.effects(test.database) == ["paid e1"])
    }
}
