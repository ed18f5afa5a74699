import HTTPTypes
import Hummingbird
import Testing

@testable import Kernel
@testable import Web

@Suite("The site")
struct SiteTests {
    private let site: Site
    private let ada = "__Host-sid=ada-session-token-0000000000000000"

    init() throws { site = try Site() }

    @Test("everything a page loads is there and may be kept for ever") func assets() async throws {
        let page = Markup(try await site.send(.get, "/").text)
        let addresses = page.all("link", "script").compactMap { $0["href"] ?? $0["src"] }
        #expect(addresses.count == 6)
        for address in addresses {
            let answer = try await site.send(.get, address)
            #expect(answer.status == 200 && !answer.text.isEmpty, "\(address)")
            #expect(answer.response.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(answer.cookies == [])
        }
        #expect(try await site.send(.get, "/static/platform.css").status == 404)
        #expect(try await site.send(.get, "/static/../layout.mustache").status == 404)
    }

    @Test("scripts run with the nonce of the answer's policy, and no cache keeps the page") func policy() async throws {
        let answer = try await site.send(.get, "/")
        let nonces = Set(Markup(answer.text).all("script").compactMap { $0["nonce"] })
        let nonce = try #require(nonces.first)
        let policy = try #require(HTTPField.Name("Content-Security-Policy").flatMap { answer.response.headers[$0] })
        #expect(nonces.count == 1 && policy.contains("script-src 'nonce-\(nonce)'"))
        #expect(answer.response.headers[.cacheControl] == "no-store")
    }

    @Test("a chosen theme holds on the next page, until it is the system's again") func theme() async throws {
        let answer = try await site.submit("/theme", "theme=dark&return=%2Ffail%2F404%3Fa%3Db")
        #expect(answer.status == 303 && answer.response.headers[.location] == "/fail/404?a=b")
        #expect(answer.cookies.contains("theme=dark"))
        #expect(
            Markup(try await site.send(.get, "/", cookies: ["theme=dark"]).text).all("html")[0]["data-theme"] == "dark"
        )
        let back = try await site.submit("/theme", "theme=system&return=/", cookies: ["theme=dark"])
        #expect(
            back.response.headers[values: .setCookie].contains {
                $0.hasPrefix("theme=system") && $0.contains("Max-Age=0;")
            }
        )
    }

    @Test(
        "no choice of colours leads to another site",
        arguments: [
            "https://evil.example/", "//evil.example", "/%5Cevil.example", "/%09/evil.example", "javascript:alert(1)",
        ]
    )
    func elsewhere(_ place: String) async throws {
        let answer = try await site.submit("/theme", "theme=light&return=\(place)")
        #expect(answer.response.headers[.location] == "/")
    }

    @Test("a cookie that is no theme changes nothing", arguments: ["theme=\"><script>", "theme=DARK", "theme="])
    func hostileTheme(_ cookie: String) async throws {
        let page = Markup(try await site.send(.get, "/", cookies: [cookie]).text)
        #expect(page.all("html")[0]["data-theme"] == nil)
        #expect(AccessibilityCheck(page).complaints.filter { !$0.contains("nonce") } == [])
    }

    @Test("a message is carried over a redirect and shown once") func flash() async throws {
        let answer = try await site.submit("/note", "title=caf%C3%A9")
        #expect(answer.status == 303)
        let cookie = try #require(answer.cookies.first { $0.hasPrefix("flash=") })
        let page = try await site.send(.get, "/", cookies: [cookie])
        #expect(Markup(page.text).all("p").first { $0["role"] == "status" }?.text == "Saved “café”.")
        #expect(
            page.response.headers[values: .setCookie].contains { $0.hasPrefix("flash=;") && $0.contains("Max-Age=0") }
        )
        #expect(!(try await site.send(.get, "/").text.contains("role=\"status\"")))
    }

    @Test(
        "a message that is none is not shown",
        arguments: ["success.zz", "success.", "evil.616263", "success.ff", "616263"]
    )
    func noFlash(_ value: String) { #expect(Flash(cookieValue: value) == nil) }

    @Test("a long message ends where a cookie does, at a whole character") func longFlash() throws {
        let text = String(repeating: "é", count: 5000)
        let cookie = Flash(.notice, text).cookie(isSecure: true)
        let value = try #require(cookie.split(separator: ";").first?.split(separator: "=").last)
        #expect(Flash(cookieValue: String(value))?.text == String(repeating: "é", count: 200))
    }

    @Test("a form that cannot be accepted is answered with 422 and what is wrong") func invalid() async throws {
        let answer = try await site.submit("/note", "title=a&secret=hunter2")
        #expect(answer.status == 422)
        #expect(answer.text.contains("Title must") || answer.text.contains("Title has"))
        #expect(!answer.text.contains("hunter2"))
    }

    @Test(
        "every fault is a page with one thing to do",
        arguments: [
            (400, "This was not understood"), (401, "Please sign in"), (403, "There is nothing here"),
            (404, "There is nothing here"),
            (405, "This cannot be done here"), (409, "This has changed in the meantime"), (410, "This is gone"),
            (412, "This has changed in the meantime"), (413, "This is too much"),
            (422, "Some of this cannot be accepted"),
            (429, "Too many requests"), (500, "Something went wrong"), (503, "Not available at the moment"),
        ]
    )
    func fault(_ status: Int, _ title: String) async throws {
        let answer = try await site.send(.get, "/fail/\(status)")
        let page = Markup(answer.text)
        #expect(answer.status == status)
        #expect(page.all("h1").map(\.text) == [title])
        #expect(AccessibilityCheck(page).complaints.filter { !$0.contains("nonce") } == [])
        #expect(page.all("a").filter { $0["class"] == "button" }.count == (status == 429 ? 0 : 1))
        let requestID = HTTPField.Name("X-Request-Id").flatMap { answer.response.headers[$0] }
        #expect(page.all("code").map(\.text) == (status >= 500 ? [try #require(requestID)] : []))
        #expect(answer.response.headers[values: .retryAfter] == ["125"])
        if status == 429 { #expect(answer.text.contains("Try again in 3 minutes.")) }
    }

    @Test("what one may not see looks like what is not there") func hidden() async throws {
        func page(_ path: String) async throws -> [String] {
            let answer = try await site.send(.get, path, cookies: [ada])
            return Markup(answer.text).all("h1", "p", "a").map(\.text)
        }
        #expect(try await page("/admin") == page("/fail/404"))
        #expect(try await page("/fail/403") == page("/fail/404"))
    }

    @Test("nothing of what happened inside is on a page") func inside() async throws {
        let answer = try await site.send(.get, "/crash")
        #expect(answer.status == 500 && !answer.text.contains("secret detail") && !answer.text.contains("Crash"))
    }

    @Test("links to other pages keep what the address says, except the place") func pagination() throws {
        let page = Page(data: ["a"], next: "n_1", previous: nil)
        let head = HTTPRequest(
            method: .get,
            scheme: "https",
            authority: "a",
            path: "/admin/users?q=%22%3E&cursor=old&role=admin"
        )
        let request = Request(head: head, body: RequestBody(buffer: .init()))
        let pagination = Pagination(of: "users", page, request)
        #expect(pagination.next == "?q=%22%3E&role=admin&cursor=n_1")
        #expect(pagination.previous == nil)
    }
}
