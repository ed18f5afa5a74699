/// Where a private PostgreSQL keeps its data, and how it is run.
public struct EmbeddedPostgresConfiguration: Sendable {
    /// The server's data folder; the cluster comes to lie in `postgres` below it.
    public var dataDirectory: String
    /// The folder of PostgreSQL's programs (`postgres`, `initdb`); `nil` to look for them where Debian puts them, then in PATH.
    public var binariesDirectory: String?
    /// How long a fast shutdown (SIGINT) may take before an immediate one (SIGQUIT), which the next start recovers from.
    public var fastShutdownLimit: Duration
    /// Memory that PostgreSQL shares between its processes, in its own notation.
    public var sharedBuffers: String
    /// How many connections it takes.
    public var maximumConnections: Int
    /// How long to wait for what an earlier server has left behind to end.
    public var leftoverLimit: Duration

    /// A configuration with the settings of a small machine.
    ///
    /// - Parameters:
    ///   - dataDirectory: the server's data folder.
    ///   - binariesDirectory: the folder of PostgreSQL's programs; `nil` to look for them.
    public init(dataDirectory: String, binariesDirectory: String? = nil) {
        self.dataDirectory = dataDirectory
        self.binariesDirectory = binariesDirectory
        fastShutdownLimit = .seconds(10)
        sharedBuffers = "64MB"
        maximumConnections = 40
        leftoverLimit = .seconds(15)
    }

    /// The settings that PostgreSQL is started with; they win over those of its files.
    ///
    /// What is not named has PostgreSQL's default, above all fsync and full_page_writes: on.
    func settings(socketDirectory: String) -> [(name: String, value: String)] {
        [
            ("listen_addresses", ""), ("port", "\(ClusterFolder.port)"),
            ("unix_socket_directories", socketDirectory), ("unix_socket_permissions", "0700"),
            ("shared_buffers", sharedBuffers), ("max_connections", "\(maximumConnections)"),
            // Nobody replicates from it: the log of a small machine stays small.
            ("wal_level", "minimal"), ("max_wal_senders", "0"), ("wal_compression", "on"), ("max_wal_size", "512MB"),
            // Every query is short; compiling one would take longer than running it.
            ("jit", "off"),
            ("timezone", "UTC"), ("cluster_name", "lyceum"),
            // All that it says comes through the pipe, in English, and without the values of people's data.
            ("log_destination", "stderr"), ("logging_collector", "off"), ("lc_messages", "C"),
            ("log_line_prefix", ""), ("log_min_messages", "warning"), ("log_min_error_statement", "panic"),
            ("log_checkpoints", "off"),
        ]
    }
}
