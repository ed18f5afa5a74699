import Foundation
import HTTPTypes
import Kernel
import Postgres
import Testing

@testable import Accounts

@Suite("Passwords, addresses and the second factor")
struct CredentialTests {
    static let other = "gnarl votum ip"

    @Test(
        "ASVS 6.2.2, 6.2.3, 7.2.4: a password is changed with the present one; other sessions end, this one is renewed"
    )
    func change() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let elsewhere = Browser(site)
        _ = try await elsewhere.signIn("ada")
        let old = browser.session
        let wrong = ["current_password": "wrong wrong", "password": Self.other]
        #expect(try await browser.api(.put, "/me/password", wrong).pointers == ["/current_password"])
        let common = ["current_password": TestSite.password, "password": "ada@example.org"]
        #expect(try await browser.api(.put, "/me/password", common).pointers == ["/password"])
        let good = ["current_password": TestSite.password, "password": Self.other]
        #expect(try await browser.api(.put, "/me/password", good).status == .noContent)
        #expect(browser.session != old)
        #expect(try await browser.api(.get, "/me").status == .ok)
        #expect(try await elsewhere.api(.get, "/me").status == .unauthorized)
        #expect(try await Browser(site).signIn("ada").status == .unauthorized)
        #expect(try await Browser(site).signIn("ada", password: Self.other).status == .created)
        #expect(try await site.mails(to: "ada@example.org").map(\.subject) == ["Your password was changed - Lyceum"])
    }

    @Test(
        "ASVS 6.2.8: a password is checked exactly as it is typed",
        arguments: ["VEX tundra plinth", "vex tundra plinth ", "vex tundra plint"]
    )
    func exact(_ password: String) async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        #expect(try await Browser(site).signIn("ada", password: password).status == .unauthorized)
    }

    @Test("ASVS 6.4.1, 6.5.1: a link to a new password works once, for half an hour, and ends all sessions")
    func reset() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let visitor = Browser(site)
        #expect(try await visitor.api(.post, "/password-resets", ["email": "ADA@example.org"]).status == .accepted)
        try await site.performResetJobs()
        let token = try await site.token(to: "ada@example.org")
        // A stranger's guess costs nothing and finds nothing.
        let guess = ["token": String(repeating: "a", count: 43), "password": Self.other]
        #expect(try await visitor.api(.post, "/password-resets/completion", guess).code == "token_invalid")
        let weak = ["token": token, "password": "password123"]
        #expect(try await visitor.api(.post, "/password-resets/completion", weak).pointers == ["/password"])
        let good = ["token": token, "password": Self.other]
        site.advance(1801)
        #expect(try await visitor.api(.post, "/password-resets/completion", good).code == "token_invalid")
        site.advance(-1801)
        #expect(try await visitor.api(.post, "/password-resets/completion", good).status == .noContent)
        #expect(try await visitor.api(.post, "/password-resets/completion", good).code == "token_invalid")
        #expect(try await browser.api(.get, "/me").status == .unauthorized)
        #expect(try await visitor.signIn("ada", password: Self.other).status == .created)
    }

    @Test("of two who use a link at the same time one gets it")
    func race() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        _ = try await Browser(site).api(.post, "/password-resets", ["email": "ada@example.org"])
        try await site.performResetJobs()
        let token = try await site.token(to: "ada@example.org")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<4 {
                group.addTask {
                    let body = ["token": token, "password": "\(Self.other) \(index)"]
                    return try await Browser(site).api(.post, "/password-resets/completion", body).status.code
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.sorted() == [204, 422, 422, 422])
    }

    @Test("ASVS 7.5.1: another address needs the password, confirms itself, and the old one is told")
    func email() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let wrong = ["email": "new@example.org", "password": "wrong wrong"]
        #expect(try await browser.api(.post, "/me/email", wrong).pointers == ["/password"])
        let good = ["email": "new@example.org", "password": TestSite.password]
        #expect(try await browser.api(.post, "/me/email", good).status == .accepted)
        #expect(try await browser.api(.get, "/me").string("email") == "ada@example.org")
        #expect(try await site.mails(to: "ada@example.org").count == 1)
        let token = try await site.token(to: "new@example.org")
        #expect(try await Browser(site).api(.post, "/email-changes", ["token": token]).status == .noContent)
        #expect(try await Browser(site).api(.post, "/email-changes", ["token": token]).code == "token_invalid")
        #expect(try await browser.api(.get, "/me").string("email") == "new@example.org")
        #expect(try await site.mails(to: "ada@example.org").last?.subject == "Your e-mail address was changed - Lyceum")
    }

    @Test("ASVS 6.3.8: an address that has an account gets a mail, and the asker the same answer")
    func foreignEmail() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        try await site.makeAccount("grace")
        let free = try await browser.api(
            .post,
            "/me/email",
            ["email": "free@example.org", "password": TestSite.password]
        )
        let taken = try await browser.api(
            .post,
            "/me/email",
            ["email": "grace@example.org", "password": TestSite.password]
        )
        #expect(free.status == taken.status)
        #expect(free.text == taken.text)
        #expect(
            try await site.mails(to: "grace@example.org").map(\.subject) == ["You already have an account - Lyceum"]
        )
    }

    // MARK: Spraying

    @Test(
        "ASVS 6.3.1: wrong passwords slow strangers down for an address that has an account and one that has none alike"
    )
    func throttle() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        for handle in ["ada", "nobody"] {
            var codes: [String?] = []
            for index in 0..<8 {
                // From everywhere: no limit by network sees it.
                let stranger = Browser(site, peer: "203.0.\(index).1")
                codes.append(try await stranger.signIn(handle, password: "wrong wrong").code)
            }
            let wrong = Array(repeating: "credentials_invalid" as String?, count: 6)
            #expect(codes == wrong + ["too_many_failures", "too_many_failures"], "\(handle)")
        }
        let refused = try await Browser(site).signIn("ada")
        #expect(refused.status == .tooManyRequests)
        #expect(refused.headers[.retryAfter] == "2")
        site.advance(2)
        #expect(try await Browser(site).signIn("ada").status == .created)
    }

    @Test("ASVS 6.3.1: a browser that signed in before, and one that reset the password, are not held up by strangers")
    func victims() async throws {
        let site = try await TestSite()
        let known = try await site.signedIn("ada")
        _ = try await known.api(.delete, "/me/session")
        for index in 0..<10 {
            site.advance(1000)
            _ = try await Browser(site, peer: "203.0.\(index).1").signIn("ada", password: "wrong wrong")
        }
        #expect(try await Browser(site).signIn("ada").status == .tooManyRequests)
        #expect(try await known.signIn("ada").status == .created)
        // The device of one account is none of another's.
        try await site.makeAccount("grace")
        for index in 0..<6 {
            _ = try await Browser(site, peer: "203.0.\(index).1").signIn("grace", password: "wrong wrong")
        }
        #expect(try await known.signIn("grace").status == .tooManyRequests)
        let visitor = Browser(site)
        _ = try await visitor.api(.post, "/password-resets", ["email": "grace@example.org"])
        try await site.performResetJobs()
        let token = try await site.token(to: "grace@example.org")
        let body = ["token": token, "password": Self.other]
        #expect(try await visitor.api(.post, "/password-resets/completion", body).status == .noContent)
        #expect(try await visitor.signIn("grace", password: Self.other).status == .created)
    }

    @Test("ASVS 6.3.1: many tries at once are counted one by one")
    func burst() async throws {
        let site = try await TestSite()
        try await site.makeAccount("ada")
        let codes = try await withThrowingTaskGroup(of: String?.self) { group in
            for index in 0..<20 {
                group.addTask {
                    try await Browser(site, peer: "203.0.\(index).1").signIn("ada", password: "wrong wrong").code
                }
            }
            return try await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(codes.count { $0 == "credentials_invalid" } <= 6)
    }

    @Test("a stolen session cannot guess the password either")
    func reauthentication() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        for _ in 0..<6 {
            #expect(
                try await browser.api(.post, "/me/second-factor", ["password": "wrong wrong"]).pointers == ["/password"]
            )
        }
        let answer = try await browser.api(.post, "/me/second-factor", ["password": TestSite.password])
        #expect(answer.code == "too_many_failures")
    }

    // MARK: The second factor

    /// Turns the second factor on; gives its secret and the recovery codes.
    static func enrol(_ browser: Browser, _ site: TestSite) async throws -> (secret: [UInt8], codes: [String]) {
        let begun = try await browser.api(.post, "/me/second-factor", ["password": TestSite.password])
        let secret = try #require(Base32.bytes(begun.string("secret").replacing(" ", with: "")))
        #expect(begun.string("uri").contains("issuer=Lyceum"))
        let confirmed = try await browser.api(.post, "/me/second-factor/confirmation", ["code": code(secret, site)])
        return (secret, try #require(confirmed.json["codes"] as? [String]))
    }

    static func code(_ secret: [UInt8], _ site: TestSite) -> String {
        TOTP.code(secret: secret, step: TOTP.step(at: site.now.timeIntervalSince1970))
    }

    @Test("with a second factor the password alone opens nothing; each code is taken once")
    func secondFactor() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let (secret, codes) = try await Self.enrol(browser, site)
        #expect(codes.count == 10)
        #expect(try await browser.api(.get, "/me/second-factor").json["is_on"] as? Bool == true)
        let next = Browser(site)
        let asked = try await next.signIn("ada")
        #expect(asked.status == .accepted)
        #expect(asked.setCookies.isEmpty)
        let challenge = asked.string("challenge")
        func step(_ code: String) async throws -> Answer {
            try await next.api(.post, "/sessions/second-step", ["challenge": challenge, "code": code])
        }
        // The code that turned it on is spent.
        #expect(try await step(Self.code(secret, site)).pointers == ["/code"])
        site.advance(30)
        #expect(try await step(Self.code(secret, site)).status == .created)
        #expect(try await step(Self.code(secret, site)).code == "token_invalid")
        let again = Browser(site)
        let second = try await again.signIn("ada").string("challenge")
        let replay = ["challenge": second, "code": Self.code(secret, site)]
        #expect(try await again.api(.post, "/sessions/second-step", replay).pointers == ["/code"])
        site.advance(301)
        let late = ["challenge": second, "code": Self.code(secret, site)]
        #expect(try await again.api(.post, "/sessions/second-step", late).code == "token_invalid")
    }

    @Test("ASVS 6.5.1: a recovery code stands in once, and new codes make the old ones void")
    func recovery() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let (_, codes) = try await Self.enrol(browser, site)
        func signIn(_ code: String) async throws -> Answer {
            let other = Browser(site)
            let challenge = try await other.signIn("ada").string("challenge")
            return try await other.api(.post, "/sessions/second-step", ["challenge": challenge, "code": code])
        }
        #expect(try await signIn(codes[0].lowercased()).status == .created)
        #expect(try await signIn(codes[0]).pointers == ["/code"])
        #expect(try await browser.api(.get, "/me/second-factor").json["recovery_codes_left"] as? Int == 9)
        let renewed = try await browser.api(.post, "/me/recovery-codes", ["password": TestSite.password])
        let fresh = try #require(renewed.json["codes"] as? [String])
        #expect(try await signIn(codes[1]).pointers == ["/code"])
        #expect(try await signIn(fresh[0]).status == .created)
        #expect(
            try await browser.api(.post, "/me/second-factor/removal", ["password": TestSite.password]).status
                == .noContent
        )
        #expect(try await Browser(site).signIn("ada").status == .created)
    }

    @Test("ASVS 6.3.1: codes cannot be guessed, whatever number of challenges one asks for")
    func guessing() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        _ = try await Self.enrol(browser, site)
        let thief = Browser(site)
        var codes: [String?] = []
        for index in 0..<8 {
            let challenge = try await thief.signIn("ada").string("challenge")
            let body = ["challenge": challenge, "code": "00000\(index)"]
            codes.append(try await thief.api(.post, "/sessions/second-step", body).code)
        }
        #expect(codes == Array(repeating: "invalid", count: 6) + ["too_many_failures", "too_many_failures"])
    }

    @Test("the secret rests sealed: neither the row nor another account's key opens it")
    func sealed() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let (secret, _) = try await Self.enrol(browser, site)
        let box: [UInt8] = try #require(
            try await site.database.run { try $0.queryFirst("SELECT sealed_secret FROM totp") { try $0.get(0) } }
        )
        #expect(box.count == 12 + 20 + 16)
        #expect(!(0...28).contains { Array(box[$0..<$0 + 20]) == secret })
        // Moved to another account's row, it is no second factor: nothing is accepted for it.
        try await site.makeAccount("grace")
        _ = try await site.database.run {
            try $0.execute("UPDATE totp SET account_id = (SELECT id FROM account WHERE handle = 'grace')")
        }
        site.advance(30)
        let thief = Browser(site)
        let challenge = try await thief.signIn("grace").string("challenge")
        let body = ["challenge": challenge, "code": Self.code(secret, site)]
        #expect(try await thief.api(.post, "/sessions/second-step", body).pointers == ["/code"])
    }
}
