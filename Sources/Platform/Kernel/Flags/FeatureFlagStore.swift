public import Foundation
public import Logging
public import Postgres
internal import Synchronization

/// The flags of the table `feature_flag`, held as one snapshot for all requests of a server.
///
/// A change is seen by every server as soon as it is told, and after ``refreshInterval`` at the latest. While the
/// database is away the last snapshot counts.
public final class FeatureFlagStore: Sendable {
    /// The bound of what a snapshot may be behind, while the database answers.
    public static let refreshInterval: Duration = .seconds(30)

    /// The most flags there may be: all of them are held in memory.
    public static let maximumFlags = 1000

    private static let channel = "lyceum_flag"

    private let database: Database
    private let logger: Logger
    private let snapshot: Mutex<FeatureFlags>

    /// Flags with no rule yet; ``run()`` reads them.
    ///
    /// - Parameters:
    ///   - areas: the areas switched on at boot.
    ///   - database: where the rules are.
    ///   - logger: where failures are told.
    public init(areas: Set<FeatureFlags.Area>, database: Database, logger: Logger) {
        snapshot = Mutex(FeatureFlags(areas: areas))
        self.database = database
        self.logger = logger
    }

    /// The flags as they are known now: taken once for a request.
    public var current: FeatureFlags { snapshot.withLock { $0 } }

    /// Reads the rules.
    ///
    /// A rule that cannot be understood, perhaps one of a newer version, switches its feature off.
    public func refresh() async throws {
        let limit = Self.maximumFlags
        let rows = try await database.run { connection in
            try connection.query("SELECT key, rule FROM feature_flag ORDER BY key LIMIT \(limit)") { row in
                (try row.get("key", as: String.self), try row.get("rule", as: JSONText.self).text)
            }
        }
        var rules: [String: FlagRule] = [:]
        for (key, text) in rows {
            do {
                rules[key] = try JSONDecoder().decode(FlagRule.self, from: Data(text.utf8))
            } catch {
                rules[key] = .nobody
                logger.warning("flag not understood", metadata: ["flag.key": "\(key)", "error": "\(error)"])
            }
        }
        snapshot.withLock { $0 = FeatureFlags(areas: $0.areas, rules: rules) }
    }

    /// Keeps the snapshot fresh until the task is cancelled.
    public func run() async {
        await withTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await self.tryRefresh()
                    do { try await Task.sleep(for: Self.refreshInterval) } catch { return }
                }
            }
            group.addTask {
                for await _ in self.database.notifications(on: [Self.channel]) { await self.tryRefresh() }
            }
        }
    }

    private func tryRefresh() async {
        do {
            try await refresh()
        } catch {
            logger.debug("flags not refreshed", metadata: ["error": "\(error)"])
        }
    }

    /// A flag as the administration shows it.
    public struct Entry: Sendable, Equatable {
        /// Its key.
        public let key: String
        /// Whom it is on for.
        public let rule: FlagRule
        /// How often it was changed: for `If-Match`.
        public let version: Int
        /// When it was changed last.
        public let updatedAt: Date
    }

    /// All flags with a rule, by key.
    public static func entries(on connection: Connection) throws -> [Entry] {
        try connection.query(
            "SELECT key, rule, version, updated_at FROM feature_flag ORDER BY key LIMIT \(maximumFlags)"
        ) { row in
            let text = try row.get("rule", as: JSONText.self).text
            return Entry(
                key: try row.get("key"),
                rule: (try? JSONDecoder().decode(FlagRule.self, from: Data(text.utf8))) ?? .nobody,
                version: try row.get("version"),
                updatedAt: try row.get("updated_at")
            )
        }
    }

    /// Gives a flag a rule, in the transaction of the connection, and tells all servers.
    ///
    /// - Parameters:
    ///   - rule: the rule, or nil to remove the one there is.
    ///   - key: its key, which is one (``FeatureFlags/isKey(_:)``).
    ///   - version: change it only if it has this version.
    ///   - connection: the transaction.
    /// - Returns: whether it was changed: false when it has another version, or there was nothing to remove.
    /// - Throws: `DatabaseError`.
    @discardableResult
    public static func set(
        _ rule: FlagRule?,
        for key: String,
        ifVersion version: Int? = nil,
        on connection: Connection
    ) throws -> Bool {
        let count: Int
        if let rule {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let json = JSONText(String(decoding: try encoder.encode(rule), as: UTF8.self))
            if let version {
                count = try connection.execute(
                    """
                    UPDATE feature_flag SET rule = \(json), version = version + 1, updated_at = now()
                    WHERE key = \(key) AND version = \(version)
                    """
                )
            } else {
                count = try connection.execute(
                    """
                    INSERT INTO feature_flag AS f (key, rule) VALUES (\(key), \(json))
                    ON CONFLICT (key) DO UPDATE SET rule = EXCLUDED.rule, version = f.version + 1, updated_at = now()
                    """
                )
            }
        } else {
            var sql: SQL = "DELETE FROM feature_flag WHERE key = \(key)"
            if let version { sql += " AND version = \(version)" }
            count = try connection.execute(sql)
        }
        if count > 0 { try connection.execute("SELECT pg_notify(\(channel), '')") }
        return count > 0
    }
}
