internal import NIOCore

/// Writes boxes (ISO/IEC 14496-12 §4.2): a size, four letters and a payload that may hold further boxes.
struct BoxWriter {
    private(set) var buffer: ByteBuffer

    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Writes a box; its size is filled in once its payload is known.
    mutating func box(_ type: StaticString, _ payload: (inout BoxWriter) -> Void) {
        let start = buffer.writerIndex
        buffer.writeInteger(UInt32(0))
        buffer.writeStaticString(type)
        payload(&self)
        buffer.setInteger(UInt32(buffer.writerIndex - start), at: start)
    }

    /// Writes a box that begins with a version and 24 bits of flags (§4.2.2).
    mutating func fullBox(
        _ type: StaticString,
        version: UInt8 = 0,
        flags: UInt32 = 0,
        _ payload: (inout BoxWriter) -> Void
    ) {
        box(type) { box in
            box.write(UInt32(version) << 24 | flags)
            payload(&box)
        }
    }

    mutating func write(_ integer: some FixedWidthInteger) { buffer.writeInteger(integer) }
    mutating func write(_ bytes: [UInt8]) { buffer.writeBytes(bytes) }
    mutating func write(_ payload: ByteBuffer) { buffer.writeImmutableBuffer(payload) }
    mutating func writeLetters(_ letters: StaticString) { buffer.writeStaticString(letters) }
    mutating func writeZeros(_ count: Int) { buffer.writeRepeatingByte(0, count: count) }
}
