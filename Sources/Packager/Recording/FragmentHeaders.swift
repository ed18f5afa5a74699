internal import NIOCore
internal import Storage

/// Reads the headers of the fragments of a segment on disk, and passes over their media.
enum FragmentHeaders {
    /// How much is read at once: most `moof` boxes, with the header of their `mdat`, and event messages in front of them.
    private static let windowSize = 8 << 10
    /// The largest `moof`: hundreds of thousands of samples.
    private static let largestHeader: UInt64 = 8 << 20

    /// Why a segment's headers could not be had.
    enum Failure: Error {
        case storage(StorageFailure)
        case fragment(FragmentError)
    }

    /// Gives each `moof` of a segment.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - segment: its bytes.
    ///   - receive: takes the whole box, and where it begins in the segment.
    /// - Throws: ``Failure`` when the disk fails, or the segment is no sequence of boxes.
    static func read(
        of segment: FileSlice,
        _ receive: (ByteBuffer, Int) throws(FragmentError) -> Void
    ) throws(Failure) {
        var window = Window(segment: segment)
        var position = 0
        while position < segment.length {
            let header = try window.bytes(at: position, atLeast: min(16, segment.length - position))
            guard let size = boxSize(header), size <= UInt64(segment.length - position) else {
                throw .fragment(.truncated)
            }
            if header.getString(at: header.readerIndex + 4, length: 4) == "moof" {
                guard size <= largestHeader else { throw .fragment(.unexpected("moof of \(size) bytes")) }
                let bytes = try window.bytes(at: position, atLeast: Int(size))
                do throws(FragmentError) {
                    try receive(bytes.getSlice(at: bytes.readerIndex, length: Int(size)) ?? bytes, position)
                } catch {
                    throw .fragment(error)
                }
            }
            position += Int(size)
        }
    }

    /// The size of a box (ISO/IEC 14496-12 §4.2.2); `nil` for none that a box can have.
    private static func boxSize(_ header: ByteBuffer) -> UInt64? {
        guard let size = header.getInteger(at: header.readerIndex, as: UInt32.self), header.readableBytes >= 8 else {
            return nil
        }
        guard size == 1 else { return size >= 8 ? UInt64(size) : nil }
        guard let size = header.getInteger(at: header.readerIndex + 8, as: UInt64.self), size >= 16 else { return nil }
        return size
    }

    /// The bytes that were read last.
    private struct Window {
        let segment: FileSlice
        private var start = 0
        private var bytes = ByteBuffer()

        init(segment: FileSlice) { self.segment = segment }

        /// The bytes from a position on, so many or more.
        mutating func bytes(at position: Int, atLeast count: Int) throws(Failure) -> ByteBuffer {
            if position >= start, position + count <= start + bytes.readableBytes {
                return bytes.getSlice(at: position - start, length: bytes.readableBytes - (position - start)) ?? bytes
            }
            let end = min(segment.length, position + max(count, windowSize))
            do throws(StorageFailure) {
                bytes = try segment.read(position..<end)
            } catch {
                throw .storage(error)
            }
            start = position
            guard bytes.readableBytes >= count else { throw .fragment(.truncated) }
            return bytes
        }
    }
}
