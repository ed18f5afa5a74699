import Foundation
import Kernel
import TestSupport
import Testing

@testable import Accounts
@testable import lyceum

/// Every route of the server, asked by everybody there is.
@Suite("Permission matrix", .serialized)
struct PermissionMatrixTests {
    /// What came of a request, as far as it is about who asked.
    private enum Outcome: Equatable {
        case admitted
        case ledHome
        case signInWanted
        case refused(String)
        case hidden
        case fault(Int)

        init(_ answer: PlatformAnswer) {
            switch answer.status {
            case 401: self = .signInWanted
            case 303 where answer.location.hasPrefix("/sign-in"): self = .signInWanted
            case 303 where answer.location == "/": self = .ledHome
            case 403: self = .refused(answer.code)
            case 404: self = .hidden
            case 405, 429, 500...: self = .fault(answer.status)
            default: self = .admitted
            }
        }
    }

    private enum Person: CaseIterable {
        case visitor, member, instructor, admin
        /// An administrator's API token that is for something else.
        case otherToken
    }

    @Test("every route has a row in the table of this test, and every row a route")
    func tableIsComplete() async throws {
        let platform = try await PlatformUnderTest.start()
        let routes = Set(platform.platform.table.endpoints.map(\.route))
        let rows = RouteExpectation.all.map(\.route)
        #expect(routes.subtracting(rows).sorted() == [], "say who may use it in RouteExpectations.swift")
        #expect(Set(rows).subtracting(routes).sorted() == [])
        #expect(Set(rows).count == rows.count)
        await platform.stop()
    }

    @Test("everybody is admitted exactly where the table says so")
    func matrix() async throws {
        let cast = try await Cast.gather()
        for endpoint in cast.platform.platform.table.endpoints {
            let row = try #require(RouteExpectation.all.first { $0.route == endpoint.route })
            for person in Person.allCases {
                let outcome = try await outcome(endpoint, by: person, cast)
                let expected = Self.expected(row, by: person, endpoint)
                #expect(expected.contains(outcome), "\(row.route) by \(person): \(outcome), not \(expected)")
            }
        }
        await cast.platform.stop()
    }

    @Test("an API token opens what its scope is for and nothing else, and gives nobody more than they have")
    func scopes() async throws {
        let cast = try await Cast.gather()
        for endpoint in cast.platform.platform.table.endpoints where endpoint.kind == .api {
            let row = try #require(RouteExpectation.all.first { $0.route == endpoint.route })
            let (scope, isAdministrative): (String?, Bool) =
                switch row.admitted {
                case .signedIn(let scope): (scope, false)
                case .administrators(let scope): (scope, true)
                default: (nil, false)
                }
            guard let scope else { continue }
            for owner in [cast.admin, cast.member] {
                let token = try await cast.platform.makeToken(for: owner, scopes: [scope]).text
                let path = try await cast.path(of: endpoint, owner: owner)
                let request = endpoint.request(path: path, [("Authorization", "Bearer \(token)")])
                let outcome = Outcome(await cast.platform.send(request))
                let isHidden = isAdministrative && owner == cast.member
                #expect(outcome == (isHidden ? .hidden : .admitted), "\(row.route) with \(scope) of \(owner.handle)")
            }
        }
        await cast.platform.stop()
    }

    @Test("what belongs to somebody else is not there, whoever asks")
    func foreign() async throws {
        let cast = try await Cast.gather()
        let endpoints = cast.platform.platform.table.endpoints.filter(\.isAboutOnesOwn)
        #expect(endpoints.count >= 6)
        for endpoint in endpoints {
            for person in [cast.member, cast.admin] {
                let caller = try await cast.platform.begin(for: person)
                let foreign = try await cast.path(of: endpoint, owner: cast.other)
                let answer = await cast.platform.send(endpoint.request(path: foreign, caller.headers))
                // A good request all the same: what is missing is the thing, not a name for it.
                let isChecked = endpoint.body != nil
                #expect(
                    answer.status == 404 || (isChecked && answer.status == 422),
                    "\(endpoint.route): \(answer.status)"
                )
                #expect(Outcome(await cast.platform.send(try await cast.entitledRequest(endpoint))) == .admitted)
            }
        }
        let rename = PlatformRequest(
            "PATCH",
            "/api/v1/me/tokens/\(try await cast.platform.makeToken(for: cast.other, scopes: ["account:read"]).id)",
            try await cast.platform.begin(for: cast.member).headers + [("Content-Type", "application/json")],
            body: Array(#"{"name":"mine now"}"#.utf8)
        )
        #expect(await cast.platform.send(rename).status == 404)
        await cast.platform.stop()
    }

    private func outcome(_ endpoint: Endpoint, by person: Person, _ cast: Cast) async throws -> Outcome {
        let platform = cast.platform
        let owner: AccountRow
        let headers: [(name: String, value: String)]
        switch person {
        case .visitor: (owner, headers) = (cast.member, cast.visitor.headers)
        case .member: (owner, headers) = (cast.member, try await platform.begin(for: cast.member).headers)
        case .instructor: (owner, headers) = (cast.instructor, try await platform.begin(for: cast.instructor).headers)
        case .admin: (owner, headers) = (cast.admin, try await platform.begin(for: cast.admin).headers)
        case .otherToken:
            let token = try await platform.makeToken(for: cast.admin, scopes: ["something:else"]).text
            let cookies = endpoint.kind == .page ? cast.visitor.headers : []
            (owner, headers) = (cast.admin, cookies + [("Authorization", "Bearer \(token)")])
        }
        let path = try await cast.path(of: endpoint, owner: owner)
        return Outcome(await platform.send(endpoint.request(path: path, headers)))
    }

    private static func expected(_ row: RouteExpectation, by person: Person, _ endpoint: Endpoint) -> [Outcome] {
        let (isAPI, isToken) = (endpoint.kind == .api, person == .otherToken)
        // Pages do not look at API tokens.
        let isVisitor = person == .visitor || (isToken && !isAPI)
        switch row.admitted {
        case .everyone: return [.admitted, .ledHome]
        case .whoKnowsTheAddress: return [.admitted, .hidden]
        case .visitors: return isVisitor ? [.admitted] : [.ledHome]
        case .signedIn(let scope), .administrators(let scope):
            if isVisitor { return [.signInWanted] }
            if isToken { return [.refused(scope == nil ? "token_refused" : "scope_missing")] }
            if case .administrators = row.admitted, person != .admin { return [.hidden] }
            return row.route == "POST /sign-out" ? [.ledHome] : [.admitted]
        }
    }
}
