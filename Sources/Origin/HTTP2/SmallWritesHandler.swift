import NIOCore

/// Puts small writes together until they are flushed, between HTTP/2 and TLS.
///
/// A short answer is three writes: the frame with its header fields, the head of the frame with its body, and the body. TLS makes
/// a record of each write; copying them behind each other costs less than a record does, here and with the client.
final class SmallWritesHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The largest write, in bytes, that is copied: half a record; what is larger is worth its own.
    private static let largestCopied = 8 << 10
    /// How much is put together at most, in bytes: a record of TLS (RFC 8446 §5.1).
    private static let recordSize = 16 << 10
    /// What is made room for at first, in bytes: a playlist with its fields.
    private static let usualSize = 2 << 10

    private var collected: ByteBuffer?
    /// Fulfilled with the last write of those that were collected.
    private var promise: EventLoopPromise<Void>?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        let count = bytes.readableBytes
        guard count <= Self.largestCopied else {
            passOn(context: context)
            return context.write(data, promise: promise)
        }
        if let collected, collected.readableBytes + count > Self.recordSize { passOn(context: context) }
        if collected == nil { collected = context.channel.allocator.buffer(capacity: max(count, Self.usualSize)) }
        collected?.writeImmutableBuffer(bytes)
        self.promise.setOrCascade(to: promise)
    }

    func flush(context: ChannelHandlerContext) {
        passOn(context: context)
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        passOn(context: context)
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        collected = nil
        promise?.fail(ChannelError.ioOnClosedChannel)
        promise = nil
    }

    private func passOn(context: ChannelHandlerContext) {
        guard let bytes = collected else { return }
        let written = promise
        collected = nil
        promise = nil
        context.write(wrapOutboundOut(bytes), promise: written)
    }
}

@available(*, unavailable)
extension SmallWritesHandler: Sendable {}
