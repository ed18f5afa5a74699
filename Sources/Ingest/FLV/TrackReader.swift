import MediaCore
import NIOCore

/// Reads the tags of one track: turns sequence headers into configurations and payloads into frames, codec by codec.
struct TrackReader {
    /// What a tag has brought.
    struct Reading {
        /// The configuration, when it is new or has changed; it comes before the frame.
        var configuration: CodecConfiguration?
        var frame: Frame?
    }

    /// A frame as it goes into a container.
    struct Frame {
        let payload: ByteBuffer
        var compositionOffset = MediaTime.zero
        var isSync = true
        /// See ``AccessUnit/sampleCount``.
        var sampleCount: Int?
    }

    /// The largest sequence header believed: real ones are below 3 KB, and each is kept.
    static let maximumConfigurationLength = 64 << 10

    let id: TrackID
    private var configuration: CodecConfiguration?
    /// VP9's record, whose configuration is complete with a keyframe's size.
    private var vp9Record: VPCodecConfigurationRecord?

    init(_ id: TrackID) { self.id = id }

    /// Reads a tag of the track.
    mutating func read(_ tag: TrackTag) throws(TagError) -> Reading {
        switch tag.content {
        case .other: return Reading()
        case .sequenceStart: return Reading(configuration: try readSequenceStart(tag))
        case .codedFrame(let compositionOffset):
            guard tag.body.readableBytes > 0 else {
                // ffmpeg ends every FLAC track with a frame of nothing, to which it ties the final STREAMINFO.
                if tag.codec == .flac { return Reading() }
                throw .broken(.emptyTag)
            }
            switch id.kind {
            case .video: return try readPicture(tag, compositionOffset: compositionOffset)
            case .audio: return try readSound(tag)
            }
        }
    }

    // MARK: - Configurations

    private mutating func readSequenceStart(_ tag: TrackTag) throws(TagError) -> CodecConfiguration? {
        guard tag.body.readableBytes <= Self.maximumConfigurationLength else {
            let length = tag.body.readableBytes
            throw .broken(
                .invalidConfiguration("sequence header of \(length) bytes, allowed \(Self.maximumConfigurationLength)")
            )
        }
        let bytes = Array(tag.body.readableBytesView)
        do throws(CodecConfigurationError) {
            return adopt(try parse(bytes, codec: tag.codec))
        } catch {
            throw .broken(.invalidConfiguration(error.description))
        }
    }

    /// The configuration in a sequence header; `nil` when it takes a frame to know it.
    private mutating func parse(
        _ bytes: [UInt8],
        codec: MediaCodec
    ) throws(CodecConfigurationError) -> CodecConfiguration? {
        switch codec {
        case .avc: return .avc(try AVCDecoderConfigurationRecord(bytes))
        case .hevc: return .hevc(try HEVCDecoderConfigurationRecord(bytes))
        case .av1:
            // ffmpeg sends it empty at first when its encoder has not told yet.
            guard !bytes.isEmpty else { return nil }
            return try AV1CodecConfigurationRecord(bytes).map { .av1($0) }
        case .vp9:
            vp9Record = try VPCodecConfigurationRecord(bytes)
            return nil
        case .aac: return .aac(try AudioSpecificConfig(bytes))
        case .opus: return .opus(try OpusIdentificationHeader(bytes))
        case .flac: return .flac(try FLACStreamInfo(bytes))
        case .mp3, .ac3, .eac3: return nil
        }
    }

    /// Takes a configuration; returns it when it is another one than before.
    ///
    /// GStreamer and some hardware repeat theirs before every keyframe.
    private mutating func adopt(_ new: CodecConfiguration?) -> CodecConfiguration? {
        guard let new, new != configuration else { return nil }
        configuration = new
        return new
    }

    // MARK: - Pictures

    private mutating func readPicture(
        _ tag: TrackTag,
        compositionOffset: MediaTime
    ) throws(TagError) -> Reading {
        switch (tag.codec, configuration) {
        case (.avc, .avc(let record)):
            guard let unit = AVCAccessUnit(tag.body.slice(), lengthSize: record.nalUnitLengthSize) else {
                throw .broken(.malformedAccessUnit)
            }
            let isSync = unit.hasInstantaneousDecoderRefresh || tag.isKeyframe && unit.hasRecoveryPoint
            return Reading(
                frame: Frame(payload: unit.payload, compositionOffset: compositionOffset, isSync: isSync)
            )
        case (.hevc, .hevc(let record)):
            guard let unit = HEVCAccessUnit(tag.body.slice(), lengthSize: record.nalUnitLengthSize) else {
                throw .broken(.malformedAccessUnit)
            }
            let isSync = unit.isRandomAccessPoint
            return Reading(
                frame: Frame(payload: unit.payload, compositionOffset: compositionOffset, isSync: isSync)
            )
        case (.av1, _): return try readAV1(tag.body)
        case (.vp9, _): return try readVP9(tag.body)
        default: throw .broken(.noConfiguration)
        }
    }

