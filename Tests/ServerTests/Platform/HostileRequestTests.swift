import Foundation
import HTTPTypes
import NIOHTTP1
import TestSupport
import Testing

@testable import Accounts
@testable import Kernel
@testable import lyceum

/// What nobody sends who means well: it is answered, and nothing on this side goes wrong.
@Suite("Hostile requests", .serialized)
struct HostileRequestTests {
    private static let texts = [
        "", " ", String(repeating: "a", count: 60_000), "\u{0}", "a\u{1}b\u{7F}c", "a\r\nSet-Cookie: sid=x",
        "\u{FFFD}\u{202E}é漢",
        "%00%FF%ZZ", "'; DROP TABLE account; --", "<script>alert(1)</script>", "{{nonce}}", "-1",
        "99999999999999999999999999",
        "\"", "W/\"\"", ",,,;;;===", "Bearer", "bytes=0-99999999999999999999", "../../../etc/passwd",
    ]
    private static let fields = [
        "Accept", "Accept-Language", "Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Cookie",
        "Expect",
        "Host", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "Last-Event-ID", "Origin", "Range",
        "Referer",
        "Sec-Fetch-Site", "User-Agent", "X-CSRF-Token", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id",
    ]

    /// Somebody who may use an endpoint sends a request that was changed.
    private func expectNoFault(
        _ cast: Cast,
        _ request: PlatformRequest,
        _ what: @autoclosure () -> String,
        peer: String? = nil
    ) async {
        let answer = await cast.platform.send(request, peer: peer)
        #expect(
            (200..<500).contains(answer.status),
            "\(request.method) \(request.path) with \(what()): \(answer.status)"
        )
        // Nothing comes back as a field of its own.
        #expect(!answer.headers["set-cookie"].contains { $0.hasPrefix("sid=x") })
    }

    @Test("a field with anything in it never ends in a fault", arguments: fields)
    func headers(field: String) async throws {
        let cast = try await Cast.gather()
        for path in [
            "GET /", "GET /admin/users", "PATCH /api/v1/me", "POST /api/v1/me/tokens", "POST /account/profile",
        ] {
            let endpoint = try #require(cast.platform.platform.table.endpoints.first { $0.route == path })
            let good = try await cast.entitledRequest(endpoint)
            for text in Self.texts {
                var request = good
                request.headers.removeAll { $0.name == field }
                request.headers.append((field, text))
                await expectNoFault(cast, request, "\(field): \(text.prefix(40))")
            }
        }
        await cast.platform.stop()
    }

    @Test("every route answers to every field at once having something else in it", arguments: texts)
    func everyField(text: String) async throws {
        let cast = try await Cast.gather()
        for endpoint in cast.platform.platform.table.endpoints {
            var request = try await cast.entitledRequest(endpoint)
            // What decides who asks stays as it is: other tests are about that, and nothing else would be looked at.
            let kept = [
                "Authorization", "Content-Encoding", "Content-Type", "Cookie", "Host", "Origin", "X-CSRF-Token",
            ]
            request.headers += Self.fields.filter { !kept.contains($0) }.map { ($0, text) }
            await expectNoFault(cast, request, String(text.prefix(40)))
        }
        await cast.platform.stop()
    }

    @Test("cookies that are garbage, or many, are nobody's")
    func cookies() async throws {
        let cast = try await Cast.gather()
        let session = try await cast.platform.begin(for: cast.member).cookie
        let unknown = String(repeating: "A", count: 43)
        let garbage =
            Self.texts + [
                "__Host-sid=\(unknown)", "__Host-sid=\(unknown.dropLast())", "__Host-sid", "=", ";;;;",
                "\(session); \(session)A",
                (0..<50).map { "__Host-sid=\(unknown.dropLast(2))\(10 + $0)" }.joined(separator: "; "),
                (0..<50).map { "c\($0)=\(String(repeating: "v", count: 200))" }.joined(separator: "; "),
                "__Host-csrf=\(unknown); __Host-sid=\(String(repeating: "A", count: 5000))",
            ]
        for cookie in garbage {
            for path in ["/", "/sign-in", "/account/profile", "/api/v1/me"] {
                let answer = await cast.platform.send(PlatformRequest("GET", path, [("Cookie", cookie)]))
                let status = ["/account/profile": 303, "/api/v1/me": 401][path] ?? 200
                #expect(answer.status == status, "\(path) with \(cookie.prefix(60)): \(answer.status)")
            }
        }
        // One that is good still is, among fifty others.
        let crowd = (0..<50).map { "c\($0)=x; " }.joined() + session
        #expect(await cast.platform.send(PlatformRequest("GET", "/api/v1/me", [("Cookie", crowd)])).status == 200)
        await cast.platform.stop()
    }

    @Test("a cursor that was changed, or is another list's, is refused by every list")
    func cursors() async throws {
        let cast = try await Cast.gather()
        let caller = try await cast.platform.begin(for: cast.admin)
        let lists = cast.platform.platform.table.endpoints.filter { endpoint in
            endpoint.parameters.contains { $0.name == "cursor" }
        }
        #expect(lists.count >= 6)
        let first = await cast.platform.send(PlatformRequest("GET", "/api/v1/admin/accounts?limit=1", caller.headers))
        let cursor = try #require(first.member("next"))
        let good = PlatformRequest("GET", "/api/v1/admin/accounts?limit=1&cursor=\(cursor)", caller.headers)
        #expect(await cast.platform.send(good).status == 200)
        let changed = cursor.indices.map { index in
            cursor.replacingCharacters(in: index...index, with: cursor[index] == "A" ? "B" : "A")
        }
        for list in lists {
            let isItsOwn = list.path == "/api/v1/admin/accounts"
            let tampered = changed.enumerated().filter { isItsOwn || $0.offset % 8 == 0 }.map(\.element)
            let strange = [
                "%00", "AAAA", "%FF%FE", String(repeating: "A", count: 512), String(repeating: "A", count: 5000), "-1",
                "'",
            ]
            for text in tampered + strange {
                let request = PlatformRequest("GET", "\(list.path)?cursor=\(text)", caller.headers)
                let answer = await cast.platform.send(request)
                #expect([400, 422].contains(answer.status), "\(list.route) with \(text.prefix(60)): \(answer.status)")
            }
            for query in [
                "limit=0", "limit=101", "limit=-1", "limit=a", "limit=99999999999999999999", "limit=1&limit=2",
            ] {
                let answer = await cast.platform.send(PlatformRequest("GET", "\(list.path)?\(query)", caller.headers))
                #expect([400, 422].contains(answer.status), "\(list.route) with \(query): \(answer.status)")
            }
        }
        await cast.platform.stop()
    }

    @Test("tokens and names in paths that are none are not found, and Bearer tokens that are none are refused")
    func tokens() async throws {
        let cast = try await Cast.gather()
        let strange = [
            "%00", "%FF", "%2e%2e%2f", "'%20OR%201=1", "%0d%0aX:%20y", String(repeating: "9", count: 1500), "acc_",
            "tok_%C3%A9",
            "-1", "%F0%9F%92%A9", "1e309", String(repeating: "A", count: 43), "null",
        ]
        for endpoint in cast.platform.platform.table.endpoints where endpoint.path.contains("{") {
            for text in strange {
                var request = try await cast.entitledRequest(endpoint)
                request.path = endpoint.path.replacing(/\{[a-z]+\}/, with: text)
                await expectNoFault(cast, request, String(text.prefix(40)))
            }
        }
        let bearers =
            Self.texts + ["pat_" + String(repeating: "A", count: 43), "a b c", String(repeating: "A", count: 257)]
        for text in bearers {
            let request = PlatformRequest("GET", "/api/v1/me", [("Authorization", "Bearer \(text)")])
            #expect(await cast.platform.send(request).status == 401, "\(text.prefix(40))")
        }
        await cast.platform.stop()
    }

    @Test("whatever stands in a body, also under the names that there are, is answered")
    func bodies() async throws {
        let cast = try await Cast.gather()
        let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
        let values = [
            "null", "true", "-1", "1e308", "1e999", "-0", "9223372036854775808", "\"\"", #""\u0000""#, #""\ud800""#,
            "[]", "{}",
            "\"\(String(repeating: "x", count: 30_000))\"", "[1,\"a\",null,{}]", "{\"a\":{\"b\":[{}]}}", deep,
        ]
        for endpoint in cast.platform.platform.table.endpoints {
            guard let names = endpoint.body?.schema?.properties.map(\.name) else { continue }
            let good = try await cast.entitledRequest(endpoint)
            for value in values where endpoint.kind == .api {
                var request = good
                request.body = Array("{\(names.map { "\"\($0)\":\(value)" }.joined(separator: ","))}".utf8)
                await expectNoFault(cast, request, String(value.prefix(40)))
            }
            for text in Self.texts where endpoint.kind == .page {
                var request = good
                let value = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                request.body = Array(names.map { "\($0)=\(value)&\($0)=%FF" }.joined(separator: "&").utf8)
                await expectNoFault(cast, request, String(text.prefix(40)))
                request.body = Array(names.map { "\($0)=\(value)" }.joined(separator: "&").utf8)
                await expectNoFault(cast, request, String(text.prefix(40)))
            }
        }
        await cast.platform.stop()
    }

    @Test("markup in what people write about themselves comes back as text, on every page that shows it")
    func markup() async throws {
        let cast = try await Cast.gather()
        let (platform, markup) = (cast.platform, #"<script>alert(1)</script>"'"#)
        let caller = try await platform.begin(for: cast.admin, agent: markup)
        let profile = await platform.send(PlatformRequest("GET", "/api/v1/me", caller.headers))
        let headers =
            caller.headers + [
                ("Content-Type", "application/json"), ("If-Match", try #require(profile.headers.first(name: "etag"))),
            ]
        for (method, path, body) in [
            ("PATCH", "/api/v1/me", ["display_name": markup, "about": markup]),
            ("POST", "/api/v1/me/tokens", ["name": markup, "scopes": ["account:read"], "expires_in_days": 1]),
        ] as [(String, String, [String: Any])] {
            let bytes = Array(try JSONSerialization.data(withJSONObject: body))
            let answer = await platform.send(PlatformRequest(method, path, headers, body: bytes))
            #expect([200, 201].contains(answer.status), "\(answer.text)")
        }
        var showing: [String] = []
        for endpoint in platform.platform.table.endpoints where endpoint.kind == .page && endpoint.method == .get {
            var path = try await cast.path(of: endpoint, owner: cast.admin)
            path = path.replacing(cast.other.publicID, with: cast.admin.publicID)
            let page = await platform.send(PlatformRequest("GET", path, caller.headers))
            #expect(!page.text.contains("<script>alert"), "\(path)")
            if page.text.contains("&lt;script&gt;alert") { showing.append(endpoint.path) }
        }
        let known = ["/account/profile", "/account/sessions", "/account/tokens", "/admin/users", "/admin/users/{id}"]
        #expect(Set(known).subtracting(showing) == [])
        await platform.stop()
    }
}
