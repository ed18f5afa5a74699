internal import CLibAV
internal import Glibc

/// A regular file that libavformat reads through these callbacks alone: it opens nothing by itself.
///
/// Every read looks whether somebody has cancelled or the time is up, so that neither a hostile file nor a disk that hangs for
/// a while keeps an import.
final class FileInput {
    /// How long one step, opening the file or the next packet, may take: a gigabyte without any packet, off a slow disk.
    static let longestStep = Duration.seconds(120)
    /// What libavformat reads at once.
    private static let bufferSize = 256 << 10

    /// How many bytes the file has.
    let byteCount: Int64
    /// How far it has been read, in bytes.
    private(set) var position: Int64 = 0
    /// The system's error of the last read that did not work; 0 when all have.
    private(set) var readError: Int32 = 0
    /// Whether a step took too long.
    private(set) var hasTimedOut = false
    /// For `AVFormatContext.pb`.
    private(set) var context: UnsafeMutablePointer<AVIOContext>?

    private let descriptor: Int32
    private let isCancelled: () -> Bool
    private var deadline: ContinuousClock.Instant

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: an absolute path. Nothing is opened but a regular file.
    ///   - isCancelled: asked now and then.
    /// - Throws: ``ImportError/unreadable(path:reason:)``.
    init(_ path: String, isCancelled: @escaping () -> Bool) throws(ImportError) {
        guard path.hasPrefix("/") else { throw .unreadable(path: path, reason: "the path is not absolute") }
        // O_NONBLOCK: opening a named pipe must not wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: Self.words(errno)) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unreadable(path: path, reason: "it is no regular file")
        }
        self.descriptor = descriptor
        self.isCancelled = isCancelled
        byteCount = Int64(status.st_size)
        deadline = .now + Self.longestStep
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        let buffer = av_malloc(Self.bufferSize)?.assumingMemoryBound(to: UInt8.self)
        // The context does not outlive this object: its owner frees what reads from it first.
        context = avio_alloc_context(
            buffer,
            Int32(Self.bufferSize),
            0,
            Unmanaged.passUnretained(self).toOpaque(),
            { opaque, bytes, count in FileInput.of(opaque).read(into: bytes, count: count) },
            nil,
            { opaque, offset, whence in FileInput.of(opaque).seek(to: offset, whence: whence) }
        )
        guard context != nil else {
            av_free(buffer)
            throw .unreadable(path: path, reason: Self.words(ENOMEM))
        }
    }

    deinit {
        if let context { av_free(context.pointee.buffer) }
        avio_context_free(&context)
        close(descriptor)
    }

    /// Gives the next step its time.
    func beginStep() { deadline = .now + Self.longestStep }

    /// Whether what is being done should end.
    var isInterrupted: Bool {
        if isCancelled() { return true }
        if ContinuousClock.now >= deadline { hasTimedOut = true }
        return hasTimedOut
    }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> FileInput {
        guard let opaque else { preconditionFailure("libavio calls back with what it was given") }
        return Unmanaged<FileInput>.fromOpaque(opaque).takeUnretainedValue()
    }

    private func read(into bytes: UnsafeMutablePointer<UInt8>?, count: Int32) -> Int32 {
        if isInterrupted { return lyceum_av_error_exit }
        while true {
            let read = pread(descriptor, bytes, Int(count), Int(position))
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else {
                readError = errno
                return -errno
            }
            position += Int64(read)
            return read == 0 ? lyceum_av_error_eof : Int32(read)
        }
    }

    private func seek(to offset: Int64, whence: Int32) -> Int64 {
        switch whence & ~AVSEEK_FORCE {
        case AVSEEK_SIZE: return byteCount
        case SEEK_SET: break
        case SEEK_CUR: return seek(to: position &+ offset, whence: SEEK_SET)
        case SEEK_END: return seek(to: byteCount &+ offset, whence: SEEK_SET)
        default: return -Int64(EINVAL)
        }
        guard offset >= 0 else { return -Int64(EINVAL) }
        position = offset
        return offset
    }

    static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}
