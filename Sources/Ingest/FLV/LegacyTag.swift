import MediaCore
import NIOCore

/// The tags of FLV 10.1 §E.4.2 and §E.4.3, which name their codec by a number and carry one track.
enum LegacyTag {
    /// Reads a video tag.
    static func readVideo(_ body: ByteBuffer) throws(TagError) -> TrackTag {
        var body = body
        guard let first = body.readInteger(as: UInt8.self) else { throw .broken(.emptyTag) }
        let codec: MediaCodec
        switch first & 0x0F {
        case 7: codec = .avc
        // No standard has it: what encoders used for HEVC before Enhanced RTMP, with H.264's layout.
        case 12: codec = .hevc
        case let id: throw .refused(.unsupportedCodec(MediaCodecName(videoCodecID: id)))
        }
        let frameType = first >> 4
        // Frame type 5 is an instruction to a Flash player, not a picture.
        let content = frameType == 5 ? .other : try readPacketHeader(&body)
        return TrackTag(
            id: TrackID(.video),
            codec: codec,
            content: content,
            isKeyframe: frameType == 1,
            body: body
        )
    }

    /// AVCPacketType and CompositionTime (§E.4.3.1).
    private static func readPacketHeader(_ body: inout ByteBuffer) throws(TagError) -> TrackTag.Content {
        guard let packetType = body.readInteger(as: UInt8.self), let compositionTime = body.readCompositionTime() else {
            throw .broken(.emptyTag)
        }
        return switch packetType {
        case 0: .sequenceStart
        case 1: .codedFrame(compositionOffset: compositionTime)
        // 2 ends the sequence: of the track, not of the publish, and the next frame may follow.
        default: .other
        }
    }

    /// Reads an audio tag whose sound format is not 9.
    static func readAudio(_ body: ByteBuffer) throws(TagError) -> TrackTag {
        var body = body
        guard let first = body.readInteger(as: UInt8.self) else { throw .broken(.emptyTag) }
        let codec: MediaCodec
        let content: TrackTag.Content
        switch first >> 4 {
        case 10:
            codec = .aac
            guard let packetType = body.readInteger(as: UInt8.self), body.readableBytes > 0 else {
                throw .broken(.emptyTag)
            }
            switch packetType {
            case 0: content = .sequenceStart
            case 1: content = .codedFrame(compositionOffset: .zero)
            default: content = .other
            }
        // 14 is MP3 of 8 kHz, which the other bits of the tag cannot state. Every frame says its rate itself.
        case 2, 14:
            codec = .mp3
            content = .codedFrame(compositionOffset: .zero)
        case let format: throw .refused(.unsupportedCodec(MediaCodecName(soundFormat: format)))
        }
        return TrackTag(id: TrackID(.audio), codec: codec, content: content, isKeyframe: true, body: body)
    }
}
