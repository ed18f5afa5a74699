import NIOCore
import Storage

/// Reads the body of one response from its files, a chunk at a time, as its connection can send more.
///
/// One chunk is on its way at most, so that is what a slow reader costs. Belongs to the connection's event loop.
final class FileTransfer {
    /// How much is read at once, in bytes: as much as the system takes from a connection at once
    /// (``OriginLimits/sendBufferSize``).
    static let chunkSize = 256 << 10

    private let reader: DiskReader
    private let eventLoop: any EventLoop
    /// What has not been read yet; `nil` when nobody wants it any more.
    private var rest: FileSequence?
    private(set) var isReading = false

    init(_ bytes: FileSequence, by reader: DiskReader, on eventLoop: any EventLoop) {
        rest = bytes
        self.reader = reader
        self.eventLoop = eventLoop
    }

    /// Whether everything was read.
    var isAtEnd: Bool { rest.map { $0.length == 0 } ?? true }

    /// Reads the next chunk.
    ///
    /// Not to be called while it reads, or at the end.
    ///
    /// - Parameter receive: called once, on the event loop, unless the transfer is cancelled before.
    func readOn(_ receive: @escaping (Result<ByteBuffer, any Error>) -> Void) {
        guard let rest, !isReading, let chunk = rest.first(Self.chunkSize) else { return }
        isReading = true
        let length = chunk.length
        let bound = NIOLoopBound((transfer: self, receive: receive), eventLoop: eventLoop)
        reader.read(chunk) { [eventLoop] result in
            eventLoop.execute {
                let (transfer, receive) = bound.value
                guard transfer.finishReading(length) else { return }
                receive(result)
            }
        }
    }

    /// Lets go of the file: nobody wants the rest.
    func cancel() { rest = nil }

    private func finishReading(_ length: Int) -> Bool {
        isReading = false
        guard let rest else { return false }
        self.rest = rest.subsequence(length..<rest.length)
        return true
    }
}

@available(*, unavailable)
extension FileTransfer: Sendable {}
