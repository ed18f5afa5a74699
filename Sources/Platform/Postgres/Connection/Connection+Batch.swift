internal import CLibPQ

extension Connection {
    /// How many statements a batch may have: their results wait in memory.
    public static let maximumBatch = 10_000
    /// How many different texts of a batch are prepared; with more, none is.
    private static let preparedTexts = 32

    /// Executes many statements without waiting for each (PostgreSQL 15, 34.5).
    ///
    /// Outside of a transaction they are one together: all of them happen, or none.
    ///
    /// - Parameter statements: at most ``maximumBatch``.
    /// - Returns: how many rows each has changed, or found.
    /// - Throws: ``DatabaseError``: the first one; what comes after it is not done.
    @discardableResult
    public func batch(_ statements: [SQL]) throws(DatabaseError) -> [Int] {
        guard !statements.isEmpty else { return [] }
        guard statements.count <= Self.maximumBatch else {
            throw .invalidParameter("\(statements.count) statements, where \(Self.maximumBatch) are allowed")
        }
        var entries: [BatchEntry] = []
        for sql in statements {
            let parameters = try EncodedParameters(sql.parameters)
            entries.append(BatchEntry(key: .init(text: sql.text, types: parameters.types), parameters: parameters))
        }
        for entry in entries { try willSend(entry.key.text) }
        return try withCancellation { () throws(DatabaseError) in
            do throws(DatabaseError) {
                return try perform(entries)
            } catch {
                guard let refusal = error.serverError, refusal.isStaleStatement else { throw error }
                session.hasStaleStatements = true
                guard session.transactionStatus == PQTRANS_IDLE else { throw error }
                try session.dropStaleStatements()
                return try perform(entries)
            }
        }
    }

    private struct BatchEntry {
        let key: StatementCache.Key
        let parameters: EncodedParameters
    }

    private func perform(_ entries: [BatchEntry]) throws(DatabaseError) -> [Int] {
        let names = try prepareAll(Set(entries.map(\.key)))
        try session.enterPipeline()
        for entry in entries {
            if let name = names[entry.key] {
                try session.sendExecute(name, entry.parameters)
            } else {
                try session.send(entry.key.text, types: entry.key.types, entry.parameters)
            }
        }
        try session.synchronize()
        var counts: [Int] = []
        var failure: DatabaseError?
        for _ in entries {
            guard let result = session.nextResult() else { throw .connectionLost(session.errorMessage) }
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK: counts.append(result.affectedRows)
            case PGRES_PIPELINE_ABORTED: break
            default: failure = failure ?? session.error(of: result)
            }
            // Each statement's results end with NULL, the last one's too.
            while session.nextResult() != nil {}
        }
        guard session.nextResult()?.status == PGRES_PIPELINE_SYNC, session.exitPipeline() else {
            throw .connectionLost(session.errorMessage)
        }
        if let failure { throw failure }
        return counts
    }

    private func prepareAll(_ keys: Set<StatementCache.Key>) throws(DatabaseError) -> [StatementCache.Key: String] {
        guard keys.count <= min(Self.preparedTexts, session.statements.capacity) else { return [:] }
        var names: [StatementCache.Key: String] = [:]
        for key in keys {
            if let name = session.statements.name(of: key) {
                names[key] = name
            } else {
                names[key] = try prepare(key)
            }
        }
        return names
    }
}
