internal import CZlib
import NIOCore

/// The gzip format (RFC 1952), made by zlib.
enum Gzip {
    /// How hard zlib works.
    enum Level: Int32 {
        /// For playlists, which are made every few seconds and compressed once for all viewers: a 300-segment playlist
        /// takes zlib well under a millisecond here, and higher levels gain nothing on so repetitive a text.
        case playlist = 6
        /// For what is compressed once per start of the process.
        case asset = 9
    }

    /// zlib refused its parameters or had no memory; the number is its return code.
    struct Fault: Error { let code: Int32 }

    /// The bytes of a buffer in gzip format.
    static func compress(_ body: ByteBuffer, level: Level) throws(Fault) -> ByteBuffer {
        var stream = z_stream()
        // 15 bits of window, and 16 more to say that a gzip header goes around the deflate stream; memory level 8.
        var code = lyceum_deflateInit2(&stream, level.rawValue, 15 + 16, 8)
        guard code == Z_OK else { throw Fault(code: code) }
        defer { deflateEnd(&stream) }
        var input = body
        let bound = Int(deflateBound(&stream, UInt(body.readableBytes)))
        var output = ByteBuffer()
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
            input.readWithUnsafeMutableReadableBytes { source in
                stream.next_in = source.bindMemory(to: UInt8.self).baseAddress
                stream.avail_in = UInt32(clamping: source.count)
                stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(clamping: target.count)
                code = deflate(&stream, Z_FINISH)
                return source.count
            }
            return Int(stream.total_out)
        }
        // The output has room for the worst case, so one call ends the stream unless the input was beyond 4 GiB.
        guard code == Z_STREAM_END else { throw Fault(code: code) }
        return output
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
