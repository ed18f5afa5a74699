internal import Cryptography

/// One step of the schema, and the way back.
///
/// Its files are never changed once they have been applied anywhere. A file that begins with the line `-- no-transaction` holds
/// exactly one statement, which PostgreSQL does not do in a transaction (`CREATE INDEX CONCURRENTLY`); it must be harmless to do
/// it again (`IF NOT EXISTS`), as its end may not have been written down.
public struct Migration: Sendable, Hashable {
    /// The part of the program that the tables belong to, such as `kernel`.
    public let module: String
    /// Its place among the steps of the module, from 1.
    public let number: Int
    /// What it does, as in the names of its files.
    public let name: String
    /// The statements that do it.
    public let up: String
    /// The statements that undo it.
    public let down: String

    /// A step.
    public init(module: String, number: Int, name: String, up: String, down: String) {
        self.module = module
        self.number = number
        self.name = name
        self.up = up
        self.down = down
    }

    /// A step whose files are embedded in the program: `NNNN_name.up.sql` and `NNNN_name.down.sql`.
    public init(module: String, number: Int, name: String, up: [UInt8], down: [UInt8]) {
        self.init(
            module: module,
            number: number,
            name: name,
            up: String(decoding: up, as: UTF8.self),
            down: String(decoding: down, as: UTF8.self)
        )
    }

    /// Whether it is done in a transaction.
    public var isTransactional: Bool { Self.isTransactional(up) }

    static func isTransactional(_ script: String) -> Bool {
        script.split(whereSeparator: \.isNewline).first.map { $0.trimmedEnd } != "-- no-transaction"
    }

    /// The SHA-256 of both files, in hexadecimal digits.
    public var checksum: String {
        let digest = SHA256.digest(of: Array(up.utf8) + [0] + Array(down.utf8))
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// How people call it, such as `kernel/0003_outbox`.
    public var label: String { Self.label(module, number, name) }

    static func label(_ module: String, _ number: Int, _ name: String) -> String {
        let digits = String(number)
        return "\(module)/\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)_\(name)"
    }
}

extension Substring {
    fileprivate var trimmedEnd: Substring {
        self[..<(lastIndex { !$0.isWhitespace }.map(index(after:)) ?? startIndex)]
    }
}

/// What is wrong with a schema.
public enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The database has steps that this program does not know: a newer one has been here. Named as ``Migration/label``.
    case newerSchema([String])
    /// The files of applied steps are not those that were applied.
    case changed([String])
    /// Steps have not been applied.
    case pending([String])
    /// A step has failed; those before it are applied, and nothing of it is, unless it is done without a transaction.
    case failed(String, DatabaseError)
    /// There is no such step.
    case unknown(module: String, number: Int)

    /// What is wrong, for operators.
    public var description: String {
        switch self {
        case .newerSchema(let labels):
            "the database belongs to a newer version: it has \(labels.joined(separator: ", "))"
        case .changed(let labels): "migrations were changed after they were applied: \(labels.joined(separator: ", "))"
        case .pending(let labels): "migrations are not applied: \(labels.joined(separator: ", "))"
        case .failed(let label, let error): "migration \(label): \(error)"
        case .unknown(let module, let number): "no migration \(number) of \(module)"
        }
    }
}
