internal import CLibAV
internal import Glibc
internal import NIOCore

/// Bytes in memory that libavformat reads as a file.
final class MemoryInput {
    private static let chunkSize = 32 << 10

    /// What is read, and how far.
    private final class Source {
        let pieces: [ByteBuffer]
        let length: Int
        var position = 0

        init(_ pieces: [ByteBuffer]) {
            self.pieces = pieces.filter { $0.readableBytes > 0 }
            length = pieces.reduce(0) { $0 + $1.readableBytes }
        }

        func read(into target: UnsafeMutableRawBufferPointer) -> Int32 {
            var start = 0
            for piece in pieces {
                let end = start + piece.readableBytes
                guard position < end else {
                    start = end
                    continue
                }
                let count = min(target.count, end - position)
                piece.withUnsafeReadableBytes { bytes in
                    target.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[(position - start)...].prefix(count))
                    )
                }
                position += count
                return Int32(count)
            }
            return lyceum_av_error_eof
        }

        func seek(to offset: Int64, _ whence: Int32) -> Int64 {
            if whence & AVSEEK_SIZE != 0 { return Int64(length) }
            let base: Int64
            switch whence & ~AVSEEK_FORCE {
            case SEEK_SET: base = 0
            case SEEK_CUR: base = Int64(position)
            case SEEK_END: base = Int64(length)
            default: return -1
            }
            let (target, isTooFar) = base.addingReportingOverflow(offset)
            guard !isTooFar, target >= 0, target <= length else { return -1 }
            position = Int(target)
            return target
        }
    }

    private let source: Unmanaged<Source>
    /// What libavformat knows it by.
    let context: UnsafeMutablePointer<AVIOContext>

    /// The bytes of some pieces, one behind the other.
    init(_ pieces: [ByteBuffer]) throws(LibAVError) {
        let retained = Unmanaged.passRetained(Source(pieces))
        guard let buffer = av_malloc(Self.chunkSize) else {
            retained.release()
            throw .noMemory("av_malloc")
        }
        let context = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self),
            Int32(Self.chunkSize),
            0,
            retained.toOpaque(),
            { opaque, target, count in
                guard let opaque, let target, count > 0 else { return lyceum_av_error_eof }
                let source = Unmanaged<Source>.fromOpaque(opaque).takeUnretainedValue()
                return source.read(into: UnsafeMutableRawBufferPointer(start: target, count: Int(count)))
            },
            nil,
            { opaque, offset, whence in
                guard let opaque else { return -1 }
                return Unmanaged<Source>.fromOpaque(opaque).takeUnretainedValue().seek(to: offset, whence)
            }
        )
        guard let context else {
            av_free(buffer)
            retained.release()
            throw .noMemory("avio_alloc_context")
        }
        source = retained
        self.context = context
    }

    deinit {
        // libavformat may have exchanged the buffer.
        av_free(context.pointee.buffer)
        var context: UnsafeMutablePointer<AVIOContext>? = context
        avio_context_free(&context)
        source.release()
    }
}
