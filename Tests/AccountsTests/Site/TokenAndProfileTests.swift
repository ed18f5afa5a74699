import Foundation
import HTTPTypes
import Kernel
import Postgres
import Testing

@testable import Accounts

@Suite("API tokens")
struct APITokenTests {
    static func bearer(_ token: String) -> HTTPFields { [.authorization: "Bearer \(token)"] }

    @Test("a token does what its scopes say, and nothing that only people do")
    func scopes() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let token = try await browser.makeToken(["account:read"])
        #expect(token.hasPrefix("pat_") && token.count == 47)
        let program = Browser(site)
        #expect(try await program.api(.get, "/me", headers: Self.bearer(token)).string("handle") == "ada")
        let change = try await program.api(
            .patch,
            "/me",
            ["about": "x"],
            headers: [.authorization: "Bearer \(token)", .ifMatch: "\"v1\""]
        )
        #expect(change.code == "scope_missing")
        for path in ["/me/tokens", "/me/second-factor", "/me/export", "/me/session"] {
            #expect(try await program.api(.get, path, headers: Self.bearer(token)).status == .forbidden, "\(path)")
        }
        // Not the roles of its owner either, without the scope.
        let admin = try await site.signedIn("root_a", roles: [.admin])
        let weak = try await admin.makeToken(["account:read"])
        #expect(try await program.api(.get, "/admin/accounts", headers: Self.bearer(weak)).status == .forbidden)
        let strong = try await admin.makeToken(["admin:read"])
        #expect(try await program.api(.get, "/admin/accounts", headers: Self.bearer(strong)).status == .ok)
    }

    @Test("a token ends when it is revoked or its time is over; only its digest is kept")
    func ends() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let program = Browser(site)
        let short = try await browser.makeToken(["account:read"], days: 1)
        let long = try await browser.makeToken(["account:read"], days: 365)
        let stored = try await site.database.run {
            try $0.query("SELECT t::text AS row FROM api_token t") { try $0.get("row", as: String.self) }
        }
        #expect(!stored.joined().contains(short.dropFirst(4)))
        #expect(try await program.api(.get, "/me", headers: Self.bearer(short)).status == .ok)
        site.advance(86_401)
        #expect(try await program.api(.get, "/me", headers: Self.bearer(short)).status == .unauthorized)
        let list = try await browser.api(.get, "/me/tokens").json["data"] as? [[String: Any]] ?? []
        #expect(list.count == 2)
        #expect(list[1]["last_used_at"] is String)
        #expect(list[0]["last_used_at"] is NSNull)
        let id = try #require(list[0]["id"] as? String)
        // ASVS 8.2.2: nobody else's.
        let eve = try await site.signedIn("eve")
        #expect(try await eve.api(.get, "/me/tokens/\(id)").status == .notFound)
        #expect(try await eve.api(.delete, "/me/tokens/\(id)").status == .notFound)
        #expect(try await eve.api(.patch, "/me/tokens/\(id)", ["name": "mine"]).status == .notFound)
        #expect(try await browser.api(.patch, "/me/tokens/\(id)", ["name": "backup"]).string("name") == "backup")
        #expect(try await browser.api(.delete, "/me/tokens/\(id)").status == .noContent)
        #expect(try await program.api(.get, "/me", headers: Self.bearer(long)).status == .unauthorized)
    }

    @Test("an expiry and known scopes are asked for", arguments: [0, 366, -1])
    func expiry(_ days: Int) async throws {
        let browser = try await TestSite().signedIn("ada")
        let body: [String: Any] = ["name": "x", "scopes": ["account:read"], "expires_in_days": days]
        #expect(try await browser.api(.post, "/me/tokens", body).pointers == ["/expires_in_days"])
        let unknown: [String: Any] = ["name": "x", "scopes": ["everything"], "expires_in_days": 1]
        #expect(try await browser.api(.post, "/me/tokens", unknown).pointers == ["/scopes"])
    }

    @Test("ASVS 14.2.1: a token in the address opens nothing")
    func query() async throws {
        let site = try await TestSite()
        let token = try await site.signedIn("ada").makeToken(["account:read"])
        #expect(try await Browser(site).api(.get, "/me?access_token=\(token)").status != .ok)
        #expect(
            !site.table.endpoints.contains {
                $0.parameters.contains { $0.location == .query && $0.name.contains("token") }
            }
        )
    }
}

