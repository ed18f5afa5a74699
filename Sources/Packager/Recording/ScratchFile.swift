internal import Glibc
internal import NIOCore
internal import Storage

/// A file without a name for what is too large for memory, gone when nobody holds it any more.
///
/// A failure is kept instead of thrown, so that whoever writes millions of small things asks once in a while.
final class ScratchFile {
    /// Why something could not be written; then what follows is not written either.
    private(set) var failure: StorageFailure?

    private let descriptor: Int32
    private let path: String
    private var length = 0

    /// An empty file on the file system of a folder.
    init(in folder: String) throws(StorageFailure) {
        var template = Array("\(folder)/scratch-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        path = folder
        guard descriptor >= 0 else { throw .last("make a file in", folder) }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Writes a block.
    ///
    /// Blocks.
    ///
    /// - Returns: where it lies.
    func append(_ block: ByteBuffer) -> Int {
        let start = length
        var rest = block
        while rest.readableBytes > 0, failure == nil {
            let place = off_t(length)
            let count = rest.withUnsafeReadableBytes { pwrite(descriptor, $0.baseAddress, $0.count, place) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                failure = .last("write a temporary file in", path)
                break
            }
            rest.moveReaderIndex(forwardBy: count)
            length += count
        }
        return start
    }

    /// Reads a block.
    ///
    /// Blocks.
    func read(_ count: Int, at offset: Int) throws(StorageFailure) -> ByteBuffer {
        if let failure { throw failure }
        var bytes = ByteBufferAllocator().buffer(capacity: count)
        while bytes.readableBytes < count {
            let missing = count - bytes.readableBytes
            let place = off_t(offset + bytes.readableBytes)
            var received = 0
            var code: Int32 = 0
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { room in
                received = pread(descriptor, room.baseAddress, missing, place)
                code = errno
                return max(0, received)
            }
            if received < 0, code == EINTR { continue }
            guard received > 0 else {
                throw .system(operation: "read a temporary file in", path: path, code: received < 0 ? code : EIO)
            }
        }
        return bytes
    }
}
