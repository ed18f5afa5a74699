import Logging
import PlatformTestSupport
import TestSupport
import Testing

@testable import Postgres

@Suite struct MigratorTests {
    private static let base = [
        Migration(
            module: "base",
            number: 1,
            name: "person",
            up: """
                CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
                CREATE FUNCTION greet(text) RETURNS text LANGUAGE sql AS $$ SELECT 'hello; ' || $1 $$;
                """,
            down: "DROP FUNCTION greet; DROP TABLE person;"
        ),
        Migration(
            module: "base",
            number: 2,
            name: "person_name",
            up: "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS person_name ON person (name);",
            down: "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS person_name;"
        ),
    ]
    private static let shop = [
        Migration(
            module: "shop",
            number: 1,
            name: "purchase",
            up: "CREATE TABLE purchase (buyer bigint NOT NULL REFERENCES person ON DELETE CASCADE);",
            down: "DROP TABLE purchase;"
        )
    ]
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func migrator(_ test: TestDatabase, _ modules: [[Migration]] = [base, shop]) -> Migrator {
        Migrator(test.database, modules: modules, logger: Self.quiet)
    }

    private func schema(_ test: TestDatabase) async throws -> String {
        let parameters = test.configuration.parameters
        let arguments = [
            "--schema-only", "--host", try #require(parameters["host"]), "--username", "postgres", "--dbname",
            try #require(parameters["dbname"]),
        ]
        let text = try await Tool.check(try TestCluster.program("pg_dump"), arguments).text
        // Newer versions of pg_dump write a random key against restores of hostile dumps.
        return text.split(separator: "\n").filter { !$0.hasPrefix("\\restrict") && !$0.hasPrefix("\\unrestrict") }
            .joined(separator: "\n")
    }

    @Test("up, all the way down and up again give the same schema")
    func roundTrip() async throws {
        let test = try await TestDatabase.make()
        let migrator = migrator(test)
        #expect(try await migrator.up() == ["base/0001_person", "base/0002_person_name", "shop/0001_purchase"])
        try await migrator.verify()
        #expect(try await migrator.up() == [])
        let first = try await schema(test)
        #expect(first.contains("CREATE INDEX person_name"))
        #expect(
            try await migrator.down(to: .empty) == ["shop/0001_purchase", "base/0002_person_name", "base/0001_person"]
        )
        let empty = try await schema(test)
        #expect(!empty.contains("person"))
        #expect(!empty.contains("greet"))
        try await migrator.up()
        #expect(try await schema(test) == first)
    }

    @Test("down stops where it is told to")
    func targets() async throws {
        let test = try await TestDatabase.make(migrations: [Self.base, Self.shop])
        let migrator = migrator(test)
        #expect(try await migrator.down(to: .steps(1)) == ["shop/0001_purchase"])
        #expect(try await migrator.down(to: .version(module: "base", number: 1)) == ["base/0002_person_name"])
        #expect(try await migrator.status().map(\.state) == [.applied, .pending, .pending])
        await #expect(throws: MigrationError.unknown(module: "base", number: 9)) {
            try await migrator.down(to: .version(module: "base", number: 9))
        }
        await #expect(throws: MigrationError.pending(["base/0002_person_name", "shop/0001_purchase"])) {
            try await migrator.verify()
        }
    }

    @Test("of several migrators that start together one does the work")
    func together() async throws {
        let test = try await TestDatabase.make(poolSize: 6)
        let migrator = migrator(test)
        let done = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<6 { group.addTask { try await migrator.up() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(done.filter { !$0.isEmpty } == [["base/0001_person", "base/0002_person_name", "shop/0001_purchase"]])
        try await migrator.verify()
    }

    @Test("a database of a newer version is left alone")
    func newer() async throws {
        let test = try await TestDatabase.make(migrations: [Self.base, Self.shop])
        let older = migrator(test, [Array(Self.base.prefix(1)), Self.shop])
        let refusal = MigrationError.newerSchema(["base/0002_person_name"])
        await #expect(throws: refusal) { try await older.up() }
        await #expect(throws: refusal) { try await older.verify() }
        await #expect(throws: refusal) { try await older.down(to: .empty) }
        #expect(try await older.status().map(\.state) == [.applied, .applied, .unknown])
        await #expect(throws: MigrationError.newerSchema(["shop/0001_purchase"])) {
            try await migrator(test, [Self.base]).verify()
        }
    }

    @Test("a file that was changed after it was applied is found")
    func changed() async throws {
        let test = try await TestDatabase.make(migrations: [Self.base])
        let first = Self.base[0]
        let edited = Migration(module: "base", number: 1, name: "person", up: first.up + " ", down: first.down)
        let migrator = migrator(test, [[edited, Self.base[1]]])
        await #expect(throws: MigrationError.changed(["base/0001_person"])) { try await migrator.verify() }
        await #expect(throws: MigrationError.changed(["base/0001_person"])) { try await migrator.up() }
        #expect(try await migrator.status().map(\.state) == [.changed, .applied])
    }

    @Test("a step that fails leaves nothing, and those before it stay")
    func failure() async throws {
        let test = try await TestDatabase.make()
        let broken = Migration(
            module: "base",
            number: 3,
            name: "broken",
            up: "CREATE TABLE half (a int); SELECT 1/0;",
            down: ""
        )
        let error = await #expect(throws: MigrationError.self) { try await migrator(test, [Self.base + [broken]]).up() }
        guard case .failed("base/0003_broken", let cause) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.sqlState == SQLState(rawValue: "22012"))
        try await migrator(test, [Self.base]).verify()
        try await test.database.run { connection in
            let half = try connection.queryFirst("SELECT to_regclass('half') IS NULL") { try $0.get(0, as: Bool.self) }
            #expect(half == true)
            // Neither the lock nor the settings outlive the migrator.
            let locks = try connection.queryFirst(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ) { try $0.get(0, as: Int.self) }
            #expect(locks == 0)
            #expect(try connection.queryFirst("SHOW statement_timeout") { try $0.get(0, as: String.self) } == "30s")
        }
    }

    @Test("a step without a transaction has exactly one statement")
    func oneStatement() async throws {
        let test = try await TestDatabase.make()
        let two = Migration(
            module: "base",
            number: 1,
            name: "two",
            up: "-- no-transaction\nCREATE TABLE a (); CREATE TABLE b ();",
            down: ""
        )
        #expect(!two.isTransactional)
        let error = await #expect(throws: MigrationError.self) { try await migrator(test, [[two]]).up() }
        guard case .failed("base/0001_two", let cause) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.sqlState == .syntaxError)
        #expect(try await migrator(test, [[two]]).status().map(\.state) == [.pending])
    }

    @Test("the checksum is the SHA-256 of both files")
    func checksum() {
        let migration = Migration(module: "m", number: 12, name: "n", up: "a", down: "b")
        #expect(migration.label == "m/0012_n")
        // printf 'a\0b' | sha256sum
        #expect(migration.checksum == "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138")
    }
}
