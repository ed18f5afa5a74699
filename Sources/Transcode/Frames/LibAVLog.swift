internal import CLibAV

/// The libraries' own log, on standard error and in their own form: what is wrong is told by what calls them.
enum LibAVLog {
    /// Turns it off, once for the process.
    static let silence: Void = av_log_set_level(AV_LOG_QUIET)
}