    private mutating func readAV1(_ body: ByteBuffer) throws(TagError) -> Reading {
        guard let unit = AV1TemporalUnit(body.slice()) else { throw .broken(.malformedFrame) }
        var reading = Reading(frame: Frame(payload: unit.payload, isSync: unit.isSync))
        if unit.isSync, let header = unit.sequenceHeader, !isCurrent(header) {
            do throws(CodecConfigurationError) {
                reading.configuration = adopt(.av1(try AV1CodecConfigurationRecord(sequenceHeaderPayload: header)))
            } catch {
                throw .broken(.invalidConfiguration(error.description))
            }
        }
        guard case .av1 = configuration else { throw .broken(.noConfiguration) }
        return reading
    }

    private func isCurrent(_ sequenceHeader: ByteBufferView) -> Bool {
        guard case .av1(let record) = configuration else { return false }
        return record.sequenceHeaderPayload.elementsEqual(sequenceHeader)
    }

    private mutating func readVP9(_ body: ByteBuffer) throws(TagError) -> Reading {
        guard let first = body.readableBytesView.first, let isSync = VP9KeyframeHeader.isKeyframe(firstByte: first)
        else { throw .broken(.malformedFrame) }
        var reading = Reading(frame: Frame(payload: body.slice(), isSync: isSync))
        if isSync, let vp9Record {
            do throws(CodecConfigurationError) {
                let header = try VP9KeyframeHeader(body.readableBytesView.prefix(VP9KeyframeHeader.length))
                reading.configuration = adopt(.vp9(VP9Configuration(vp9Record, keyframe: header)))
            } catch {
                throw .broken(.malformedFrame)
            }
        }
        guard case .vp9 = configuration else { throw .broken(.noConfiguration) }
        return reading
    }

    // MARK: - Sound

    private mutating func readSound(_ tag: TrackTag) throws(TagError) -> Reading {
        let reading: Reading?
        do throws(CodecConfigurationError) {
            reading = try readSoundFrame(tag.body.slice(), codec: tag.codec)
        } catch {
            throw .broken(.malformedFrame)
        }
        guard let reading else { throw .broken(.noConfiguration) }
        return reading
    }

    /// Reads what a frame says of itself; `nil` when it needs a sequence header that has not come.
    private mutating func readSoundFrame(
        _ frame: ByteBuffer,
        codec: MediaCodec
    ) throws(CodecConfigurationError) -> Reading? {
        var reading = Reading(frame: Frame(payload: frame))
        let bytes = frame.readableBytesView
        switch (codec, configuration) {
        case (.aac, .aac): break
        case (.opus, .opus): reading.frame?.sampleCount = try Self.opusSampleCount(bytes)
        case (.flac, .flac):
            guard let count = FLACFrame.sampleCount(header: bytes) else { throw .malformed("no FLAC frame") }
            reading.frame?.sampleCount = count
        case (.mp3, _):
            reading.configuration = adopt(.mp3(try MPEGAudioFormat(frame: bytes.prefix(MPEGAudioFormat.headerLength))))
        case (.ac3, _):
            let new = try AC3Configuration(frame: bytes.prefix(AC3Configuration.headerLength))
            if case .ac3(let current) = configuration, current.continues(new) { break }
            reading.configuration = adopt(.ac3(new))
        case (.eac3, _):
            let new = try EAC3Configuration(accessUnit: bytes)
            reading.frame?.sampleCount = new.sampleCount
            if case .eac3(let current) = configuration, current.continues(new) { break }
            reading.configuration = adopt(.eac3(new))
        default: return nil
        }
        return reading
    }

    private static func opusSampleCount(_ packet: ByteBufferView) throws(CodecConfigurationError) -> Int {
        guard let first = packet.first,
            let count = OpusPacket.sampleCount(first: first, second: packet.dropFirst().first)
        else { throw .malformed("no Opus packet") }
        return count
    }
}
