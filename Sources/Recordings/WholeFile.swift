import Glibc
import NIOCore
import Storage

/// Files that are exchanged as a whole.
enum WholeFile {
    /// Replaces a file, so that readers and a crash see the old or the new one and nothing in between.
    ///
    /// Blocks until the disk has the bytes.
    static func write(_ bytes: ByteBuffer, to path: String) throws(StorageFailure) {
        var file = try NewFile(replacing: path)
        try file.write(bytes)
        try file.complete()
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
