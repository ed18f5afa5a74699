internal import LiveStore
internal import MediaCore
internal import NIOCore
internal import Storage

/// What a part has in common in all renditions.
struct PartPlace {
    let mediaSequenceNumber: Int
    /// Its number within its segment.
    let index: Int
    let duration: MediaTime
    /// When its segment begins.
    let programDateTime: WallClockTime
    /// Whether EXT-X-DISCONTINUITY stands before its segment.
    let isDiscontinuous: Bool
    /// Whether its segment's tracks and configurations may differ from those of the segment before that.
    let startsEpoch: Bool
    /// The length of its segment, when it is the last part of that.
    let segmentDuration: MediaTime?
    /// What playlists state for the life of the live.
    let targets: PlaylistTargets
    /// The closed captions found in the publish so far.
    let captions: [ClosedCaptions.Channel]
    /// What the encoder said meanwhile.
    let events: [TimedMetadataQueue.Event]
    /// The same, as far as playlists tell it.
    let dateRanges: [DateRange]
}

/// What one rendition carries in a part.
struct PartContent {
    /// The tracks of the segment, each with its samples in this part, which may be none.
    let runs: [TrackRun]
    /// Whether a sync sample of the first track is in it.
    var isIndependent: Bool { runs.first?.samples.contains(where: \.isSync) ?? false }
    /// Whether what the encoder said goes in as well: a player that loads pictures and sound apart must find it once.
    let carriesEvents: Bool
}

/// Makes the parts and segments of one rendition and measures them.
struct RenditionWriter {
    let id: Rendition.ID?
    private let tag: String
    private var store: RenditionStore?
    /// What EXT-X-STREAM-INF says of the newest segment.
    private(set) var variant: Variant?
    private var meter = BitRateMeter()
    /// The sound alone, where there are pictures too.
    private var soundMeter = SoundMeter()
    private var initialization: (resource: StoredResource, trackIDs: [TrackID: UInt32])?
    /// The initialization segment of before this publish.
    private let formerInitialization: StoredResource?
    /// The pictures of the unfinished segment.
    private var pictureCount = 0

    /// A writer that goes on with a rendition.
    ///
    /// - Parameters:
    ///   - id: which one; `nil` for the primary tracks together.
    ///   - tag: the live's.
    ///   - window: what it has so far.
    ///   - targetDuration: EXT-X-TARGETDURATION, once it is fixed.
    ///   - store: where its segments are filed; `nil` when they are kept in memory only.
    init(_ id: Rendition.ID?, tag: String, after window: LiveWindow, targetDuration: Int?, store: RenditionStore?) {
        self.id = id
        self.tag = tag
        self.store = store
        formerInitialization = window.heldSegments.last { Self.owns($0.initialization, id, tag: tag) }?.initialization
        guard let targetDuration else { return }
        for segment in window.pastSegments where Self.owns(segment.initialization, id, tag: tag) {
            meter.add(
                byteCount: segment.resource.bytes.byteCount,
                duration: segment.duration,
                targetDuration: targetDuration
            )
        }
        for segment in window.heldSegments where Self.owns(segment.initialization, id, tag: tag) {
            measure(segment, targetDuration: targetDuration)
        }
    }

    /// The name of the media playlist.
    var playlistName: String { MediaPlaylist.name(of: id) }

    /// BANDWIDTH, in bits a second.
    var peak: Double { meter.peak }

    /// AVERAGE-BANDWIDTH, in bits a second.
    var average: Double { meter.average }

    /// The sound of it alone as a variant; `nil` before its first segment, and where there is no sound.
    var sound: MultivariantPlaylist.Entry? {
        guard let variant = variant?.sound else { return nil }
        return MultivariantPlaylist.Entry(
            variant: variant,
            peak: soundMeter.peak,
            average: soundMeter.average,
            isIndependent: true,
            uri: MediaPlaylist.soundName
        )
    }

    /// Whether a segment that the rendition lists has media of its own, and is not the default rendition's.
    private static func owns(_ initialization: StoredResource, _ id: Rendition.ID?, tag: String) -> Bool {
        ResourceName(initialization.name, tag: tag)?.rendition == id
    }

    // MARK: - Parts

    /// Adds a part of its own to the rendition.
    ///
    /// - Returns: the segment, when the part is its last one.
    mutating func append(
        _ content: PartContent,
        at place: PartPlace,
        to window: inout LiveWindow
    ) -> MediaSegment? {
        if place.index == 0 {
            let initialization = initialization(for: content.runs, at: place).resource
            begin(at: place, isIndependent: content.isIndependent, initialization, in: &window)
            pictureCount = 0
        }
        let trackIDs = initialization?.trackIDs ?? [:]
        let runs = content.runs.filter { !$0.samples.isEmpty }
        let body = MediaSegmentWriter.write(
            runs,
            trackIDs: runs.map { trackIDs[$0.track.id] ?? 0 },
            sequenceNumber: Self.fragmentNumber(of: place),
            events: content.carriesEvents ? place.events : []
        )
        pictureCount += runs.first { $0.track.id.kind == .video }?.samples.count ?? 0
        soundMeter.count(runs, isFirst: place.index == 0)
        let part = part(at: place, [body], isIndependent: content.isIndependent)
        let dateRanges = content.carriesEvents ? place.dateRanges : []
        window.append(part, dateRanges: dateRanges)
        let keyframeLength = MediaSegmentWriter.keyframeLength(runs, events: content.carriesEvents ? place.events : [])
        let filed = store?.append(part, at: place, dateRanges: dateRanges, keyframeLength: keyframeLength)
        guard let segment = segment(at: place, in: window, file: { filed ?? store?.append($0) }) else { return nil }
        measure(segment, targetDuration: place.targets.duration)
        var variant = Variant(content.runs.map(\.track), pictureCount: pictureCount, lasting: segment.duration)
        if !place.captions.isEmpty { variant.captions = place.captions.map(\.rawValue) }
        if variant != self.variant { store?.note(variant) }
        self.variant = variant
        soundMeter.finish(segment, targetDuration: place.targets.duration, oldest: window.mediaSequence)
        return segment
    }

