import Foundation
import PlatformTestSupport
import Testing

@testable import Postgres

@Suite struct ValueTests {
    private enum Level: String, PostgresValue { case low, high }

    @Test("every type comes back as it was sent")
    func roundTrip() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            func same<V: PostgresValue & Equatable>(_ value: V, _ cast: SQL) throws {
                let back = try connection.queryFirst("SELECT \(value)::" + cast) { try $0.get(0, as: V.self) }
                #expect(back == value)
            }
            for text in [
                "", "a", "\\", "'\"\n\r\t", "\u{10FFFF}é\u{301}", "\\N", String(repeating: "x", count: 1 << 20),
            ] {
                try same(text, "text")
                try same([text, "NULL", ""], "text[]")
            }
            for number in [0, 1, -1, Int.max, Int.min] { try same(number, "bigint") }
            for number in [Int32.min, 0, .max] { try same(number, "integer") }
            for number in [Int16.min, 0, .max] { try same(number, "smallint") }
            for number in [0.1, -0.0, .infinity, Double.leastNonzeroMagnitude, 1.7976931348623157e308] {
                try same(number, "float8")
            }
            for bytes in [[UInt8](), [0], Array(0...255)] { try same(bytes, "bytea") }
            try same([Int64.min, 0, .max], "bigint[]")
            try same([Int64](), "bigint[]")
            try same(true, "boolean")
            try same(false, "boolean")
            try same(Level.high, "text")
            try same(JSONText(#"{"a": [1, "\"é"]}"#), "jsonb")
            try same(String?.none, "text")
            try same(Int?.some(3), "bigint")
            for seconds in [0, 1_700_000_000.123456, -62_135_596_800, 253_402_300_799.5, 951_782_400] {
                let date = Date(timeIntervalSince1970: seconds)
                let back = try connection.queryFirst("SELECT \(date)") { try $0.get(0, as: Date.self) }
                #expect(abs(try #require(back).timeIntervalSince(date)) < 0.000_01)
                let epoch = try connection.queryFirst("SELECT extract(epoch FROM \(date))::float8") {
                    try $0.get(0, as: Double.self)
                }
                #expect(abs(try #require(epoch) - seconds) < 0.000_01)
            }
        }
    }

    @Test("days are counted as the server counts them")
    func days() async throws {
        let test = try await TestDatabase.make()
        let dates = try await test.database.run { connection in
            try connection.query(
                """
                SELECT d::text AS text, (d - '1970-01-01'::date)::integer AS days
                FROM generate_series('0001-01-01'::timestamp, '9999-12-01', '29 days') AS t, date(t) AS d
                """
            ) { (try $0.get("text", as: String.self), try $0.get("days", as: Int.self)) }
        }
        #expect(dates.count > 100_000)
        let wrong = dates.filter { text, days in
            let date = CivilDate(daysSince1970: days)
            let parts = text.split(separator: "-").compactMap { Int($0) }
            return [date.year, date.month, date.day] != parts || date.daysSince1970 != days
        }
        #expect(wrong.isEmpty)
    }

