import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PlatformTestSupport
import Postgres
import Synchronization
import Web

@testable import Administration
@testable import Kernel

/// The administration behind the request pipeline, on a database of its own: an admin, a member and a visitor ask.
struct AdministrationSite {
    enum Who: String, CaseIterable, Sendable { case visitor, member, admin }

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String
    }

    let test: TestDatabase
    let module: AdministrationModule
    let streams: EventStreams
    private let responder: PlatformResponder

    static func make() async throws -> AdministrationSite {
        try AdministrationSite(test: try await TestDatabase.make(migrations: [KernelMigrations.all]))
    }

    private init(test: TestDatabase) throws {
        let logger = Logger(label: "site") { _ in SwiftLogNoOpLogHandler() }
        let pages = try PageRenderer(templates: AdministrationTemplates.all, logger: logger)
        let migrator = Migrator(test.database, modules: [KernelMigrations.all], logger: logger)
        let health = HealthReport(
            version: "1.2.3",
            startedAt: Date(timeIntervalSince1970: 1_800_000_000),
            database: test.database,
            migrations: { try await migrator.status() },
            dataFolder: "/tmp"
        )
        self.test = test
        streams = EventStreams(database: test.database, logger: logger)
        module = AdministrationModule(
            database: test.database,
            pages: pages,
            health: health,
            areas: [.courses, .social],
            streams: streams
        )
        let services = PlatformServices(
            secret: [UInt8](repeating: 7, count: 32),
            authenticator: People(),
            replays: NoReplays(),
            limiter: RateLimiter(shared: NoBuckets(), logger: logger),
            publicOrigin: "https://lyceum.example",
            logger: logger
        )
        responder = PlatformResponder(table: try RouteTable(module.endpoints), services: services)
    }

    /// Sends a request with the session of somebody.
    func send(
        _ who: Who,
        _ method: HTTPRequest.Method = .get,
        _ path: String,
        json: String? = nil,
        form: String? = nil,
        headers: HTTPFields = [:],
        isForged: Bool = false
    ) async throws -> Answer {
        var fields = headers
        fields[.origin] = "https://lyceum.example"
        fields[.cookie] = who == .visitor ? nil : "__Host-sid=\(who.rawValue)-session-token-000000000000"
        if form != nil { fields[.contentType] = "application/x-www-form-urlencoded" }
        if json != nil { fields[.contentType] = "application/json" }
        let token = method == .get || isForged ? "" : try await token(who)
        if form == nil, let name = HTTPField.Name("X-CSRF-Token") { fields[name] = token.isEmpty ? nil : token }
        let csrf = token.isEmpty || form == nil ? "" : "csrf=\(token)&"
        let head = HTTPRequest(
            method: method,
            scheme: "https",
            authority: "lyceum.example",
            path: path,
            headerFields: fields
        )
        let body = RequestBody(buffer: ByteBuffer(string: json ?? (csrf + (form ?? ""))))
        let response = await responder.respond(
            to: Request(head: head, body: body),
            peerAddress: "192.0.2.77",
            isSecure: true
        )
        return Answer(
            status: response.status.code,
            headers: response.headers,
            text: String(decoding: try await response.body.collected(upTo: 1 << 22) ?? [], as: UTF8.self)
        )
    }

    /// Follows a stream, from an event on, until something has been seen.
    func follow(_ path: String, after last: String, until text: String) async throws -> String {
        guard let name = HTTPField.Name("Last-Event-ID") else { return "" }
        var fields: HTTPFields = [
            .cookie: "__Host-sid=admin-session-token-000000000000", .origin: "https://lyceum.example",
        ]
        fields[name] = last
        let head = HTTPRequest(
            method: .get,
            scheme: "https",
            authority: "lyceum.example",
            path: path,
            headerFields: fields
        )
        let response = await responder.respond(
            to: Request(head: head, body: RequestBody(buffer: ByteBuffer())),
            peerAddress: "192.0.2.77",
            isSecure: true
        )
        return try await response.body.written(until: text)
    }

    /// The token that pages carry for somebody's session.
    private func token(_ who: Who) async throws -> String {
        guard who == .admin else { return "" }
        let page = try await send(who, .get, "/admin/flags").text
        let parts = page.split(separator: "name=\"csrf\"", maxSplits: 1)
        guard parts.count == 2, let value = parts[1].split(separator: "value=\"", maxSplits: 1).last else { return "" }
        return String(value.prefix { $0 != "\"" })
    }
}

private struct People: SessionAuthenticator {
    func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        let name = String(token.text.prefix { $0 != "-" })
        guard let who = AdministrationSite.Who(rawValue: name) else { return nil }
        let account = AccountReference(id: 1, publicID: "acc_\(name)", handle: name)
        let session = SessionInfo(publicID: "ses_1", createdAt: trace.now, expiresAt: trace.now + 86_400)
        return .session(session, actor: Actor(account: account, grants: who == .admin ? [RoleGrant(.admin)] : []))
    }

    func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? { nil }
}

private struct NoBuckets: SharedBuckets {
    func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
        MemoryBuckets().take(limit, key: key, now: now)
    }
}

private struct NoReplays: ReplayStore {
    func begin(_ key: ReplayKey, requestSHA256: [UInt8], now: Date) async throws -> ReplayStart { .run }
    func finish(_ key: ReplayKey, _ answer: StoredAnswer) async throws {}
    func forget(_ key: ReplayKey) async throws {}
}

/// Counts looks, from 0.
actor Looks {
    private var count = -1

    func next() -> Int {
        count += 1
        return count
    }
}

extension JobSummary {
    /// The same job a while later.
    func with(progress: Double, state: JobState) -> JobSummary {
        JobSummary(
            id: id,
            publicID: publicID,
            kind: kind,
            state: state,
            attempts: attempts,
            progress: progress,
            note: note,
            lastError: lastError,
            isCancelRequested: isCancelRequested,
            createdAt: createdAt,
            runAt: runAt,
            finishedAt: finishedAt
        )
    }
}

extension String {
    /// What stands between and around the places of a text.
    func parts(by text: String) -> [Substring] { split(separator: text, omittingEmptySubsequences: false) }
}

extension ResponseBody {
    /// What a stream writes until its end, or until something has been written.
    func written(until end: String? = nil) async throws -> String {
        let text = Mutex("")
        do {
            try await write(
                Writer { more in
                    let all = text.withLock { text in
                        text += more
                        return text
                    }
                    if let end, all.contains(end) { throw Left() }
                }
            )
        } catch is Left {}
        return text.withLock { $0 }
    }

    private struct Left: Error {}

    private struct Writer: ResponseBodyWriter {
        let take: (String) throws -> Void

        mutating func write(_ buffer: ByteBuffer) async throws { try take(String(buffer: buffer)) }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
