internal import CLibAV
internal import MediaCore
internal import NIOCore

/// Turns the packets of one stream into access units, without transcoding: the forms that containers give a codec become the
/// one that the packager takes.
struct PacketReader {
    /// What a packet has brought.
    struct Reading {
        /// The configuration, when it is new or has changed; it comes before the frame.
        var configuration: CodecConfiguration?
        var payload: ByteBuffer
        var isSync = true
        /// See ``AccessUnit/sampleCount``.
        var sampleCount: Int?
    }

    /// A packet that cannot be used; the next one may be.
    enum Fault: Error {
        /// It is broken.
        case broken
        /// It cannot be decoded without what has not come yet.
        case noConfiguration
    }

    /// The codecs that are taken as they are.
    static func isStreamable(_ codec: AVCodecID) -> Bool {
        switch codec {
        case AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1, AV_CODEC_ID_VP9, AV_CODEC_ID_AAC, AV_CODEC_ID_MP3,
            AV_CODEC_ID_AC3, AV_CODEC_ID_EAC3, AV_CODEC_ID_OPUS, AV_CODEC_ID_FLAC:
            true
        default: false
        }
    }

    private let parameters: UnsafePointer<AVCodecParameters>
    private let codec: AVCodecID
    private var configuration: CodecConfiguration?
    /// Whether access units come behind start codes; only H.264 and HEVC do.
    private var isByteStream = false
    private var parameterSets: [[UInt8]] = []

    /// A reader for a stream.
    ///
    /// - Throws: ``CodecConfigurationError`` when what the container says of the codec is not streamable.
    init(_ stream: SourceStream) throws(CodecConfigurationError) {
        parameters = stream.parameters
        codec = stream.codec
        let extradata = stream.extradata
        switch codec {
        case AV_CODEC_ID_H264: try beginAVC(extradata)
        case AV_CODEC_ID_HEVC: try beginHEVC(extradata)
        case AV_CODEC_ID_AV1:
            configuration = extradata.first == 0x81 ? try AV1CodecConfigurationRecord(extradata).map { .av1($0) } : nil
        case AV_CODEC_ID_AAC: if !extradata.isEmpty { configuration = .aac(try AudioSpecificConfig(extradata)) }
        case AV_CODEC_ID_OPUS: configuration = .opus(try OpusIdentificationHeader(extradata))
        case AV_CODEC_ID_FLAC: configuration = .flac(try FLACStreamInfo(extradata))
        default: break
        }
    }

    private mutating func beginAVC(_ extradata: [UInt8]) throws(CodecConfigurationError) {
        isByteStream = extradata.first != 1
        guard isByteStream else { return configuration = .avc(try AVCDecoderConfigurationRecord(extradata)) }
        _ = try? adopt(parameterSets: ByteStream.read(ByteBuffer(bytes: extradata), codec: .avc).parameterSets)
    }

    private mutating func beginHEVC(_ extradata: [UInt8]) throws(CodecConfigurationError) {
        isByteStream = extradata.first != 1
        guard isByteStream else { return configuration = .hevc(try HEVCDecoderConfigurationRecord(extradata)) }
        _ = try? adopt(parameterSets: ByteStream.read(ByteBuffer(bytes: extradata), codec: .hevc).parameterSets)
    }

    // MARK: - Packets

    /// Whether the first frame has told, or the container, how to decode.
    var isConfigured: Bool { configuration != nil }

    /// The configuration so far.
    var currentConfiguration: CodecConfiguration? { configuration }

    /// Reads a packet.
    ///
    /// - Parameters:
    ///   - payload: its bytes.
    ///   - isKeyframe: what the container says of it.
    /// - Returns: what it has brought.
    /// - Throws: ``Fault`` when it cannot be used; the next one may be.
    mutating func read(_ payload: ByteBuffer, isKeyframe: Bool) throws(Fault) -> Reading {
        guard payload.readableBytes > 0 else { throw .broken }
        do throws(CodecConfigurationError) {
            switch codec {
            case AV_CODEC_ID_H264, AV_CODEC_ID_HEVC: return try readNALUnits(payload, isKeyframe: isKeyframe)
            case AV_CODEC_ID_AV1: return try readAV1(payload, isKeyframe: isKeyframe)
            case AV_CODEC_ID_VP9: return try readVP9(payload)
            default: return try readSound(payload)
            }
        } catch {
            throw configuration == nil ? .noConfiguration : .broken
        }
    }

