/// The code of a server's error (PostgreSQL 15, appendix A): five letters and digits, the first two being its class.
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The five characters.
    public let rawValue: String

    /// The code with these characters.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The five characters.
    public var description: String { rawValue }

    /// A class of codes.
    public enum Class: String, Sendable {
        /// The connection is gone or was refused.
        case connectionException = "08"
        /// Something asked for is not in this server.
        case featureNotSupported = "0A"
        /// A value is not one of its type.
        case dataException = "22"
        /// A rule of the schema forbids it.
        case integrityConstraintViolation = "23"
        /// The transaction is not in the state for it.
        case invalidTransactionState = "25"
        /// The transaction has been rolled back.
        case transactionRollback = "40"
        /// The statement is wrong, or forbidden.
        case syntaxErrorOrAccessRuleViolation = "42"
        /// Memory, disk, connections: something has run out.
        case insufficientResources = "53"
        /// A limit of the program is exceeded.
        case programLimitExceeded = "54"
        /// An object is not in the state for it.
        case objectNotInPrerequisiteState = "55"
        /// Somebody has stepped in.
        case operatorIntervention = "57"
        /// The system below has failed.
        case systemError = "58"
        /// A bug, or a broken database.
        case internalError = "XX"
    }

    /// The class; `nil` for one without a name here.
    public var errorClass: Class? { Class(rawValue: String(rawValue.prefix(2))) }

    /// A row with the same key exists.
    public static let uniqueViolation = SQLState(rawValue: "23505")
    /// A row refers to one that is not there, or one that is referred to would go.
    public static let foreignKeyViolation = SQLState(rawValue: "23503")
    /// A column that must have a value would have none.
    public static let notNullViolation = SQLState(rawValue: "23502")
    /// A CHECK says no.
    public static let checkViolation = SQLState(rawValue: "23514")
    /// An EXCLUDE says no.
    public static let exclusionViolation = SQLState(rawValue: "23P01")
    /// The transaction has met another one and must be done again.
    public static let serializationFailure = SQLState(rawValue: "40001")
    /// Transactions waited for one another; this one was chosen to end.
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    /// A lock was not to be had in time, or at once.
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// The statement took too long, or somebody has cancelled it.
    public static let queryCanceled = SQLState(rawValue: "57014")
    /// The server stops, or somebody has ended the connection.
    public static let adminShutdown = SQLState(rawValue: "57P01")
    /// A process of the server has died; all connections end.
    public static let crashShutdown = SQLState(rawValue: "57P02")
    /// The server starts or stops.
    public static let cannotConnectNow = SQLState(rawValue: "57P03")
    /// The disk is full.
    public static let diskFull = SQLState(rawValue: "53100")
    /// No connection is left.
    public static let tooManyConnections = SQLState(rawValue: "53300")
    /// The transaction has failed already.
    public static let inFailedTransaction = SQLState(rawValue: "25P02")
    /// The transaction may only read.
    public static let readOnlyTransaction = SQLState(rawValue: "25006")
    /// No such table.
    public static let undefinedTable = SQLState(rawValue: "42P01")
    /// No such column.
    public static let undefinedColumn = SQLState(rawValue: "42703")
    /// The statement is not SQL.
    public static let syntaxError = SQLState(rawValue: "42601")
    /// Text that is not a value of the type.
    public static let invalidTextRepresentation = SQLState(rawValue: "22P02")
    /// A text too long for its column.
    public static let stringDataRightTruncation = SQLState(rawValue: "22001")
    /// A number too large for its type.
    public static let numericValueOutOfRange = SQLState(rawValue: "22003")
    /// Something that this server cannot do.
    public static let featureNotSupported = SQLState(rawValue: "0A000")
    /// No such prepared statement.
    public static let invalidSQLStatementName = SQLState(rawValue: "26000")
}
