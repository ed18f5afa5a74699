import Foundation
import Kernel
import Logging
import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix
import PlatformTestSupport
import Postgres
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Accounts
@testable import Origin
@testable import lyceum

/// The whole platform as the server puts it together, without its listeners, on a database of its own.
final class PlatformUnderTest: Sendable {
    static let host = "lyceum.example"
    static let origin = "https://\(host)"

    let platform: Platform
    let database: Database
    private let folder: TemporaryFolder
    private let run: Task<Void, any Error>
    private let asked = Mutex(0)

    /// A platform that is ready.
    static func start() async throws -> PlatformUnderTest {
        let (database, folder) = (try await TestDatabase.make(), try TemporaryFolder())
        let place = database.configuration.parameters
        let url =
            "postgresql://postgres@/\(place["dbname"] ?? "")?host=\(place["host"] ?? "")&port=\(place["port"] ?? "")"
        let sources = try await ConfigurationSources(
            flags: [],
            environment: ["LYCEUM_DATABASE_URL": url, "LYCEUM_DATA_DIR": folder.path, "LYCEUM_PUBLIC_URL": origin],
            configurationFile: nil,
            directory: FilePath(folder.path)
        )
        let settings = try #require(try ServerConfiguration(sources).platform)
        let (messages, message) = AsyncStream.makeStream(of: String.self)
        let platform = try Platform(
            settings,
            site: PlatformSite(dataDirectory: folder.path, httpPort: 80),
            secret: Array(repeating: 7, count: 32),
            lives: { [] },
            on: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in Listening(message: message) }
        )
        let run = Task { try await platform.run { _ in } }
        try await withDeadline(.seconds(30)) {
            "the platform is not ready"
        } _: {
            for await text in messages where text == "platform ready" { return }
        }
        return PlatformUnderTest(platform, database.database, folder, run)
    }

    private init(_ platform: Platform, _ database: Database, _ folder: TemporaryFolder, _ run: Task<Void, any Error>) {
        self.platform = platform
        self.database = database
        self.folder = folder
        self.run = run
    }

    /// Ends its work and its connections.
    func stop() async {
        run.cancel()
        _ = await run.result
        await platform.close()
        await database.shutDown()
    }

    /// An address that nobody has asked from: what is counted by address is not what a test is about.
    var freshPeer: String {
        let number = asked.withLock { number in
            number += 1
            return number
        }
        return "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }

    /// Asks as the origin does; `peer` is a fresh one unless it is given.
    func send(_ request: PlatformRequest, peer: String? = nil) async -> PlatformAnswer {
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        if headers.first(name: "host") == nil { headers.add(name: "Host", value: Self.host) }
        let answer = await platform.application.respond(
            to: ApplicationRequest(
                head: HTTPRequestHead(
                    version: .http1_1,
                    method: HTTPMethod(rawValue: request.method),
                    uri: request.path,
                    headers: headers
                ),
                body: ByteBuffer(bytes: request.body),
                isBodyTooLarge: false,
                peerAddress: peer ?? freshPeer,
                isSecure: true
            )
        )
        var body: [UInt8] = []
        if case .bytes(let bytes) = answer.body { body = Array(bytes.readableBytesView) }
        return PlatformAnswer(status: Int(answer.status.code), headers: answer.headers, body: body)
    }

    /// Makes an account without the way through mail.
    func makeAccount(_ handle: String, role: Role? = nil) async throws -> AccountRow {
        try await database.transaction { connection in
            let pending = PendingAccount(
                email: "\(handle)@example.org",
                handle: handle,
                displayName: "",
                // Nobody signs in with a password here.
                passwordHash: "$scrypt$none"
            )
            let row = try #require(try AccountRepository.insert(pending, at: Date(), on: connection))
            if let role { _ = try RoleRepository.insert(role, for: row.id, at: Date(), on: connection) }
            return row
        }
    }

    /// Begins a session; with what the browser sends to prove that a request is a page's of ours.
    func begin(for account: AccountRow, agent: String = "test") async throws -> PlatformCaller {
        let token = BearerToken.draw()
        let info = try await database.run { connection in
            try SessionRepository.insert(
                token,
                for: account.id,
                network: "10.0.0.0",
                agent: agent,
                now: Date(),
                expires: Date(timeIntervalSinceNow: 3600),
                on: connection
            )
        }
        let cookie = "__Host-sid=\(token.text)"
        let answer = await send(PlatformRequest("GET", "/api/v1/me/session", [("Cookie", cookie)]))
        return PlatformCaller(cookie: cookie, csrf: try #require(answer.member("csrf_token")), session: info.publicID)
    }

    /// A browser that nobody has signed in with.
    func visitor() async throws -> PlatformCaller {
        let page = await send(PlatformRequest("GET", "/sign-in"))
        let cookie = try #require(page.headers["set-cookie"].first { $0.hasPrefix("__Host-csrf=") })
        let csrf = try #require(page.text.firstMatch(of: /name="csrf" value="([^"]+)"/)?.1)
        return PlatformCaller(cookie: String(cookie.prefix { $0 != ";" }), csrf: String(csrf), session: nil)
    }

    /// Makes an API token.
    func makeToken(for account: AccountRow, scopes: [String]) async throws -> (id: String, text: String) {
        let token = BearerToken.draw(prefix: TokenService.prefix)
        let row = try await database.run { connection in
            try APITokenRepository.insert(
                token,
                for: account.id,
                name: "test",
                scopes: scopes,
                now: Date(),
                expires: Date(timeIntervalSinceNow: 3600),
                on: connection
            )
        }
        return (try #require(row).publicID, token.text)
    }
}

/// A browser, as far as the server can tell one from another.
struct PlatformCaller: Sendable {
    /// What it sends in Cookie.
    let cookie: String
    /// What it proves with that a page of ours made it ask.
    let csrf: String
    /// The public id of its session; `nil` of a visitor.
    let session: String?

    /// The fields of a request that a page of ours makes.
    var headers: [(name: String, value: String)] {
        [("Cookie", cookie), ("X-CSRF-Token", csrf), ("Origin", PlatformUnderTest.origin)]
    }
}

/// What is asked.
struct PlatformRequest: Sendable {
    var method: String
    var path: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    init(_ method: String, _ path: String, _ headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// What was answered; a stream of events has no body here.
struct PlatformAnswer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var location: String { headers.first(name: "location") ?? "" }
    var json: [String: Any] { ((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]) ?? [:] }
    var code: String { member("code") ?? "" }

    func member(_ name: String) -> String? { json[name] as? String }

    /// The places in the body that the answer calls wrong.
    var pointers: [String] { (json["errors"] as? [[String: Any]] ?? []).compactMap { $0["pointer"] as? String } }
}

/// A log that a test listens to.
private struct Listening: LogHandler {
    let message: AsyncStream<String>.Continuation
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { message.yield("\(event.message)") }
}
