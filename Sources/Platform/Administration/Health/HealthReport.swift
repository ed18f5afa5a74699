public import Foundation
internal import Kernel
public import Postgres

/// How the parts of this server are.
public struct HealthReport: Sendable {
    /// One part.
    public struct Part: Sendable, Equatable {
        /// What it is.
        public let name: String
        /// Whether it does what it should.
        public let isWell: Bool
        /// More about it, for admins: numbers, or what is wrong.
        public let detail: String

        /// One part.
        ///
        /// - Parameters:
        ///   - name: what it is.
        ///   - isWell: whether it does what it should.
        ///   - detail: more about it.
        public init(_ name: String, isWell: Bool, detail: String) {
            self.name = name
            self.isWell = isWell
            self.detail = detail
        }
    }

    /// Looks at one part; does not throw, since that is what it is to tell.
    public typealias Check = @Sendable () async -> Part

    /// How long events may wait for the relay, in seconds.
    static let longestLag: Double = 30
    /// How long a due job may wait, in seconds.
    static let longestWait: Double = 300

    let version: String
    let startedAt: Date
    let checks: [Check]

    /// A report of the parts that every server has, and of others.
    ///
    /// - Parameters:
    ///   - version: of the server.
    ///   - startedAt: when it was started.
    ///   - database: what is looked at.
    ///   - migrations: what the schema should be.
    ///   - dataFolder: whose disk is looked at.
    ///   - others: looks at parts that only the composition root knows.
    public init(
        version: String,
        startedAt: Date,
        database: Database,
        migrations: @escaping @Sendable () async throws -> [MigrationStatus],
        dataFolder: String,
        others: [Check] = []
    ) {
        self.version = version
        self.startedAt = startedAt
        checks =
            [
                { await Self.databasePart(database) }, { await Self.queuePart(database) },
                { await Self.relayPart(database) }, { await Self.schemaPart(migrations) },
                { Self.diskPart(dataFolder) },
            ] + others
    }

    /// Looks at all parts at once; none takes longer than the database's own limits.
    func parts() async -> [Part] {
        await withTaskGroup(of: (Int, Part).self) { group in
            for (number, check) in checks.enumerated() { group.addTask { (number, await check()) } }
            var parts: [(Int, Part)] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private static func databasePart(_ database: Database) async -> Part {
        let clock = ContinuousClock()
        let start = clock.now
        return await part("Database") {
            let server = try await database.run { connection in
                try connection.queryFirst("SELECT current_setting('server_version') AS v") {
                    try $0.get("v", as: String.self)
                }
            }
            let milliseconds = (clock.now - start) / .milliseconds(1)
            let pool = database.configuration.poolSize
            return (
                true, "PostgreSQL \(server ?? "?"), answered in \(Int(milliseconds)) ms, \(pool) connections at most"
            )
        }
    }

    private static func queuePart(_ database: Database) async -> Part {
        await part("Jobs") {
            let counts = try await database.run { try WorkQueue.counts(on: $0) }
            let wait = Int(counts.oldestDueSeconds)
            return (
                counts.oldestDueSeconds < longestWait && counts.dead == 0,
                "\(counts.due) due (oldest for \(wait) s), \(counts.running) running, \(counts.dead) dead"
            )
        }
    }

    private static func relayPart(_ database: Database) async -> Part {
        await part("Events") {
            let lag = try await database.run { try Outbox.lag(on: $0) }
            return (lag.oldestSeconds < longestLag, "\(lag.waiting) wait, the oldest for \(Int(lag.oldestSeconds)) s")
        }
    }

    private static func schemaPart(_ status: @Sendable () async throws -> [MigrationStatus]) async -> Part {
        await part("Schema") {
            let all = try await status()
            let odd = all.filter { $0.state != .applied }
            guard let first = odd.first else { return (true, "\(all.count) migrations applied") }
            return (
                false,
                "\(odd.count) of \(all.count) are not as they should be, \(first.label) is \(first.state.rawValue)"
            )
        }
    }

    private static func diskPart(_ folder: String) -> Part {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let free = attributes?[.systemFreeSize] as? Int, let size = attributes?[.systemSize] as? Int, size > 0
        else {
            return Part("Disk", isWell: false, detail: "the data folder cannot be looked at")
        }
        // A twentieth, as file systems keep for themselves; or enough for an hour of many lives.
        let isWell = free > min(size / 20, 10 << 30)
        return Part("Disk", isWell: isWell, detail: "\(free >> 30) of \(size >> 30) GiB free")
    }

    private static func part(_ name: String, _ look: () async throws -> (Bool, String)) async -> Part {
        do {
            let (isWell, detail) = try await look()
            return Part(name, isWell: isWell, detail: detail)
        } catch {
            return Part(name, isWell: false, detail: "\(error)")
        }
    }
}
