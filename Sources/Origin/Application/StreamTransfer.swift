import NIOCore

/// Gives out a body that comes over time, in the form that its connection wants.
///
/// Belongs to the connection's event loop.
final class StreamTransfer: BodyTransfer {
    /// How the end of the body is told.
    enum Framing: Hashable {
        /// By the connection: its end, or that of a stream of HTTP/2.
        case bare
        /// In chunks (RFC 9112 §7.1).
        case chunked
    }

    private let stream: BodyStream
    private let framing: Framing
    private let eventLoop: any EventLoop
    private(set) var isReading = false
    private(set) var isAtEnd = false
    let waitsForApplication = true

    init(_ stream: BodyStream, _ framing: Framing, on eventLoop: any EventLoop) {
        self.stream = stream
        self.framing = framing
        self.eventLoop = eventLoop
    }

    deinit { stream.cancel() }

    /// Nothing can be had without waiting.
    func next() -> BodyChunk? { nil }

    func readOn(_ receive: @escaping (Result<BodyChunk, any Error>) -> Void) {
        guard !isReading, !isAtEnd else { return }
        isReading = true
        let bound = NIOLoopBound((transfer: self, receive: receive), eventLoop: eventLoop)
        stream.next { [eventLoop] piece in
            eventLoop.execute { bound.value.transfer.finish(piece, bound.value.receive) }
        }
    }

    func cancel() {
        isAtEnd = true
        stream.cancel()
    }

    private func finish(_ piece: BodyStream.Piece, _ receive: (Result<BodyChunk, any Error>) -> Void) {
        guard !isAtEnd else { return }
        isReading = false
        switch piece {
        case .bytes(let bytes): receive(.success(.bytes(framed(bytes))))
        case .end:
            isAtEnd = true
            receive(.success(.bytes(framing == .chunked ? ByteBuffer(string: "0\r\n\r\n") : ByteBuffer())))
        case .failure(let error): receive(.failure(error))
        }
    }

    private func framed(_ bytes: ByteBuffer) -> ByteBuffer {
        guard framing == .chunked else { return bytes }
        var chunk = ByteBuffer()
        chunk.writeString(String(bytes.readableBytes, radix: 16))
        chunk.writeStaticString("\r\n")
        chunk.writeImmutableBuffer(bytes)
        chunk.writeStaticString("\r\n")
        return chunk
    }
}

@available(*, unavailable)
extension StreamTransfer: Sendable {}
