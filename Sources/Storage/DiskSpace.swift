internal import Glibc

/// The room on the disk that a folder lies on.
public enum DiskSpace {
    /// How many bytes this process may still write there; `nil` when the disk does not say.
    ///
    /// Blocks.
    public static func free(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, isTooLarge) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: status.f_frsize)
        )
        return isTooLarge ? .max : bytes
    }
}
