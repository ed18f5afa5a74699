import HTTPTypes
import Hummingbird
import PlatformTestSupport
import Postgres
import Testing

@testable import Kernel

@Suite("Requests that nobody would send in earnest")
struct HostileRequestTests {
    /// Numbers that look random and are the same each time.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ (state >> 29)) &* 0x9E37_79B9_7F4A_7C15
        }
    }

    private static let bodies = [
        #"{"title":"a","stars":3,"tags":["x"],"due":"2026-01-01T00:00:00Z"}"#, "title=a&stars=3&agree=on&csrf=x",
        "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"y\"\r\n\r\nz\r\n--B--",
    ]
    private static let types = [
        "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "", "a/b;charset=",
    ]
    private static let paths = [
        "/api/v1/notes", "/api/v1/notes/1", "/form", "/file", "/mine", "/api/v1/notes?limit=2&cursor=MQ",
        "/api/v1/sign-in",
    ]

    @Test("bytes changed anywhere never end in an error of ours", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(seed: UInt64) async throws {
        let platform = try SamplePlatform()
        var numbers = Numbers(state: seed)
        func mutated(_ text: String) -> [UInt8] {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 0...4, using: &numbers) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &numbers)
                switch Int.random(in: 0...2, using: &numbers) {
                case 0: bytes[index] = .random(in: 0...255, using: &numbers)
                case 1: bytes.remove(at: index)
                default: bytes.insert(contentsOf: bytes[index...].prefix(20), at: index)
                }
            }
            return bytes
        }
        func fieldValue(_ text: String) -> String {
            String(decoding: mutated(text).filter { (0x20...0x7E).contains($0) || $0 >= 0x80 }, as: UTF8.self)
        }
        for number in 0..<500 {
            let path = "/" + fieldValue(String((Self.paths.randomElement(using: &numbers) ?? "/").dropFirst()))
            let fields = [
                (
                    "Cookie",
                    fieldValue("__Host-sid=\(SamplePlatform.adaSession); __Host-csrf=abcdefghijklmnopqrstuvwxyz")
                ),
                ("Authorization", fieldValue("Bearer \(SamplePlatform.adaWriter)")),
                ("Content-Type", fieldValue(Self.types.randomElement(using: &numbers) ?? "")),
                ("If-Match", fieldValue("W/\"a\", \"v3\"")),
                ("If-None-Match", fieldValue("\"a\", *")), ("Idempotency-Key", fieldValue("key")),
                ("Origin", fieldValue("https://lyceum.example")),
                ("X-Request-Id", fieldValue("request-12")), ("User-Agent", fieldValue("Mozilla")),
            ].filter { _ in Bool.random(using: &numbers) }
            let methods: [HTTPRequest.Method] = [.get, .post, .patch, .head, .options, .delete]
            let method = methods.randomElement(using: &numbers) ?? .get
            let body = mutated(Self.bodies.randomElement(using: &numbers) ?? "")
            let peer = "192.0.2.\(number % 250)"
            let answer = await platform.send(method, path, fields, bytes: body, peer: peer)
            #expect(answer.status < 500, "\(method) \(path) \(fields) \(body)")
        }
        #expect(platform.log.all.allSatisfy { !$0.contains("\n") })
    }

    struct Down: SessionAuthenticator {
        func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
            throw DatabaseError.unavailable("connection refused")
        }
        func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
            throw DatabaseError.acquireTimeout
        }
    }

    @Test("while the database is down, pages and API say so, and what needs none goes on")
    func databaseDown() async throws {
        let platform = try SamplePlatform(authenticator: Down())
        let page = await platform.send(.get, "/mine", [("Cookie", "__Host-sid=\(SamplePlatform.adaSession)")])
        #expect(page.status == 503)
        #expect(page.field("Retry-After") == "5")
        #expect(page.text.contains("try again soon"))
        let api = await platform.send(.get, "/api/v1/notes", [SamplePlatform.bearer(SamplePlatform.adaReader)])
        #expect(api.status == 503)
        #expect(api.code == "unavailable")
        #expect(await platform.send(.get, "/form").status == 200)
    }

    @Test("the statements of a request are counted against its endpoint's budget")
    func statements() async throws {
        let test = try await TestDatabase.make(migrations: [KernelMigrations.all])
        let database = test.database
        let endpoint = Endpoint(
            .get,
            "/api/v1/count",
            .api,
            "count",
            "Counts",
            tag: "Test",
            access: .everyone,
            parameters: [.query("n", .integer(0...9))],
            responses: [.noContent],
            statementBudget: 2
        ) { request, _ in
            let count = Int(request.uri.query?.suffix(1) ?? "") ?? 0
            try await database.run { connection in
                for _ in 0..<count { try connection.execute("SELECT 1") }
            }
            return .noContent
        }
        let platform = try SamplePlatform(more: [endpoint])
        let budget = try #require(platform.responder.statementBudget(method: .get, path: "/api/v1/count?n=3"))
        for count in [2, 3] {
            let counter = StatementCounter()
            let answer = await StatementCounter.$current.withValue(counter) {
                await platform.send(.get, "/api/v1/count?n=\(count)")
            }
            #expect(answer.status == 204)
            #expect((counter.count <= budget) == (count <= 2))
        }
    }
}
