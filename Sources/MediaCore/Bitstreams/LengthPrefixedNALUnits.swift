internal import NIOCore

/// NAL units, each after its length (ISO/IEC 14496-15 §5.3.3), as H.264 and HEVC have them in RTMP and in files.
struct LengthPrefixedNALUnits {
    /// Goes through the NAL units that are not empty.
    ///
    /// - Parameters:
    ///   - payload: NAL units, each after its length.
    ///   - lengthSize: the size of the lengths: 1, 2 or 4 bytes.
    ///   - visit: called with each NAL unit's first byte, the index of the byte behind it, and the length from there.
    /// - Returns: the payload without empty NAL units; `nil` when a length passes the end, or no NAL unit is there.
    static func read(
        _ payload: ByteBuffer,
        lengthSize: Int,
        visit: (_ header: UInt8, _ index: Int, _ length: Int) -> Void
    ) -> ByteBuffer? {
        var rest = payload
        var hasEmptyUnits = false
        var count = 0
        while rest.readableBytes > 0 {
            guard let length = rest.getLength(at: rest.readerIndex, size: lengthSize) else { return nil }
            rest.moveReaderIndex(forwardBy: lengthSize)
            guard length <= rest.readableBytes else { return nil }
            guard length > 0, let header = rest.getInteger(at: rest.readerIndex, as: UInt8.self) else {
                hasEmptyUnits = true
                continue
            }
            count += 1
            visit(header, rest.readerIndex + 1, length - 1)
            rest.moveReaderIndex(forwardBy: length)
        }
        guard count > 0 else { return nil }
        return hasEmptyUnits ? withoutEmptyUnits(payload, lengthSize: lengthSize) : payload
    }

    /// An empty NAL unit is invalid (ISO/IEC 14496-10 §7.3.1 has a header byte in each) and stops some decoders.
    private static func withoutEmptyUnits(_ payload: ByteBuffer, lengthSize: Int) -> ByteBuffer {
        var rest = payload
        var kept = ByteBuffer()
        kept.reserveCapacity(payload.readableBytes)
        while let length = rest.getLength(at: rest.readerIndex, size: lengthSize),
            let unit = rest.readSlice(length: lengthSize + length)
        {
            if length > 0 { kept.writeImmutableBuffer(unit) }
        }
        return kept
    }
}

extension ByteBuffer {
    fileprivate func getLength(at index: Int, size: Int) -> Int? {
        switch size {
        case 1: getInteger(at: index, as: UInt8.self).map(Int.init)
        case 2: getInteger(at: index, as: UInt16.self).map(Int.init)
        default: getInteger(at: index, as: UInt32.self).map(Int.init)
        }
    }
}
