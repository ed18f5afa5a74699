import NIOCore

/// Cuts bytes into pieces of sizes that a number decides: the same number, the same pieces.
struct FuzzPieces: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>
    private var state: UInt64

    init(_ bytes: ArraySlice<UInt8>, cut: UInt8) {
        rest = bytes
        state = UInt64(cut) &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> ByteBuffer? {
        guard !rest.isEmpty else { return nil }
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        // Mostly a few bytes, at times some hundred: both edges of the decoders get their share.
        let size = state & 7 == 0 ? Int(state >> 8 & 0x1FF) + 1 : Int(state >> 8 & 0x0F) + 1
        let piece = rest.prefix(size)
        rest = rest.dropFirst(piece.count)
        return ByteBuffer(bytes: piece)
    }
}
