import Foundation
import HTTPTypes
import Kernel
import Postgres
import Testing

@testable import Accounts

@Suite("Sessions")
struct SessionTests {
    @Test("ASVS 7.2.4: signing in gives a new session, and the one that was there before ends")
    func rotationAtSignIn() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let old = try #require(browser.session)
        #expect(try await browser.signIn("ada").status == .created)
        #expect(browser.session != old)
        let thief = Browser(site)
        thief.setCookie("__Host-sid", old)
        #expect(try await thief.api(.get, "/me").status == .unauthorized)
        // A session id that somebody planted is not taken over.
        let planted = Browser(site)
        planted.setCookie("__Host-sid", String(repeating: "a", count: 43))
        #expect(try await planted.api(.get, "/me").status == .unauthorized)
    }

    @Test("ASVS 7.4.1: after signing out the cookie opens nothing any more")
    func signOut() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let token = try #require(browser.session)
        let answer = try await browser.api(.delete, "/me/session")
        #expect(answer.status == .noContent)
        #expect(answer.setCookies.contains { $0.hasPrefix("__Host-sid=;") && $0.contains("Max-Age=0") })
        browser.setCookie("__Host-sid", token)
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
    }

    @Test("ASVS 7.5.2: one sees one's sessions and ends one, or all others; nobody else's")
    func listAndEnd() async throws {
        let site = try await TestSite()
        let first = try await site.signedIn("ada")
        let second = Browser(site, peer: "198.51.100.9")
        #expect(try await second.signIn("ada").status == .created)
        let eve = try await site.signedIn("eve")
        let data = try await first.api(.get, "/me/sessions").json["data"] as? [[String: Any]] ?? []
        #expect(data.count == 2)
        let other = try #require(data.first { $0["is_current"] as? Bool == false })
        #expect(other["network"] as? String == "198.51.100.0/24")
        let id = try #require(other["id"] as? String)
        // ASVS 8.2.2: another's session is not there.
        #expect(try await eve.api(.delete, "/me/sessions/\(id)").status == .notFound)
        #expect(try await second.api(.get, "/me").status == .ok)
        #expect(try await first.api(.delete, "/me/sessions/\(id)").status == .noContent)
        #expect(try await second.api(.get, "/me").status == .unauthorized)
        _ = try await second.signIn("ada")
        #expect(try await first.api(.delete, "/me/sessions").status == .noContent)
        #expect(try await second.api(.get, "/me").status == .unauthorized)
        #expect(try await first.api(.get, "/me").status == .ok)
        #expect(try await eve.api(.get, "/me").status == .ok)
    }

    @Test("a session ends after 7 days without use, after 30 days in any case, an administrator's after 12 hours")
    func ends() async throws {
        let site = try await TestSite()
        let idle = try await site.signedIn("ada")
        let busy = try await site.signedIn("grace")
        let administrator = try await site.signedIn("root_a", roles: [.admin])
        site.advance(12 * 3600 + 1)
        #expect(try await administrator.api(.get, "/me").status == .unauthorized)
        for _ in 0..<4 {
            #expect(try await busy.api(.get, "/me").status == .ok)
            site.advance(6.9 * 86_400)
        }
        #expect(try await idle.api(.get, "/me").status == .unauthorized)
        #expect(try await busy.api(.get, "/me").status == .ok)
        site.advance(3 * 86_400)
        #expect(try await busy.api(.get, "/me").status == .unauthorized)
    }

    @Test("whose session it is takes one statement, and one more every five minutes")
    func statements() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        #expect(try await browser.api(.get, "/me/session").statements.count == 1)
        site.advance(300)
        #expect(try await browser.api(.get, "/me/session").statements.count == 2)
        #expect(try await browser.api(.get, "/me/session").statements.count == 1)
    }

    @Test("ASVS 7.4.2, 8.3.2: disabling ends all sessions and tokens at the next request, and nobody signs in")
    func disabling() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let browser = try await site.signedIn("ada")
        let id = try await browser.api(.get, "/me").string("id")
        let token = try await browser.makeToken(["account:read"])
        #expect(try await admin.api(.post, "/admin/accounts/\(id)/disable").string("status") == "disabled")
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        #expect(
            try await Browser(site).api(.get, "/me", headers: [.authorization: "Bearer \(token)"]).status
                == .unauthorized
        )
        #expect(try await Browser(site).signIn("ada").code == "account_disabled")
        #expect(try await Browser(site).signIn("ada", password: "wrong wrong").code == "credentials_invalid")
        #expect(try await admin.api(.post, "/admin/accounts/\(id)/enable").string("status") == "active")
        #expect(try await Browser(site).signIn("ada").status == .created)
    }

    @Test("ASVS 7.2.4, 8.3.2: a role given or taken ends the account's sessions, and counts from the next request on")
    func roles() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let browser = try await site.signedIn("ada")
        let id = try await browser.api(.get, "/me").string("id")
        #expect(try await admin.api(.put, "/admin/accounts/\(id)/roles/admin").status == .ok)
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        #expect(try await browser.signIn("ada").status == .created)
        #expect(try await browser.api(.get, "/admin/accounts").status == .ok)
        // The row alone: without a cache the very next request sees it.
        _ = try await site.database.run {
            try $0.execute("DELETE FROM account_role WHERE account_id = (SELECT id FROM account WHERE handle = 'ada')")
        }
        #expect(try await browser.api(.get, "/admin/accounts").status == .notFound)
        #expect(try await site.audit().contains("role.granted"))
    }

    @Test("an administrator ends another's sessions, by the API and by the page")
    func endedByAdministrator() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let browser = try await site.signedIn("ada")
        let id = try await browser.api(.get, "/me").string("id")
        #expect(try await admin.api(.post, "/admin/accounts/\(id)/sign-out").status == .ok)
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        _ = try await browser.signIn("ada")
        let page = "/account/profile"
        #expect(
            try await admin.submit(page, to: "/admin/users/\(id)/sign-out", []).headers[.location]
                == "/admin/users/\(id)"
        )
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        let roles = try await admin.submit(
            page,
            to: "/admin/users/\(id)/roles",
            [("roles", "seller"), ("roles", "moderator")]
        )
        #expect(roles.status == .seeOther)
        let shown = try await admin.api(.get, "/admin/accounts/\(id)").json["roles"] as? [String] ?? []
        #expect(Set(shown) == ["member", "seller", "moderator"])
        #expect(try await admin.submit(page, to: "/admin/users/\(id)/disable", []).status == .seeOther)
        #expect(try await Browser(site).signIn("ada").code == "account_disabled")
        #expect(try await admin.submit(page, to: "/admin/users/\(id)/enable", []).status == .seeOther)
        #expect(try await Browser(site).signIn("ada").status == .created)
    }

    @Test("the last administrator can neither be disabled, nor lose the role, nor delete the account")
    func lastAdministrator() async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let id = try await admin.api(.get, "/me").string("id")
        #expect(try await admin.api(.delete, "/admin/accounts/\(id)/roles/admin").code == "last_administrator")
        #expect(try await admin.api(.post, "/admin/accounts/\(id)/disable").code == "last_administrator")
        let deletion = ["password": TestSite.password, "handle": "root_a"]
        #expect(try await admin.api(.post, "/me/deletion", deletion).code == "last_administrator")
    }

    @Test("ASVS 3.5.1 to 3.5.3: another site's forms, JSON as text and reading change nothing")
    func crossSite() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let csrf = try await browser.csrf()
        let good: [(String, String)] = [("csrf", csrf)]
        #expect(
            try await browser.post("/account/sessions/end-others", good, origin: "https://evil.example").status
                == .forbidden
        )
        #expect(try await browser.post("/account/sessions/end-others", good, origin: nil).status == .forbidden)
        #expect(try await browser.post("/account/sessions/end-others", []).status == .forbidden)
        #expect(try await browser.post("/account/sessions/end-others", [("csrf", "x")]).status == .forbidden)
        let text = try await browser.api(.post, "/me/tokens", ["name": "x"], headers: [.contentType: "text/plain"])
        #expect(text.status == .unsupportedMediaType)
        let before = try await site.audit()
        for endpoint in site.table.endpoints where endpoint.method == .get && !endpoint.path.contains("{") {
            let answer = try await browser.send(.get, endpoint.path)
            #expect(
                !answer.statements.contains { $0.hasPrefix("INSERT") || $0.hasPrefix("DELETE") },
                "\(endpoint.path)"
            )
        }
        #expect(try await site.audit() == before)
        #expect(try await browser.post("/account/sessions/end-others", good).status == .seeOther)
    }

    @Test("ASVS 16.4.1: a browser's name with line ends forges neither a line of the log nor of a page")
    func agent() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        let browser = Browser(site)
        let body = Array(#"{"email":"ada@example.org","password":"vex tundra plinth"}"#.utf8)
        let headers: HTTPFields = [
            .contentType: "application/json", .userAgent: "<script>alert(1)</script>\t\u{1B}[2Jx",
        ]
        #expect(try await browser.send(.post, "/api/v1/sessions", headers: headers, body: body).status == .created)
        let page = try await browser.send(.get, "/account/sessions").text
        #expect(page.contains("&lt;script&gt;alert(1)"))
        #expect(!page.contains("<script>alert"))
        #expect(!site.log.text.contains("\u{1B}"))
    }
}

extension Browser {
    /// An API token of whoever is signed in.
    func makeToken(_ scopes: [String], days: Int = 30) async throws -> String {
        let body: [String: Any] = ["name": "program", "scopes": scopes, "expires_in_days": days]
        let answer = try await api(.post, "/me/tokens", body)
        #expect(answer.status == .created)
        return answer.string("token")
    }
}
