import Foundation
import HTTPTypes
import Kernel
import Postgres
import Testing

@testable import Accounts

@Suite("Signing up, in and out")
struct EntryTests {
    @Test("somebody signs up, confirms, is signed in, and signs out")
    func wholeWay() async throws {
        let site = try await TestSite()
        let browser = Browser(site)
        let asked = try await browser.api(
            .post,
            "/accounts",
            ["email": "Ada@Example.org", "handle": "ada", "password": TestSite.password, "display_name": "Ada <L>"]
        )
        #expect(asked.status == .accepted)
        #expect(try await site.count("SELECT count(*) FROM account") == 0)
        let token = try await site.token(to: "ada@example.org")
        let confirmed = try await browser.api(
            .post,
            "/email-confirmations",
            ["token": token, "password": TestSite.password]
        )
        #expect(confirmed.status == .created)
        let me = try await browser.api(.get, "/me")
        #expect(me.string("email") == "Ada@Example.org")
        #expect(me.string("handle") == "ada")
        #expect(me.string("display_name") == "Ada <L>")
        #expect(me.json["roles"] as? [String] == ["member"])
        #expect(try await browser.api(.delete, "/me/session").status == .noContent)
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        #expect(try await browser.signIn("ada").status == .created)
        #expect(try await site.audit() == ["account.created", "session.ended", "session.began"])
        #expect(try await site.count("SELECT count(*) FROM outbox WHERE kind = 'account.created'") == 1)
    }

    @Test("ASVS 6.4.1: a confirmation link works once, for a day, and not without the password that was chosen")
    func confirmation() async throws {
        let site = try await TestSite()
        let browser = Browser(site)
        let body = ["email": "ada@example.org", "handle": "ada", "password": TestSite.password]
        _ = try await browser.api(.post, "/accounts", body)
        let token = try await site.token(to: "ada@example.org")
        let wrong = try await browser.api(
            .post,
            "/email-confirmations",
            ["token": token, "password": "something else"]
        )
        #expect(wrong.status == .unprocessableContent)
        #expect(wrong.pointers == ["/password"])
        site.advance(86_401)
        let late = try await browser.api(
            .post,
            "/email-confirmations",
            ["token": token, "password": TestSite.password]
        )
        #expect(late.code == "token_invalid")
        site.advance(-86_401)
        let good = ["token": token, "password": TestSite.password]
        #expect(try await browser.api(.post, "/email-confirmations", good).status == .created)
        #expect(try await Browser(site).api(.post, "/email-confirmations", good).code == "token_invalid")
    }

    @Test("a handle that was taken meanwhile can be chosen anew with the same link")
    func handleTaken() async throws {
        let site = try await TestSite()
        let browser = Browser(site)
        let body = ["email": "other@example.org", "handle": "ada", "password": TestSite.password]
        _ = try await browser.api(.post, "/accounts", body)
        let token = try await site.token(to: "other@example.org")
        try await site.makeAccount("ada")
        var good = ["token": token, "password": TestSite.password]
        #expect(try await browser.api(.post, "/email-confirmations", good).pointers == ["/handle"])
        good["handle"] = "grace"
        #expect(try await browser.api(.post, "/email-confirmations", good).status == .created)
        #expect(try await browser.api(.post, "/accounts", body).pointers == ["/handle"])
    }

    @Test("ASVS 2.2.1: unknown fields and values out of range are told with their places")
    func schema() async throws {
        let browser = Browser(try await TestSite())
        let answer = try await browser.api(
            .post,
            "/accounts",
            ["email": "no", "handle": "A B", "password": "short", "is_admin": true]
        )
        #expect(answer.status == .unprocessableContent)
        #expect(Set(answer.pointers) == ["/email", "/handle", "/password", "/is_admin"])
    }

    @Test(
        "ASVS 6.2.1, 6.2.4, 6.2.9: passwords that will not do are refused at sign-up",
        arguments: ["short7!", "password123", "ada@example.org", String(repeating: "kx", count: 65)]
    )
    func policy(_ password: String) async throws {
        let browser = Browser(try await TestSite())
        let body = ["email": "ada@example.org", "handle": "ada_l", "password": password]
        #expect(try await browser.api(.post, "/accounts", body).pointers == ["/password"])
    }

