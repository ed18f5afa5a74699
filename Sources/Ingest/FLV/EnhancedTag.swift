import MediaCore
import NIOCore

/// The tags of Enhanced RTMP v2 ("Enhanced Video", "Enhanced Audio"): a FourCC names the codec, modifiers may come before
/// it, and one message may carry several tracks.
///
/// The header is read at once, the tracks one by one.
struct EnhancedTag {
    /// What TimestampOffsetNano adds to the message's timestamp.
    private(set) var timestampOffset = MediaTime.zero

    /// Modifiers before the packet type: one exists so far.
    static let maximumModifiers = 8

    private let kind: MediaKind
    private let isKeyframe: Bool
    private var packetType: UInt8
    private var layout = Layout.single
    /// The codec of all tracks; `nil` when each has its own.
    private var codec: MediaCodec?
    private var rest: ByteBuffer

    /// How tracks follow each other: no multitrack, or AvMultitrackType.
    private enum Layout {
        case single
        case oneTrack
        case manyTracks
        /// Nothing more is to come.
        case finished
    }

    /// VideoPacketType and AudioPacketType; those that only one of them has are marked.
    private enum PacketType {
        static let sequenceStart: UInt8 = 0
        static let codedFrames: UInt8 = 1
        /// Video: without a composition time.
        static let codedFramesX: UInt8 = 3
        /// Video: AMF, whatever the frame type.
        static let metadata: UInt8 = 4
        static let audioMultitrack: UInt8 = 5
        static let videoMultitrack: UInt8 = 6
        static let modEx: UInt8 = 7
    }

    /// Reads the header of a video or audio tag whose first byte announces this form.
    init(_ kind: MediaKind, _ body: ByteBuffer) throws(TagError) {
        self.kind = kind
        rest = body
        guard let first = rest.readInteger(as: UInt8.self) else { throw .broken(.emptyTag) }
        let frameType = first >> 4 & 0b111
        isKeyframe = kind == .audio || frameType == 1
        packetType = first & 0x0F
        try readModifiers()
        // Frame type 5 is an instruction to the player; metadata does not care for the frame type.
        if kind == .video, frameType == 5, packetType != PacketType.metadata {
            layout = .finished
            return
        }
        try readMultitrackHeader()
    }

    /// Reads the next track's part; `nil` when there is none.
    mutating func next() throws(TagError) -> TrackTag? {
        switch layout {
        case .finished: return nil
        case .single:
            layout = .finished
            return try readTrack(index: 0, codec: codec, body: rest)
        case .oneTrack:
            layout = .finished
            let codec = try trackCodec()
            guard let index = rest.readInteger(as: UInt8.self) else { throw .broken(.emptyTag) }
            return try readTrack(index: index, codec: codec, body: rest)
        case .manyTracks:
            guard rest.readableBytes > 0 else { return nil }
            let codec = try trackCodec()
            guard let index = rest.readInteger(as: UInt8.self), let size = rest.readUInt24(),
                let body = rest.readSlice(length: Int(size))
            else {
                layout = .finished
                throw .broken(.malformedTracks)
            }
            return try readTrack(index: index, codec: codec, body: body)
        }
    }

    /// The ModEx loop: size, data, the modifier's type and the next packet type.
    private mutating func readModifiers() throws(TagError) {
        for _ in 0..<Self.maximumModifiers where packetType == PacketType.modEx {
            guard var size = rest.readInteger(as: UInt8.self).map({ Int($0) + 1 }) else { throw .broken(.emptyTag) }
            if size == 256 {
                guard let long = rest.readInteger(as: UInt16.self) else { throw .broken(.emptyTag) }
                size = Int(long) + 1
            }
            guard var data = rest.readSlice(length: size), let types = rest.readInteger(as: UInt8.self) else {
                throw .broken(.emptyTag)
            }
            packetType = types & 0x0F
            // 0 is TimestampOffsetNano; others are for those who know them.
            if types >> 4 == 0, let nanoseconds = data.readUInt24() {
                timestampOffset = MediaTime(nanoseconds: Int64(nanoseconds))
            }
        }
        guard packetType != PacketType.modEx else { throw .broken(.tooManyModifiers) }
    }

    private mutating func readMultitrackHeader() throws(TagError) {
        let multitrack = kind == .video ? PacketType.videoMultitrack : PacketType.audioMultitrack
        guard packetType == multitrack else {
            codec = try readCodec()
            return
        }
        guard let types = rest.readInteger(as: UInt8.self) else { throw .broken(.emptyTag) }
        packetType = types & 0x0F
        guard packetType != multitrack else { throw .broken(.malformedTracks) }
        switch types >> 4 {
        case 0: layout = .oneTrack
        case 1, 2: layout = .manyTracks
        default: throw .broken(.malformedTracks)
        }
        // 2 is ManyTracksManyCodecs.
        if types >> 4 != 2 { codec = try readCodec() }
    }

    /// The codec of the next track of a multitrack tag.
    private mutating func trackCodec() throws(TagError) -> MediaCodec {
        if let codec { return codec }
        return try readCodec()
    }

    private mutating func readCodec() throws(TagError) -> MediaCodec {
        guard let fourCC = rest.readInteger(as: UInt32.self) else { throw .broken(.emptyTag) }
        return kind == .video ? try MediaCodec(videoFourCC: fourCC) : try MediaCodec(audioFourCC: fourCC)
    }

    private func readTrack(index: UInt8, codec: MediaCodec?, body: ByteBuffer) throws(TagError) -> TrackTag? {
        guard let codec else { return nil }
        var body = body
        return TrackTag(
            id: TrackID(kind, index: index),
            codec: codec,
            content: try readContent(codec: codec, &body),
            isKeyframe: isKeyframe,
            body: body
        )
    }

    private func readContent(codec: MediaCodec, _ body: inout ByteBuffer) throws(TagError) -> TrackTag.Content {
        switch packetType {
        case PacketType.sequenceStart: return .sequenceStart
        case PacketType.codedFrames where codec == .avc || codec == .hevc:
            guard let compositionTime = body.readCompositionTime() else { throw .broken(.emptyTag) }
            return .codedFrame(compositionOffset: compositionTime)
        case PacketType.codedFrames: return .codedFrame(compositionOffset: .zero)
        case PacketType.codedFramesX where kind == .video: return .codedFrame(compositionOffset: .zero)
        // SequenceEnd ends the track's sequence, not the publish. AV1's MPEG2TSSequenceStart says nothing that the first
        // keyframe does not say too.
        default: return .other
        }
    }
}