    /// Adds the default rendition's part to the rendition, under a name of its own: the one that was promised.
    ///
    /// - Parameters:
    ///   - part: the default rendition's part.
    ///   - initialization: what EXT-X-MAP names for it.
    ///   - place: where it belongs.
    ///   - filed: the default rendition's whole segment on disk, when the part is its last one.
    ///   - window: the rendition's.
    /// - Returns: the segment, when the part is its last one.
    mutating func append(
        _ part: PartialSegment,
        of initialization: StoredResource,
        at place: PartPlace,
        filed: FiledBytes?,
        to window: inout LiveWindow
    ) -> MediaSegment? {
        if place.index == 0 { begin(at: place, isIndependent: part.isIndependent, initialization, in: &window) }
        let copy = self.part(at: place, part.resource.pieces, isIndependent: part.isIndependent)
        window.append(copy, dateRanges: place.dateRanges)
        let own = store?.append(copy, at: place, dateRanges: place.dateRanges, keyframeLength: 0)
        return segment(at: place, in: window) { _ in own ?? filed }
    }

    /// Grows from part to part.
    private static func fragmentNumber(of place: PartPlace) -> UInt32 {
        UInt32(truncatingIfNeeded: place.mediaSequenceNumber << 8 + place.index + 1)
    }

    private mutating func begin(
        at place: PartPlace,
        isIndependent: Bool,
        _ initialization: StoredResource,
        in window: inout LiveWindow
    ) {
        let segment = UnfinishedSegment(
            mediaSequenceNumber: place.mediaSequenceNumber,
            programDateTime: place.programDateTime,
            isIndependent: isIndependent,
            isDiscontinuous: place.isDiscontinuous,
            initialization: initialization,
            statesMap: window.last?.initialization !== initialization
        )
        window.begin(segment)
        store?.begin(segment)
    }

    private func part(at place: PartPlace, _ pieces: [ByteBuffer], isIndependent: Bool) -> PartialSegment {
        MediaPlaylist.part(
            lasting: place.duration,
            isIndependent: isIndependent,
            resource(.part(place.mediaSequenceNumber, index: place.index), pieces)
        )
    }

    /// The whole segment, when its last part is there.
    private func segment(
        at place: PartPlace,
        in window: LiveWindow,
        file: ([ByteBuffer]) -> FiledBytes?
    ) -> MediaSegment? {
        guard let duration = place.segmentDuration, let unfinished = window.unfinished else { return nil }
        let pieces = unfinished.parts.flatMap(\.resource.pieces)
        let resource = resource(.segment(place.mediaSequenceNumber), pieces)
        return MediaSegment(
            mediaSequenceNumber: place.mediaSequenceNumber,
            duration: duration,
            programDateTime: unfinished.programDateTime,
            isIndependent: unfinished.isIndependent,
            isDiscontinuous: unfinished.isDiscontinuous,
            dateRanges: unfinished.dateRanges,
            initialization: unfinished.initialization,
            resource: resource,
            filed: file(pieces),
            parts: place.targets.part == nil ? [] : unfinished.parts,
            lines: MediaPlaylist.lines(of: unfinished, lasting: duration, uri: resource.name)
        )
    }

    private func resource(_ item: ResourceName.Item, _ pieces: [ByteBuffer]) -> StoredResource {
        let name = ResourceName(item, of: id)
        return StoredResource(
            kind: .mediaSegment,
            name: name.text(tag: tag),
            pieces: pieces,
            entityTag: name.stem(tag: tag)
        )
    }

    private mutating func measure(_ segment: MediaSegment, targetDuration: Int) {
        meter.add(
            byteCount: segment.resource.byteCount,
            duration: segment.duration,
            targetDuration: targetDuration
        )
    }

    /// The initialization segment in force, or a new one when an epoch has other tracks or configurations.
    private mutating func initialization(
        for runs: [TrackRun],
        at place: PartPlace
    ) -> (resource: StoredResource, trackIDs: [TrackID: UInt32]) {
        if let initialization, !place.startsEpoch { return initialization }
        let body = InitializationSegmentWriter.write(runs.map { ($0.track, $0.timescale) })
        let name = ResourceName(.initialization(place.mediaSequenceNumber), of: id)
        let resource =
            if let last = initialization?.resource ?? formerInitialization, last.body == body {
                last
            } else {
                StoredResource(
                    kind: .initializationSegment,
                    name: name.text(tag: tag),
                    body: body,
                    entityTag: name.stem(tag: tag)
                )
            }
        let trackIDs = Dictionary(uniqueKeysWithValues: runs.enumerated().map { ($1.track.id, UInt32($0 + 1)) })
        let made = (resource, trackIDs)
        initialization = made
        return made
    }
}
