import Foundation
import HTTPTypes
import Kernel
import Postgres
import Testing

@testable import Accounts

@Suite("Pages of accounts")
struct PageTests {
    @Test("without script: the first account, sign-out, sign-in and back to where one wanted to go")
    func firstAccount() async throws {
        let site = try await TestSite()
        let browser = Browser(site)
        let link = try #require(try await site.module.firstAccountLink())
        let path = String(link.dropFirst(TestSite.origin.count))
        let token = String(path.suffix(43))
        let fields = [
            ("email", "ada@example.org"), ("handle", "ada"), ("display_name", "Ada"), ("password", "short"),
            ("token", token),
        ]
        let refused = try await browser.submit(path, to: "/first-account", fields)
        #expect(refused.status == .unprocessableContent)
        // What was typed is kept, but for the secret.
        #expect(refused.text.contains("value=\"ada@example.org\""))
        #expect(refused.text.contains(token))
        #expect(!refused.text.contains("short\""))
        var good = fields
        good[3].1 = TestSite.password
        #expect(try await browser.submit(path, to: "/first-account", good).headers[.location] == "/")
        #expect(try await browser.send(.get, "/admin/users").status == .ok)
        #expect(try await browser.submit("/account/profile", to: "/sign-out", []).status == .seeOther)
        let asked = try await browser.send(.get, "/account/sessions")
        #expect(asked.headers[.location] == "/sign-in?next=%2Faccount%2Fsessions")
        let signIn = [("email", "ada@example.org"), ("password", TestSite.password), ("next", "/account/sessions")]
        let answer = try await browser.submit("/sign-in?next=/account/sessions", to: "/sign-in", signIn)
        #expect(answer.headers[.location] == "/account/sessions")
        #expect(try await browser.send(.get, path).status == .unprocessableContent)
    }

    @Test(
        "ASVS 3.7.2: after signing in nobody is sent to another site",
        arguments: ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    func next(_ next: String) async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        let fields = [("email", "ada@example.org"), ("password", TestSite.password), ("next", next)]
        #expect(try await Browser(site).submit("/sign-in", to: "/sign-in", fields).headers[.location] == "/")
    }

    @Test("without script: sign-up, confirmation, a forgotten password, another address")
    func mails() async throws {
        let site = try await TestSite()
        let browser = Browser(site)
        let signUp = [
            ("email", "ada@example.org"), ("handle", "ada"), ("display_name", ""), ("password", TestSite.password),
        ]
        #expect(try await browser.submit("/sign-up", to: "/sign-up", signUp).status == .ok)
        let token = try await site.token(to: "ada@example.org")
        let confirm = [("handle", "ada"), ("password", TestSite.password), ("token", token)]
        let shown = try await browser.send(.get, "/confirm-email/\(token)")
        #expect(shown.text.contains("ada@example.org"))
        #expect(try await site.count("SELECT count(*) FROM account") == 0)
        #expect(try await browser.submit("/confirm-email/\(token)", to: "/confirm-email", confirm).status == .seeOther)
        #expect(try await browser.send(.get, "/confirm-email/\(token)").status == .unprocessableContent)

        let visitor = Browser(site)
        let asked = try await visitor.submit("/password/reset", to: "/password/reset", [("email", "ada@example.org")])
        #expect(asked.text.contains(AccountsModule.resetAnswer))
        try await site.performResetJobs()
        let reset = try await site.token(to: "ada@example.org")
        let path = "/password/reset/\(reset)"
        let fields = [("password", CredentialTests.other), ("token", reset)]
        #expect(
            try await visitor.submit(path, to: "/password/reset/completion", fields).headers[.location] == "/sign-in"
        )
        let signIn = [("email", "ada@example.org"), ("password", CredentialTests.other), ("next", "")]
        #expect(try await visitor.submit("/sign-in", to: "/sign-in", signIn).status == .seeOther)

