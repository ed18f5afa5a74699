import FoundationEssentials
import HTTPTypes
import Synchronization
import Testing

@testable import Kernel

@Suite("Who asks, and what they may")
struct AuthenticationTests {
    enum Caller: String, CaseIterable {
        case visitor, badCookie, ada, root, reader, writer, badToken, twoCookies

        var fields: [(String, String)] {
            switch self {
            case .visitor: []
            case .badCookie: [("Cookie", "__Host-sid=unknown-unknown-unknown-unknown")]
            case .ada: [("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")]
            case .root: [("Cookie", "a=b; __Host-sid=\(SamplePlatform.rootSession); c")]
            case .reader:
                [
                    SamplePlatform.bearer(SamplePlatform.adaReader),
                    ("Cookie", "__Host-sid=\(SamplePlatform.rootSession)"),
                ]
            case .writer: [SamplePlatform.bearer(SamplePlatform.adaWriter)]
            case .badToken:
                [
                    SamplePlatform.bearer("pat_unknown_000000000000000000"),
                    ("Cookie", "__Host-sid=\(SamplePlatform.adaSession)"),
                ]
            case .twoCookies:
                [("Cookie", "__Host-sid=\(SamplePlatform.rootSession); __Host-sid=\(SamplePlatform.adaSession)")]
            }
        }
    }

    /// The expected statuses in the order of ``Caller``.
    static let matrix: [(String, [Int])] = [
        ("/api/v1/notes", [401, 401, 200, 200, 200, 200, 401, 401]),
        ("/api/v1/notes/1", [200, 200, 200, 200, 200, 200, 401, 200]),
        ("/api/v1/admin", [401, 401, 404, 204, 403, 403, 401, 401]),
        ("/api/v1/shop", [404, 404, 204, 404, 204, 204, 401, 404]),
        // Pages know nothing of API tokens: the cookie counts.
        ("/mine", [303, 303, 200, 200, 200, 303, 200, 303]),
        ("/sign-in", [200, 200, 303, 303, 303, 200, 303, 200]),
    ]

    @Test("who may read what", arguments: matrix)
    func reading(path: String, expected: [Int]) async throws {
        let platform = try SamplePlatform()
        for (caller, status) in zip(Caller.allCases, expected) {
            let answer = await platform.send(.get, path, caller.fields)
            #expect(answer.status == status, "\(caller)")
        }
    }

    @Test("401 tells how to authenticate, and a scope that is missing is named")
    func challenges() async throws {
        let platform = try SamplePlatform()
        #expect(await platform.send(.get, "/api/v1/notes").field("WWW-Authenticate") == "Bearer realm=\"api\"")
        let bad = await platform.send(.get, "/api/v1/notes", Caller.badToken.fields)
        #expect(bad.field("WWW-Authenticate") == "Bearer realm=\"api\", error=\"invalid_token\"")
        let poor = await platform.send(
            .post,
            "/api/v1/notes",
            Caller.reader.fields + [SamplePlatform.json],
            body: #"{"title":"a"}"#
        )
        #expect(poor.status == 403)
        #expect(poor.field("WWW-Authenticate")?.contains("scope=\"notes:write\"") == true)
    }

    @Test("a page leads to sign-in and remembers a local path only")
    func nextPath() async throws {
        let platform = try SamplePlatform()
        #expect(await platform.send(.get, "/mine?a=1&b=2").field("Location") == "/sign-in?next=%2Fmine%3Fa%3D1%26b%3D2")
        #expect(await platform.send(.get, "/sign-in", Caller.ada.fields).field("Location") == "/")
    }

    @Test(
        "only paths of this server are followed",
        arguments: [
            ("/a?b=c", true), ("//evil.example", false), ("/\\evil.example", false), ("https://evil.example", false),
            ("/\t/evil", false), ("javascript:alert(1)", false), ("", false), ("/a\r\nSet-Cookie: x=y", false),
        ]
    )
    func localPaths(text: String, isLocal: Bool) {
        #expect((LocalPath(text) != nil) == isLocal)
    }

    @Test("cookies have exactly the flags of ASVS 3.3")
    func cookies() {
        let token = SecretToken("secret")
        #expect(
            SessionCookie.beginning(token, maximumAge: 60, isSecure: true)
                == "__Host-sid=secret; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        )
        #expect(
            SessionCookie.beginning(token, maximumAge: 60, isSecure: false)
                == "sid=secret; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        )
        #expect(
            SessionCookie.ending(isSecure: true) == "__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        )
        #expect("\(token)" == "<redacted>" && String(reflecting: token) == "<redacted>")
    }

    /// A session that can be ended, and a role that can be given.
    final class Changing: SessionAuthenticator {
        let actor = Mutex<Actor?>(Actor(account: SamplePlatform.ada, grants: []))
        func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
            let session = SessionInfo(publicID: "ses_1", createdAt: trace.now, expiresAt: trace.now + 60)
            return actor.withLock { $0 }.map { .session(session, actor: $0) }
        }
        func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
            actor.withLock { $0 }.map { .token(id: "tok_1", actor: $0) }
        }
    }

    @Test(
        "a long answer learns that its session ended or its roles changed",
        arguments: [Caller.ada, .reader, .visitor]
    )
    func recheck(caller: Caller) async throws {
        let accounts = Changing()
        let contexts = Mutex<[PlatformContext]>([])
        let endpoint = Endpoint(
            .get,
            "/api/v1/stream",
            .api,
            "stream",
            "Streams",
            tag: "Test",
            access: .everyone,
            responses: [.events]
        ) { _, context in
            contexts.withLock { $0.append(context) }
            return .noContent
        }
        let platform = try SamplePlatform(authenticator: accounts, more: [endpoint])
        #expect(await platform.send(.get, "/api/v1/stream", caller.fields).status == 204)
        let context = try #require(contexts.withLock { $0.first })
        #expect(try await context.isStillAuthenticated())
        accounts.actor.withLock { $0 = Actor(account: SamplePlatform.ada, grants: [RoleGrant(.seller)]) }
        #expect(try await context.isStillAuthenticated() == (caller == .visitor))
        accounts.actor.withLock { $0 = nil }
        #expect(try await context.isStillAuthenticated() == (caller == .visitor))
    }

    @Test("the cookie's name without TLS is not taken through TLS")
    func plainCookie() async throws {
        let platform = try SamplePlatform()
        let fields = [("Cookie", "sid=\(SamplePlatform.adaSession)")]
        #expect(await platform.send(.get, "/mine", fields).status == 303)
        #expect(await platform.send(.get, "/mine", fields, isSecure: false).status == 200)
    }
}
