internal import Glibc
public import NIOCore

/// A file in the making, which takes the place of the one of its name when it is complete.
///
/// Readers and a crash see the old or the new one and nothing in between. Its methods block.
public struct NewFile: ~Copyable {
    private static let bufferSize = 256 << 10

    /// How many bytes it has so far.
    public private(set) var length = 0
    private let path: String
    private let descriptor: Int32
    private var buffer = ByteBuffer()
    private var isComplete = false

    /// Begins a file, for this user alone.
    public init(replacing path: String) throws(StorageFailure) {
        self.path = path
        let temporary = path + ".new"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last("open", temporary) }
    }

    deinit {
        close(descriptor)
        if !isComplete { unlink(path + ".new") }
    }

    /// Writes bytes behind those that are there.
    public mutating func write(_ bytes: ByteBuffer) throws(StorageFailure) {
        length += bytes.readableBytes
        buffer.writeImmutableBuffer(bytes)
        if buffer.readableBytes >= Self.bufferSize { try writeOut() }
    }

    /// Lets the file take its place, once the disk has its bytes.
    ///
    /// - Parameter modificationTime: what it says of when it was changed, in nanoseconds since 1970; `nil` for now.
    /// - Throws: ``StorageFailure`` when the disk does not take it; then the old one stays.
    public consuming func complete(modificationTime: Int64? = nil) throws(StorageFailure) {
        try writeOut()
        if let modificationTime {
            let (seconds, rest) = modificationTime.quotientAndRemainder(dividingBy: 1_000_000_000)
            let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
            guard futimens(descriptor, [time, time]) == 0 else { throw .last("futimens", path) }
        }
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", path) }
        guard rename(path + ".new", path) == 0 else { throw .last("rename", path) }
        isComplete = true
    }

    private mutating func writeOut() throws(StorageFailure) {
        while buffer.readableBytes > 0 {
            let count = buffer.withUnsafeReadableBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("write", path) }
            buffer.moveReaderIndex(forwardBy: count)
        }
        buffer.clear()
    }
}
