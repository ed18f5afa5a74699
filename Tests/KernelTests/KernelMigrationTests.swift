import Logging
import PlatformTestSupport
import Postgres
import Testing

@testable import Kernel

@Suite("The Kernel's migrations")
struct KernelMigrationTests {
    /// Everything of the schema that a migration may change, as text.
    func schema(_ database: Database) async throws -> [String] {
        try await database.run { connection in
            let columns = try connection.query(
                """
                SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                    pg_get_expr(d.adbin, d.adrelid)) AS line
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'schema_migration%' ORDER BY 1
                """
            ) { try $0.get("line", as: String.self) }
            let others = try connection.query(
                """
                SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index
                    JOIN pg_class c ON c.oid = indexrelid AND c.relnamespace = 'public'::regnamespace
                    WHERE indrelid <> 'schema_migration'::regclass
                UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'schema_migration'::regclass
                UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
                UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                ORDER BY 1
                """
            ) { try $0.get("line", as: String.self) }
            return columns + others
        }
    }

    @Test("up, all the way down and up again gives the same schema")
    func roundTrip() async throws {
        let test = try await TestDatabase.make()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let migrator = Migrator(test.database, modules: [KernelMigrations.all], logger: logger)
        let labels = try await migrator.up()
        #expect(labels.count == KernelMigrations.all.count)
        let first = try await schema(test.database)
        #expect(first.count > 100)
        try await migrator.down(to: .empty)
        #expect(try await schema(test.database) == [])
        try await migrator.up()
        #expect(try await schema(test.database) == first)
        try await migrator.verify()
    }
}
