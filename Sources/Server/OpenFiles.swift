import Glibc
import Ingest
import Origin

/// How many files, connections among them, the process may have open, and how the servers share them.
struct OpenFiles {
    /// For the listeners, the event loops, the files being read and what libraries open.
    private static let reserve = 64

    /// RTMP connections taken at most.
    let encoders: Int
    /// HTTP connections taken at most.
    let viewers: Int
    /// Whether the system allows fewer than are wanted.
    let isShort: Bool

    /// Shares so many open files: a quarter at most for encoders, what is left for viewers.
    ///
    /// - Parameters:
    ///   - limit: how many files the process may have open.
    ///   - wantedEncoders: how many RTMP connections the settings allow.
    init(limit: Int, encoders wantedEncoders: Int) {
        let shared = max(0, limit - Self.reserve)
        let wantedViewers = OriginLimits().connections
        encoders = max(1, min(wantedEncoders, shared / 4))
        viewers = max(1, min(wantedViewers, shared - encoders))
        isShort = encoders < wantedEncoders || viewers < wantedViewers
    }

    /// Raises the process's own limit to the most that it may, and shares that.
    ///
    /// The usual soft limit of 1024 is there for programs that call select(2), which this one does not.
    static func raiseLimit(encoders: Int) -> OpenFiles {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limits = rlimit()
        guard getrlimit(resource, &limits) == 0 else { return OpenFiles(limit: 1024, encoders: encoders) }
        var raised = limits
        raised.rlim_cur = limits.rlim_max
        if setrlimit(resource, &raised) == 0 { limits = raised }
        return OpenFiles(limit: Int(clamping: limits.rlim_cur), encoders: encoders)
    }
}
