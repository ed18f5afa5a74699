import Foundation
import PlatformTestSupport
import Testing

@testable import Postgres

@Suite struct StatementTests {
    @Test("values are parameters, and never text of the statement")
    func injection() async throws {
        let test = try await TestDatabase.make()
        let hostile = "'; DROP TABLE victim; --"
        let found = try await test.database.run { connection in
            try connection.execute("CREATE TABLE victim (name text)")
            try connection.execute("INSERT INTO victim VALUES (\(hostile))")
            try connection.execute("CREATE TABLE \(identifier: "a\"; DROP TABLE victim; --") ()")
            return try connection.query("SELECT name FROM victim WHERE name = \(hostile)") { row in
                try row.get("name", as: String.self)
            }
        }
        #expect(found == [hostile])
    }

    @Test("parts that are put together have their parameters numbered anew")
    func parts() {
        var sql: SQL = "SELECT * FROM t WHERE a = \(1)"
        sql += " AND b = \("x")"
        let whole = sql + " ORDER BY \(verbatim: "a DESC") LIMIT \(fragment: "\(5)")"
        #expect(whole.text == "SELECT * FROM t WHERE a = $1 AND b = $2 ORDER BY a DESC LIMIT $3")
        #expect(whole.parameters.map(\.type) == [.int8, .inferred, .int8])
    }

