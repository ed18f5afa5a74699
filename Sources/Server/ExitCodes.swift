import ArgumentParser

// The codes of sysexits.h that scripts and service managers rely on.
extension ExitCode {
    /// EX_USAGE: the configuration or the command line is wrong.
    ///
    /// ArgumentParser uses the same code.
    static let wrongConfiguration = ExitCode(64)
    /// EX_DATAERR: what was given cannot be used, such as a file that cannot be imported.
    static let wrongData = ExitCode(65)
    /// EX_UNAVAILABLE: something that the server needs cannot be had, such as a port or the data folder.
    static let unavailable = ExitCode(69)
    /// EX_SOFTWARE: the server met an error of its own.
    static let internalError = ExitCode(70)
}
