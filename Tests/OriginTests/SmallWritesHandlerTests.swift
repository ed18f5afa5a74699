import NIOCore
import NIOEmbedded
import Testing

@testable import Origin

@Suite("small writes over TLS")
struct SmallWritesHandlerTests {
    private let channel = EmbeddedChannel(handler: SmallWritesHandler())

    private func written() throws -> [Int] {
        var sizes: [Int] = []
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { sizes.append(bytes.readableBytes) }
        return sizes
    }

    @Test("what is written before a flush is one write, in its order")
    func together() throws {
        for text in ["head", "er", "body"] { channel.write(ByteBuffer(string: text), promise: nil) }
        #expect(try written().isEmpty)
        channel.flush()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "headerbody"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test("a large write is not copied, and overtakes nothing")
    func large() throws {
        channel.write(ByteBuffer(repeating: 1, count: 9), promise: nil)
        channel.write(ByteBuffer(repeating: 2, count: 16_384), promise: nil)
        channel.write(ByteBuffer(repeating: 3, count: 9), promise: nil)
        channel.flush()
        #expect(try written() == [9, 16_384, 9])
    }

    @Test("no more is put together than a record holds")
    func record() throws {
        for _ in 0..<5 { channel.write(ByteBuffer(repeating: 1, count: 5000), promise: nil) }
        channel.flush()
        #expect(try written() == [15_000, 10_000])
    }

    @Test("a write is done when what it became a part of is")
    func promises() throws {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        let done = NIOLoopBoundBox(false, eventLoop: channel.eventLoop)
        promise.futureResult.whenSuccess { done.value = true }
        channel.write(ByteBuffer(string: "a"), promise: promise)
        channel.write(ByteBuffer(string: "b"), promise: nil)
        #expect(!done.value)
        channel.flush()
        #expect(done.value)
    }
}
