/// Where the RTMP server listens and what it allows.
public struct IngestConfiguration: Hashable, Sendable {
    /// The address to bind: `0.0.0.0`, `::`, a name.
    public var host: String
    /// The port to bind; 0 takes any free one.
    public var port: Int
    /// Maxima and times.
    public var limits: IngestLimits

    /// A configuration; 1935 is RTMP's registered port.
    public init(host: String = "0.0.0.0", port: Int = 1935, limits: IngestLimits = IngestLimits()) {
        self.host = host
        self.port = port
        self.limits = limits
    }
}
