import Glibc
import NIOCore
import Storage

/// Files that are exchanged as a whole.
enum WholeFile {
    /// Replaces a file, so that readers and a crash see the old or the new one and nothing in between.
    ///
    /// Blocks until the disk has the bytes.
    static func write(_ bytes: ByteBuffer, to path: String) throws(StorageFailure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last("open", temporary) }
        do throws(StorageFailure) {
            defer { close(descriptor) }
            try write(bytes, to: descriptor, temporary)
            guard fdatasync(descriptor) == 0 else { throw .last("fdatasync", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw .last("rename", path) }
    }

    /// Writes bytes behind those that were written before.
    static func write(_ bytes: ByteBuffer, to descriptor: Int32, _ path: String) throws(StorageFailure) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .last("write", path) }
            rest.moveReaderIndex(forwardBy: count)
        }
    }

    /// A file's bytes; at most so many.
    static func read(_ path: String, limit: Int) throws(StorageFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .last("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last("read", path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw .system(operation: "read", path: path, code: EFBIG)
    }
}
