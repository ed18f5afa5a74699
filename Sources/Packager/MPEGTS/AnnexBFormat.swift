internal import MediaCore
internal import NIOCore

/// Turns H.264 and HEVC samples into byte streams: each NAL unit behind a start code instead of behind its length
/// (ISO/IEC 14496-10 Annex B, ISO/IEC 23008-2 Annex B).
///
/// Transport streams want an access unit delimiter first (ISO/IEC 13818-1 §2.14.1, §2.17.1), and a player that begins at a
/// sync sample needs the parameter sets in front of it.
struct AnnexBFormat: Hashable {
    /// Which of the two.
    enum Codec: Hashable {
        case avc
        case hevc
    }

    private let codec: Codec
    private let lengthSize: Int
    /// The parameter sets of the configuration, each behind a start code.
    private let parameterSets: [UInt8]

    /// The longest that writing a sample adds to it, but for the start codes of NAL units with lengths of 1 or 2 bytes.
    var overhead: Int { parameterSets.count + 16 }

    private static let startCode: [UInt8] = [0, 0, 0, 1]

    init(_ record: AVCDecoderConfigurationRecord) {
        codec = .avc
        lengthSize = record.nalUnitLengthSize
        parameterSets = record.parameterSets.flatMap { Self.startCode + $0 }
    }

    init(_ record: HEVCDecoderConfigurationRecord) {
        codec = .hevc
        lengthSize = record.nalUnitLengthSize
        parameterSets = record.parameterSets.flatMap { Self.startCode + $0 }
    }

    /// Writes an access unit.
    ///
    /// - Parameters:
    ///   - sample: its NAL units, each after its length.
    ///   - output: where it goes.
    /// - Throws: ``TransportStreamError/accessUnit`` when the lengths do not fill the sample.
    func write(_ sample: Sample, to output: inout ByteBuffer) throws(TransportStreamError) {
        let content = try content(of: sample.payload)
        writeDelimiter(temporalID: content.temporalID, to: &output)
        if sample.isSync || content.isRandomAccess, !content.hasParameterSets { output.writeBytes(parameterSets) }
        var index = sample.payload.readerIndex
        while let (start, length) = nalUnit(at: index, of: sample.payload) {
            index = start + length
            guard let unit = sample.payload.getSlice(at: start, length: length), let header = header(of: unit),
                !isDelimiter(header)
            else { continue }
            output.writeInteger(UInt32(1))
            output.writeImmutableBuffer(unit)
        }
    }

    // MARK: - What is in an access unit

    private struct Content {
        var hasParameterSets = false
        var isRandomAccess = false
        var temporalID: UInt8 = 1
    }

    private func content(of payload: ByteBuffer) throws(TransportStreamError) -> Content {
        var content = Content()
        var kinds: UInt8 = 0
        var index = payload.readerIndex
        while let (start, length) = nalUnit(at: index, of: payload) {
            index = start + length
            guard length > 0, let header = payload.getInteger(at: start, as: UInt8.self) else { continue }
            switch (codec, type(header)) {
            case (.avc, 5): content.isRandomAccess = true
            case (.avc, 7): kinds |= 1
            case (.avc, 8): kinds |= 2
            case (.hevc, 0..<32):
                if type(header) >= 16, type(header) < 24 { content.isRandomAccess = true }
                content.temporalID = payload.getInteger(at: start + 1, as: UInt8.self).map { $0 & 7 } ?? 1
            case (.hevc, 32..<35): kinds |= 1 << (type(header) - 32)
            default: break
            }
        }
        guard index == payload.writerIndex else { throw .accessUnit }
        content.hasParameterSets = kinds == (codec == .avc ? 3 : 7)
        return content
    }

    private func type(_ header: UInt8) -> UInt8 { codec == .avc ? header & 0x1F : header >> 1 & 0x3F }

    private func header(of unit: ByteBuffer) -> UInt8? { unit.getInteger(at: unit.readerIndex, as: UInt8.self) }

    private func isDelimiter(_ header: UInt8) -> Bool { type(header) == (codec == .avc ? 9 : 35) }

    /// Where the NAL unit at an index begins behind its length, and how long it is; `nil` at the end, or when it passes that.
    private func nalUnit(at index: Int, of payload: ByteBuffer) -> (start: Int, length: Int)? {
        let length: Int? =
            switch lengthSize {
            case 1: payload.getInteger(at: index, as: UInt8.self).map(Int.init)
            case 2: payload.getInteger(at: index, as: UInt16.self).map(Int.init)
            default: payload.getInteger(at: index, as: UInt32.self).map(Int.init)
            }
        guard let length, length <= payload.writerIndex - index - lengthSize else { return nil }
        return (index + lengthSize, length)
    }

    /// Writes a delimiter that any slice type may follow; the sample's own are left out for it.
    private func writeDelimiter(temporalID: UInt8, to output: inout ByteBuffer) {
        output.writeInteger(UInt32(1))
        switch codec {
        case .avc: output.writeBytes([0x09, 0xF0] as [UInt8])
        // Its TemporalId is that of the picture (ISO/IEC 23008-2 §7.4.2.2).
        case .hevc: output.writeBytes([0x46, temporalID, 0x50])
        }
    }
}
