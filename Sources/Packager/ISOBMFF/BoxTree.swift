internal import NIOCore
internal import Storage

/// Boxes whose sizes are known before they are written, although what they hold is too large for memory.
indirect enum BoxTree {
    /// How the offsets of chunks are written.
    enum OffsetForm {
        /// `stco`: 32 bits.
        case short
        /// `co64`.
        case long
    }

    /// A box with boxes in it.
    case box(StaticString, [BoxTree])
    /// Whole boxes.
    case bytes(ByteBuffer)
    /// A box of version and flags, some fields, and the entries of a table.
    case table(StaticString, version: UInt8 = 0, fields: [UInt32], SampleTable)
    /// `stco` or `co64`, whose entries count from where the media begins.
    case offsets(SampleTable, OffsetForm, base: UInt64)

    /// The bytes of the whole box.
    var size: Int {
        switch self {
        case .box(_, let content): content.reduce(8) { $0 + $1.size }
        case .bytes(let bytes): bytes.readableBytes
        case .table(_, _, let fields, let table): 12 + 4 * fields.count + table.byteCount
        case .offsets(let table, .short, _): 16 + table.byteCount / 2
        case .offsets(let table, .long, _): 16 + table.byteCount
        }
    }

    /// Gives the bytes, piece by piece.
    func write(_ receive: (ByteBuffer) throws(StorageFailure) -> Void) throws(StorageFailure) {
        switch self {
        case .box(let type, let content):
            try receive(header(type, fields: []))
            for box in content { try box.write(receive) }
        case .bytes(let bytes): try receive(bytes)
        case .table(let type, let version, let fields, let table):
            try receive(header(type, fields: [UInt32(version) << 24] + fields))
            try table.read(receive)
        case .offsets(let table, let form, let base):
            try receive(header(form == .short ? "stco" : "co64", fields: [0, UInt32(clamping: table.count)]))
            try table.read { (block) throws(StorageFailure) in try receive(Self.rebased(block, form, base)) }
        }
    }

    private func header(_ type: StaticString, fields: [UInt32]) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt32(clamping: size))
        bytes.writeStaticString(type)
        for field in fields { bytes.writeInteger(field) }
        return bytes
    }

    private static func rebased(_ block: ByteBuffer, _ form: OffsetForm, _ base: UInt64) -> ByteBuffer {
        var (block, bytes) = (block, ByteBufferAllocator().buffer(capacity: block.readableBytes))
        while let offset = block.readInteger(as: UInt64.self) {
            switch form {
            case .short: bytes.writeInteger(UInt32(clamping: offset + base))
            case .long: bytes.writeInteger(offset + base)
            }
        }
        return bytes
    }
}
