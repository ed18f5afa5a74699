import NIOCore
import Storage

/// Gives out the body of one response from its files, a chunk at a time, as its connection can send more.
///
/// Where the connection takes bytes as they are, the system sends them out of its page cache: a chunk is a region of a file. A
/// disk must never hold up an event loop, and sendfile(2) would wait for it. So the disk's threads read what was not read of
/// late first, and drop it; what many ask for costs one such reading in some seconds and goes out without a hop to another
/// thread. Over TLS, and from a store, a chunk is a buffer that was read.
///
/// One chunk is on its way at most, so that is what a slow reader costs. Belongs to the connection's event loop.
final class FileTransfer: BodyTransfer {
    /// How much is read at once, in bytes: as much as the system takes from a connection at once
    /// (``OriginLimits/sendBufferSize``).
    static let chunkSize = 256 << 10
    /// How much is fetched at once from a store, in bytes: each time costs a request there, and waiting for it.
    static let remoteChunkSize = 1 << 20
    /// How much is given to the system at once, in bytes: it costs no memory, but has to be in the page cache until it is sent.
    static let regionSize = 1 << 20

    private let reader: DiskReader
    private let eventLoop: any EventLoop
    private let sendsRegions: Bool
    /// What has not been given out yet; `nil` when nobody wants it any more.
    private var rest: FileSequence?
    private(set) var isReading = false
    let waitsForApplication = false

    /// - Parameters:
    ///   - bytes: the body.
    ///   - reader: reads.
    ///   - sendsRegions: whether the connection takes regions of files.
    ///   - eventLoop: the connection's.
    init(_ bytes: FileSequence, by reader: DiskReader, sendsRegions: Bool = false, on eventLoop: any EventLoop) {
        rest = bytes
        self.reader = reader
        self.sendsRegions = sendsRegions
        self.eventLoop = eventLoop
    }

    var isAtEnd: Bool { rest.map { $0.length == 0 } ?? true }

    func next() -> BodyChunk? {
        guard sendsRegions, !isReading, let slice = rest?.first(Self.regionSize), slice.length > 0,
            let region = slice.readyRegion
        else { return nil }
        advance(by: slice.length)
        return .region(region)
    }

    func readOn(_ receive: @escaping (Result<BodyChunk, any Error>) -> Void) {
        guard let rest, !isReading, let slice = rest.first(Self.remoteChunkSize) else { return }
        isReading = true
        let bound = NIOLoopBound((transfer: self, receive: receive), eventLoop: eventLoop)
        guard sendsRegions, !slice.isRemote, slice.length > 0 else {
            let chunk = slice.isRemote ? slice : slice.subslice(0..<Self.chunkSize)
            return reader.read(chunk) { [eventLoop] result in
                eventLoop.execute { bound.value.transfer.finish(result.map(BodyChunk.bytes), bound.value.receive) }
            }
        }
        reader.open(slice.subslice(0..<Self.regionSize), orRead: Self.chunkSize) { [eventLoop] result in
            eventLoop.execute { bound.value.transfer.finish(result, bound.value.receive) }
        }
    }

    func cancel() { rest = nil }

    private func finish(_ result: Result<BodyChunk, any Error>, _ receive: (Result<BodyChunk, any Error>) -> Void) {
        isReading = false
        guard rest != nil else { return }
        if case .success(let chunk) = result { advance(by: chunk.length) }
        receive(result)
    }

    private func advance(by length: Int) {
        guard let rest else { return }
        self.rest = rest.subsequence(length..<rest.length)
    }
}

@available(*, unavailable)
extension FileTransfer: Sendable {}
