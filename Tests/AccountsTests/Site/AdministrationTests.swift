import Foundation
import HTTPTypes
import Kernel
import PlatformTestSupport

import Testing

@testable import Accounts
@testable import Postgres

@Suite("Accounts for administrators")
struct AdministrationTests {
    @Test("the list is paged by key, from the newest on, and back")
    func paging() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        for index in 0..<7 { try await site.makeAccount("member_\(index)") }
        var seen: [String] = []
        var path: String? = "/admin/accounts?limit=3"
        var previous: String?
        while let next = path {
            let answer = try await admin.api(.get, next)
            seen += (answer.json["data"] as? [[String: Any]] ?? []).compactMap { $0["handle"] as? String }
            previous = answer.headers[HTTPField.Name("Link")!].flatMap { $0.firstMatch(of: /<([^>]+)>; rel="prev"/) }
                .map { String($0.1) }
            path = (answer.json["next"] as? String).map { "/admin/accounts?limit=3&cursor=\($0)" }
        }
        #expect(seen == (0..<7).reversed().map { "member_\($0)" } + ["root_a"])
        let back = try await admin.send(.get, try #require(previous))
        #expect(
            (back.json["data"] as? [[String: Any]] ?? []).compactMap { $0["handle"] as? String } == [
                "member_3", "member_2", "member_1",
            ]
        )
        #expect(try await admin.api(.get, "/admin/accounts?cursor=forged").status == .badRequest)
    }

    @Test(
        "accounts are found by the beginning or a part of address and handle; signs of patterns are signs",
        arguments: [
            ("gr", ["grace"]), ("RACE", ["grace"]), ("example.org", ["grace", "ada_l", "root_a"]), ("a_l", ["ada_l"]),
            ("%", []), ("_", []), ("a'--", []),
        ]
    )
    func search(_ text: String, _ handles: [String]) async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        try await site.makeAccount("ada_l")
        try await site.makeAccount("grace")
        let query = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let answer = try await admin.api(.get, "/admin/accounts?q=\(query)")
        #expect((answer.json["data"] as? [[String: Any]] ?? []).compactMap { $0["handle"] as? String } == handles)
    }

    @Test("ASVS 8.2.1: every endpoint asks for what it says: visitors, members and administrators, by table")
    func matrix() async throws {
        let site = try await TestSite()
        let visitor = Browser(site)
        let member = try await site.signedIn("ada")
        let account = try await member.api(.get, "/me").string("id")
        for endpoint in site.table.endpoints where endpoint.method == .get {
            let path = endpoint.path.replacing("{id}", with: account).replacing(
                "{token}",
                with: String(repeating: "a", count: 43)
            )
            .replacing("{name}", with: String(repeating: "a", count: 22) + ".png")
            let (asVisitor, asMember) = (try await visitor.send(.get, path), try await member.send(.get, path))
            switch (endpoint.access, endpoint.kind) {
            case (.signedIn, .api), (.role, .api): #expect(asVisitor.status == .unauthorized, "\(path)")
            case (.signedIn, .page), (.role, .page):
                #expect(asVisitor.headers[.location]?.hasPrefix("/sign-in?next=") == true, "\(path)")
            case (.visitor, _): #expect(asMember.status == .seeOther, "\(path)")
            case (.everyone, _): #expect(asVisitor.status != .unauthorized && asVisitor.status != .forbidden, "\(path)")
            }
            if case .role = endpoint.access { #expect(asMember.status == .notFound, "\(path)") }
        }
    }

    @Test("each GET takes no more statements than it says, with one account or with many")
    func budgets() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        for index in 0..<30 { try await site.makeAccount("member_\(index)") }
        let id = try await admin.api(.get, "/me").string("id")
        for endpoint in site.table.endpoints where endpoint.method == .get {
            let path = endpoint.path.replacing("{id}", with: id).replacing(
                "{token}",
                with: String(repeating: "a", count: 43)
            )
            .replacing("{name}", with: String(repeating: "a", count: 22) + ".png")
            let count = try await admin.send(.get, path).statements.count
            #expect(count <= endpoint.statementBudget, "\(path) took \(count)")
        }
    }

    @Test("every change of the API stays within its statements, and leaves an audit record and an event")
    func trails() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let id = try await site.makeAccount("ada").publicID
        let changes: [(HTTPRequest.Method, String, String)] = [
            (.put, "/admin/accounts/\(id)/roles/seller", "role.granted"),
            (.delete, "/admin/accounts/\(id)/roles/seller", "role.revoked"),
            (.post, "/admin/accounts/\(id)/disable", "account.disabled"),
            (.post, "/admin/accounts/\(id)/enable", "account.enabled"),
        ]
        for (method, path, action) in changes {
            let answer = try await admin.api(method, path)
            #expect(answer.status == .ok)
            #expect(answer.statements.count <= 18, "\(path) took \(answer.statements.count)")
            #expect(try await site.audit().last == action)
            #expect(try await site.count("SELECT count(*) FROM outbox WHERE kind = \(action)") == 1)
        }
        #expect(try await site.mails(to: "ada@example.org").count == 4)
        // Done already, it changes nothing and tells nobody.
        let before = try await site.audit()
        #expect(try await admin.api(.post, "/admin/accounts/\(id)/enable").status == .ok)
        #expect(try await site.audit() == before)
        let entry = try await site.database.run { try AuditLog.records(limit: 1, on: $0).first?.entry }
        #expect(entry?.actor.hasPrefix("acc_") == true)
        #expect(entry?.actor != id && entry?.object == id)
        #expect(entry?.ipPrefix == "192.0.2.0/24")
    }

    @Test("the schema goes up, all the way down and up again to the same")
    func migrations() async throws {
        let test = try await TestDatabase.make()
        let modules = [KernelMigrations.all, AccountMigrations.all]
        func columns() async throws -> [String] {
            try await test.database.run { connection in
                try connection.query(
                    """
                    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line
                    FROM information_schema.columns WHERE table_schema = 'public'
                    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
                    UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace
                    ORDER BY 1
                    """
                ) { try $0.get("line", as: String.self) }
            }
        }
        try await test.database.run { connection in
            for migration in modules.joined() { try connection.executeScript(migration.up) }
        }
        let first = try await columns()
        #expect(first.contains { $0.hasPrefix("account.email") })
        try await test.database.run { connection in
            for migration in AccountMigrations.all.reversed() { try connection.executeScript(migration.down) }
        }
        #expect(try await !columns().contains { $0.hasPrefix("account") || $0.hasPrefix("session") })
        try await test.database.run { connection in
            for migration in AccountMigrations.all { try connection.executeScript(migration.up) }
        }
        #expect(try await columns() == first)
    }

    @Test("what has run out is removed, and nothing else")
    func expiry() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let settings = site.module.ground.settings
        _ = try await Browser(site).signIn("ada", password: "wrong wrong")
        _ = try await Browser(site).api(
            .post,
            "/accounts",
            ["email": "b@example.org", "handle": "bbb", "password": TestSite.password]
        )
        func clean() async throws {
            let now = site.now
            try await site.database.run { try ExpiryRepository.remove(settings, now: now, on: $0) }
        }
        try await clean()
        #expect(try await browser.api(.get, "/me").status == .ok)
        #expect(try await site.count("SELECT count(*) FROM one_time_token") == 1)
        site.advance(8 * 86_400)
        try await clean()
        for table in ["session", "one_time_token", "sign_in_failure"] as [StaticString] {
            #expect(try await site.count("SELECT count(*) FROM \(verbatim: table)") == 0, "\(table)")
        }
        #expect(try await site.count("SELECT count(*) FROM known_device") == 1)
    }
}
