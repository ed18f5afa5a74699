/// A statement and its parameters.
///
/// ```swift
/// "SELECT id FROM account WHERE email = \(email)"
/// ```
///
/// Every interpolated value becomes a parameter `$n` and never a part of the text: the text is the same at each call, so that it
/// is prepared once per connection. The types of Swift give the parameters their types in PostgreSQL (see ``PostgresValue``);
/// text has none, and takes the one of the place where it stands. Where a place has no type of its own (`$1 IS NULL`), say it:
/// `\(name)::text`.
public struct SQL: ExpressibleByStringInterpolation, Sendable {
    enum Piece: Sendable {
        case text(String)
        case parameter(PostgresParameter)
    }

    private(set) var pieces: [Piece]

    /// A statement, or a part of one, without parameters.
    public init(stringLiteral value: StaticString) {
        pieces = [.text(value.description)]
    }

    /// A statement, or a part of one, with parameters.
    public init(stringInterpolation: StringInterpolation) {
        pieces = stringInterpolation.pieces
    }

    /// One part after the other; the parameters of the second are numbered after those of the first.
    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.pieces += right.pieces
        return sum
    }

    /// Adds a part at the end.
    public static func += (left: inout SQL, right: SQL) { left.pieces += right.pieces }

    /// The parameters in the order of their numbers.
    var parameters: [PostgresParameter] {
        pieces.compactMap { piece in
            guard case .parameter(let parameter) = piece else { return nil }
            return parameter
        }
    }

    /// The text as the server gets it, with `$1`, `$2` and so on for the parameters.
    public var text: String {
        var text = ""
        var number = 0
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .parameter:
                number += 1
                text += "$\(number)"
            }
        }
        return text
    }

    /// What the compiler collects of a literal.
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        var pieces: [Piece] = []

        /// Nothing yet.
        public init(literalCapacity: Int, interpolationCount: Int) {
            pieces.reserveCapacity(2 * interpolationCount + 1)
        }

        /// Adds text of the literal.
        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount > 0 { pieces.append(.text(literal.description)) }
        }

        /// Adds a parameter.
        public mutating func appendInterpolation(_ value: some PostgresValue) {
            pieces.append(.parameter(value.postgresParameter))
        }

        /// Adds a parameter that may be NULL.
        public mutating func appendInterpolation<Value: PostgresValue>(_ value: Value?) {
            pieces.append(.parameter(value.postgresParameter))
        }

        /// Adds a text that is written in the source, such as a list of columns.
        public mutating func appendInterpolation(verbatim text: StaticString) {
            pieces.append(.text(text.description))
        }

        /// Adds a statement's part with its parameters.
        public mutating func appendInterpolation(fragment sql: SQL) {
            pieces += sql.pieces
        }

        /// Adds the quoted name of a table, column or other thing (PostgreSQL 15, 4.1.1).
        public mutating func appendInterpolation(identifier name: String) {
            pieces.append(
                .text(
                    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                        + "\""
                )
            )
        }
    }
}
