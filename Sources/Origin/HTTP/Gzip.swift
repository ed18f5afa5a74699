internal import CZlib
import LiveStore
import NIOCore

/// The gzip format (RFC 1952), made by zlib.
enum Gzip {
    /// How hard zlib works.
    enum Level: Int32 {
        /// For playlists, which are made with every part and compressed once for all viewers; higher levels gain nothing on
        /// so repetitive a text.
        case playlist = 6
        /// For what is compressed once per start of the process.
        case asset = 9
    }

    /// zlib refused its parameters or had no memory; the number is its return code.
    struct Fault: Error { let code: Int32 }

    /// The bytes of a buffer in gzip format.
    static func compress(_ body: ByteBuffer, level: Level) throws(Fault) -> ByteBuffer {
        var member = GzipMember()
        member.append(try Deflate.compress([body], level))
        return member.finished()
    }

    /// A playlist in gzip format.
    ///
    /// The lines that later versions of the playlist have too are compressed once for all of them: most of a playlist of hours.
    static func compress(_ playlist: StoredResource) throws -> ByteBuffer {
        var member = GzipMember()
        var fresh: [ByteBuffer] = playlist.texts.isEmpty ? playlist.pieces : []
        for text in playlist.texts {
            guard text.isLasting else {
                fresh.append(text.bytes)
                continue
            }
            if !fresh.isEmpty { member.append(try Deflate.compress(fresh, .playlist)) }
            fresh = []
            let encoded = try text.derived(.deflated) { try Deflate.compress([$0], .playlist).encoded }
            if let block = Deflate.Block(encoded: encoded) { member.append(block) }
        }
        member.append(try Deflate.compress(fresh, .playlist))
        return member.finished()
    }
}

/// Makes the gzip format of what does not fit into memory, piece by piece.
struct GzipStream: ~Copyable {
    /// How much is given out at once, in bytes.
    private static let outputSize = 64 << 10

    /// zlib refers to it by its address.
    private let stream: UnsafeMutablePointer<z_stream>

    init(level: Gzip.Level) throws(Gzip.Fault) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for the gzip format around it; memory level 8.
        let code = lyceum_deflateInit2(stream, level.rawValue, 15 + 16, 8)
        guard code == Z_OK else {
            stream.deallocate()
            throw Gzip.Fault(code: code)
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses some bytes.
    ///
    /// - Parameters:
    ///   - piece: the bytes that come next.
    ///   - isLast: whether nothing comes behind them.
    /// - Returns: what can be written now.
    mutating func compress(_ piece: ByteBuffer, isLast: Bool) -> ByteBuffer {
        var (input, output) = (piece, ByteBuffer())
        let stream = stream
        input.readWithUnsafeMutableReadableBytes { source in
            stream.pointee.next_in = source.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_in = UInt32(clamping: source.count)
            repeat {
                output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.outputSize) { target in
                    stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(clamping: target.count)
                    deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    return target.count - Int(stream.pointee.avail_out)
                }
                // Room that is left says that there was nothing more to write.
            } while stream.pointee.avail_out == 0
            return source.count
        }
        return output
    }
}

extension StoredResource.DerivedForm {
    /// A ``Deflate/Block`` of the bytes.
    fileprivate static let deflated = Self("deflate")
}

/// A member of the gzip format, put together from compressed blocks.
private struct GzipMember {
    /// ID1 and ID2, CM 8 "deflate", no flags, no time, no extra flags, OS 255 "unknown" (RFC 1952 §2.3).
    private var bytes = ByteBuffer(bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
    private var checksum: UInt = 0
    private var length = 0

    mutating func append(_ block: Deflate.Block) {
        bytes.writeImmutableBuffer(block.bytes)
        checksum = crc32_combine(checksum, UInt(block.checksum), block.length)
        length += block.length
    }

    /// The member with its trailer.
    consuming func finished() -> ByteBuffer {
        // The last block of the stream, empty, with fixed Huffman codes (RFC 1951 §3.2.3).
        bytes.writeBytes([0x03, 0x00])
        bytes.writeInteger(UInt32(truncatingIfNeeded: checksum), endianness: .little)
        bytes.writeInteger(UInt32(truncatingIfNeeded: length), endianness: .little)
        return bytes
    }
}

/// The deflate format (RFC 1951), in blocks that can stand behind each other.
private enum Deflate {
    /// Compressed bytes that end at a byte's end and refer to nothing in front of them.
    struct Block {
        let bytes: ByteBuffer
        /// The CRC-32 of what was compressed.
        let checksum: UInt32
        /// How many bytes were compressed.
        let length: Int
    }

    /// Compresses some buffers together.
    static func compress(_ buffers: [ByteBuffer], _ level: Gzip.Level) throws(Gzip.Fault) -> Block {
        var stream = z_stream()
        // 15 bits of window, negative for deflate without a header around it; memory level 8.
        var code = lyceum_deflateInit2(&stream, level.rawValue, -15, 8)
        guard code == Z_OK else { throw Gzip.Fault(code: code) }
        defer { deflateEnd(&stream) }
        let length = buffers.reduce(0) { $0 + $1.readableBytes }
        var output = ByteBuffer()
        var checksum: UInt = crc32(0, nil, 0)
        // Room for the worst case and the empty block of each flush, so that one call takes a buffer whole.
        var room = Int(deflateBound(&stream, UInt(length))) + 16 * (buffers.count + 1)
        for (index, buffer) in buffers.enumerated() {
            var input = buffer
            let flush = index == buffers.count - 1 ? Z_FULL_FLUSH : Z_NO_FLUSH
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                input.readWithUnsafeMutableReadableBytes { source in
                    let first = source.bindMemory(to: UInt8.self).baseAddress
                    checksum = crc32(checksum, first, UInt32(clamping: source.count))
                    stream.next_in = first
                    stream.avail_in = UInt32(clamping: source.count)
                    stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                    stream.avail_out = UInt32(clamping: target.count)
                    code = deflate(&stream, flush)
                    return source.count
                }
                return target.count - Int(stream.avail_out)
            }
            guard code == Z_OK || code == Z_BUF_ERROR, stream.avail_in == 0 else { throw Gzip.Fault(code: code) }
            room = max(64, room - output.readableBytes)
        }
        return Block(bytes: output, checksum: UInt32(truncatingIfNeeded: checksum), length: length)
    }
}

extension Deflate.Block {
    /// The block in one buffer.
    var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(checksum)
        buffer.writeInteger(UInt32(clamping: length))
        buffer.writeImmutableBuffer(bytes)
        return buffer
    }

    /// Reads what ``encoded`` wrote.
    init?(encoded: ByteBuffer) {
        var buffer = encoded
        guard let checksum = buffer.readInteger(as: UInt32.self), let length = buffer.readInteger(as: UInt32.self)
        else {
            return nil
        }
        self.init(bytes: buffer, checksum: checksum, length: Int(length))
    }
}

/// Tells versions of our own files apart; no guard against forgery.
enum Checksum {
    /// The CRC-32 of a buffer (RFC 1952 §8) in hexadecimal digits.
    static func crc32(_ body: ByteBuffer) -> String {
        let value = body.withUnsafeReadableBytes { bytes in
            CZlib.crc32(0, bytes.bindMemory(to: UInt8.self).baseAddress, UInt32(clamping: bytes.count))
        }
        return String(value, radix: 16)
    }
}
