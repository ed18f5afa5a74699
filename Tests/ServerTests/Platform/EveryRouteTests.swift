import Foundation
import Kernel
import HTTPTypes
import NIOHTTP1
import TestSupport
import Testing

@testable import lyceum

/// What must hold for every route, whatever it is for.
@Suite("Every route", .serialized)
struct EveryRouteTests {
    @Test("the limit on everything is in force on every route, for addresses, accounts and API tokens")
    func generalLimits() async throws {
        let cast = try await Cast.gather()
        let platform = cast.platform
        let account = try await platform.begin(for: cast.member)
        // For what ends the session that asks for it.
        var spare: [PlatformCaller] = []
        for _ in 0..<12 { spare.append(try await platform.begin(for: cast.member)) }
        let token = try await platform.makeToken(for: cast.admin, scopes: ["admin:read", "account:read"]).text
        let callers: [(headers: [(name: String, value: String)], isAPIOnly: Bool, capacity: Int)] = [
            (cast.visitor.headers, false, 300), (account.headers, false, 1500),
            ([("Authorization", "Bearer \(token)")], true, 300),
        ]
        for (headers, isAPIOnly, capacity) in callers {
            let peer = platform.freshPeer
            // Some uses come back while others are made.
            let refused = try await first(in: 2 * capacity) {
                await platform.send(PlatformRequest("GET", "/api/v1/me/session", headers), peer: peer).status == 429
            }
            #expect(refused.map { $0 >= capacity } == true)
            for endpoint in platform.platform.table.endpoints where endpoint.kind == .api || !isAPIOnly {
                // Files know nobody: the address is counted.
                if capacity == 1500, endpoint.statementBudget == 0 { continue }
                if isAPIOnly, endpoint.statementBudget == 0 { continue }
                let path = try await cast.path(of: endpoint, owner: cast.other)
                // Some uses come back every second: one of these is over the limit whatever the time.
                var statuses: [Int] = []
                while statuses.count < 6, statuses.last != 429 {
                    let endsSession = ["POST /sign-out", "DELETE /api/v1/me/session"].contains(endpoint.route)
                    let headers = endsSession && capacity == 1500 ? spare.removeLast().headers : headers
                    statuses.append(await platform.send(endpoint.request(path: path, headers), peer: peer).status)
                }
                #expect(statuses.last == 429, "\(endpoint.route) with a limit of \(capacity): \(statuses)")
            }
        }
        await platform.stop()
    }

    /// How often something was not so before it was; `nil` when it never was.
    private func first(in attempts: Int, _ isSo: () async throws -> Bool) async throws -> Int? {
        for attempt in 0..<attempts where try await isSo() { return attempt }
        return nil
    }

    @Test("guessing and sending are limited further, on every route that does either")
    func ownLimits() async throws {
        let cast = try await Cast.gather()
        let platform = cast.platform
        let endpoints = platform.platform.table.endpoints
        for row in RouteExpectation.all {
            let endpoint = try #require(endpoints.first { $0.route == row.route })
            #expect(endpoint.rateLimit?.name == row.limit, "\(row.route)")
        }
        for limit in ["sign_in", "sign_up", "reset", "media"] {
            let peer = platform.freshPeer
            let limited = endpoints.filter { $0.rateLimit?.name == limit }
            let first = try await cast.entitledRequest(try #require(limited.first))
            let capacity = try #require(limited.first?.rateLimit?.capacity)
            #expect(capacity <= 30)
            for _ in 0..<capacity { #expect(await platform.send(first, peer: peer).status != 429) }
            for endpoint in limited {
                let answer = await platform.send(try await cast.entitledRequest(endpoint), peer: peer)
                #expect(answer.status == 429 && answer.headers["retry-after"].count == 1, "\(endpoint.route)")
            }
        }
        await platform.stop()
    }

    @Test(
        "whatever changes something is refused when another site made the browser ask, or nothing proves a page of ours"
    )
    func otherSites() async throws {
        let cast = try await Cast.gather()
        for endpoint in cast.platform.platform.table.endpoints where !endpoint.method.isSafe {
            let good = try await cast.entitledRequest(endpoint)
            let isAnonymousAPI = endpoint.kind == .api && good.headers[0].value == cast.visitor.cookie
            for (field, value, isForEverybody) in [
                ("Origin", "https://evil.example", true), ("Origin", "null", true),
                ("Origin", "http://\(PlatformUnderTest.host)", true), ("Origin", nil, false),
                ("X-CSRF-Token", nil, false),
                ("X-CSRF-Token", cast.visitor.csrf + "A", false),
            ] as [(String, String?, Bool)] {
                // Without a session there is nothing in the API that a page elsewhere could misuse but what it says itself.
                if isAnonymousAPI, !isForEverybody { continue }
                var request = good
                request.headers.removeAll { $0.name == field }
                if let value { request.headers.append((field, value)) }
                let answer = await cast.platform.send(request)
                #expect(answer.status == 403, "\(endpoint.route) with \(field) \(value ?? "missing"): \(answer.status)")
            }
        }
        await cast.platform.stop()
    }

    @Test("TRACE, CONNECT and words that are no methods of a route are refused on every route")
    func methods() async throws {
        let cast = try await Cast.gather()
        let endpoints = cast.platform.platform.table.endpoints
        for path in Set(endpoints.map(\.path)) {
            let there = endpoints.filter { $0.path == path }.map(\.method.rawValue)
            let place = try await cast.path(of: try #require(endpoints.first { $0.path == path }), owner: cast.other)
            for method in ["TRACE", "CONNECT", "PROPFIND", "get", "DELETE", "PUT"] where !there.contains(method) {
                let answer = await cast.platform.send(PlatformRequest(method, place, cast.visitor.headers))
                #expect(answer.status == 405, "\(method) \(path): \(answer.status)")
                #expect(there.allSatisfy { answer.headers.first(name: "allow")?.contains($0) == true })
            }
        }
        await cast.platform.stop()
    }

    @Test("a key that is not in the shape of a JSON body is refused by name, and no other form is taken for JSON")
    func unknownKeys() async throws {
        let cast = try await Cast.gather()
        var count = 0
        for endpoint in cast.platform.platform.table.endpoints {
            guard case .json = endpoint.body else { continue }
            count += 1
            var request = try await cast.entitledRequest(endpoint)
            request.body = Array(#"{"roles":["admin"],"is_admin":true,"id":1}"#.utf8)
            let answer = await cast.platform.send(request)
            #expect(answer.status == 422, "\(endpoint.route): \(answer.status)")
            #expect(answer.pointers.contains("/is_admin") && answer.pointers.contains("/id"), "\(endpoint.route)")

            for (body, status) in [("{", 400), ("[]", 422), ("", 400), ("{\"a\":1,\"a\":2}", 400), ("\u{0}", 400)] {
                var broken = try await cast.entitledRequest(endpoint)
                broken.body = Array(body.utf8)
                let answer = await cast.platform.send(broken)
                #expect(answer.status == status, "\(endpoint.route) with \(body): \(answer.status)")
            }
            var text = try await cast.entitledRequest(endpoint)
            text.headers.removeAll { $0.name == "Content-Type" }
            text.headers.append(("Content-Type", "text/plain"))
            #expect(await cast.platform.send(text).status == 415, "\(endpoint.route)")
        }
        #expect(count >= 15)
        await cast.platform.stop()
    }
}
