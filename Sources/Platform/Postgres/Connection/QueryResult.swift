internal import CLibPQ
internal import Foundation

/// A result of libpq, freed with this object.
final class QueryResult {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }
    var rowCount: Int { Int(PQntuples(pointer)) }
    var columnCount: Int { Int(PQnfields(pointer)) }

    /// The rows that a command has changed, or found.
    var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// What the server calls the command that it has done, such as `INSERT 0 1`.
    var command: String { String(cString: PQcmdStatus(pointer)) }

    /// The number of the first column with a name.
    func column(_ name: String) -> Int? {
        (0..<columnCount).first { strcmp(PQfname(pointer, Int32($0)), name) == 0 }
    }

    func name(_ column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "\(column)" }

    /// The field in a row and column that are there; `nil` for NULL.
    func withField<R>(row: Int, column: Int, _ body: (PostgresField?) -> R) -> R {
        let (row, column) = (Int32(row), Int32(column))
        guard PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) else {
            return body(nil)
        }
        let count = Int(PQgetlength(pointer, row, column))
        return value.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
            body(
                PostgresField(
                    bytes: UnsafeBufferPointer(start: bytes, count: count),
                    type: PostgresType(oid: PQftype(pointer, column)),
                    isBinary: PQfformat(pointer, column) == 1
                )
            )
        }
    }

    /// The server's error, when this is one.
    var serverError: ServerError? {
        guard let state = field("C") else { return nil }
        var error = ServerError(sqlState: SQLState(rawValue: state), message: field("M") ?? "")
        error.detail = field("D")
        error.hint = field("H")
        error.constraint = field("n")
        error.table = field("t")
        error.column = field("c")
        error.position = field("P").flatMap { Int($0) }
        error.routine = field("R")
        return error
    }

    /// A field of an error, by its letter in the protocol (PostgreSQL 15, 55.8).
    private func field(_ letter: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, Int32(letter.value)).map { String(cString: $0) }
    }
}
