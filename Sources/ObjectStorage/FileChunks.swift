import NIOCore
import NIOPosix
import Storage
import Synchronization

/// Some bytes of a file as the content of a request, read a chunk at a time as the server takes them.
struct FileChunks: AsyncSequence, Sendable {
    /// What became of the disk meanwhile: the client that sends this has errors of its own.
    final class Trouble: Sendable {
        private let first = Mutex<StorageFailure?>(nil)

        var failure: StorageFailure? { first.withLock { $0 } }
        func note(_ failure: StorageFailure) { first.withLock { $0 = $0 ?? failure } }
    }

    let file: ReadableFile
    let range: Range<Int>
    let pool: NIOThreadPool
    let trouble = Trouble()

    func makeAsyncIterator() -> Iterator { Iterator(chunks: self, offset: range.lowerBound) }

    struct Iterator: AsyncIteratorProtocol {
        let chunks: FileChunks
        var offset: Int

        mutating func next() async throws -> ByteBuffer? {
            let (file, start) = (chunks.file, offset)
            let count = Swift.min(S3Request.Content.chunkSize, chunks.range.upperBound - start)
            guard count > 0 else { return nil }
            do {
                let bytes = try await chunks.pool.runIfActive { try file.read(count, at: start) }
                offset += count
                return bytes
            } catch {
                if let failure = error as? StorageFailure { chunks.trouble.note(failure) }
                throw error
            }
        }
    }
}
