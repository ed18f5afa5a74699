public import NIOCore

/// Reads H.264 and HEVC as transport streams have them, each NAL unit behind a start code (ISO/IEC 14496-10 Annex B, ISO/IEC
/// 23008-2 Annex B), and gives them the form that files have.
public enum ByteStream {
    /// Which of the two.
    public enum Codec: Hashable, Sendable {
        /// H.264.
        case avc
        /// HEVC.
        case hevc

        func type(_ header: UInt8) -> UInt8 { self == .avc ? header & 0x1F : header >> 1 & 0x3F }

        /// The video, sequence and picture parameter sets, in this order.
        var parameterSetTypes: ClosedRange<UInt8> { self == .avc ? 7...8 : 32...34 }

        /// What stands in a sample entry instead, or belongs to byte streams alone: access unit delimiters, ends of sequences
        /// and streams, filler data.
        func isLeftOut(_ type: UInt8) -> Bool {
            switch self {
            case .avc: type == 7 || type == 8 || (9...12).contains(type)
            case .hevc: (32...38).contains(type)
            }
        }
    }

    /// An access unit in the form of files.
    public struct AccessUnit {
        /// NAL units, each after its length of four bytes, without parameter sets and delimiters.
        public var payload: ByteBuffer
        /// The parameter sets that stood in it.
        public var parameterSets: [[UInt8]]
    }

    /// The longest parameter set believed; the configuration record has two bytes for the length, real ones are below 500 bytes.
    private static let maximumParameterSetLength = 4096
    /// The most parameter sets kept of one access unit: the number that H.264 can tell apart is 256, real ones are a few.
    private static let maximumParameterSets = 64

    /// Whether these bytes begin with a start code.
    public static func begins(_ bytes: some Sequence<UInt8>) -> Bool {
        let head = Array(bytes.prefix(4))
        return head.starts(with: [0, 0, 1]) || head.starts(with: [0, 0, 0, 1])
    }

    /// Turns an access unit, or the parameter sets that a container has in front of all, into the form of files.
    public static func read(_ bytes: ByteBuffer, codec: Codec) -> AccessUnit {
        var unit = AccessUnit(payload: ByteBuffer(), parameterSets: [])
        unit.payload.reserveCapacity(bytes.readableBytes + 64)
        bytes.withUnsafeReadableBytes { bytes in
            for range in nalUnits(in: bytes) {
                let type = codec.type(bytes[range.lowerBound])
                if codec.parameterSetTypes.contains(type), range.count <= maximumParameterSetLength,
                    unit.parameterSets.count < maximumParameterSets
                {
                    unit.parameterSets.append(Array(bytes[range]))
                }
                guard !codec.isLeftOut(type) else { continue }
                unit.payload.writeInteger(UInt32(clamping: range.count))
                unit.payload.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        }
        return unit
    }

    /// The parameter sets of an access unit in the form of files, with lengths of four bytes.
    public static func parameterSets(of payload: ByteBuffer, codec: Codec) -> [[UInt8]] {
        var sets: [[UInt8]] = []
        _ = LengthPrefixedNALUnits.read(payload, lengthSize: 4) { header, index, length in
            guard codec.parameterSetTypes.contains(codec.type(header)), length < maximumParameterSetLength,
                sets.count < maximumParameterSets, let unit = payload.getBytes(at: index - 1, length: length + 1)
            else { return }
            sets.append(unit)
        }
        return sets
    }

    /// Where the NAL units lie, none of them empty, without the zeros that may follow them.
    private static func nalUnits(in bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = startCode(in: bytes, from: 0).map { $0 + 3 }
        while let begin = start {
            let next = startCode(in: bytes, from: begin)
            var end = next ?? bytes.count
            while end > begin, bytes[end - 1] == 0 { end -= 1 }
            if end > begin { ranges.append(begin..<end) }
            start = next.map { $0 + 3 }
        }
        return ranges
    }

    /// Where the next 00 00 01 is.
    private static func startCode(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + 2 < bytes.count {
            let third = bytes[index + 2]
            if third > 1 {
                index += 3
            } else if third == 1, bytes[index] == 0, bytes[index + 1] == 0 {
                return index
            } else {
                index += 1
            }
        }
        return nil
    }
}

extension AVCDecoderConfigurationRecord {
    /// Makes the record of parameter sets, for NAL units after lengths of four bytes (ISO/IEC 14496-15 §5.3.3.1).
    ///
    /// - Parameter parameterSets: sequence and picture parameter sets, each a NAL unit, in any order.
    /// - Throws: ``CodecConfigurationError`` when one of each is not there, or cannot be read.
    public init(parameterSets: [[UInt8]]) throws(CodecConfigurationError) {
        let sequenceSets = parameterSets.filter { $0.first.map { $0 & 0x1F == 7 } ?? false }.prefix(31)
        let pictureSets = parameterSets.filter { $0.first.map { $0 & 0x1F == 8 } ?? false }.prefix(255)
        guard let first = sequenceSets.first, first.count >= 4 else { throw .malformed("no sequence parameter set") }
        var bytes: [UInt8] = [1] + first[1...3] + [0xFF, 0xE0 | UInt8(sequenceSets.count)]
        for set in sequenceSets { bytes += [UInt8(set.count >> 8), UInt8(truncatingIfNeeded: set.count)] + set }
        bytes.append(UInt8(pictureSets.count))
        for set in pictureSets { bytes += [UInt8(set.count >> 8), UInt8(truncatingIfNeeded: set.count)] + set }
        try self.init(bytes)
    }
}

extension HEVCDecoderConfigurationRecord {
    /// Makes the record of parameter sets, for NAL units after lengths of four bytes (ISO/IEC 14496-15 §8.3.3.1).
    ///
    /// - Parameter parameterSets: video, sequence and picture parameter sets, each a NAL unit, in any order.
    /// - Throws: ``CodecConfigurationError`` when there is no sequence or picture parameter set, or one cannot be read.
    public init(parameterSets: [[UInt8]]) throws(CodecConfigurationError) {
        let sets = ByteStream.Codec.hevc.parameterSetTypes.map { type in
            (type, parameterSets.filter { $0.first.map { $0 >> 1 & 0x3F == type } ?? false })
        }.filter { !$0.1.isEmpty }
        guard let first = sets.first(where: { $0.0 == 33 })?.1.first else {
            throw .malformed("no sequence parameter set")
        }
        let payload = NALUnit.rawByteSequencePayload(of: first)
        // Header of two bytes; four bits, sps_max_sub_layers_minus1, sps_temporal_id_nesting_flag; profile_tier_level.
        guard payload.count >= 15 else { throw .truncated }
        let set = try HEVCSequenceParameterSet(nalUnit: first)
        let (subLayers, nesting) = (payload[2] >> 1 & 7, payload[2] & 1)
        var bytes: [UInt8] = [1] + payload[3..<15]
        bytes += [0xF0, 0, 0xFC]  // min_spatial_segmentation_idc and parallelismType: not known
        bytes += [0xFC | set.chromaFormat, 0xF8 | set.lumaDepth - 8, 0xF8 | set.chromaDepth - 8]
        bytes += [0, 0]  // avgFrameRate: not stated
        bytes += [(subLayers + 1) << 3 | nesting << 2 | 3, UInt8(sets.count)]
        for (type, units) in sets {
            bytes += [0x80 | type, 0, UInt8(clamping: units.count)]
            for unit in units.prefix(255) {
                bytes += [UInt8(unit.count >> 8), UInt8(truncatingIfNeeded: unit.count)] + unit
            }
        }
        try self.init(bytes)
    }
}
