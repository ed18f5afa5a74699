import Foundation
import HTTPTypes
import Hummingbird

import Logging
import PlatformTestSupport
import Postgres
import Synchronization
import Testing
import Web

@testable import Accounts
@testable import Kernel

/// Accounts behind the request pipeline, on a database of their own, at a time that the test sets.
final class TestSite: Sendable {
    let database: Database
    let module: AccountsModule
    let responder: PlatformResponder
    let table: RouteTable
    let log: LogLines
    private let clock: Mutex<Date>

    static let origin = "https://lyceum.example"
    static let password = "vex tundra plinth"

    /// A site without anybody.
    ///
    /// - Parameters:
    ///   - cost: of password hashes, small unless the test is about them.
    ///   - generousLimits: whether limits by address are far away, for tests of something else.
    /// - Throws: what the database says.
    init(cost: PasswordHash.Cost = .init(logN: 4, r: 8, p: 1), generousLimits: Bool = true) async throws {
        let test = try await TestDatabase.make(migrations: [KernelMigrations.all, AccountMigrations.all])
        database = test.database
        clock = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
        log = LogLines()
        let logger = log.logger
        let limiter = RateLimiter(
            shared: generousLimits ? Unlimited() as any SharedBuckets : PostgresBuckets(database),
            logger: logger
        )
        let now = Box<@Sendable () -> Date>()
        let secret = [UInt8](repeating: 7, count: 32)
        let renderer = try PageRenderer(templates: AccountTemplates.all + Self.foreignTemplates, logger: logger)
        module = AccountsModule(
            database: database,
            settings: AccountSettings(origin: Self.origin, secret: secret),
            pages: renderer,
            limiter: limiter,
            hasher: PasswordHasher(cost: cost),
            now: { now.value?() ?? Date(timeIntervalSince1970: 0) }
        )
        table = try RouteTable(module.endpoints)
        let presenter = ErrorPresenter(renderer)
        let services = PlatformServices(
            secret: secret,
            authenticator: module.authenticator,
            replays: PostgresReplays(database),
            limiter: limiter,
            presentError: { presenter.response($0, request: $1, context: $2) },
            publicOrigin: Self.origin,
            logger: logger,
            now: { now.value?() ?? Date(timeIntervalSince1970: 0) }
        )
        responder = PlatformResponder(table: table, services: services)
        now.value = { [weak self] in self?.now ?? Date(timeIntervalSince1970: 0) }
    }

    /// The administrators' pages of another module, whose words do not matter here.
    private static let foreignTemplates = [Template("admin-users", "x"), Template("admin-user", "x")]

    var now: Date { clock.withLock { $0 } }

    func advance(_ seconds: Double) { clock.withLock { $0 = $0.addingTimeInterval(seconds) } }

    // MARK: What is in the database

    /// The mails to an address, the oldest first, as they wait in the queue.
    func mails(to address: String) async throws -> [MailMessage] {
        let payloads = try await database.run { connection in
            try connection.query("SELECT payload::text AS payload FROM job WHERE kind = 'mail.send' ORDER BY id") {
                try $0.get("payload", as: String.self)
            }
        }
        return try payloads.map { try JSONDecoder().decode(MailMessage.self, from: Data($0.utf8)) }
            .filter { $0.to.lowercased() == address.lowercased() }
    }

    /// The token of the link in the latest mail to an address.
    func token(to address: String) async throws -> String {
        let text = try #require(try await mails(to: address).last).text
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(Self.origin) && $0.count > 60 })
        return String(line.suffix(43))
    }

    /// Does the waiting jobs that look for accounts of forgotten passwords.
    func performResetJobs() async throws {
        let (now, mails) = (now, Mails(settings: module.ground.settings))
        try await database.transaction { connection in
            let payloads = try connection.query(
                "DELETE FROM job WHERE kind = 'account.reset_password' RETURNING payload::text AS payload"
            ) { try $0.get("payload", as: String.self) }
            for payload in payloads {
                let job = try JSONDecoder().decode(ResetJob.self, from: Data(payload.utf8))
                try job.perform(mails, now: now, on: connection)
            }
        }
    }

    func count(_ sql: SQL) async throws -> Int {
        try await database.run { try $0.queryFirst(sql) { try $0.get(0, as: Int.self) } ?? -1 }
    }

    /// The actions of the audit log, the oldest first.
    func audit() async throws -> [String] {
        try await database.run { try AuditLog.records(limit: 1000, on: $0).reversed().map(\.entry.action) }
    }

    // MARK: People

    /// Makes an account without the way through mail.
    @discardableResult
    func makeAccount(_ handle: String, roles: [Role] = [], password: String = password) async throws -> AccountRow {
        let hash = try await module.ground.hash(password)
        let now = now
        return try await database.transaction { connection in
            let pending = PendingAccount(
                email: "\(handle)@example.org",
                handle: handle,
                displayName: "",
                passwordHash: hash
            )
            let row = try #require(try AccountRepository.insert(pending, at: now, on: connection))
            for role in roles { _ = try RoleRepository.insert(role, for: row.id, at: now, on: connection) }
            return row
        }
    }

    /// A browser that is signed in.
    func signedIn(_ handle: String, roles: [Role] = []) async throws -> Browser {
        try await makeAccount(handle, roles: roles)
        let browser = Browser(self)
        let answer = try await browser.signIn(handle)
        #expect(answer.status == .created)
        return browser
    }
}

/// Nobody is counted.
struct Unlimited: SharedBuckets {
    func take(_ limit: RateLimitClass, key: String, now: Date) async throws -> RateLimitVerdict {
        RateLimitVerdict(isAllowed: true, limit: 1000, remaining: 999, retryAfter: 0, reset: 0)
    }
}

/// Something that is known later.
final class Box<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)
    var value: Value? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// The lines of a log.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0)=\($1)" }.sorted()
            lines.lines.withLock { $0.append("\(event.level) \(event.message) \(all.joined(separator: " "))") }
        }
    }
}
