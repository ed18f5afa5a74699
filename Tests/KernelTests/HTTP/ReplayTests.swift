import FoundationEssentials
import HTTPTypes
import Hummingbird
import PlatformTestSupport
import Postgres
import Synchronization
import Testing

@testable import Kernel

@Suite("Requests that run once only")
struct ReplayTests {
    let test: TestDatabase
    let platform: SamplePlatform
    let gate = Gate()

    init() async throws {
        test = try await TestDatabase.make(migrations: [KernelMigrations.all])
        let gate = gate
        let slow = Endpoint(
            .post,
            "/api/v1/slow",
            .api,
            "slow",
            "Waits",
            tag: "Test",
            access: .signedIn,
            scope: "notes:write",
            idempotency: .required,
            responses: [.noContent]
        ) { _, _ in
            await gate.pass()
            return .noContent
        }
        platform = try SamplePlatform(replays: PostgresReplays(test.database), more: [slow])
    }

    private func create(_ key: String, title: String = "a", as fields: [(String, String)]? = nil) async -> Answer {
        let who = fields ?? [SamplePlatform.bearer(SamplePlatform.adaWriter)]
        let body = #"{"title":"\#(title)"}"#
        return await platform.send(
            .post,
            "/api/v1/notes",
            who + [SamplePlatform.json, ("Idempotency-Key", key)],
            body: body
        )
    }

    @Test("the same request sent again gets the first one's answer and does not run")
    func replay() async {
        let first = await create("key-1")
        let second = await create("key-1")
        #expect(first.status == 201 && second.status == 201)
        #expect(first.bytes == second.bytes)
        #expect(second.field("Location") == "/api/v1/notes/9")
        #expect(first.field("Idempotent-Replayed") == nil)
        #expect(second.field("Idempotent-Replayed") == "true")
        #expect(platform.runs["createNote"] == 1)
    }

    @Test("another request with the same key is 422, and another person's key is another key")
    func otherRequest() async {
        _ = await create("key-1")
        let other = await create("key-1", title: "b")
        #expect(other.status == 422)
        #expect(other.code == "idempotency_key_reused")
        let cookie = ("Cookie", "__Host-sid=\(SamplePlatform.rootSession)")
        let token = await platform.csrfToken([cookie])
        let root = await create("key-1", as: SamplePlatform.browser(SamplePlatform.rootSession, csrf: token))
        #expect(root.status == 201)
        #expect(platform.runs["createNote"] == 2)
    }

    @Test("of two at the same time one runs and the other is told to wait")
    func race() async {
        let fields = [SamplePlatform.bearer(SamplePlatform.adaWriter), ("Idempotency-Key", "key-1")]
        async let first = platform.send(.post, "/api/v1/slow", fields)
        await gate.arrival()
        let second = await platform.send(.post, "/api/v1/slow", fields)
        #expect(second.status == 409)
        #expect(second.code == "idempotency_running")
        gate.open()
        #expect(await first.status == 204)
        #expect(await platform.send(.post, "/api/v1/slow", fields).field("Idempotent-Replayed") == "true")
        #expect(gate.passed == 1)
    }

    @Test("of many with one key and no order exactly one runs")
    func crowd() async {
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { await create("key-1").status } }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(platform.runs["createNote"] == 1)
        #expect(statuses.contains(201))
        #expect(Set(statuses).isSubset(of: [201, 409]))
    }

    @Test("what failed on this side is not kept")
    func failure() async {
        #expect(await create("key-1", title: "fail").status == 500)
        #expect(await create("key-1", title: "fail").status == 500)
        #expect(platform.runs["createNote"] == 2)
    }

    @Test("a key is forgotten after a day, and the row goes")
    func expiry() async throws {
        _ = await create("key-1")
        platform.clock.advance(86_401)
        #expect(await create("key-1", title: "b").status == 201)
        #expect(platform.runs["createNote"] == 2)
        platform.clock.advance(86_401)
        #expect(try await PostgresReplays(test.database).removeExpired(now: platform.clock.now) == 1)
    }

    @Test(
        "a key must be there where it is required, and must be one",
        arguments: [nil, "", "with space", String(repeating: "k", count: 256), "é"] as [String?]
    )
    func keys(key: String?) async {
        let fields = [SamplePlatform.bearer(SamplePlatform.adaWriter)] + (key.map { [("Idempotency-Key", $0)] } ?? [])
        #expect(await platform.send(.post, "/api/v1/slow", fields).status == 400)
        #expect(gate.passed == 0)
    }

    @Test("without a database a request with a key is 503 and does not run")
    func unavailable() async throws {
        await test.database.shutDown()
        let answer = await create("key-1")
        #expect(answer.status == 503)
        #expect(answer.field("Retry-After") == "5")
        #expect(platform.runs["createNote"] == 0)
    }
}

/// A door that is closed until it is opened; tells who comes.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var passed = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watching: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    var passed: Int { state.withLock { $0.passed } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let (isOpen, watching) = state.withLock { state in
                state.arrived += 1
                if !state.isOpen { state.waiting.append(continuation) }
                defer { state.watching = [] }
                return (state.isOpen, state.watching)
            }
            for watcher in watching { watcher.resume() }
            if isOpen { continuation.resume() }
        }
        state.withLock { $0.passed += 1 }
    }

    func arrival() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived == 0 { state.watching.append(continuation) }
                return state.arrived > 0
            }
            if isThere { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
