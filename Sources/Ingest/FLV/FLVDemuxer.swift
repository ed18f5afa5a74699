import MediaCore
import NIOCore

/// Turns the audio and video messages of one publish into tracks and access units.
///
/// A message's payload is the body of an FLV tag (RTMP 1.0 §7.1.4, §7.1.5; FLV 10.1 §E.4.2, §E.4.3). Each tag goes by its
/// first byte to the reader of its form; the readers give a ``Tag``, which is the same for every codec.
struct FLVDemuxer {
    /// What a tag is to the publish.
    enum Output {
        /// The tag says nothing that anyone waits for.
        case nothing
        /// The track is new or its configuration has changed.
        case configure(Track)
        /// A picture or an audio frame.
        case unit(AccessUnit)
        /// The tag is broken and was left out.
        case dropped(DropReason)
    }

    /// Why a tag was left out.
    enum DropReason: Hashable, CustomStringConvertible {
        /// The tag ends before its payload begins.
        case emptyTag
        /// NAL unit lengths that pass the end, or no NAL unit.
        case malformedAccessUnit
        /// The decoder could not know what to do with it yet.
        case noConfiguration
        /// The sequence header does not hold a configuration.
        case invalidConfiguration(String)

        var description: String {
            switch self {
            case .emptyTag: "a tag without a payload"
            case .malformedAccessUnit: "NAL unit lengths do not fit the access unit"
            case .noConfiguration: "media before its sequence header"
            case .invalidConfiguration(let problem): problem
            }
        }
    }

    /// The largest sequence header believed: real ones are below 1 KB, and each is kept.
    static let maximumConfigurationLength = 64 << 10

    /// What the reader of a tag found in it.
    private enum Tag {
        case ignored
        case sequenceHeader(CodecConfiguration)
        case frame(payload: ByteBuffer, compositionOffset: MediaTime, isSync: Bool)
    }

    private var clock = PublishClock()
    private var configurations: [TrackID: CodecConfiguration] = [:]

    /// Reads the tag of a video message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveVideo(_ body: ByteBuffer, timestamp: UInt32) throws(MediaTagError) -> Output {
        guard let first = body.getInteger(at: body.readerIndex, as: UInt8.self) else { return .dropped(.emptyTag) }
        let track = TrackID(.video)
        // Enhanced RTMP v1: the top bit says that a packet type and a FourCC follow.
        guard first & 0x80 == 0 else { throw .unsupportedCodec(Self.enhancedName(of: body, kind: "video")) }
        guard first & 0x0F == 7 else { throw .unsupportedCodec(MediaCodecName(videoCodecID: first & 0x0F)) }
        return try output(of: readAVC(body, track: track), track: track, timestamp: timestamp)
    }

    /// Reads the tag of an audio message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveAudio(_ body: ByteBuffer, timestamp: UInt32) throws(MediaTagError) -> Output {
        guard let first = body.getInteger(at: body.readerIndex, as: UInt8.self) else { return .dropped(.emptyTag) }
        let track = TrackID(.audio)
        switch first >> 4 {
        case 10: return try output(of: readAAC(body, track: track), track: track, timestamp: timestamp)
        // Enhanced RTMP v2: sound format 9 says that a packet type and a FourCC follow.
        case 9: throw .unsupportedCodec(Self.enhancedName(of: body, kind: "audio"))
        case let format: throw .unsupportedCodec(MediaCodecName(soundFormat: format))
        }
    }

    private mutating func output(
        of tag: Result<Tag, DropReason>,
        track: TrackID,
        timestamp: UInt32
    ) throws(MediaTagError) -> Output {
        switch tag {
        case .failure(let reason):
            return .dropped(reason)
        case .success(.ignored):
            return .nothing
        case .success(.sequenceHeader(let configuration)):
            // GStreamer and some hardware repeat it before every keyframe.
            guard configurations.updateValue(configuration, forKey: track) != configuration else { return .nothing }
            return .configure(Track(id: track, configuration: configuration))
        case .success(.frame(let payload, let compositionOffset, let isSync)):
            let unit = AccessUnit(
                trackID: track,
                decodeTime: try clock.unwrap(timestamp, of: track),
                compositionOffset: compositionOffset,
                isSync: isSync,
                payload: payload
            )
            return .unit(unit)
        }
    }

    // MARK: - H.264 (FLV 10.1 §E.4.3)

    private func readAVC(_ body: ByteBuffer, track: TrackID) -> Result<Tag, DropReason> {
        var body = body
        guard let first = body.readInteger(as: UInt8.self) else { return .failure(.emptyTag) }
        let frameType = first >> 4
        // Frame type 5 is an instruction to a Flash player, not a picture.
        guard frameType != 5 else { return .success(.ignored) }
        guard let packet = body.readInteger(as: UInt32.self) else { return .failure(.emptyTag) }
        switch packet >> 24 {
        case 0:
            return readConfiguration(body) { bytes throws(CodecConfigurationError) in
                .avc(try AVCDecoderConfigurationRecord(bytes))
            }
        case 1:
            guard case .avc(let record) = configurations[track] else { return .failure(.noConfiguration) }
            guard body.readableBytes > 0 else { return .failure(.emptyTag) }
            guard let unit = AVCAccessUnit(body.slice(), lengthSize: record.nalUnitLengthSize) else {
                return .failure(.malformedAccessUnit)
            }
            // CompositionTime is a signed number of 24 bits: shifted up and down again, its sign spreads.
            let compositionTime = Int32(bitPattern: packet << 8) >> 8
            let isKeyframe = frameType == 1
            let frame = Tag.frame(
                payload: unit.payload,
                compositionOffset: .milliseconds(Int64(compositionTime)),
                isSync: unit.hasInstantaneousDecoderRefresh || isKeyframe && unit.hasRecoveryPoint
            )
            return .success(frame)
        default:
            // 2 ends the sequence: of the track, not of the publish, and the next frame may follow.
            return .success(.ignored)
        }
    }

    // MARK: - AAC (FLV 10.1 §E.4.2)

    private func readAAC(_ body: ByteBuffer, track: TrackID) -> Result<Tag, DropReason> {
        var body = body
        guard let header = body.readInteger(as: UInt16.self), body.readableBytes > 0 else { return .failure(.emptyTag) }
        switch header & 0xFF {
        case 0:
            return readConfiguration(body) { bytes throws(CodecConfigurationError) in
                .aac(try AudioSpecificConfig(bytes))
            }
        case 1:
            guard case .aac = configurations[track] else { return .failure(.noConfiguration) }
            return .success(.frame(payload: body.slice(), compositionOffset: .zero, isSync: true))
        default:
            return .success(.ignored)
        }
    }

    // MARK: - Both

    private func readConfiguration(
        _ body: ByteBuffer,
        _ parse: ([UInt8]) throws(CodecConfigurationError) -> CodecConfiguration
    ) -> Result<Tag, DropReason> {
        guard body.readableBytes <= Self.maximumConfigurationLength else {
            let problem = "sequence header of \(body.readableBytes) bytes, allowed \(Self.maximumConfigurationLength)"
            return .failure(.invalidConfiguration(problem))
        }
        do {
            return .success(.sequenceHeader(try parse(Array(body.readableBytesView))))
        } catch {
            return .failure(.invalidConfiguration(error.description))
        }
    }

    private static func enhancedName(of body: ByteBuffer, kind: String) -> MediaCodecName {
        MediaCodecName(fourCC: body.getInteger(at: body.readerIndex + 1, as: UInt32.self) ?? 0, kind: kind)
    }
}

extension FLVDemuxer.DropReason: Error {}
