import Foundation
import PlatformTestSupport
import Postgres
import Synchronization
import Testing

@testable import Kernel

@Suite("The audit log")
struct AuditLogTests {
    @Test(
        "nothing in it is changed or removed",
        arguments: ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"] as [SQL]
    )
    func refused(statement: SQL) async throws {
        let test = try await Background.database()
        try await test.database.run { try AuditLog.record(AuditEntry(actor: "system", action: "a"), on: $0) }
        let error = await #expect(throws: DatabaseError.self) {
            try await test.database.run { _ = try $0.execute(statement) }
        }
        #expect(error?.sqlState?.rawValue == "42501")
        #expect(try await test.database.run { try AuditLog.records(limit: 10, on: $0) }.count == 1)
    }

    @Test("it is listed newest first, by pages and conditions")
    func pages() async throws {
        let test = try await Background.database()
        try await test.database.transaction { connection in
            for number in 0..<25 {
                try AuditLog.record(
                    AuditEntry(
                        actor: number % 2 == 0 ? "acc_a" : "acc_b",
                        action: "role.grant",
                        object: "acc_\(number)",
                        detail: #"{"role": "admin"}"#,
                        ipPrefix: "203.0.113.0/24",
                        requestID: "r\(number)"
                    ),
                    on: connection
                )
            }
        }
        func page(_ filter: AuditLog.Filter, before id: Int64?) async throws -> [AuditRecord] {
            try await test.database.run {
                try AuditLog.records(filter, from: id.map { Cursor(id: $0) }, limit: 10, on: $0)
            }
        }
        let first = try await page(.init(), before: nil)
        let second = try await page(.init(), before: first.last?.id)
        let third = try await page(.init(), before: second.last?.id)
        let all = (first + second + third).compactMap(\.entry.requestID)
        #expect(all == (0..<25).reversed().map { "r\($0)" })
        let back = try await test.database.run { [id = second[9].id] connection in
            try AuditLog.records(from: Cursor(id: id, direction: .previous), limit: 10, on: connection)
        }
        #expect(
            back.map(\.id) == (second.dropLast().map(\.id) + [first[9].id]).reversed().dropFirst(0).map { $0 }.sorted()
        )
        #expect(try await page(.init(actor: "acc_b"), before: nil).allSatisfy { $0.entry.actor == "acc_b" })
        #expect(try await page(.init(object: "acc_7"), before: nil).map(\.entry.requestID) == ["r7"])
        #expect(try await page(.init(action: "other"), before: nil).isEmpty)
        #expect(first.first?.entry.detail == #"{"role": "admin"}"#)
    }

    @Test("the coming months have a place of their own, and a month nobody prepared has one too")
    func partitions() async throws {
        let test = try await Background.database()
        func partitions() async throws -> Int {
            try await test.database.run { connection in
                try connection.queryFirst(
                    "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'audit_log'::regclass"
                ) { try $0.get("n") } ?? 0
            }
        }
        #expect(try await partitions() == 4)
        let tally = Tally()
        try await test.database.run { connection in
            _ = try WorkQueue.enqueue(NewJob(kind: AuditLog.preparation.handler.kind), on: connection)
            _ = try connection.execute(
                "INSERT INTO audit_log (actor, action, at) VALUES ('system', 'late', now() + interval '5 years')"
            )
        }
        try await working([WorkQueue(test.database, [AuditLog.preparation.handler])]) {
            while try await Background.states(test.database)[.done] != 1 { await Task.yield() }
            tally.add()
        }
        #expect(try await partitions() == 5)
        #expect(
            try await test.database.run { try AuditLog.records(.init(action: "late"), limit: 1, on: $0) }.count == 1
        )
    }
}

