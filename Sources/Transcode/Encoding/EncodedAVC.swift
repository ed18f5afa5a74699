internal import MediaCore
internal import NIOCore

/// H.264 as an encoder writes it: a byte stream of NAL units behind start codes (ITU-T H.264 Annex B).
struct EncodedAVC {
    /// The NAL units, without their start codes.
    let units: [UnsafeRawBufferPointer]

    /// Finds the NAL units; valid as long as the bytes are.
    init(_ bytes: UnsafeRawBufferPointer) {
        var units: [UnsafeRawBufferPointer] = []
        var begin: Int?
        var index = 0
        while index + 2 < bytes.count {
            // Most bytes cannot be the end of a start code, nor can the two in front of them.
            if bytes[index + 2] > 1 {
                index += 3
            } else if bytes[index] == 0, bytes[index + 1] == 0, bytes[index + 2] == 1 {
                if let begin { units.append(Self.unit(bytes, begin..<index)) }
                begin = index + 3
                index += 3
            } else {
                index += 1
            }
        }
        if let begin { units.append(Self.unit(bytes, begin..<bytes.count)) }
        self.units = units.filter { !$0.isEmpty }
    }

    /// Zeros in front of a start code belong to none (Annex B.1: trailing_zero_8bits).
    private static func unit(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UnsafeRawBufferPointer {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == 0 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound..<end])
    }

    /// nal_unit_type (ITU-T H.264 §7.4.1).
    private static func type(_ unit: UnsafeRawBufferPointer) -> UInt8 { unit[0] & 0x1F }

    /// The decoder configuration record (ISO/IEC 14496-15 §5.3.3.1) of a stream's parameter sets, for 4:2:0 of 8 bit.
    func decoderConfiguration() throws(CodecConfigurationError) -> AVCDecoderConfigurationRecord {
        let sequenceSets = units.filter { Self.type($0) == 7 }
        let pictureSets = units.filter { Self.type($0) == 8 }
        guard let first = sequenceSets.first, first.count >= 4 else { throw .malformed("no sequence parameter set") }
        var record: [UInt8] = [1, first[1], first[2], first[3], 0xFF]
        record.append(0xE0 | UInt8(truncatingIfNeeded: sequenceSets.count))
        for set in sequenceSets { Self.append(set, to: &record) }
        record.append(UInt8(truncatingIfNeeded: pictureSets.count))
        for set in pictureSets { Self.append(set, to: &record) }
        // High profile says more: chroma_format 1, 8 bit of both, no extensions of the sequence parameter set.
        if first[1] >= 100 { record += [0xFC | 1, 0xF8, 0xF8, 0] }
        return try AVCDecoderConfigurationRecord(record)
    }

    private static func append(_ set: UnsafeRawBufferPointer, to record: inout [UInt8]) {
        record += [UInt8(truncatingIfNeeded: set.count >> 8), UInt8(truncatingIfNeeded: set.count)] + set
    }

    /// The NAL units of an access unit, each behind its length, without the parameter sets and the delimiter.
    func sample() -> ByteBuffer {
        let kept = units.filter { ![7, 8, 9].contains(Self.type($0)) }
        var buffer = ByteBufferAllocator().buffer(capacity: kept.reduce(0) { $0 + 4 + $1.count })
        for unit in kept {
            buffer.writeInteger(UInt32(truncatingIfNeeded: unit.count))
            buffer.writeBytes(unit)
        }
        return buffer
    }
}
