internal import CLibPQ
internal import Synchronization

/// The form of the fields of a result.
public enum ResultFormat: Int32, Sendable {
    /// Text, which every type has.
    case text = 0
    /// The binary form: half as many bytes for `bytea`. Only numbers, booleans, texts, bytes, `jsonb` and `timestamptz` are
    /// decoded from it.
    case binary = 1
}

/// A connection, for the time of one unit of work and on the thread of that work only.
///
/// Every method blocks until the server has answered. What a unit sets for its session (`SET`, temporary tables, advisory locks of
/// the session) stays for the next one: set things for the transaction only (`SET LOCAL`).
public final class Connection {
    let session: Session
    private let unit: UnitOfWork

    init(_ session: Session, _ unit: UnitOfWork) {
        self.session = session
        self.unit = unit
    }

    /// Executes a statement.
    ///
    /// - Parameter sql: one statement.
    /// - Returns: how many rows it has changed, or found.
    /// - Throws: ``DatabaseError``.
    @discardableResult
    public func execute(_ sql: SQL) throws(DatabaseError) -> Int { try result(of: sql).affectedRows }

    /// Executes a statement and decodes all its rows, which must fit into memory.
    ///
    /// - Parameters:
    ///   - sql: one statement.
    ///   - format: the form in which the server sends the fields.
    ///   - decode: makes a value of a row.
    /// - Returns: the values in the order of the rows.
    /// - Throws: ``DatabaseError``, or what `decode` throws.
    public func query<Value>(
        _ sql: SQL,
        format: ResultFormat = .text,
        _ decode: (Row) throws -> Value
    ) throws -> [Value] {
        let result = try result(of: sql, format)
        return try (0..<result.rowCount).map { try decode(Row(result: result, index: $0)) }
    }

    /// Executes a statement and decodes its first row.
    ///
    /// - Parameters:
    ///   - sql: one statement; it should find one row at most.
    ///   - decode: makes a value of a row.
    /// - Returns: the value, or `nil` when there is no row.
    /// - Throws: ``DatabaseError``, or what `decode` throws.
    public func queryFirst<Value>(_ sql: SQL, _ decode: (Row) throws -> Value) throws -> Value? {
        let result = try result(of: sql)
        return result.rowCount > 0 ? try decode(Row(result: result, index: 0)) : nil
    }

    /// Does something that can be undone alone, within a transaction.
    ///
    /// - Parameter work: what to do; when it throws, what it has done is undone and the transaction goes on.
    /// - Returns: what the work returns.
    /// - Throws: what the work throws, or ``DatabaseError``.
    public func savepoint<Value>(_ work: () throws -> Value) throws -> Value {
        // The same name again hides the outer one until it is released (PostgreSQL 15, SAVEPOINT): they may be nested.
        try executeControl("SAVEPOINT lyceum")
        do {
            let value = try work()
            try executeControl("RELEASE SAVEPOINT lyceum")
            return value
        } catch {
            if !session.isBroken { try executeControl("ROLLBACK TO SAVEPOINT lyceum; RELEASE SAVEPOINT lyceum") }
            throw error
        }
    }

    // MARK: Within the module

    /// Whether nobody wants the outcome any more.
    var isCancelled: Bool { unit.isCancelled }

    /// Executes statements that belong to the transaction and not to the work: they are sent though the work is cancelled.
    @discardableResult
    func executeControl(_ text: String) throws(DatabaseError) -> QueryResult { try session.executeScript(text) }

    /// Executes a file's statements.
    func executeScript(_ text: String) throws(DatabaseError) {
        try willSend(text)
        _ = try withCancellation { () throws(DatabaseError) in try session.executeScript(text) }
    }

    /// Executes one statement without parameters, outside of any transaction.
    func executeOnce(_ text: String) throws(DatabaseError) {
        try willSend(text)
        _ = try withCancellation { () throws(DatabaseError) in try session.executeOnce(text) }
    }

    func result(of sql: SQL, _ format: ResultFormat = .text) throws(DatabaseError) -> QueryResult {
        let text = sql.text
        let parameters = try EncodedParameters(sql.parameters)
        guard !text.utf8.contains(0) else { throw .invalidParameter("a statement with a NUL byte") }
        try willSend(text)
        return try withCancellation { () throws(DatabaseError) in
            try executePrepared(StatementCache.Key(text: text, types: parameters.types), parameters, format)
        }
    }

    func willSend(_ text: String) throws(DatabaseError) {
        if isCancelled { throw .cancelled }
        unit.counter?.record(text)
    }

    /// Says `cancelled` where the server says that somebody has ended the statement, and it was us.
    func withCancellation<Value>(_ body: () throws(DatabaseError) -> Value) throws(DatabaseError) -> Value {
        do {
            return try body()
        } catch {
            throw unit.isCancelled && error.sqlState == .queryCanceled ? .cancelled : error
        }
    }

    private func executePrepared(
        _ key: StatementCache.Key,
        _ parameters: EncodedParameters,
        _ format: ResultFormat
    ) throws(DatabaseError) -> QueryResult {
        guard let name = session.statements.name(of: key) else {
            return try session.execute(try prepare(key), parameters, format)
        }
        do {
            return try session.execute(name, parameters, format)
        } catch {
            guard let refusal = error.serverError, refusal.isStaleStatement else { throw error }
            // The schema has changed, or somebody has thrown away what was prepared. In a transaction, which has failed by this,
            // the whole is done again by whoever began it; outside of one nothing has happened yet.
            session.hasStaleStatements = true
            guard session.transactionStatus == PQTRANS_IDLE else { throw error }
            try session.dropStaleStatements()
            return try session.execute(try prepare(key), parameters, format)
        }
    }

    func prepare(_ key: StatementCache.Key) throws(DatabaseError) -> String {
        let name = session.statements.nextName()
        try session.prepare(name, key.text, types: key.types)
        if let victim = session.statements.insert(key, name: name) {
            try session.executeScript("DEALLOCATE \(victim)")
        }
        return name
    }
}
