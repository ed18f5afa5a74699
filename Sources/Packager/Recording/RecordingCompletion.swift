internal import LiveStore
internal import MediaCore
internal import NIOCore
internal import Recordings

/// What a recording's journal becomes when nothing more will come: playlists, indexes and facts.
///
/// Pure.
struct RecordingCompletion {
    /// Where one segment's capture ends and the next one's begins further apart than this, time is missing.
    private static let longestStep: Int64 = 500

    /// A rendition with all segments of the recording.
    struct CompleteRendition {
        let id: Rendition.ID
        var segments: [VODPlaylist.Segment]
        let contents: JournalContents.RenditionContents
        var variant: Variant?
    }

    private let contents: JournalContents
    /// The renditions, that of the primary tracks first.
    let renditions: [CompleteRendition]

    /// The completion of what a journal says; `nil` when there is no segment.
    init?(_ contents: JournalContents) {
        self.contents = contents
        guard let primary = contents.renditions[JournalContents.primary], !primary.segments.isEmpty else { return nil }
        let others = contents.renditions.filter { $0.key != JournalContents.primary && !$0.value.segments.isEmpty }
        let ordered = others.sorted { ($0.key.form.order, $0.key.index) < ($1.key.form.order, $1.key.index) }
        renditions = ([(JournalContents.primary, primary)] + ordered.map { ($0.key, $0.value) }).map { id, rendition in
            CompleteRendition(
                id: id,
                segments: Self.segments(of: rendition, along: primary.segments),
                contents: rendition,
                variant: rendition.variant.flatMap { Variant($0) }
            )
        }
    }

    /// One segment for each of the primary tracks': where a rendition has none, a gap, so that all stay in step.
    private static func segments(
        of rendition: JournalContents.RenditionContents,
        along timeline: [JournalContents.Segment]
    ) -> [VODPlaylist.Segment] {
        let own = Dictionary(rendition.segments.map { ($0.entry.mediaSequenceNumber, $0) }) { $1 }
        let numbers = rendition.firstNumbers
        var start = MediaTime.zero
        var expected: WallClockTime?
        var initialization = rendition.segments.first?.entry.initialization ?? 0
        return timeline.map { place in
            let segment = own[place.entry.mediaSequenceNumber]
            initialization = segment?.entry.initialization ?? initialization
            let location = location(
                of: segment,
                at: start,
                along: place,
                initialization: numbers[initialization] ?? initialization
            )
            let time = place.entry.programDateTime
            let follows = expected.map { abs($0.milliseconds - time.milliseconds) <= 1 } ?? false
            defer {
                start += location.duration
                expected = time + location.duration
            }
            return VODPlaylist.Segment(
                location: location,
                programDateTime: follows && !place.entry.isDiscontinuous ? nil : time,
                dateRanges: segment?.parts.flatMap(\.dateRanges) ?? []
            )
        }
    }

    private static func location(
        of segment: JournalContents.Segment?,
        at start: MediaTime,
        along place: JournalContents.Segment,
        initialization: UInt32
    ) -> SegmentLocation {
        let first = segment.flatMap { $0.isLost ? nil : $0.parts.first }
        return SegmentLocation(
            file: first?.file ?? 0,
            initialization: initialization,
            offset: first?.offset ?? 0,
            length: first == nil ? 0 : UInt32(clamping: segment?.byteCount ?? 0),
            keyframeLength: first?.keyframeLength ?? 0,
            duration: place.duration,
            start: start,
            isDiscontinuous: place.entry.isDiscontinuous,
            isIndependent: segment?.entry.isIndependent ?? false
        )
    }

    // MARK: - Files

    /// The files that complete the recording, by name.
    var files: [(name: String, bytes: ByteBuffer)] {
        var files: [(name: String, bytes: ByteBuffer)] = []
        for rendition in renditions {
            let playlist = VODPlaylist(rendition: rendition.id, segments: rendition.segments)
            for number in Set(rendition.contents.firstNumbers.values).sorted() {
                guard let initialization = rendition.contents.initializations[number] else { continue }
                files.append((RecordingFolder.initialization(of: rendition.id, number: number), initialization.body))
            }
            files.append((RecordingFolder.index(of: rendition.id), playlist.index()))
            files.append((RecordingFolder.playlist(of: rendition.id), playlist.media()))
            if let iFrames = playlist.iFrames() {
                files.append((RecordingFolder.iFramePlaylist(of: rendition.id), iFrames))
            }
        }
        files.append((RecordingFolder.multivariantPlaylist, multivariantPlaylist))
        return files
    }

