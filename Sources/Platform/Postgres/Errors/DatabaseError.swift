/// What can go wrong between this program and its database.
public enum DatabaseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server has refused a statement.
    case server(ServerError)
    /// No connection could be made; says why. Nothing was done.
    case unavailable(String)
    /// The connection has broken in the middle of the work. What was committed stays; whether a COMMIT that was under way has
    /// happened is not known.
    case connectionLost(String)
    /// No connection was free in time. Nothing was done.
    case acquireTimeout
    /// The task was cancelled; what ran on the server was ended.
    case cancelled
    /// The database was shut down by this program. Nothing was done.
    case shutDown
    /// A parameter has no form in PostgreSQL; says which and why. The statement was not sent.
    case invalidParameter(String)
    /// A row does not hold what was asked for.
    case decoding(DecodingFailure)
    /// COMMIT has rolled back: a statement had failed, and the work went on as if it had not.
    case transactionAborted
    /// The configuration is not one; says why, without secrets.
    case configuration(String)

    /// Why a field could not be decoded.
    public struct DecodingFailure: Sendable, Hashable {
        /// The column's name, or its number from 0.
        public let column: String
        /// The type asked for.
        public let expected: String
        /// What was found instead.
        public let found: String
    }

    /// What the server said, if it was the server.
    public var serverError: ServerError? {
        guard case .server(let error) = self else { return nil }
        return error
    }

    /// The code of the server's error, if it was the server.
    public var sqlState: SQLState? { serverError?.sqlState }

    /// Whether the database cannot be used at the moment, so that the same may work later.
    public var isUnavailable: Bool {
        switch self {
        case .unavailable, .connectionLost, .acquireTimeout, .shutDown: true
        case .server(let error):
            error.sqlState.errorClass == .insufficientResources
                || [.adminShutdown, .crashShutdown, .cannotConnectNow].contains(error.sqlState)
        default: false
        }
    }

    /// Whether the transaction is to be done again from its beginning.
    var callsForRetry: Bool {
        guard case .server(let error) = self else { return false }
        return error.sqlState == .serializationFailure || error.sqlState == .deadlockDetected || error.isStaleStatement
    }

    /// Whether this constraint of the schema has refused the change.
    public func violates(_ constraint: String) -> Bool {
        serverError?.sqlState.errorClass == .integrityConstraintViolation && serverError?.constraint == constraint
    }

    /// What happened, for operators.
    public var description: String {
        switch self {
        case .server(let error): error.description
        case .unavailable(let why): "database unavailable: \(why)"
        case .connectionLost(let why): "database connection lost: \(why)"
        case .acquireTimeout: "no database connection was free in time"
        case .cancelled: "database work was cancelled"
        case .shutDown: "database was shut down"
        case .invalidParameter(let why): "parameter not valid: \(why)"
        case .decoding(let failure): "column \(failure.column) is not \(failure.expected): \(failure.found)"
        case .transactionAborted: "transaction was rolled back at its end: a statement in it had failed"
        case .configuration(let why): "database configuration: \(why)"
        }
    }
}

/// An error as the server reports it (PostgreSQL 15, 55.8).
public struct ServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of error.
    public let sqlState: SQLState
    /// The primary message, in the server's language.
    public let message: String
    /// More about it; may hold values from the tables.
    public var detail: String?
    /// What to do about it.
    public var hint: String?
    /// The constraint that was violated.
    public var constraint: String?
    /// The table that it is about.
    public var table: String?
    /// The column that it is about.
    public var column: String?
    /// Where in the statement's text it is, counted in characters from 1.
    public var position: Int?
    /// The function of the server that reports it.
    var routine: String?

    /// An error.
    public init(sqlState: SQLState, message: String) {
        self.sqlState = sqlState
        self.message = message
    }

    /// Whether a prepared statement has been overtaken by a change of the schema, or is gone.
    ///
    /// 0A000 says much else too: the function tells them apart, as the message may be in any language.
    var isStaleStatement: Bool {
        sqlState == .invalidSQLStatementName || (sqlState == .featureNotSupported && routine == "RevalidateCachedQuery")
    }

    /// The code and the message.
    public var description: String { "\(sqlState): \(message)" }
}