        let email = [("email", "new@example.org"), ("password", CredentialTests.other)]
        #expect(try await visitor.submit("/account/email", to: "/account/email", email).status == .seeOther)
        #expect(try await visitor.send(.get, "/account/email").text.contains("new@example.org"))
        let change = try await site.token(to: "new@example.org")
        let confirmed = try await visitor.submit(
            "/confirm-new-email/\(change)",
            to: "/confirm-new-email",
            [("token", change)]
        )
        #expect(confirmed.status == .ok)
        #expect(try await visitor.api(.get, "/me").string("email") == "new@example.org")
    }

    @Test("without script: the second factor from being set up to being asked for")
    func secondFactor() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let page = "/account/second-factor"
        #expect(try await browser.submit(page, to: page, [("password", TestSite.password)]).status == .seeOther)
        let shown = try await browser.send(.get, page).text
        let key = try #require(shown.firstMatch(of: /secret=([A-Z2-7]{32})/)?.1)
        let secret = try #require(Base32.bytes(key))
        let wrong = try await browser.submit(page, to: "\(page)/confirmation", [("code", "000000")])
        #expect(wrong.status == .unprocessableContent)
        let code = CredentialTests.code(secret, site)
        let codes = try await browser.submit(page, to: "\(page)/confirmation", [("code", code)])
        #expect(codes.text.matches(of: /[A-Z2-7]{4}(-[A-Z2-7]{4}){5}/).count >= 10)
        site.advance(30)
        let next = Browser(site)
        let first = [("email", "ada@example.org"), ("password", TestSite.password), ("next", "/account")]
        let step = try await next.submit("/sign-in", to: "/sign-in", first)
        let challenge = String(try #require(step.text.firstMatch(of: /name="challenge" value="([^"]+)"/)?.1))
        #expect(next.session == nil)
        let again = [("code", "123"), ("challenge", challenge), ("next", "/account")]
        #expect(try await next.submit("/sign-in", to: "/sign-in/second-step", again).text.contains(challenge))
        let good = [("code", CredentialTests.code(secret, site)), ("challenge", challenge), ("next", "/account")]
        #expect(try await next.submit("/sign-in", to: "/sign-in/second-step", good).headers[.location] == "/account")
    }

    @Test("without script: profile, picture, password, sessions, tokens and data")
    func account() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        func submit(_ page: String, _ path: String? = nil, _ fields: [(String, String)]) async throws -> Answer {
            try await browser.submit(page, to: path ?? page, fields)
        }
        let profile = [("display_name", "Ada"), ("handle", "ada_l"), ("about", "one\r\ntwo"), ("version", "1")]
        #expect(try await submit("/account/profile", nil, profile).status == .seeOther)
        #expect(try await submit("/account/profile", nil, profile).status == .conflict)
        #expect(try await browser.api(.get, "/me").string("about") == "one\ntwo")
        let token = try await browser.csrf()
        let boundary = "XXboundaryXX"
        let parts =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n\(token)\r\n--\(boundary)\r\n"
            + "Content-Disposition: form-data; name=\"file\"; filename=\"../../x.svg\"\r\nContent-Type: image/svg+xml\r\n\r\n"
        let body = Array(parts.utf8) + ImageHeaderTests.png + Array("\r\n--\(boundary)--\r\n".utf8)
        let type: HTTPFields = [.contentType: "multipart/form-data; boundary=\(boundary)", .origin: TestSite.origin]
        #expect(try await browser.send(.post, "/account/avatar", headers: type, body: body).status == .seeOther)
        #expect(try await browser.send(.get, "/account/profile").text.contains("src=\"/avatars/"))
        let made = try await submit(
            "/account/tokens",
            nil,
            [("name", "backup"), ("scopes", "account:read"), ("expires_in_days", "30")]
        )
        #expect(made.text.contains("pat_"))
        #expect(try await !browser.send(.get, "/account/tokens").text.contains("pat_"))
        let id = try #require(made.text.firstMatch(of: /\/account\/tokens\/(tok_[0-9A-Za-z]{22})\/revocation/)?.1)
        #expect(try await submit("/account/tokens", "/account/tokens/\(id)/revocation", []).status == .seeOther)
        let change = [("current_password", TestSite.password), ("password", CredentialTests.other)]
        #expect(try await submit("/account/password", nil, change).status == .seeOther)
        #expect(try await submit("/account/sessions", "/account/sessions/end-others", []).status == .seeOther)
        let file = try await submit("/account/data", "/account/data/export", [])
        #expect(file.headers[.contentDisposition]?.hasPrefix("attachment") == true)
        let deletion = [("handle", "ada_l"), ("password", CredentialTests.other)]
        #expect(try await submit("/account/data", "/account/data/deletion", deletion).status == .seeOther)
        #expect(try await browser.send(.get, "/account/profile").status == .seeOther)
    }

    @Test(
        "ASVS 6.2.6, 6.2.7: passwords are asked for in password fields that password stores know and nothing keeps from pasting"
    )
    func passwordFields() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        var pages: [String] = []
        for path in ["/sign-in", "/sign-up"] { pages.append(try await Browser(site).send(.get, path).text) }
        for path in ["/account/password", "/account/email", "/account/data"] {
            pages.append(try await browser.send(.get, path).text)
        }
        for page in pages {
            let inputs = page.matches(of: /<input[^>]*name="[a-z_]*password"[^>]*>/).map { String($0.output) }
            #expect(!inputs.isEmpty)
            #expect(
                inputs.allSatisfy {
                    $0.contains("type=\"password\"") && $0.contains("autocomplete=\"") && !$0.contains("maxlength")
                }
            )
            #expect(!page.contains("onpaste"))
        }
    }

    @Test(
        "ASVS 1.2.1, 1.3.1: hostile text in every field of an account is text on every page",
        arguments: [
            "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{name}}",
            "' onfocus='alert(1)",
        ]
    )
    func inert(_ text: String) async throws {
        let site = try await TestSite()
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let tag = try #require(try await admin.api(.get, "/me").headers[.eTag])
        let patch = ["display_name": text, "about": text]
        #expect(try await admin.api(.patch, "/me", patch, headers: [.ifMatch: tag]).status == .ok)
        _ = try await admin.api(.post, "/me/tokens", ["name": text, "scopes": ["account:read"], "expires_in_days": 1])
        for path in ["/account/profile", "/account/tokens", "/account/email", "/account/data"] {
            let page = try await admin.send(.get, path).text
            #expect(
                !page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains("='alert(1)"),
                "\(path)"
            )
            #expect(!page.contains("href=\"javascript"), "\(path)")
        }
        let query = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let search = try await Browser(site).send(.get, "/sign-in?next=\(query)").text
        #expect(!search.contains("<script>alert") && !search.contains("<img src=x"))
    }
}
