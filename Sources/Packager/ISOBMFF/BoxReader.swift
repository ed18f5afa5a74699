internal import MediaCore
internal import NIOCore

/// What is wrong with fragmented MP4 that is read back.
enum FragmentError: Error, Hashable, CustomStringConvertible {
    /// A box or a field passes the end of what holds it.
    case truncated
    /// A box that must be there is not.
    case missing(box: String)
    /// A field has a value that our own writers never give it.
    case unexpected(String)
    /// A decoder configuration record cannot be read.
    case configuration(CodecConfigurationError)

    /// The problem in words, with the value seen.
    var description: String {
        switch self {
        case .truncated: "fragmented MP4 ends too early"
        case .missing(let box): "fragmented MP4 without \(box)"
        case .unexpected(let what): "fragmented MP4: \(what)"
        case .configuration(let error): "\(error)"
        }
    }
}

/// Reads boxes (ISO/IEC 14496-12 §4.2) and their fields from bytes that may end anywhere.
struct BoxReader {
    /// What it reads from; ``position`` and ``end`` are indices of it.
    let buffer: ByteBuffer
    private(set) var position: Int
    let end: Int

    /// A reader of all readable bytes.
    init(_ buffer: ByteBuffer) {
        self.init(buffer, buffer.readerIndex..<buffer.writerIndex)
    }

    private init(_ buffer: ByteBuffer, _ range: Range<Int>) {
        self.buffer = buffer
        position = range.lowerBound
        end = range.upperBound
    }

    /// How many bytes are left.
    var remaining: Int { end - position }

    /// Reads a box; `nil` at the end.
    ///
    /// - Returns: its type, where it begins, and a reader of its payload.
    mutating func nextBox() throws(FragmentError) -> (type: String, start: Int, payload: BoxReader)? {
        guard remaining > 0 else { return nil }
        let start = position
        let size = Int(try read(UInt32.self))
        guard let type = buffer.getString(at: position, length: 4) else { throw .truncated }
        try skip(4)
        guard size >= 8, size - 8 <= remaining else { throw .truncated }
        let payload = BoxReader(buffer, position..<start + size)
        position = start + size
        return (type, start, payload)
    }

    /// A reader of the first box of a type among those that are left.
    func box(_ type: String) throws(FragmentError) -> BoxReader {
        var reader = self
        while let box = try reader.nextBox() {
            if box.type == type { return box.payload }
        }
        throw .missing(box: type)
    }

    /// Reads an integer.
    mutating func read<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(FragmentError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard size <= remaining, let value = buffer.getInteger(at: position, as: type) else { throw .truncated }
        position += size
        return value
    }

    /// Passes over some bytes.
    mutating func skip(_ count: Int) throws(FragmentError) {
        guard count >= 0, count <= remaining else { throw .truncated }
        position += count
    }

    /// The bytes that are left.
    var bytes: [UInt8] { buffer.getBytes(at: position, length: remaining) ?? [] }
}