    private mutating func adopt(_ new: CodecConfiguration) -> CodecConfiguration? {
        guard new != configuration else { return nil }
        configuration = new
        return new
    }

    private mutating func adopt(
        parameterSets sets: [[UInt8]]
    ) throws(CodecConfigurationError) -> CodecConfiguration? {
        // Broadcasts repeat theirs before every keyframe; some leave the one or the other out.
        guard !sets.isEmpty, !sets.allSatisfy(parameterSets.contains) else { return nil }
        var known = parameterSets.filter { old in !sets.contains { Self.replaces($0, old, codec) } }
        known += sets
        let new: CodecConfiguration =
            codec == AV_CODEC_ID_H264
            ? .avc(try AVCDecoderConfigurationRecord(parameterSets: known))
            : .hevc(try HEVCDecoderConfigurationRecord(parameterSets: known))
        parameterSets = known
        return adopt(new)
    }

    /// A sequence parameter set stands for all before it: with it everything begins anew.
    private static func replaces(_ new: [UInt8], _ old: [UInt8], _ codec: AVCodecID) -> Bool {
        let type: ([UInt8]) -> UInt8 = { set in
            let header = set.first ?? 0
            return codec == AV_CODEC_ID_H264 ? header & 0x1F : header >> 1 & 0x3F
        }
        return type(new) == type(old) || type(new) == (codec == AV_CODEC_ID_H264 ? 7 : 33)
    }

    private mutating func readNALUnits(
        _ payload: ByteBuffer,
        isKeyframe: Bool
    ) throws(CodecConfigurationError) -> Reading {
        var reading = Reading(payload: payload)
        if isByteStream {
            let unit = ByteStream.read(payload, codec: codec == AV_CODEC_ID_H264 ? .avc : .hevc)
            reading.configuration = try adopt(parameterSets: unit.parameterSets)
            reading.payload = unit.payload
        }
        switch configuration {
        case .avc(let record):
            guard let unit = AVCAccessUnit(reading.payload, lengthSize: record.nalUnitLengthSize) else {
                throw .truncated
            }
            reading.payload = unit.payload
            reading.isSync = unit.hasInstantaneousDecoderRefresh || isKeyframe && unit.hasRecoveryPoint
        case .hevc(let record):
            guard let unit = HEVCAccessUnit(reading.payload, lengthSize: record.nalUnitLengthSize) else {
                throw .truncated
            }
            reading.payload = unit.payload
            reading.isSync = unit.isRandomAccessPoint
        default: throw .truncated
        }
        return reading
    }

    private mutating func readAV1(_ payload: ByteBuffer, isKeyframe: Bool) throws(CodecConfigurationError) -> Reading {
        guard let unit = AV1TemporalUnit(payload) else { throw .truncated }
        var reading = Reading(payload: unit.payload, isSync: unit.isSync || isKeyframe)
        if unit.isSync, let header = unit.sequenceHeader {
            reading.configuration = adopt(.av1(try AV1CodecConfigurationRecord(sequenceHeaderPayload: header)))
        }
        guard case .av1(let record) = configuration else { throw .truncated }
        if reading.isSync, unit.sequenceHeader == nil {
            // Matroska leaves it out where it is that of the track; in MP4 every sync sample has it (AV1-ISOBMFF §2.4).
            var whole = ByteBuffer(bytes: record.bytes[4...])
            whole.writeImmutableBuffer(unit.payload)
            reading.payload = whole
        }
        return reading
    }

    private mutating func readVP9(_ payload: ByteBuffer) throws(CodecConfigurationError) -> Reading {
        let bytes = payload.readableBytesView
        guard let first = bytes.first, let isSync = VP9KeyframeHeader.isKeyframe(firstByte: first) else {
            throw .truncated
        }
        var reading = Reading(payload: payload, isSync: isSync)
        if isSync {
            let header = try VP9KeyframeHeader(bytes.prefix(VP9KeyframeHeader.length))
            reading.configuration = adopt(.vp9(VP9Configuration(try vp9Record(), keyframe: header)))
        }
        guard case .vp9 = configuration else { throw .truncated }
        return reading
    }

