import MediaCore
import NIOCore

/// Turns the audio and video messages of one publish into tracks and access units.
///
/// A message's payload is the body of an FLV tag (RTMP 1.0 §7.1.4, §7.1.5). Its first byte tells the form: ``LegacyTag``
/// (FLV 10.1 §E.4) or ``EnhancedTag`` (Enhanced RTMP v2). Both give ``TrackTag``s, which the ``TrackReader`` of their track
/// reads by codec.
struct FLVDemuxer {
    /// What a tag is to the publish.
    enum Output {
        /// The track is new or its configuration has changed.
        case configure(Track)
        /// A picture or an audio frame.
        case unit(AccessUnit)
        /// The tag, or one track's part of it, is broken and was left out.
        case dropped(DropReason)
    }

    /// Why a tag was left out.
    enum DropReason: Hashable, CustomStringConvertible {
        /// The tag ends before its payload begins.
        case emptyTag
        /// NAL unit lengths that pass the end, or no NAL unit.
        case malformedAccessUnit
        /// The frame's own header is none of its codec's.
        case malformedFrame
        /// A multitrack tag whose tracks pass its end, or of an unknown kind.
        case malformedTracks
        /// The decoder could not know what to do with it yet.
        case noConfiguration
        /// The sequence header does not hold a configuration.
        case invalidConfiguration(String)
        /// More modifiers before the packet type than are read.
        case tooManyModifiers
        /// More tracks than are kept.
        case tooManyTracks

        var description: String {
            switch self {
            case .emptyTag: "a tag without a payload"
            case .malformedAccessUnit: "NAL unit lengths do not fit the access unit"
            case .malformedFrame: "a frame that is not of its codec"
            case .malformedTracks: "tracks that do not fit their message"
            case .noConfiguration: "media before its sequence header"
            case .invalidConfiguration(let problem): problem
            case .tooManyModifiers: "more than \(EnhancedTag.maximumModifiers) modifiers before a packet type"
            case .tooManyTracks: "more than \(FLVDemuxer.maximumTracks) tracks of a kind"
            }
        }
    }

    /// Tracks of one kind: OBS sends up to 6 of each; the ids leave room for 256, each with a configuration to keep.
    static let maximumTracks = 16

    private var clock = PublishClock()
    private var readers: [TrackReader] = []

    /// Reads the tag of a video message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveVideo(_ body: ByteBuffer, timestamp: UInt32) throws(MediaTagError) -> Outputs {
        // Enhanced RTMP v1: the top bit says that a packet type and a FourCC follow.
        let isEnhanced = (body.readableBytesView.first ?? 0) & 0x80 != 0
        return try collect { (demuxer: inout FLVDemuxer, outputs: inout Outputs) throws(TagError) in
            if isEnhanced {
                try demuxer.read(try EnhancedTag(.video, body), timestamp: timestamp, into: &outputs)
            } else {
                try demuxer.read(try LegacyTag.readVideo(body), timestamp: timestamp, into: &outputs)
            }
        }
    }

    /// Reads the tag of an audio message.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    mutating func receiveAudio(_ body: ByteBuffer, timestamp: UInt32) throws(MediaTagError) -> Outputs {
        // Enhanced RTMP v2: sound format 9 says that a packet type and a FourCC follow.
        let isEnhanced = (body.readableBytesView.first ?? 0) >> 4 == 9
        return try collect { (demuxer: inout FLVDemuxer, outputs: inout Outputs) throws(TagError) in
            if isEnhanced {
                try demuxer.read(try EnhancedTag(.audio, body), timestamp: timestamp, into: &outputs)
            } else {
                try demuxer.read(try LegacyTag.readAudio(body), timestamp: timestamp, into: &outputs)
            }
        }
    }

    /// The time of a data message on the clock of the tracks.
    ///
    /// It moves no track's clock: some encoders give all data the timestamp 0.
    ///
    /// - Throws: ``MediaTagError`` when the publish cannot go on.
    func time(ofData timestamp: UInt32) throws(MediaTagError) -> MediaTime { try clock.time(of: timestamp) }

    private mutating func collect(
        _ read: (inout FLVDemuxer, inout Outputs) throws(TagError) -> Void
    ) throws(MediaTagError) -> Outputs {
        var outputs = Outputs()
        do throws(TagError) {
            try read(&self, &outputs)
        } catch {
            switch error {
            case .broken(let reason): outputs.append(.dropped(reason))
            case .refused(let refusal): throw refusal
            }
        }
        return outputs
    }

    private mutating func read(
        _ tag: EnhancedTag,
        timestamp: UInt32,
        into outputs: inout Outputs
    ) throws(TagError) {
        var tag = tag
        while let part = try tag.next() {
            do throws(TagError) {
                try read(part, timestamp: timestamp, offset: tag.timestampOffset, into: &outputs)
            } catch {
                // One track's fault is not the others'.
                guard case .broken(let reason) = error else { throw error }
                outputs.append(.dropped(reason))
            }
        }
    }

    private mutating func read(
        _ tag: TrackTag,
        timestamp: UInt32,
        offset: MediaTime = .zero,
        into outputs: inout Outputs
    ) throws(TagError) {
        let reading = try readers[try readerIndex(of: tag.id)].read(tag)
        if let configuration = reading.configuration {
            outputs.append(.configure(Track(id: tag.id, configuration: configuration)))
        }
        guard let frame = reading.frame else { return }
        let time: MediaTime
        do throws(MediaTagError) {
            time = try clock.unwrap(timestamp, of: tag.id) + offset
        } catch {
            throw .refused(error)
        }
        outputs.append(
            .unit(
                AccessUnit(
                    trackID: tag.id,
                    decodeTime: time,
                    compositionOffset: frame.compositionOffset,
                    isSync: frame.isSync,
                    payload: frame.payload,
                    sampleCount: frame.sampleCount
                )
            )
        )
    }

    /// The reader of a track, which its first tag makes.
    private mutating func readerIndex(of id: TrackID) throws(TagError) -> Int {
        if let index = readers.firstIndex(where: { $0.id == id }) { return index }
        guard readers.count(where: { $0.id.kind == id.kind }) < Self.maximumTracks else {
            throw .broken(.tooManyTracks)
        }
        readers.append(TrackReader(id))
        return readers.count - 1
    }
}

extension FLVDemuxer {
    /// What one message is to the publish, in order: usually one thing, which costs no memory of its own.
    struct Outputs: Sequence, IteratorProtocol {
        private var first: Output?
        private var others: [Output] = []
        private var position = 0

        mutating func append(_ output: Output) {
            if first == nil { first = output } else { others.append(output) }
        }

        mutating func next() -> Output? {
            defer { position += 1 }
            if position == 0 { return first }
            return position <= others.count ? others[position - 1] : nil
        }
    }
}
