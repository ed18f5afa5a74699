public import NIOCore

/// A temporal unit as a sample of a file has it, and what its open bitstream units say about it (AV1-ISOBMFF §2.4).
public struct AV1TemporalUnit {
    /// The units without temporal delimiters, padding and tile lists, which samples should not have.
    public let payload: ByteBuffer
    /// The first sequence header's content.
    public let sequenceHeader: ByteBufferView?
    /// Whether decoding can start here: a sequence header, and a keyframe first that is shown (§2.4).
    public let isSync: Bool

    /// Reads the units, or returns `nil` when one passes the end or no frame is there.
    public init?(_ bytes: ByteBuffer) {
        let view = bytes.readableBytesView
        var units = AV1OpenBitstreamUnits(view)
        var header: ByteBufferView?
        var firstFrame: UInt8?
        // Usually a delimiter is first, and all that follows is kept: one slice.
        var keptFrom = view.startIndex
        var droppedLater = false
        var end = view.startIndex
        while let unit = units.next() {
            switch unit.type {
            case .temporalDelimiter where unit.start == keptFrom: keptFrom = unit.end
            case .temporalDelimiter, .padding, .tileList: droppedLater = true
            case .sequenceHeader: header = header ?? view[unit.payload]
            case .frame, .frameHeader: firstFrame = firstFrame ?? view[unit.payload].first
            case .other: break
            }
            end = unit.end
        }
        guard end == view.endIndex, let firstFrame else { return nil }
        sequenceHeader = header
        // show_existing_frame 0, frame_type KEY_FRAME, show_frame 1.
        isSync = header != nil && firstFrame & 0xF0 == 0x10
        guard droppedLater else {
            payload = bytes.getSlice(at: keptFrom, length: end - keptFrom) ?? bytes
            return
        }
        payload = Self.withoutDroppedUnits(bytes)
    }

    private static func withoutDroppedUnits(_ bytes: ByteBuffer) -> ByteBuffer {
        var kept = ByteBuffer()
        kept.reserveCapacity(bytes.readableBytes)
        for unit in AV1OpenBitstreamUnits(bytes.readableBytesView) {
            switch unit.type {
            case .temporalDelimiter, .padding, .tileList: break
            case .sequenceHeader, .frame, .frameHeader, .other:
                if let slice = bytes.getSlice(at: unit.start, length: unit.end - unit.start) {
                    kept.writeImmutableBuffer(slice)
                }
            }
        }
        return kept
    }
}
