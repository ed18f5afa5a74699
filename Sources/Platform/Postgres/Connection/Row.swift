/// A row of a result.
public struct Row {
    let result: QueryResult
    let index: Int

    /// The value in a column.
    ///
    /// - Parameters:
    ///   - column: the column's name.
    ///   - type: what to make of the value; an optional where it may be NULL.
    /// - Returns: the value.
    /// - Throws: ``DatabaseError/decoding(_:)`` when there is no such column, or it holds something else.
    public func get<Value: PostgresValue>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws(DatabaseError) -> Value {
        guard let number = result.column(column) else { throw failure(column, Value.self, "no such column") }
        return try get(number)
    }

    /// The value in a column.
    ///
    /// - Parameters:
    ///   - column: the column's number from 0.
    ///   - type: what to make of the value; an optional where it may be NULL.
    /// - Returns: the value.
    /// - Throws: ``DatabaseError/decoding(_:)`` when there is no such column, or it holds something else.
    public func get<Value: PostgresValue>(
        _ column: Int,
        as type: Value.Type = Value.self
    ) throws(DatabaseError) -> Value {
        guard column >= 0, column < result.columnCount else {
            throw failure("\(column)", Value.self, "only \(result.columnCount) columns")
        }
        let outcome: Outcome<Value> = result.withField(row: index, column: column) { field in
            guard let field else {
                guard let absent = Value.self as? any OptionalValue.Type, let none = absent.null as? Value else {
                    return .failure("NULL")
                }
                return .value(none)
            }
            // The value itself may be a secret or large: its type says enough.
            return Value.decode(field).map(Outcome.value) ?? .failure("another value, of type \(field.type.oid)")
        }
        switch outcome {
        case .value(let value): return value
        case .failure(let found): throw failure(result.name(column), Value.self, found)
        }
    }

    private enum Outcome<Value> {
        case value(Value)
        case failure(String)
    }

    private func failure(_ column: String, _ type: Any.Type, _ found: String) -> DatabaseError {
        .decoding(DatabaseError.DecodingFailure(column: column, expected: "\(type)", found: found))
    }
}

/// A type with a value for NULL.
private protocol OptionalValue {
    static var null: Self { get }
}

extension Optional: OptionalValue {
    fileprivate static var null: Self { nil }
}