    private var multivariantPlaylist: ByteBuffer {
        var entries: [Rendition.ID: MultivariantPlaylist.Entry] = [:]
        for rendition in renditions { entries[rendition.id] = rendition.entry(contents.opening.targetDuration) }
        var composition = RenditionComposition(primary: entries.removeValue(forKey: JournalContents.primary))
        composition.further = entries
        composition.captions = renditions.first?.variant?.captionChannels ?? []
        // Pictures that are there alone and together with sound are listed once.
        let form: Rendition.Form = entries.keys.contains { $0.form == .video } ? .video : .muxed
        composition.iFrames = renditions.filter { $0.id.form == form }.compactMap {
            $0.iFrameEntry(contents.opening.targetDuration)
        }
        return composition.resource(entityTag: "").body
    }

    // MARK: - Facts

    /// The recording's length.
    var duration: MediaTime { (renditions.first?.segments.last?.location).map { $0.start + $0.duration } ?? .zero }

    /// The bytes of its media.
    var byteCount: Int64 {
        renditions.reduce(0) { $1.segments.reduce($0) { $0 + Int64($1.location.length) } }
    }

    /// Where something is missing.
    var gaps: [RecordingFacts.Gap] {
        guard let primary = renditions.first else { return [] }
        var gaps: [RecordingFacts.Gap] = []
        var expected: WallClockTime?
        // The server's absence explains that of the encoder.
        let causes = Dictionary(contents.resumptions.map { ($0.mediaSequenceNumber, $0.cause) }) { first, _ in first }
        for (segment, place) in zip(primary.segments, primary.contents.segments) {
            let (location, time) = (segment.location, place.entry.programDateTime)
            let missing = expected.map { time.milliseconds - $0.milliseconds } ?? 0
            if missing > Self.longestStep || causes[place.entry.mediaSequenceNumber] != nil {
                let cause = causes[place.entry.mediaSequenceNumber] ?? .encoder
                let gap = RecordingFacts.Gap(
                    cause: cause,
                    start: location.start.nanoseconds,
                    duration: 0,
                    missing: max(0, missing)
                )
                gaps.append(gap)
            }
            if location.isLost { Self.extend(&gaps, byLoss: location) }
            expected = time + location.duration
        }
        return gaps
    }

    /// Lost segments one behind the other are one gap.
    private static func extend(_ gaps: inout [RecordingFacts.Gap], byLoss location: SegmentLocation) {
        let length = location.duration.nanoseconds
        if let last = gaps.last, last.cause == .disk, last.start + last.duration == location.start.nanoseconds {
            gaps[gaps.count - 1].duration += length
            gaps[gaps.count - 1].missing += length / 1_000_000
        } else {
            gaps.append(
                .init(cause: .disk, start: location.start.nanoseconds, duration: length, missing: length / 1_000_000)
            )
        }
    }
}

extension RecordingCompletion.CompleteRendition {
    /// What the multivariant playlist says of it; `nil` when it has no media of its own.
    func entry(_ targetDuration: Int) -> MultivariantPlaylist.Entry? {
        guard let variant else { return nil }
        return entry(variant, RecordingFolder.playlist(of: id), targetDuration) { Int($0.length) }
    }

    /// The same of its I-frames.
    func iFrameEntry(_ targetDuration: Int) -> MultivariantPlaylist.Entry? {
        guard var variant, variant.resolution != nil, segments.contains(where: { $0.location.keyframeLength > 0 })
        else {
            return nil
        }
        variant.codecs = Array(variant.codecs.prefix(1))
        variant.frameRate = nil
        return entry(variant, RecordingFolder.iFramePlaylist(of: id), targetDuration) { Int($0.keyframeLength) }
    }

    private func entry(
        _ variant: Variant,
        _ uri: String,
        _ targetDuration: Int,
        byteCount: (SegmentLocation) -> Int
    ) -> MultivariantPlaylist.Entry {
        var meter = BitRateMeter()
        for segment in segments where !segment.location.isLost && segment.location.duration > .zero {
            meter.add(
                byteCount: byteCount(segment.location),
                duration: segment.location.duration,
                targetDuration: targetDuration
            )
        }
        return MultivariantPlaylist.Entry(
            variant: variant,
            peak: meter.peak,
            average: meter.average,
            isIndependent: segments.allSatisfy { $0.location.isIndependent || $0.location.isLost },
            uri: uri,
            index: id.index
        )
    }
}

extension JournalContents.RenditionContents {
    /// The numbers of the initialization segments, each with that of the first one with the same bytes: every publisher of a
    /// live notes its own.
    fileprivate var firstNumbers: [UInt32: UInt32] {
        var first: [ByteBuffer: UInt32] = [:]
        var numbers: [UInt32: UInt32] = [:]
        for (number, initialization) in initializations.sorted(by: { $0.key < $1.key }) {
            let known = first[initialization.body] ?? number
            first[initialization.body] = known
            numbers[number] = known
        }
        return numbers
    }
}

extension Rendition.Form {
    fileprivate var order: Int {
        switch self {
        case .muxed: 0
        case .video: 1
        case .audio: 2
        }
    }
}
