import HTTPTypes
import Testing

@testable import Kernel

@Suite("Requests that another site made the browser send")
struct CrossSiteTests {
    let platform: SamplePlatform

    init() throws { platform = try SamplePlatform() }

    enum Token: String, CaseIterable { case right, missing, wrong, otherSession }

    /// Fields that say where a request comes from, and whether it may then change something with the right token.
    static let origins: [([(String, String)], Bool)] = [
        ([("Origin", "https://lyceum.example")], true),
        ([("Origin", "https://LYCEUM.example:443")], true),
        ([("Sec-Fetch-Site", "same-origin")], true),
        ([("Origin", "null"), ("Sec-Fetch-Site", "same-origin")], true),
        ([("Origin", "https://evil.example")], false),
        ([("Origin", "http://lyceum.example")], false),
        ([("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")], false),
        ([("Origin", "https://lyceum.example.evil.example")], false),
        ([("Sec-Fetch-Site", "same-site")], false),
        ([("Sec-Fetch-Site", "cross-site")], false),
        ([("Sec-Fetch-Site", "none")], false),
        ([("Origin", "null")], false),
        ([], false),
    ]

    @Test("a form with a session changes something only from here and with its token", arguments: origins)
    func sessionForm(origin: [(String, String)], isOwn: Bool) async {
        let cookie = ("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")
        let tokens: [Token: String?] = [
            .right: await platform.csrfToken([cookie]), .missing: nil, .wrong: "nonsense",
            .otherSession: await platform.csrfToken([("Cookie", "__Host-sid=\(SamplePlatform.rootSession)")]),
        ]
        for (token, text) in tokens {
            let body = "title=a&agree=on" + (text.map { "&csrf=\($0)" } ?? "")
            let answer = await platform.send(.post, "/form", [cookie, SamplePlatform.form] + origin, body: body)
            #expect(answer.status == (isOwn && token == .right ? 303 : 403), "\(token)")
        }
        #expect(platform.runs["form"] == (isOwn ? 1 : 0))
    }

    @Test("a visitor's form has a token of its own, bound to a cookie")
    func visitorForm() async throws {
        let page = await platform.send(.get, "/form")
        let cookie = try #require(page.fields("Set-Cookie").first)
        #expect(cookie.hasPrefix("__Host-csrf=") && cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Secure"))
        let pair = String(cookie.prefix { $0 != ";" })
        let fields = [SamplePlatform.form, ("Origin", "https://lyceum.example")]
        let body = "title=a&agree=on&csrf=\(page.text)"
        #expect(await platform.send(.post, "/form", fields + [("Cookie", pair)], body: body).status == 303)
        #expect(await platform.send(.post, "/form", fields, body: body).status == 403)
        #expect(await platform.send(.get, "/form", [("Cookie", pair)]).fields("Set-Cookie").isEmpty)
        #expect(await platform.send(.get, "/mine").fields("Set-Cookie").isEmpty)
    }

    @Test(
        "the API needs the token with a session, and nothing with an API token",
        arguments: [
            ("session with token", 201), ("session without", 403), ("session, token twice in a form's place", 403),
            ("API token", 201),
            ("API token from elsewhere", 201),
        ]
    )
    func api(caller: String, status: Int) async {
        let cookie = ("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")
        let token = await platform.csrfToken([cookie])
        let own = ("Origin", "https://lyceum.example")
        let bearer = SamplePlatform.bearer(SamplePlatform.adaWriter)
        let fields: [(String, String)] =
            switch caller {
            case "session with token": [cookie, own, ("X-CSRF-Token", token)]
            case "session without": [cookie, own]
            case "API token": [bearer]
            case "API token from elsewhere": [bearer, cookie, ("Origin", "https://evil.example")]
            default: [cookie, own, ("X-CSRF-Token", token), ("X-CSRF-Token", token)]
            }
        let answer = await platform.send(
            .post,
            "/api/v1/notes",
            fields + [SamplePlatform.json],
            body: #"{"title":"a"}"#
        )
        #expect(answer.status == status)
    }

    @Test(
        "a visitor of the API is refused only when another site is named",
        arguments: [("https://evil.example", 403), ("https://lyceum.example", 204)]
    )
    func apiVisitor(origin: String, status: Int) async {
        let answer = await platform.send(
            .post,
            "/api/v1/sign-in",
            [("Origin", origin), SamplePlatform.json],
            body: #"{"title":"a"}"#
        )
        #expect(answer.status == status)
    }
}
