import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PlatformTestSupport
import Postgres
import Testing

@testable import Administration
@testable import Kernel

@Suite("The administration")
struct AdministrationTests {
    /// Enqueues jobs and makes some of them dead.
    func jobs(_ site: AdministrationSite, dead: Int, queued: Int) async throws -> [String] {
        try await site.test.database.transaction { connection in
            let ids = try (0..<(dead + queued)).map { number in
                try #require(
                    try WorkQueue.enqueue(
                        NewJob(kind: "mail.send", payload: #"{"text":"secret link"}"#),
                        on: connection
                    )
                )
            }
            for id in ids.prefix(dead) {
                try connection.execute(
                    """
                    UPDATE job SET state = 'dead', finished_at = now(), attempts = 8, last_error = '<b>451</b> no'
                    WHERE public_id = \(id)
                    """
                )
            }
            return ids
        }
    }

    func state(_ id: String, _ site: AdministrationSite) async throws -> JobState? {
        try await site.test.database.run { try WorkQueue.job(id, on: $0) }?.state
    }

    func audit(_ site: AdministrationSite) async throws -> [AuditEntry] {
        try await site.test.database.run { try AuditLog.records(limit: 100, on: $0) }.map(\.entry)
    }

    @Test("nothing of it is there for a visitor or a member", arguments: [AdministrationSite.Who.visitor, .member])
    func closed(who: AdministrationSite.Who) async throws {
        let site = try await AdministrationSite.make()
        let ids = try await jobs(site, dead: 1, queued: 0)
        for endpoint in site.module.endpoints {
            let path = endpoint.path.replacing("{id}", with: ids[0]).replacing("{key}", with: "beta")
            let form = endpoint.kind == .page && endpoint.method == .post ? "name=beta&state=everyone" : nil
            let json = endpoint.method == .put ? #"{"to":"everyone"}"# : nil
            let answer = try await site.send(who, endpoint.method, path, json: json, form: form)
            #expect([303, 401, 403, 404].contains(answer.status), "\(endpoint.operationID): \(answer.status)")
            if answer.status == 303 { #expect(answer.headers[.location]?.hasPrefix("/sign-in") == true) }
        }
        #expect(try await state(ids[0], site) == .dead)
        #expect(try await audit(site) == [])
    }

    @Test(
        "every page is there for an admin, shows foreign text inert, and no payload",
        arguments: ["jobs", "jobs?state=dead&kind=mail.send", "dead-letters", "audit", "flags", "health", "jobs/ID"]
    )
    func pages(path: String) async throws {
        let site = try await AdministrationSite.make()
        let ids = try await jobs(site, dead: 1, queued: 1)
        try await site.test.database.run { connection in
            try AuditLog.record(AuditEntry(actor: "acc_x", action: "<script>alert(1)</script>"), on: connection)
        }
        let answer = try await site.send(.admin, .get, "/admin/" + path.replacing("ID", with: ids[0]))
        #expect(answer.status == 200)
        #expect(answer.text.contains("<h1>"))
        #expect(!answer.text.contains("<script>alert"))
        #expect(!answer.text.contains("<b>451"))
        #expect(!answer.text.contains("secret link"))
        #expect(answer.headers[.cacheControl]?.contains("no-store") == true)
    }

    @Test("a dead letter is tried again by its button, which the audit log remembers")
    func retry() async throws {
        let site = try await AdministrationSite.make()
        let id = try await jobs(site, dead: 1, queued: 0)[0]
        #expect(try await site.send(.admin, .get, "/admin/dead-letters").text.contains("/admin/jobs/\(id)/retry"))
        let answer = try await site.send(.admin, .post, "/admin/jobs/\(id)/retry", form: "")
        #expect(answer.status == 303)
        #expect(answer.headers[.location] == "/admin/jobs/\(id)")
        #expect(try await state(id, site) == .queued)
        let entry = try #require(try await audit(site).first)
        #expect(entry.actor == "acc_admin")
        #expect(entry.action == "job.retry")
        #expect(entry.object == id)
        #expect(entry.ipPrefix == "192.0.2.0/24")
        #expect(try await site.send(.admin, .post, "/admin/jobs/\(id)/retry", form: "").status == 409)
        #expect(try await audit(site).count == 1)
    }

    @Test("all dead letters are tried again at once")
    func retryAll() async throws {
        let site = try await AdministrationSite.make()
        let ids = try await jobs(site, dead: 3, queued: 1)
        #expect(try await site.send(.admin, .post, "/admin/dead-letters/retry", form: "").status == 303)
        for id in ids { #expect(try await state(id, site) == .queued) }
    }

    @Test("the API cancels a job that waits, once, and knows no other job")
    func cancel() async throws {
        let site = try await AdministrationSite.make()
        let id = try await jobs(site, dead: 0, queued: 1)[0]
        let path = "/api/v1/admin/jobs/\(id)"
        let cancelled = try await site.send(.admin, .post, path + "/cancel")
        #expect(cancelled.status == 200)
        #expect(cancelled.text.contains(#""state":"cancelled""#))
        #expect(try await site.send(.admin, .post, path + "/cancel").status == 409)
        #expect(try await site.send(.admin, .post, "/api/v1/admin/jobs/job_none/cancel").status == 404)
        #expect(try await site.send(.admin, .get, "/admin/jobs/job_none").status == 404)
    }

    @Test("the list of jobs is paged both ways and never holds a payload")
    func list() async throws {
        let site = try await AdministrationSite.make()
        _ = try await jobs(site, dead: 2, queued: 5)
        let first = try await site.send(.admin, .get, "/api/v1/admin/jobs?limit=3")
        #expect(first.status == 200)
        #expect(first.text.parts(by: #""id":"#).count == 4)
        #expect(!first.text.contains("secret link"))
        let link = try #require(first.headers[HTTPField.Name("Link")!])
        let next = try #require(link.split(separator: ">").first?.dropFirst())
        let second = try await site.send(.admin, .get, String(next))
        #expect(second.status == 200)
        #expect(second.text.parts(by: #""id":"#).count == 4)
        #expect(second.headers[HTTPField.Name("Link")!]?.contains("rel=\"prev\"") == true)
        let dead = try await site.send(.admin, .get, "/api/v1/admin/jobs?state=dead")
        #expect(dead.text.parts(by: #""state":"dead""#).count == 3)
        #expect(try await site.send(.admin, .get, "/api/v1/admin/jobs?state=lost").status >= 400)
        #expect(try await site.send(.admin, .get, "/api/v1/admin/jobs?cursor=xyz").status == 400)
    }

    @Test("a flag is set by the form and by the API, for the version that was read")
    func flags() async throws {
        let site = try await AdministrationSite.make()
        let form = try await site.send(.admin, .post, "/admin/flags", form: "name=beta&state=roles&roles=seller")
        #expect(form.status == 303)
        func rule() async throws -> FlagRule? {
            try await site.test.database.run { try FeatureFlagStore.entries(on: $0) }.first?.rule
        }
        #expect(try await rule() == .roles(["seller"]))
        let path = "/api/v1/admin/flags/beta"
        let set = try await site.send(
            .admin,
            .put,
            path,
            json: #"{"to":"percentage","percentage":10}"#,
            headers: [.ifMatch: #""v1""#]
        )
        #expect(set.status == 200)
        #expect(set.headers[.eTag] == #""v2""#)
        #expect(try await rule() == .percentage(10))
        let stale = try await site.send(.admin, .put, path, json: #"{"to":"nobody"}"#, headers: [.ifMatch: #""v1""#])
        #expect(stale.status == 412)
        #expect(try await site.send(.admin, .put, path, json: #"{"to":"percentage"}"#).status == 422)
        #expect(try await site.send(.admin, .put, path, json: #"{"to":"everyone","x":1}"#).status == 422)
        #expect(
            try await site.send(.admin, .put, "/api/v1/admin/flags/Not%20a%20key", json: #"{"to":"nobody"}"#).status
                == 404
        )
        #expect(try await rule() == .percentage(10))
        #expect(try await site.send(.admin, .get, "/api/v1/admin/flags").text.contains(#""percentage":10"#))
        #expect(try await site.send(.admin, .delete, path).status == 204)
        #expect(try await site.send(.admin, .delete, path).status == 404)
        #expect(try await audit(site).map(\.action) == ["flag.set", "flag.set", "flag.set"])
    }

    @Test("a form with a wrong key comes back with what was sent")
    func form() async throws {
        let site = try await AdministrationSite.make()
        let answer = try await site.send(.admin, .post, "/admin/flags", form: "name=Not+a+key&state=everyone")
        #expect(answer.status == 422)
        #expect(answer.text.contains("Not a key"))
        #expect(try await audit(site) == [])
    }

    @Test("a form without the token of the session changes nothing")
    func forged() async throws {
        let site = try await AdministrationSite.make()
        let answer = try await site.send(
            .admin,
            .post,
            "/admin/flags",
            form: "name=beta&state=everyone",
            isForged: true
        )
        #expect(answer.status == 403)
        #expect(try await audit(site) == [])
    }

    @Test("health tells of each part, and of what needs attention")
    func health() async throws {
        let site = try await AdministrationSite.make()
        let well = try await site.send(.admin, .get, "/api/v1/admin/health")
        #expect(well.status == 200)
        #expect(well.text.contains(#""healthy":true"#), "\(well.text)")
        for part in ["Database", "Jobs", "Events", "Schema", "Disk"] { #expect(well.text.contains("\"\(part)\"")) }
        _ = try await jobs(site, dead: 1, queued: 0)
        let page = try await site.send(.admin, .get, "/admin/health")
        #expect(page.text.contains("Needs attention: Jobs."))
    }

    @Test("while the database is away health says so, and does not fail")
    func away() async throws {
        let site = try await AdministrationSite.make()
        await site.test.database.shutDown()
        let answer = try await site.send(.admin, .get, "/api/v1/admin/health")
        #expect(answer.status == 200)
        #expect(answer.text.contains(#""healthy":false"#))
    }

    @Test("each request keeps within its statements")
    func budgets() async throws {
        let site = try await AdministrationSite.make()
        let id = try await jobs(site, dead: 60, queued: 40)[0]
        for endpoint in site.module.endpoints where endpoint.method == .get && !endpoint.path.hasSuffix("/events") {
            let counter = StatementCounter()
            let path = endpoint.path.replacing("{id}", with: id)
            let answer = try await StatementCounter.$current.withValue(counter) {
                try await site.send(.admin, .get, path)
            }
            #expect(answer.status < 400, "\(path)")
            #expect(counter.count <= endpoint.statementBudget, "\(path): \(counter.count)")
        }
    }

    @Test("an open page is told the progress of its job until the end")
    func progress() async throws {
        let looks = [0.0, 0.5, 0.5, 1.0]
        let site = try await AdministrationSite.make()
        let id = try await jobs(site, dead: 0, queued: 1)[0]
        let summary = try #require(try await site.test.database.run { try WorkQueue.job(id, on: $0) })
        let tally = Looks()
        let stream = JobProgressStream(
            look: {
                let number = await tally.next()
                return summary.with(progress: looks[min(number, 3)], state: number < 3 ? .running : .done)
            },
            mayFollow: { true },
            wait: {}
        )
        let text = try await stream.body.written()
        #expect(text.parts(by: "event: progress").count == 4)
        #expect(text.parts(by: "event: done").count == 2)
    }

    @Test("an admin is told of a job that is given up, and of those missed meanwhile")
    func deadLetterEvents() async throws {
        let site = try await AdministrationSite.make()
        let database = site.test.database
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let relay = OutboxRelay(database: database, consumers: [], logger: logger)
        let queue = WorkQueue(
            database: database,
            handlers: [JobHandler(kind: "mail.send") { _ in throw JobError.permanent("550") }],
            logger: logger
        )
        let ids = try await jobs(site, dead: 0, queued: 2)
        let running = [Task { await queue.run() }, Task { await relay.run() }, Task { await site.streams.run() }]
        let text = try await site.follow("/admin/dead-letters/events", after: "0", until: "id: 2\n")
        for task in running { task.cancel() }
        for task in running { await task.value }
        #expect(text.contains("event: job.dead"))
        #expect(text.contains(#""kind": "mail.send""#))
        for id in ids { #expect(try await state(id, site) == .dead) }
    }
}
