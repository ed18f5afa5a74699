internal import CLibPQ

/// Where the database is, and how it is used.
public struct DatabaseConfiguration: Sendable, CustomStringConvertible {
    /// Keywords of libpq and their values (PostgreSQL 15, 34.1.2); without the options of the connections.
    public private(set) var parameters: [String: String]
    /// How many connections there are at most.
    public var poolSize = 6
    /// How long work waits for a connection.
    public var acquireTimeout: Duration = .seconds(5)
    /// How long the making of a connection may take; whole seconds, 2 at least, with each address of the host.
    public var connectTimeout: Duration = .seconds(5)
    /// How long a statement may run; zero for as long as it likes.
    public var statementTimeout: Duration = .seconds(30)
    /// How long a statement may wait for a lock; zero for as long as it likes.
    public var lockTimeout: Duration = .seconds(5)
    /// How long a transaction may do nothing; zero for as long as it likes.
    public var idleInTransactionTimeout: Duration = .seconds(60)
    /// What the server shows for the connections.
    public var applicationName = "lyceum"
    /// How many statements each connection keeps prepared.
    public var preparedStatements = 256

    /// A database that a URL names.
    ///
    /// - Parameter url: `postgres://user:password@host:port/name?sslmode=verify-full`, or keywords and values as libpq takes
    ///   them. What it leaves out comes from libpq's variables of the environment and its defaults.
    /// - Throws: ``DatabaseError/configuration(_:)`` when it is neither. The URL is not in the message: it may hold a password.
    public init(url: String) throws(DatabaseError) {
        guard let options = PQconninfoParse(url, nil) else {
            throw .configuration("the URL is not one that libpq understands: postgres://user:password@host:port/name")
        }
        defer { PQconninfoFree(options) }
        parameters = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        if let name = parameters["application_name"] { applicationName = name }
    }

    /// A database of a server on this machine.
    ///
    /// - Parameters:
    ///   - socketFolder: the absolute path of the folder with the server's socket.
    ///   - port: the number in the socket's name.
    ///   - user: the role.
    ///   - database: the database's name.
    public init(socketFolder: String, port: Int = 5432, user: String, database: String) {
        parameters = ["host": socketFolder, "port": String(port), "user": user, "dbname": database]
    }

    /// The database's name, if it is given.
    public var database: String? { parameters["dbname"] }

    /// Another database of the same server.
    public func with(database: String) -> DatabaseConfiguration {
        var other = self
        other.parameters["dbname"] = database
        return other
    }

    /// Other settings of libpq, such as `sslmode`.
    public func with(_ changes: [String: String]) -> DatabaseConfiguration {
        var other = self
        other.parameters.merge(changes) { $1 }
        return other
    }

    /// Without the password.
    public var description: String {
        "\(parameters["user"] ?? "")@\(parameters["host"] ?? "")/\(parameters["dbname"] ?? "")"
    }

    /// What a connection is made with.
    ///
    /// The options are those that the session begins with: not even `DISCARD ALL` changes what dates look like.
    var connectionParameters: [String: String] {
        var all = parameters
        let own = [
            "TimeZone": "UTC", "DateStyle": "ISO", "bytea_output": "hex", "extra_float_digits": "1",
            "statement_timeout": String(statementTimeout.milliseconds),
            "lock_timeout": String(lockTimeout.milliseconds),
            "idle_in_transaction_session_timeout": String(idleInTransactionTimeout.milliseconds),
        ]
        let options = own.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }
        all["options"] = ([parameters["options"]].compactMap { $0 } + options).joined(separator: " ")
        all["application_name"] = applicationName
        all["client_encoding"] = "UTF8"
        // A server that has vanished without a word is noticed within half a minute; the system itself would take a quarter of an
        // hour or more. Sockets on this machine ignore these.
        all["tcp_user_timeout"] = all["tcp_user_timeout"] ?? "30000"
        all["keepalives_idle"] = all["keepalives_idle"] ?? "30"
        if all["connect_timeout"] == nil {
            all["connect_timeout"] = String(max(2, connectTimeout.components.seconds))
        }
        return all
    }
}

extension Duration {
    /// Whole milliseconds, one at least for anything above zero.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let whole = seconds.multipliedReportingOverflow(by: 1000)
        if whole.overflow { return Int64(Int32.max) }
        let sum = whole.partialValue + attoseconds / 1_000_000_000_000_000
        return self > .zero ? min(max(sum, 1), Int64(Int32.max)) : 0
    }
}