    @Test("a statement is prepared once, and the least used make room")
    func cache() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { configuration in
            configuration.poolSize = 1
            configuration.preparedStatements = 3
        }
        let count: SQL = "SELECT count(*), coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements"
        let (prepared, executions) = try await database.run { connection in
            for number in 0..<5 { try connection.execute("SELECT \(number)::int AS same") }
            return try #require(
                try connection.queryFirst(count) { (try $0.get(0, as: Int.self), try $0.get(1, as: Int.self)) }
            )
        }
        #expect(prepared == 2)
        #expect(executions >= 5)
        let bounded = try await database.run { connection in
            for text in ["SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"] as [SQL] { try connection.execute(text) }
            return try connection.queryFirst(count) { try $0.get(0, as: Int.self) }
        }
        #expect(bounded == 3)
    }

    @Test("a prepared statement outlives a change of its table, within a transaction too")
    func staleResultType() async throws {
        let test = try await TestDatabase.make()
        let database = test.connect { $0.poolSize = 1 }
        let all: SQL = "SELECT * FROM shape"
        try await database.run { connection in
            try connection.execute("CREATE TABLE shape (a int)")
            try connection.execute("INSERT INTO shape VALUES (1)")
            try connection.execute(all)
            try connection.execute("ALTER TABLE shape ADD b int DEFAULT 2")
            #expect(try connection.queryFirst(all) { try $0.get("b", as: Int.self) } == 2)
            try connection.execute("ALTER TABLE shape ADD c int DEFAULT 3")
        }
        let third = try await database.transaction { try $0.queryFirst(all) { try $0.get("c", as: Int.self) } }
        #expect(third == 3)
    }

    @Test("prepared statements outlive DISCARD ALL, and dates look the same after it")
    func discard() async throws {
        let test = try await TestDatabase.make()
        let moment = Date(timeIntervalSince1970: 1_000_000_000)
        try await test.database.run { connection in
            try connection.execute("SET TimeZone = 'Asia/Kolkata'")
            for _ in 0..<2 {
                #expect(try connection.queryFirst("SELECT \(moment)") { try $0.get(0, as: Date.self) } == moment)
                try connection.execute("DISCARD ALL")
            }
            #expect(try connection.queryFirst("SHOW TimeZone") { try $0.get(0, as: String.self) } == "UTC")
        }
    }

    @Test("COPY stores rows of any text, and nothing when one is wrong")
    func copy() async throws {
        let test = try await TestDatabase.make()
        let text = "tab\tline\nreturn\rslash\\ \\N \\."
        try await test.database.run { connection in
            try connection.execute("CREATE TABLE view (id bigint, text text, data bytea, at timestamptz)")
            let rows = (0..<20_000).lazy.map { number -> [any PostgresValue] in
                [number, number == 7 ? String?.none : text, [UInt8(number & 255), 0], Date(timeIntervalSince1970: 1)]
            }
            #expect(try connection.copyIn("view (id, text, data, at)", rows: rows) == 20_000)
            let back = try connection.queryFirst("SELECT * FROM view WHERE id = 255") { row in
                (try row.get("text", as: String.self), try row.get("data", as: [UInt8].self))
            }
            #expect(back?.0 == text)
            #expect(back?.1 == [255, 0])
            #expect(throws: DatabaseError.self) { try connection.copyIn("view (id)", rows: [[1], ["no number"]]) }
            #expect(throws: DatabaseError.self) { try connection.copyIn("absent (id)", rows: [[1]]) }
            #expect(try connection.queryFirst("SELECT count(*) FROM view") { try $0.get(0, as: Int.self) } == 20_000)
        }
    }

    @Test("a batch is done as one, and its first error undoes it")
    func batch() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            try connection.execute("CREATE TABLE entry (id int PRIMARY KEY, note text)")
            let inserts = (0..<5000).map { "INSERT INTO entry VALUES (\($0), \("n"))" as SQL }
            #expect(try connection.batch(inserts) == Array(repeating: 1, count: 5000))
            #expect(try connection.batch(["UPDATE entry SET note = \("u") WHERE id < \(10)", "SELECT 1"]) == [10, 1])
            let error = #expect(throws: DatabaseError.self) {
                try connection.batch(["DELETE FROM entry", "INSERT INTO entry VALUES (1), (1)", "SELECT 1/0"])
            }
            #expect(error?.violates("entry_pkey") == true)
            #expect(try connection.queryFirst("SELECT count(*) FROM entry") { try $0.get(0, as: Int.self) } == 5000)
            try connection.execute("DISCARD ALL")
            #expect(try connection.batch(inserts.prefix(3).map { $0 + " ON CONFLICT DO NOTHING" }) == [0, 0, 0])
            try connection.execute("DEALLOCATE ALL")
            #expect(try connection.batch(inserts.prefix(3).map { $0 + " ON CONFLICT DO NOTHING" }) == [0, 0, 0])
        }
    }

    @Test("the statements of a task are counted")
    func counter() async throws {
        let test = try await TestDatabase.make()
        let counter = StatementCounter()
        try await StatementCounter.$current.withValue(counter) {
            try await test.database.transaction { connection in
                try connection.execute("SELECT \(1)::int")
                try connection.batch(["SELECT 2", "SELECT 3"])
            }
        }
        try await test.database.run { try $0.execute("SELECT 4") }
        #expect(counter.texts == ["SELECT $1::int", "SELECT 2", "SELECT 3"])
        #expect(counter.count == 3)
    }

    @Test("errors carry the code, the constraint, the table and the column")
    func errors() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            try connection.execute(
                """
                CREATE TABLE person (email text CONSTRAINT person_email_key UNIQUE, age int NOT NULL CONSTRAINT age_range CHECK (age > 0))
                """
            )
            try connection.execute("INSERT INTO person VALUES ('a', 1)")
            func failure(_ sql: SQL) -> ServerError? {
                #expect(throws: DatabaseError.self) { try connection.execute(sql) }?.serverError
            }
            let duplicate = failure("INSERT INTO person VALUES (\("a"), 1)")
            #expect(duplicate?.sqlState == .uniqueViolation)
            #expect(duplicate?.sqlState.errorClass == .integrityConstraintViolation)
            #expect(duplicate?.constraint == "person_email_key")
            #expect(duplicate?.table == "person")
            #expect(failure("INSERT INTO person VALUES ('b', 0)")?.constraint == "age_range")
            #expect(failure("INSERT INTO person VALUES ('b', NULL)")?.column == "age")
            #expect(failure("SELEKT")?.sqlState == .syntaxError)
            #expect(failure("SELECT * FROM absent")?.sqlState == .undefinedTable)
            #expect(failure("SELECT 1; SELECT 2")?.sqlState == .syntaxError)
        }
    }
}
