internal import CLibPQ
internal import Foundation
internal import Logging

/// One connection of libpq.
///
/// Only one thread uses it at a time (PostgreSQL 15, 34.20: "no two threads attempt to manipulate the same PGconn object at the
/// same time"). What ends statements from another thread is its ``canceller``.
final class Session {
    let canceller: Canceller
    var statements: StatementCache
    /// Whether a prepared statement was not to be used any more: then others may be too.
    var hasStaleStatements = false
    private let handle: OpaquePointer
    private let logger: Logger

    /// Connects; blocks.
    ///
    /// - Throws: ``DatabaseError/unavailable(_:)``.
    init(_ configuration: DatabaseConfiguration, logger: Logger) throws(DatabaseError) {
        handle = try Self.connect(configuration.connectionParameters)
        canceller = Canceller(handle)
        statements = StatementCache(capacity: configuration.preparedStatements)
        self.logger = logger
        PQsetNoticeReceiver(
            handle,
            { logger, result in
                guard let logger, let result else { return }
                // The session outlives every call of libpq on its handle, and this is called from within one.
                let session = Unmanaged<Session>.fromOpaque(logger).takeUnretainedValue()
                session.logger.debug(
                    "notice of the database",
                    metadata: ["db.notice": "\(String(cString: PQresultErrorMessage(result)))"]
                )
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    deinit {
        canceller.close()
        PQfinish(handle)
    }

    private static func connect(_ parameters: [String: String]) throws(DatabaseError) -> OpaquePointer {
        let sorted = parameters.sorted { $0.key < $1.key }
        let handle = withCStrings(sorted.map(\.key)) { keywords in
            withCStrings(sorted.map(\.value)) { values in PQconnectdbParams(keywords, values, 0) }
        }
        guard let handle else { throw .unavailable("no memory for a connection") }
        guard PQstatus(handle) == CONNECTION_OK else {
            defer { PQfinish(handle) }
            throw .unavailable(message(of: handle))
        }
        return handle
    }

    /// The last error in one line.
    private static func message(of handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    var errorMessage: String { Self.message(of: handle) }

    /// What the server thinks of the current transaction.
    var transactionStatus: PGTransactionStatusType { PQtransactionStatus(handle) }

    var isBroken: Bool { PQstatus(handle) != CONNECTION_OK }

    /// Whether the server has closed the connection while nobody used it; looks at the socket and does not wait.
    var hasEnded: Bool {
        if isBroken { return true }
        // What came unasked: a notice, a changed setting, or the last words and the end. A few rounds reach the end.
        for _ in 0..<8 {
            var watched = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 0) > 0 else { return false }
            guard PQconsumeInput(handle) == 1, !isBroken else { return true }
        }
        return false
    }

    var socket: Int32 { PQsocket(handle) }

    // MARK: Statements

    /// Prepares a statement; blocks.
    func prepare(_ name: String, _ text: String, types: [UInt32]) throws(DatabaseError) {
        _ = try check(PQprepare(handle, name, text, Int32(types.count), types))
    }

    /// Executes a prepared statement; blocks.
    func execute(
        _ name: String,
        _ parameters: EncodedParameters,
        _ format: ResultFormat
    ) throws(DatabaseError) -> QueryResult {
        try check(
            parameters.withPointers { values, lengths, formats in
                PQexecPrepared(handle, name, Int32(parameters.count), values, lengths, formats, format.rawValue)
            }
        )
    }

    /// Executes one statement without parameters that nobody will execute again; blocks.
    func executeOnce(_ text: String) throws(DatabaseError) -> QueryResult {
        try check(PQexecParams(handle, text, 0, nil, nil, nil, nil, 0))
    }

    /// Executes any number of statements, in a transaction when there are several; blocks.
    @discardableResult
    func executeScript(_ text: String) throws(DatabaseError) -> QueryResult {
        try check(PQexec(handle, text))
    }

    /// Makes an end of all statements that are prepared; to be called outside of transactions.
    func dropStaleStatements() throws(DatabaseError) {
        statements.removeAll()
        try executeScript("DEALLOCATE ALL")
        hasStaleStatements = false
    }

    private func check(_ pointer: OpaquePointer?) throws(DatabaseError) -> QueryResult {
        guard let pointer else { throw isBroken ? .connectionLost(errorMessage) : .unavailable(errorMessage) }
        let result = QueryResult(pointer)
        switch PQresultStatus(pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_IN, PGRES_EMPTY_QUERY, PGRES_PIPELINE_SYNC: return result
        case PGRES_COPY_OUT, PGRES_COPY_BOTH: throw .invalidParameter("COPY to this program is not for this connection")
        default: throw error(of: result)
        }
    }

    /// The error in a result.
    func error(of result: QueryResult) -> DatabaseError {
        // The last words of a server that goes have a code; that the connection is gone says more to the caller.
        if isBroken { return .connectionLost(errorMessage) }
        return result.serverError.map(DatabaseError.server) ?? .connectionLost(errorMessage)
    }

    // MARK: COPY

    /// Sends a piece of the data of a COPY; blocks while the server does not take it.
    func putCopyData(_ bytes: [UInt8]) throws(DatabaseError) {
        let sent = bytes.withUnsafeBytes { bytes in
            PQputCopyData(handle, bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count))
        }
        guard sent == 1 else { throw .connectionLost(errorMessage) }
    }

    /// Ends a COPY: all of it, or nothing when there is a reason.
    func endCopy(failure: String?) throws(DatabaseError) -> QueryResult {
        guard PQputCopyEnd(handle, failure) == 1 else { throw .connectionLost(errorMessage) }
        let first = PQgetResult(handle)
        while let more = PQgetResult(handle) { PQclear(more) }
        return try check(first)
    }

    // MARK: Pipeline (PostgreSQL 15, 34.5)

    func enterPipeline() throws(DatabaseError) {
        guard PQenterPipelineMode(handle) == 1 else { throw .connectionLost(errorMessage) }
    }

    var isInPipeline: Bool { PQpipelineStatus(handle) != PQ_PIPELINE_OFF }

    func exitPipeline() -> Bool { PQexitPipelineMode(handle) == 1 }

    func send(_ text: String, types: [UInt32], _ parameters: EncodedParameters) throws(DatabaseError) {
        let sent = parameters.withPointers { values, lengths, formats in
            PQsendQueryParams(handle, text, Int32(parameters.count), types, values, lengths, formats, 0)
        }
        guard sent == 1 else { throw .connectionLost(errorMessage) }
    }

    func sendPrepare(_ name: String, _ text: String, types: [UInt32]) throws(DatabaseError) {
        guard PQsendPrepare(handle, name, text, Int32(types.count), types) == 1 else {
            throw .connectionLost(errorMessage)
        }
    }

    func sendExecute(_ name: String, _ parameters: EncodedParameters) throws(DatabaseError) {
        let sent = parameters.withPointers { values, lengths, formats in
            PQsendQueryPrepared(handle, name, Int32(parameters.count), values, lengths, formats, 0)
        }
        guard sent == 1 else { throw .connectionLost(errorMessage) }
    }

    func synchronize() throws(DatabaseError) {
        guard PQpipelineSync(handle) == 1 else { throw .connectionLost(errorMessage) }
    }

    /// The next result of the pipeline, or `nil` at the end of a statement's results.
    func nextResult() -> QueryResult? { PQgetResult(handle).map(QueryResult.init) }

    // MARK: Notifications

    /// Takes what has come in.
    ///
    /// - Returns: whether the connection lives.
    func consumeInput() -> Bool { PQconsumeInput(handle) == 1 && !isBroken }

    /// The next notification that has come in.
    func nextNotification() -> (channel: String, payload: String)? {
        guard let notification = PQnotifies(handle) else { return nil }
        defer { PQfreemem(notification) }
        return (String(cString: notification.pointee.relname), String(cString: notification.pointee.extra))
    }
}

/// Calls with an array of C strings that ends with NULL.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies.map { UnsafePointer($0) } + [nil])
}
