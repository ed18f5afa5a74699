internal import HTTPTypes
internal import Hummingbird
internal import Synchronization

extension ResponseBody {
    /// The bytes of a body whose length is known and moderate; `nil` for streams and large ones.
    consuming func collected(upTo maximum: Int) async throws -> [UInt8]? {
        guard let length = contentLength, length <= maximum else { return nil }
        let box = Collected()
        try await write(CollectingWriter(box: box))
        return box.bytes.withLock { $0 }
    }

    private final class Collected: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private struct CollectingWriter: ResponseBodyWriter {
        let box: Collected

        mutating func write(_ buffer: ByteBuffer) async throws {
            box.bytes.withLock { $0 += buffer.readableBytesView }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