    /// WebM need not have the record, and libavformat keeps none: it has what it says.
    private func vp9Record() throws(CodecConfigurationError) -> VPCodecConfigurationRecord {
        let stated = parameters.pointee
        let format = av_pix_fmt_desc_get(AVPixelFormat(stated.format))
        let depth = format.map { UInt8(clamping: $0.pointee.comp.0.depth) } ?? 8
        let (width, height) = format.map { ($0.pointee.log2_chroma_w, $0.pointee.log2_chroma_h) } ?? (1, 1)
        let isTopLeft = stated.chroma_location == AVCHROMA_LOC_TOPLEFT
        let chroma: UInt8 = width == 0 ? 3 : height == 0 ? 2 : isTopLeft ? 1 : 0
        let isFullRange: UInt8 = stated.color_range == AVCOL_RANGE_JPEG ? 1 : 0
        return try VPCodecConfigurationRecord([
            UInt8(clamping: max(0, stated.profile)), UInt8(clamping: max(0, stated.level)),
            depth << 4 | chroma << 1 | isFullRange, UInt8(clamping: stated.color_primaries.rawValue),
            UInt8(clamping: stated.color_trc.rawValue), UInt8(clamping: stated.color_space.rawValue), 0, 0,
        ])
    }

    // MARK: - Sound

    private mutating func readSound(_ payload: ByteBuffer) throws(CodecConfigurationError) -> Reading {
        var reading = Reading(payload: payload)
        let bytes = payload.readableBytesView
        switch codec {
        case AV_CODEC_ID_AAC: try readAAC(&reading)
        case AV_CODEC_ID_OPUS:
            guard let first = bytes.first,
                let count = OpusPacket.sampleCount(first: first, second: bytes.dropFirst().first)
            else { throw .malformed("no Opus packet") }
            reading.sampleCount = count
        case AV_CODEC_ID_FLAC:
            guard let count = FLACFrame.sampleCount(header: bytes) else { throw .malformed("no FLAC frame") }
            reading.sampleCount = count
        case AV_CODEC_ID_MP3:
            reading.configuration = adopt(.mp3(try MPEGAudioFormat(frame: bytes.prefix(MPEGAudioFormat.headerLength))))
        case AV_CODEC_ID_AC3:
            let new = try AC3Configuration(frame: bytes.prefix(AC3Configuration.headerLength))
            if case .ac3(let current) = configuration, current.continues(new) { break }
            reading.configuration = adopt(.ac3(new))
        default:
            let new = try EAC3Configuration(accessUnit: bytes)
            reading.sampleCount = new.sampleCount
            if case .eac3(let current) = configuration, current.continues(new) { break }
            reading.configuration = adopt(.eac3(new))
        }
        guard configuration != nil else { throw .truncated }
        return reading
    }

    /// A stream without a configuration of its own has a header in front of each frame.
    private mutating func readAAC(_ reading: inout Reading) throws(CodecConfigurationError) {
        guard parameters.pointee.extradata_size == 0 else { return }
        let head = reading.payload.readableBytesView.prefix(ADTSFrame.maximumHeaderLength)
        guard let frame = ADTSFrame(head), frame.length == reading.payload.readableBytes else {
            throw .malformed("no ADTS frame")
        }
        reading.payload.moveReaderIndex(forwardBy: frame.headerLength)
        reading.configuration = adopt(.aac(try AudioSpecificConfig(frame.configuration)))
    }
}

extension SourceStream {
    /// What the container has in front of the packets for the decoder; at most a megabyte.
    var extradata: [UInt8] {
        let size = Int(parameters.pointee.extradata_size)
        guard size > 0, size <= 1 << 20, let bytes = parameters.pointee.extradata else { return [] }
        return Array(UnsafeBufferPointer(start: bytes, count: size))
    }
}
