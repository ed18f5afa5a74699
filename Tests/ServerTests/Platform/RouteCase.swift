import Foundation
import Kernel
import HTTPTypes
import Postgres
import TestSupport
import Testing

@testable import Accounts
@testable import lyceum

/// The people of a test, and what there is for them to ask for.
struct Cast: Sendable {
    let platform: PlatformUnderTest
    let member: AccountRow
    let instructor: AccountRow
    let admin: AccountRow
    /// Whose things are foreign to all others, and whom administrators do something to.
    let other: AccountRow
    /// The public id of a job that nobody works on.
    let job: String
    /// Who has not signed in.
    let visitor: PlatformCaller

    static func gather() async throws -> Cast {
        let platform = try await PlatformUnderTest.start()
        let job = try await platform.database.transaction { connection in
            try WorkQueue.enqueue(NewJob(kind: "test.nobody_does_this"), on: connection)
        }
        return Cast(
            platform: platform,
            member: try await platform.makeAccount("mem"),
            instructor: try await platform.makeAccount("ins", role: .instructor),
            admin: try await platform.makeAccount("adm", role: .admin),
            other: try await platform.makeAccount("oth"),
            job: try #require(job),
            visitor: try await platform.visitor()
        )
    }
}

extension Endpoint {
    /// Its method and path; the files of pages, whose names have a hash in them, count as one.
    var route: String { "\(method.rawValue) \(path.hasPrefix("/static/") ? "/static/*" : path)" }

    /// The body that it takes, as empty as it can be, and its content type.
    var emptyBody: (type: String?, bytes: [UInt8]) {
        switch body {
        case .json: ("application/json", Array("{}".utf8))
        case .form, .upload: ("application/x-www-form-urlencoded", [])
        case .bytes(let types, _): (types.first, Array("nothing of that kind".utf8))
        case nil: (nil, [])
        }
    }

    /// Whether its path names something that belongs to an account.
    var isAboutOnesOwn: Bool { path.contains("sessions/{id}") || path.contains("tokens/{id}") }

    /// A request to it that is in order, but for what its body should say.
    func request(path: String, _ headers: [(name: String, value: String)]) -> PlatformRequest {
        let (type, bytes) = emptyBody
        let content = type.map { [("Content-Type", $0)] } ?? []
        return PlatformRequest(method.rawValue, path, headers + content, body: bytes)
    }
}

extension Cast {
    /// A path of an endpoint where something stands, which belongs to an account where it can belong to one.
    func path(of endpoint: Endpoint, owner: AccountRow) async throws -> String {
        try await provide(for: endpoint, owner: owner)
        var path = endpoint.path
        if path.contains("sessions/{id}") {
            let session = try #require(try await platform.begin(for: owner).session)
            path = path.replacing("{id}", with: session)
        } else if path.contains("tokens/{id}") {
            path = path.replacing("{id}", with: try await platform.makeToken(for: owner, scopes: ["account:read"]).id)
        } else if path.contains("jobs/{id}") {
            path = path.replacing("{id}", with: job)
        }
        let values = [
            ("{id}", other.publicID), ("{role}", "moderator"), ("{key}", "test_flag"),
            ("{token}", String(repeating: "A", count: 43)), ("{name}", String(repeating: "a", count: 26)),
        ]
        return values.reduce(path) { $0.replacing($1.0, with: $1.1) }
    }

    /// Puts there what an endpoint takes away, and what its path does not name.
    private func provide(for endpoint: Endpoint, owner: AccountRow) async throws {
        if ["DELETE /api/v1/me/avatar", "POST /account/avatar/removal"].contains(endpoint.route) {
            let name = PublicID.draw("") + ".png"
            try await platform.database.run { connection -> Void in
                try connection.execute(
                    """
                    INSERT INTO avatar (account_id, name, media_type, width, height, bytes, created_at)
                    VALUES (\(owner.id), \(name), 'image/png', 1, 1, \([UInt8]([0])), now()) ON CONFLICT DO NOTHING
                    """
                )
            }
        }
        guard endpoint.route == "DELETE /api/v1/admin/flags/{key}" else { return }
        let headers = try await platform.begin(for: admin).headers + [("Content-Type", "application/json")]
        let body = Array(#"{"to":"nobody"}"#.utf8)
        let answer = await platform.send(PlatformRequest("PUT", "/api/v1/admin/flags/test_flag", headers, body: body))
        try #require(answer.status == 200)
    }

    /// Who may use what a row of the table is about.
    func entitled(_ admittance: Admittance) async throws -> PlatformCaller {
        switch admittance {
        case .everyone, .whoKnowsTheAddress, .visitors: visitor
        case .signedIn: try await platform.begin(for: member)
        case .administrators: try await platform.begin(for: admin)
        }
    }

    /// An endpoint, somebody who may use it, and a request that they make.
    func entitledRequest(_ endpoint: Endpoint) async throws -> PlatformRequest {
        let row = try #require(RouteExpectation.all.first { $0.route == endpoint.route })
        let owner = if case .administrators = row.admitted { admin } else { member }
        let caller = try await entitled(row.admitted)
        return endpoint.request(path: try await path(of: endpoint, owner: owner), caller.headers)
    }
}