@Suite("Profiles")
struct ProfileTests {
    @Test("a profile is changed with the version it was read at")
    func versions() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        let read = try await browser.api(.get, "/me")
        let tag = try #require(read.headers[.eTag])
        #expect(try await browser.api(.get, "/me", headers: [.ifNoneMatch: tag]).status == .notModified)
        #expect(try await browser.api(.patch, "/me", ["about": "x"]).status == .preconditionRequired)
        let changed = try await browser.api(
            .patch,
            "/me",
            ["about": "line\nline", "display_name": "Ada"],
            headers: [.ifMatch: tag]
        )
        #expect(changed.status == .ok)
        #expect(changed.string("about") == "line\nline")
        #expect(
            try await browser.api(.patch, "/me", ["about": "y"], headers: [.ifMatch: tag]).status == .preconditionFailed
        )
        try await site.makeAccount("grace")
        let now = try #require(changed.headers[.eTag])
        #expect(
            try await browser.api(.patch, "/me", ["handle": "grace"], headers: [.ifMatch: now]).pointers == ["/handle"]
        )
        #expect(
            try await browser.api(.patch, "/me", ["handle": "admin"], headers: [.ifMatch: now]).pointers == ["/handle"]
        )
    }

    @Test(
        "ASVS 8.2.3, 15.3.3: fields that are not offered are refused, whatever they are called",
        arguments: ["roles", "status", "email", "id", "password_hash", "version", "is_admin"]
    )
    func allowList(_ field: String) async throws {
        let browser = try await TestSite().signedIn("ada")
        let answer = try await browser.api(.patch, "/me", [field: "admin"], headers: [.ifMatch: "\"v1\""])
        #expect(answer.status == .unprocessableContent)
        #expect(answer.pointers == ["/\(field)"])
    }

    @Test("ASVS 15.3.1, 14.3.2: answers have the fields that are described, and no cache keeps them")
    func outgoing() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("root_a", roles: [.admin])
        let me = try await browser.api(.get, "/me")
        #expect(Set(me.json.keys) == Set(AccountSchemas.profile.names))
        #expect(me.headers[.cacheControl] == "no-store")
        let list = try await browser.api(.get, "/admin/accounts").json["data"] as? [[String: Any]] ?? []
        #expect(Set(try #require(list.first).keys) == Set(AccountSchemas.administered.names))
        for path in ["/account/profile", "/account/sessions", "/admin/users", "/sign-in"] {
            #expect(try await browser.send(.get, path).headers[.cacheControl] == "no-store", "\(path)")
        }
    }

    @Test("ASVS 5.2.2, 5.3.2, 5.4.1: a picture is what its bytes are, has a drawn name, and is served inert")
    func avatar() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        func put(_ bytes: [UInt8], _ type: String) async throws -> Answer {
            var headers: HTTPFields = [.contentType: type, .origin: TestSite.origin]
            if let name = HTTPField.Name("X-CSRF-Token") { headers[name] = try await browser.csrf() }
            return try await browser.send(.put, "/api/v1/me/avatar", headers: headers, body: bytes)
        }
        #expect(try await put(Array("<svg onload='alert(1)'/>".utf8), "image/png").code == "image_unsupported")
        #expect(try await put(Array("<svg/>".utf8), "image/svg+xml").status == .unsupportedMediaType)
        #expect(try await put([UInt8](repeating: 0, count: 1 << 20 + 1), "image/png").status == .contentTooLarge)
        var huge = ImageHeaderTests.png
        huge.replaceSubrange(16..<24, with: [0, 0, 0x10, 0, 0, 0, 0x10, 0])
        #expect(try await put(huge, "image/png").pointers == ["/avatar"])
        // Called PNG, it is a JPEG, and so it is served.
        let path = try await put(ImageHeaderTests.jpeg, "image/png").string("avatar")
        #expect(path.firstMatch(of: /^\/avatars\/[0-9A-Za-z]{22}\.jpg$/) != nil)
        let served = try await Browser(site).send(.get, path)
        #expect(served.body == ImageHeaderTests.jpeg)
        #expect(served.headers[.contentType] == "image/jpeg")
        #expect(served.headers[.cacheControl] == "public, max-age=31536000, immutable")
        #expect(served.headers[.contentDisposition] == "inline; filename=\"avatar\"")
        #expect(served.headers[HTTPField.Name("X-Content-Type-Options")!] == "nosniff")
        #expect(served.headers[HTTPField.Name("Content-Security-Policy")!] == "default-src 'none'; sandbox")
        let next = try await put(ImageHeaderTests.png + [1], "image/png").string("avatar")
        #expect(next != path)
        #expect(try await Browser(site).send(.get, path).status == .notFound)
        #expect(try await browser.api(.delete, "/me/avatar").json["avatar"] is NSNull)
        #expect(try await Browser(site).send(.get, next).status == .notFound)
    }

    @Test("one's data are exported whole, without hashes and secrets")
    func export() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        _ = try await CredentialTests.enrol(browser, site)
        let token = try await browser.makeToken(["account:read"])
        let file = try await browser.api(.get, "/me/export")
        #expect(file.headers[.contentDisposition] == "attachment; filename=\"lyceum-ada.json\"")
        #expect((file.json["profile"] as? [String: Any])?["email"] as? String == "ada@example.org")
        #expect((file.json["sessions"] as? [Any])?.count == 1)
        #expect((file.json["api_tokens"] as? [Any])?.count == 1)
        #expect(file.json["has_second_factor"] as? Bool == true)
        for secret in ["scrypt", token, try #require(browser.session)] { #expect(!file.text.contains(secret)) }
    }

    @Test("a deleted account leaves its handle and nothing else, and cannot be signed in to")
    func deletion() async throws {
        let site = try await TestSite()
        let browser = try await site.signedIn("ada")
        _ = try await CredentialTests.enrol(browser, site)
        let token = try await browser.makeToken(["account:read"])
        let wrong = ["password": TestSite.password, "handle": "adda"]
        #expect(try await browser.api(.post, "/me/deletion", wrong).pointers == ["/handle"])
        #expect(
            try await browser.api(.post, "/me/deletion", ["password": "wrong wrong", "handle": "ada"]).pointers == [
                "/password"
            ]
        )
        #expect(
            try await browser.api(.post, "/me/deletion", ["password": TestSite.password, "handle": "ada"]).status
                == .noContent
        )
        #expect(try await Browser(site).signIn("ada").code == "credentials_invalid")
        #expect(try await Browser(site).api(.get, "/me", headers: APITokenTests.bearer(token)).status == .unauthorized)
        for table in ["session", "api_token", "totp", "recovery_code", "known_device", "one_time_token"]
            as [StaticString]
        {
            #expect(try await site.count("SELECT count(*) FROM \(verbatim: table)") == 0, "\(table)")
        }
        let rows = try await site.database.run {
            try $0.query("SELECT a::text AS row FROM account a") { try $0.get("row", as: String.self) }
        }
        #expect(rows.count == 1)
        #expect(!rows[0].contains("example.org") && rows[0].contains("ada"))
        let again = ["email": "ada@example.org", "handle": "ada", "password": TestSite.password]
        #expect(try await Browser(site).api(.post, "/accounts", again).pointers == ["/handle"])
    }
}

extension Schema {
    /// The names of an object's members.
    var names: [String] {
        guard case .object(let properties) = kind else { return [] }
        return properties.map(\.name)
    }
}
