import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

@testable import Kernel

/// A platform of a few endpoints, whose accounts, clock and stores are in memory.
struct SamplePlatform {
    static let secret = [UInt8](repeating: 7, count: 32)
    static let ada = AccountReference(id: 1, publicID: "acc_ada", handle: "ada")
    static let root = AccountReference(id: 2, publicID: "acc_root", handle: "root")
    static let adaSession = "ada-session-token-0000000000000000"
    static let rootSession = "root-session-token-000000000000000"
    static let adaReader = "pat_ada_reads_00000000000000000000"
    static let adaWriter = "pat_ada_writes_0000000000000000000"

    let clock = SampleClock()
    let runs = RunCounter()
    let log = LogLines()
    let responder: PlatformResponder

    init(
        replays: any ReplayStore = MemoryReplays(),
        shared: any SharedBuckets = MemorySharedBuckets(),
        authenticator: any SessionAuthenticator = SampleAuthenticator(),
        more: [Endpoint] = []
    ) throws {
        let clock = clock
        let log = log
        let logger = Logger(label: "test") { _ in LineHandler(lines: log) }
        let services = PlatformServices(
            secret: Self.secret,
            authenticator: authenticator,
            replays: replays,
            limiter: RateLimiter(shared: shared, logger: logger),
            flags: { actor in { flag in flag == "shop" && actor.account == Self.ada } },
            publicOrigin: "https://lyceum.example",
            logger: logger,
            now: { clock.now }
        )
        responder = PlatformResponder(table: try RouteTable(SampleEndpoints.all(runs) + more), services: services)
    }

    /// Sends a request as a browser or a program would.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: String = "",
        peer: String = "192.0.2.1",
        isSecure: Bool = true
    ) async -> Answer {
        await send(method, path, headers, bytes: Array(body.utf8), peer: peer, isSecure: isSecure)
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ headers: [(String, String)],
        bytes: [UInt8],
        peer: String = "192.0.2.1",
        isSecure: Bool = true
    ) async -> Answer {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let head = HTTPRequest(
            method: method,
            scheme: isSecure ? "https" : "http",
            authority: "lyceum.example",
            path: path,
            headerFields: fields
        )
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: bytes)))
        let response = await responder.respond(to: request, peerAddress: peer, isSecure: isSecure)
        let body = try? await response.body.collected(upTo: 1 << 22)
        return Answer(response: response, bytes: body ?? [])
    }

    /// The fields of a browser with a session that sends a form from here.
    static func browser(_ session: String = adaSession, csrf: String? = nil) -> [(String, String)] {
        var fields = [("Cookie", "__Host-sid=\(session)"), ("Origin", "https://lyceum.example")]
        if let csrf { fields.append(("X-CSRF-Token", csrf)) }
        return fields
    }

    /// The CSRF token that a page shows.
    func csrfToken(_ headers: [(String, String)]) async -> String { await send(.get, "/form", headers).text }

    static let json = ("Content-Type", "application/json")
    static let form = ("Content-Type", "application/x-www-form-urlencoded")
    static func bearer(_ token: String) -> (String, String) { ("Authorization", "Bearer \(token)") }
}

/// What came back, read to its end.
struct Answer {
    let response: Response
    let bytes: [UInt8]

    var status: Int { Int(response.status.code) }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONValue { (try? JSONParser.parse(bytes)) ?? .null }
    var code: String? { json["code"]?.text }

    func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { response.headers[$0] } }
    func fields(_ name: String) -> [String] { HTTPField.Name(name).map { response.headers[values: $0] } ?? [] }
    /// The pointers and parameters of the errors.
    var places: [String] {
        guard case .array(let errors)? = json["errors"] else { return [] }
        return errors.compactMap { $0["pointer"]?.text ?? $0["parameter"]?.text }
    }
}

final class SampleClock: Sendable {
    private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    var now: Date { time.withLock { $0 } }
    func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
}

final class RunCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func count(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    subscript(name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

struct LineHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .debug
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let text = all.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        lines.append("\(event.level) \(event.message) \(text)")
    }
}

struct SampleAuthenticator: SessionAuthenticator {
    func actor(forSessionToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        let account: AccountReference
        switch token.text {
        case SamplePlatform.adaSession: account = SamplePlatform.ada
        case SamplePlatform.rootSession: account = SamplePlatform.root
        default: return nil
        }
        let grants: Set<RoleGrant> = account == SamplePlatform.root ? [RoleGrant(.admin)] : []
        let session = SessionInfo(publicID: "ses_1", createdAt: trace.now, expiresAt: trace.now + 86_400)
        return .session(session, actor: Actor(account: account, grants: grants))
    }

    func actor(forAPIToken token: SecretToken, from trace: ClientTrace) async throws -> Authenticated? {
        let scopes: Set<Scope>
        switch token.text {
        case SamplePlatform.adaReader: scopes = ["notes:read"]
        case SamplePlatform.adaWriter: scopes = ["notes:read", "notes:write"]
        default: return nil
        }
        return .token(id: "tok_\(scopes.count)", actor: Actor(account: SamplePlatform.ada, grants: [], scopes: scopes))
    }
}

final class MemorySharedBuckets: SharedBuckets {
    private let buckets = MemoryBuckets()
    func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
        buckets.take(limit, key: key, now: now)
    }
}

final class MemoryReplays: ReplayStore {
    private enum Row {
        case running([UInt8])
        case ended([UInt8], StoredAnswer)
    }
    private let rows = Mutex<[ReplayKey: Row]>([:])

    func begin(_ key: ReplayKey, requestSHA256: [UInt8], now: Date) async throws -> ReplayStart {
        rows.withLock { rows in
            switch rows[key] {
            case nil:
                rows[key] = .running(requestSHA256)
                return .run
            case .running(let hash): return hash == requestSHA256 ? .running : .otherRequest
            case .ended(let hash, let answer): return hash == requestSHA256 ? .replay(answer) : .otherRequest
            }
        }
    }

    func finish(_ key: ReplayKey, _ answer: StoredAnswer) async throws {
        rows.withLock { rows in
            if case .running(let hash)? = rows[key] { rows[key] = .ended(hash, answer) }
        }
    }

    func forget(_ key: ReplayKey) async throws { rows.withLock { _ = $0.removeValue(forKey: key) } }
}
