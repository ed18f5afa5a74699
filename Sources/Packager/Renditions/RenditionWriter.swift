internal import LiveStore
internal import MediaCore
internal import NIOCore

/// What the segments of one number have in common in all renditions.
struct SegmentPlace {
    let mediaSequenceNumber: Int
    let duration: MediaTime
    let programDateTime: WallClockTime
    /// Whether EXT-X-DISCONTINUITY stands before it.
    let isDiscontinuous: Bool
    /// Whether tracks and configurations may differ from those of the segment before it.
    let startsEpoch: Bool
    /// EXT-X-TARGETDURATION in seconds.
    let targetDuration: Int
    /// What the encoder said meanwhile.
    let events: [TimedMetadataQueue.Event]
    /// The same, as far as playlists tell it.
    let dateRanges: [DateRange]
}

/// What one rendition carries in a segment.
struct SegmentContent {
    let runs: [TrackRun]
    let isIndependent: Bool
    /// Whether what the encoder said goes in as well: a player that loads pictures and sound apart must find it once.
    let carriesEvents: Bool
}

/// The names of a rendition's resources; `nil` stands for the primary tracks together.
struct RenditionNames {
    let tag: String
    let id: Rendition.ID?

    /// The media playlist's, as the multivariant playlist refers to it.
    var playlist: String {
        switch id?.form {
        case nil: MediaPlaylist.name
        case .muxed: "media-\(index).m3u8"
        case .video: "video-\(index).m3u8"
        case .audio: "audio-\(index).m3u8"
        }
    }

    /// A segment's, without its extension.
    func segment(_ number: Int) -> String { "\(prefix)\(number)" }

    /// An initialization segment's, without its extension.
    func initialization(_ number: Int) -> String { "\(prefix)init-\(number)" }

    /// Whether a segment that the rendition lists was made for it.
    func own(_ segment: MediaSegment) -> Bool { segment.resource.name.hasPrefix(prefix) }

    private var index: UInt8 { id?.index ?? 0 }

    private var prefix: String {
        switch id?.form {
        case nil: "\(tag)-"
        case .muxed: "\(tag)-m\(index)-"
        case .video: "\(tag)-v\(index)-"
        case .audio: "\(tag)-a\(index)-"
        }
    }
}

/// Makes the segments of one rendition and measures them.
struct RenditionWriter {
    let names: RenditionNames
    /// What EXT-X-STREAM-INF says of the newest segment.
    private(set) var variant: Variant?
    private var meter = BitRateMeter()
    private var initialization: (resource: StoredResource, trackIDs: [TrackID: UInt32])?
    /// The initialization segment of before this publish.
    private let formerInitialization: StoredResource?

    /// A writer that goes on with a rendition.
    ///
    /// - Parameters:
    ///   - names: what its resources are called.
    ///   - window: what it has so far.
    ///   - targetDuration: EXT-X-TARGETDURATION, once it is fixed.
    init(_ names: RenditionNames, after window: LiveWindow, targetDuration: Int?) {
        self.names = names
        let own = window.segments.filter(names.own)
        formerInitialization = own.last?.initialization
        for segment in own {
            guard let targetDuration else { break }
            measure(segment, targetDuration: targetDuration)
        }
    }

    /// BANDWIDTH, in bits a second.
    var peak: Double { meter.peak }

    /// AVERAGE-BANDWIDTH over a window of the rendition, in bits a second.
    func average(of window: LiveWindow) -> Double {
        min(meter.peak, BitRateMeter.average(of: window.segments.lazy.filter(names.own)))
    }

    /// Writes the next segment.
    mutating func segment(_ content: SegmentContent, at place: SegmentPlace) -> MediaSegment {
        let (initialization, trackIDs) = self.initialization(for: content.runs, at: place)
        let name = names.segment(place.mediaSequenceNumber)
        let body = MediaSegmentWriter.write(
            content.runs,
            trackIDs: content.runs.map { trackIDs[$0.track.id] ?? 0 },
            sequenceNumber: UInt32(truncatingIfNeeded: place.mediaSequenceNumber + 1),
            events: content.carriesEvents ? place.events : []
        )
        let segment = MediaSegment(
            mediaSequenceNumber: place.mediaSequenceNumber,
            duration: place.duration,
            programDateTime: place.programDateTime,
            isIndependent: content.isIndependent,
            isDiscontinuous: place.isDiscontinuous,
            dateRanges: content.carriesEvents ? place.dateRanges : [],
            initialization: initialization,
            resource: StoredResource(kind: .mediaSegment, name: "\(name).m4s", body: body, entityTag: name)
        )
        measure(segment, targetDuration: place.targetDuration)
        variant = Variant(content.runs, lasting: place.duration)
        return segment
    }

    private mutating func measure(_ segment: MediaSegment, targetDuration: Int) {
        meter.add(
            byteCount: segment.resource.body.readableBytes,
            duration: segment.duration,
            targetDuration: targetDuration
        )
    }

    /// The initialization segment in force, or a new one when an epoch has other tracks or configurations.
    private mutating func initialization(
        for runs: [TrackRun],
        at place: SegmentPlace
    ) -> (resource: StoredResource, trackIDs: [TrackID: UInt32]) {
        if let initialization, !place.startsEpoch { return initialization }
        let body = InitializationSegmentWriter.write(runs.map { ($0.track, $0.timescale) })
        let name = names.initialization(place.mediaSequenceNumber)
        let resource =
            if let last = initialization?.resource ?? formerInitialization, last.body == body {
                last
            } else {
                StoredResource(kind: .initializationSegment, name: "\(name).mp4", body: body, entityTag: name)
            }
        let trackIDs = Dictionary(uniqueKeysWithValues: runs.enumerated().map { ($1.track.id, UInt32($0 + 1)) })
        let made = (resource, trackIDs)
        initialization = made
        return made
    }
}
