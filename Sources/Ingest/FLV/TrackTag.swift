import MediaCore
import NIOCore

/// One track's part of an audio or video message, the same for every form of tag.
struct TrackTag {
    /// What the part is.
    enum Content {
        /// A sequence header: the decoder's configuration, or nothing for codecs that state it in every frame.
        case sequenceStart
        /// A coded frame, shown so long after it is decoded.
        case codedFrame(compositionOffset: MediaTime)
        /// Something that no viewer gets: metadata, an end of sequence, a packet type of the future.
        case other
    }

    /// The track.
    let id: TrackID
    let codec: MediaCodec
    let content: Content
    /// Whether the tag calls the picture a keyframe, which the bitstream may deny.
    let isKeyframe: Bool
    /// What is left of the message for this part.
    let body: ByteBuffer
}

/// The codecs that are taken.
enum MediaCodec: Hashable {
    case avc, hevc, av1, vp9
    case aac, mp3, ac3, eac3, opus, flac

    /// The video codec of a FourCC (Enhanced RTMP v2, "Enhanced Video").
    init(videoFourCC: UInt32) throws(TagError) {
        switch videoFourCC {
        case 0x6176_6331: self = .avc
        case 0x6876_6331: self = .hevc
        case 0x6176_3031: self = .av1
        case 0x7670_3039: self = .vp9
        default: throw .refused(.unsupportedCodec(MediaCodecName(fourCC: videoFourCC, kind: .video)))
        }
    }

    /// The audio codec of a FourCC (Enhanced RTMP v2, "Enhanced Audio").
    init(audioFourCC: UInt32) throws(TagError) {
        switch audioFourCC {
        case 0x6D70_3461: self = .aac
        case 0x2E6D_7033: self = .mp3
        case 0x6163_2D33: self = .ac3
        case 0x6563_2D33: self = .eac3
        case 0x4F70_7573: self = .opus
        case 0x664C_6143: self = .flac
        default: throw .refused(.unsupportedCodec(MediaCodecName(fourCC: audioFourCC, kind: .audio)))
        }
    }
}

/// What stops the reading of a tag.
enum TagError: Error {
    /// The tag is left out, and the publish goes on.
    case broken(FLVDemuxer.DropReason)
    /// The publish cannot go on.
    case refused(MediaTagError)
}

extension ByteBuffer {
    /// Reads an unsigned number of 24 bits.
    mutating func readUInt24() -> UInt32? {
        guard let bytes = readMultipleIntegers(as: (UInt8, UInt16).self) else { return nil }
        return UInt32(bytes.0) << 16 | UInt32(bytes.1)
    }

    /// Reads a CompositionTime: a signed number of 24 bits, in milliseconds (FLV 10.1 §E.4.3.2).
    mutating func readCompositionTime() -> MediaTime? {
        // Shifted up and down again, its sign spreads.
        readUInt24().map { .milliseconds(Int64(Int32(bitPattern: $0 << 8) >> 8)) }
    }
}