    @Test("ASVS 6.3.8: sign-up, sign-in and reset answer the same for addresses with and without an account")
    func enumeration() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        var answers: [[Answer]] = []
        for email in ["ada@example.org", "nobody@example.org"] {
            let browser = Browser(site)
            let handle = email == "ada@example.org" ? "ada_two" : "ada_three"
            answers.append([
                try await browser.api(
                    .post,
                    "/accounts",
                    ["email": email, "handle": handle, "password": TestSite.password]
                ),
                try await browser.api(.post, "/sessions", ["email": email, "password": "wrong wrong"]),
                try await browser.api(.post, "/password-resets", ["email": email]),
            ])
        }
        for (known, unknown) in zip(answers[0], answers[1]) {
            #expect(known.status == unknown.status)
            #expect(known.string("detail") == unknown.string("detail"))
            #expect(known.string("message") == unknown.string("message"))
            #expect(known.setCookies.isEmpty && unknown.setCookies.isEmpty)
        }
        // The same work: a wrong password takes the same statements, a reset too.
        #expect(answers[0][1].statements == answers[1][1].statements)
        #expect(answers[0][2].statements == answers[1][2].statements)
        #expect(try await site.mails(to: "ada@example.org").map(\.subject) == ["You already have an account - Lyceum"])
        try await site.performResetJobs()
        #expect(try await site.mails(to: "ada@example.org").count == 2)
        #expect(try await site.mails(to: "nobody@example.org").count == 1)
    }

    @Test("ASVS 6.3.8: a password is hashed at the same cost whether there is an account or not")
    func timing() async throws {
        let site = try await TestSite(cost: .init(logN: 5, r: 8, p: 1))
        try await site.makeAccount("ada")
        #expect(site.module.ground.hasher.dummy.cost == PasswordHash.Cost(logN: 5, r: 8, p: 1))
        // Without anybody who hashes nobody gets an answer: none comes without a hash.
        await site.module.stop()
        let answers = try await [
            Browser(site).signIn("ada", password: "wrong wrong"),
            Browser(site).signIn("nobody", password: "wrong wrong"),
            Browser(site).api(.post, "/sessions", ["email": "no address", "password": "wrong wrong"]),
        ]
        #expect(answers.map(\.status) == [.serviceUnavailable, .serviceUnavailable, .serviceUnavailable])
    }

    @Test("ASVS 3.3.1 to 3.3.4: the cookie of a session is for this host, TLS and the server only")
    func cookieFlags() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        let cookies = try await Browser(site).signIn("ada").setCookies
        let session = try #require(cookies.first { $0.hasPrefix("__Host-sid=") })
        #expect(session.hasSuffix("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"))
        #expect(session.firstMatch(of: /^__Host-sid=[A-Za-z0-9_-]{43};/) != nil)
        let device = try #require(cookies.first { $0.hasPrefix("__Host-device=") })
        #expect(device.hasSuffix("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"))
    }

    @Test(
        "ASVS 6.3.2: there is no account at first; the first is made once, with the link of the start, as administrator"
    )
    func firstAccount() async throws {
        let site = try await TestSite()
        #expect(try await site.count("SELECT count(*) FROM account") == 0)
        #expect(try await Browser(site).signIn("admin", password: "admin").status == .unauthorized)
        let link = try #require(try await site.module.firstAccountLink())
        #expect(link.hasPrefix("https://lyceum.example/first-account/"))
        let second = try #require(try await site.module.firstAccountLink())
        let caller = Caller.test(site)
        let request = SignUp(email: "ada@example.org", handle: "ada", displayName: nil, password: TestSite.password)
        let session = try await site.module.signUps.makeFirstAccount(
            request,
            token: String(link.suffix(43)),
            by: caller
        )
        let browser = Browser(site)
        browser.setCookie("__Host-sid", session.token.text)
        #expect(try await browser.api(.get, "/me").json["roles"] as? [String] == ["admin", "member"])
        #expect(try await site.module.firstAccountLink() == nil)
        for token in [link, second] {
            await #expect(throws: Problem.self) {
                _ = try await site.module.signUps.makeFirstAccount(
                    SignUp(email: "eve@example.org", handle: "eve", displayName: nil, password: TestSite.password),
                    token: String(token.suffix(43)),
                    by: caller
                )
            }
        }
    }

    @Test("ASVS 16.2.5, 16.3.1: refused sign-ins are in the log, without passwords, tokens or addresses")
    func logging() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        _ = try await Browser(site).signIn("ada", password: "hunter2 hunter2")
        #expect(site.log.text.contains("sign-in refused"))
        #expect(site.log.text.contains("signed in"))
        for secret in ["hunter2", TestSite.password, "ada@example.org", try #require(browser.session)] {
            #expect(!site.log.text.contains(secret))
        }
    }
}

extension Caller {
    /// A visitor.
    static func test(_ site: TestSite) -> Caller {
        Caller(
            now: site.now,
            account: nil,
            session: nil,
            network: "192.0.2.0/24",
            agent: "test",
            requestID: "test-request",
            device: nil,
            logger: site.log.logger
        )
    }
}