@Suite("Flags in the database")
struct FeatureFlagStoreTests {
    @Test("a change counts after the next reading, and a rule nobody understands switches off")
    func refresh() async throws {
        let test = try await Background.database()
        let store = FeatureFlagStore(areas: [.courses], database: test.database, logger: Background.logger)
        try await test.database.run { connection in
            _ = try FeatureFlagStore.set(.everyone, for: "beta", on: connection)
            _ = try connection.execute(#"INSERT INTO feature_flag (key, rule) VALUES ('courses', '{"to":"the moon"}')"#)
        }
        #expect(!store.current.isOn("beta", for: .visitor))
        #expect(store.current.isOn(.courses, for: .visitor))
        try await store.refresh()
        #expect(store.current.isOn("beta", for: .visitor))
        #expect(!store.current.isOn(.courses, for: .visitor))
        #expect(store.current.areas == [.courses])
    }

    @Test("another server hears of a change")
    func told() async throws {
        let test = try await Background.database()
        let store = FeatureFlagStore(areas: [], database: test.connect(), logger: Background.logger)
        let running = Task { await store.run() }
        try await test.database.run { _ = try FeatureFlagStore.set(.everyone, for: "beta", on: $0) }
        let clock = ContinuousClock()
        let start = clock.now
        while !store.current.isOn("beta", for: .visitor) { await Task.yield() }
        #expect(clock.now - start < FeatureFlagStore.refreshInterval / 3)
        running.cancel()
    }

    @Test("of two changes made from one version the second is refused")
    func version() async throws {
        let test = try await Background.database()
        func set(_ rule: FlagRule?, _ version: Int?) async throws -> Bool {
            try await test.database.run { try FeatureFlagStore.set(rule, for: "beta", ifVersion: version, on: $0) }
        }
        #expect(try await set(.everyone, nil))
        #expect(try await set(.nobody, 1))
        #expect(try await set(.everyone, 1) == false)
        #expect(try await test.database.run { try FeatureFlagStore.entries(on: $0) }.map(\.version) == [2])
        #expect(try await set(nil, 1) == false)
        #expect(try await set(nil, 2))
        #expect(try await set(nil, nil) == false)
    }
}

@Suite("Mails on their way")
struct MailQueueTests {
    /// A mailer that does what it is told, in order, and then takes everything.
    final class Scripted: Mailer {
        let answers: Mutex<[MailError]>
        let sent = Mutex<[MailMessage]>([])

        init(_ answers: [MailError] = []) { self.answers = Mutex(answers) }

        func send(_ message: MailMessage) async throws(MailError) {
            let answer = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let answer { throw answer }
            sent.withLock { $0.append(message) }
        }
    }

    let mail = MailMessage(to: "a@example.org", subject: "s", text: "https://example.org/reset/secret", messageID: "m1")

    func enqueue(_ test: TestDatabase) async throws -> String {
        let mail = mail
        return try #require(try await test.database.transaction { try MailQueue.enqueue(mail, on: $0) })
    }

    func payload(_ test: TestDatabase) async throws -> String? {
        try await test.database.run { try $0.queryFirst("SELECT payload::text AS p FROM job") { try $0.get("p") } }
    }

    @Test("a mail is sent after a temporary error, and its text is wiped")
    func temporary() async throws {
        let test = try await Background.database()
        let mailer = Scripted([.temporary("451 greylisted")])
        let id = try await enqueue(test)
        let queue = WorkQueue(test.database, [MailQueue.handler(mailer)])
        try await working([queue]) {
            while try await test.database.run({ try WorkQueue.job(id, on: $0) })?.lastError == nil {
                await Task.yield()
            }
            #expect(mailer.sent.withLock { $0 } == [])
            try await test.database.run { _ = try $0.execute("UPDATE job SET run_at = now()") }
            while try await Background.states(test.database) != [.done: 1] { await Task.yield() }
        }
        #expect(mailer.sent.withLock { $0 } == [mail])
        #expect(try await payload(test) == "{}")
    }

    @Test("a mail that was sent is not sent again by a retry of its job")
    func twice() async throws {
        let test = try await Background.database()
        let mailer = Scripted()
        for _ in 0..<3 {
            _ = try await enqueue(test)
            try await working([WorkQueue(test.database, [MailQueue.handler(mailer)])]) {
                while try await Background.states(test.database).keys.contains(where: { $0 != .done }) {
                    await Task.yield()
                }
            }
        }
        #expect(mailer.sent.withLock { $0.count } == 1)
        #expect(try await Background.states(test.database) == [.done: 3])
    }

    @Test("a refused mail is a dead letter that somebody can retry")
    func permanent() async throws {
        let test = try await Background.database()
        let mailer = Scripted([.permanent("550 no such user")])
        let id = try await enqueue(test)
        try await working([WorkQueue(test.database, [MailQueue.handler(mailer)])]) {
            while try await Background.states(test.database) != [.dead: 1] { await Task.yield() }
            #expect(try await test.database.run { try WorkQueue.job(id, on: $0) }?.lastError == "550 no such user")
            #expect(try await test.database.run { try WorkQueue.retry(id, on: $0) })
            while try await Background.states(test.database) != [.done: 1] { await Task.yield() }
        }
        #expect(mailer.sent.withLock { $0 } == [mail])
    }

    @Test("a mail whose change is undone is never sent")
    func undone() async throws {
        let test = try await Background.database()
        let mail = mail
        try? await test.database.transaction { connection in
            _ = try MailQueue.enqueue(mail, on: connection)
            throw MailError.permanent("the change failed")
        }
        #expect(try await Background.states(test.database) == [:])
    }
}
