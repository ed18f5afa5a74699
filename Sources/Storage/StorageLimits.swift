public import NIOCore

/// What storage may take of the machine, each number with its source.
public struct StorageLimits: Sendable {
    /// After how many bytes a log goes on in another file.
    ///
    /// Disk space comes back by the file: about a minute and a half of a live at 6 Mbit/s, and 85 files for two hours of it.
    public var fileSize = 64 << 20
    /// How many bytes may wait for the disk, in memory.
    ///
    /// A second of writing for an old disk, and half a minute of ten lives at 6 Mbit/s while the disk hangs.
    public var backlog = 256 << 20
    /// How many files are open for readers at once.
    ///
    /// A quarter of the descriptors that a process gets where nobody has raised the limit (1024).
    public var openFiles = 256
    /// How long a disk that failed is left alone before it is tried again.
    public var retryInterval = TimeAmount.seconds(1)

    /// The default limits.
    public init() {}
}