    @Test("a text with a NUL byte is refused before it is sent, wherever it stands")
    func nul() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            #expect(throws: DatabaseError.invalidParameter("$2: text with a NUL byte")) {
                try connection.execute("SELECT \("a")::text, \("a\0b")::text")
            }
            #expect(throws: DatabaseError.self) { try connection.execute("SELECT \(["a\0"])::text[]") }
            #expect(throws: DatabaseError.self) { try connection.execute("SELECT \(Date.distantFuture + 1e12)") }
            try connection.execute("CREATE TEMPORARY TABLE t (a text)")
            #expect(throws: DatabaseError.invalidParameter("column 0: text with a NUL byte")) {
                try connection.copyIn("t (a)", rows: [["ok"], ["\0"]])
            }
            #expect(try connection.queryFirst("SELECT count(*) FROM t") { try $0.get(0, as: Int.self) } == 0)
        }
    }

    @Test("what does not fit is an error that names the column")
    func mismatch() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            func column(_ body: (Row) throws -> Void) -> String? {
                do {
                    _ = try connection.queryFirst(
                        "SELECT NULL::text AS none, 'x' AS text, 70000 AS large, '{{1}}'::bigint[] AS deep",
                        body
                    )
                    return nil
                } catch DatabaseError.decoding(let failure) {
                    return "\(failure.column): \(failure.expected): \(failure.found)"
                } catch { return "\(error)" }
            }
            #expect(column { _ = try $0.get("none", as: String.self) } == "none: String: NULL")
            #expect(column { _ = try $0.get("text", as: Int.self) } == "text: Int: another value, of type 25")
            #expect(column { _ = try $0.get("large", as: Int16.self) } == "large: Int16: another value, of type 23")
            #expect(
                column { _ = try $0.get("deep", as: [Int64].self) } == "deep: Array<Int64>: another value, of type 1016"
            )
            #expect(column { _ = try $0.get("absent", as: Int.self) } == "absent: Int: no such column")
            #expect(column { _ = try $0.get(9, as: Int.self) } == "9: Int: only 4 columns")
            #expect(column { _ = try $0.get("none", as: String?.self) } == nil)
        }
    }

    @Test(
        "fields of any bytes are decoded or refused, in text and in binary",
        arguments: [0, 1, 2, 4, 7, 8, 9],
        [true, false]
    )
    func anyBytes(count: Int, isBinary: Bool) {
        for byte in UInt8.min...UInt8.max {
            let bytes = [UInt8](repeating: byte, count: count)
            bytes.withUnsafeBufferPointer { buffer in
                for type in [PostgresType.bool, .bytea, .int8, .int4, .int2, .float8, .timestamptz, .jsonb, .int8Array]
                {
                    let field = PostgresField(bytes: buffer, type: type, isBinary: isBinary)
                    _ = (Int.decode(field), Int16.decode(field), Bool.decode(field), Double.decode(field))
                    _ = (String.decode(field), [UInt8].decode(field), Date.decode(field), JSONText.decode(field))
                    _ = ([String].decode(field), [Int64].decode(field), Int?.decode(field))
                }
            }
        }
    }

    @Test(
        "a moment that is none is refused",
        arguments: [
            "", "2026", "99999999999999999999-01-01", "9223372036854775807-01-01 00:00:00+00", "2026-13-01",
            "2026-01-00",
            "2026-01-01 99999999999999999:00:00+00", "2026-01-01 00:00:nan+00",
            "2026-01-01 00:00:00+9999999999999999999",
            "2026-01-01 00:00:00+00 BC", "0044-03-15 BC", "2026-01-01 ::", "2026-01-01 00:00:00+x",
        ]
    )
    func noMoment(text: String) {
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            #expect(Date.decode(PostgresField(bytes: bytes, type: .timestamptz, isBinary: false)) == nil)
        }
    }

    @Test("the server sends the same in text and in binary")
    func formats() async throws {
        let test = try await TestDatabase.make()
        try await test.database.run { connection in
            for format in [ResultFormat.text, .binary, .text] {
                let equal = try connection.query(
                    """
                    SELECT 1::int2 AS a, -2::int4 AS b, 3::int8 AS c, true AS d, 0.1::float8 AS e, 0.5::float4 AS f, 'é' AS g,
                        '\\x00ff'::bytea AS h, '{"a": 1}'::jsonb AS i, '2026-01-31 23:59:59.5+01'::timestamptz AS j,
                        'infinity'::timestamptz AS k, NULL::int8 AS l
                    """,
                    format: format
                ) { row in
                    let numbers = [try row.get("a", as: Int.self), try row.get("b"), try row.get("c")] == [1, -2, 3]
                    let doubles = [try row.get("e", as: Double.self), try row.get("f")] == [0.1, 0.5]
                    let others = try row.get("d") && row.get("g") == "é" && row.get("h") == [UInt8(0), 255]
                    let moments = [try row.get("j", as: Date.self), try row.get("k")]
                    let last = try row.get("i") == JSONText(#"{"a": 1}"#) && row.get("l", as: Int?.self) == nil
                    return numbers && doubles && others && last
                        && moments == [Date(timeIntervalSince1970: 1_769_900_399.5), .distantFuture]
                }
                #expect(equal == [true], "\(format)")
            }
        }
    }

    @Test("binary fields hold the same as text")
    func binary() {
        func decode<V: PostgresValue>(_ bytes: [UInt8], _ type: PostgresType, as _: V.Type) -> V? {
            bytes.withUnsafeBufferPointer { V.decode(PostgresField(bytes: $0, type: type, isBinary: true)) }
        }
        #expect(decode([0, 0, 0, 0, 0, 0, 1, 2], .int8, as: Int.self) == 258)
        #expect(decode([0xFF, 0xFF], .int2, as: Int.self) == -1)
        #expect(decode([1], .bool, as: Bool.self) == true)
        #expect(decode([0x3F, 0xF0, 0, 0, 0, 0, 0, 0], .float8, as: Double.self) == 1)
        #expect(
            decode([0, 0, 0, 0, 0, 0, 0, 0], .timestamptz, as: Date.self) == Date(timeIntervalSince1970: 946_684_800)
        )
        #expect(decode([1, 0x7B, 0x7D], .jsonb, as: JSONText.self) == JSONText("{}"))
    }
}
