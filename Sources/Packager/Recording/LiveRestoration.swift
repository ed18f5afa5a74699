internal import LiveStore
internal import MediaCore
internal import NIOCore
internal import Recordings
internal import Storage

/// Makes a live of what the journal of its recording says, as its viewers knew it before the process ended.
///
/// Segments, numbers, names and dates are those of before. The segment that was being filled is complete with the parts that
/// it has: the next one begins with a discontinuity, as after any absence of the encoder.
struct LiveRestoration {
    private let configuration: PackagerConfiguration
    private let contents: JournalContents
    private let recording: Recording

    init(_ contents: JournalContents, of recording: Recording, configuration: PackagerConfiguration) {
        self.contents = contents
        self.recording = recording
        self.configuration = configuration
    }

    /// The live's state; `nil` when nothing of it can be played.
    ///
    /// Blocks: reads the newest minute of media.
    func snapshot() -> LiveStream.Snapshot? {
        let opening = contents.opening
        let targets = PlaylistTargets(
            duration: opening.targetDuration,
            part: opening.partTarget > .zero ? opening.partTarget : nil,
            isEvent: opening.isEvent
        )
        guard let primary = contents.renditions[JournalContents.primary],
            let window = window(of: JournalContents.primary, primary, targets), !window.isEmpty
        else { return nil }
        var snapshot = LiveStream.Snapshot(phase: .preparing, window: window)
        snapshot.targetDuration = targets.duration
        snapshot.partTarget = targets.part
        snapshot.isEvent = targets.isEvent
        snapshot.mediaPlaylist = playlist(nil, window, targets)
        var composition = RenditionComposition(
            primary: entry(JournalContents.primary, primary, window, MediaPlaylist.name, targets)
        )
        composition.captions = primary.variant.flatMap { Variant($0) }?.captionChannels ?? []
        for (id, rendition) in contents.renditions where id != JournalContents.primary {
            // A rendition that is not as far as the primary tracks has left.
            guard
                rendition.segments.last?.entry.mediaSequenceNumber == primary.segments.last?.entry.mediaSequenceNumber,
                let window = self.window(of: id, rendition, targets)
            else { continue }
            snapshot.furtherRenditions[id] = Rendition(id: id, window: window, playlist: playlist(id, window, targets))
            composition.further[id] = entry(id, rendition, window, MediaPlaylist.name(of: id), targets)
        }
        snapshot.multivariantPlaylist = composition.resource(
            entityTag: "\(opening.tag)-\(window.nextMediaSequenceNumber)-restored"
        )
        return snapshot
    }

    private func playlist(_ id: Rendition.ID?, _ window: LiveWindow, _ targets: PlaylistTargets) -> RenderedPlaylist {
        let playlist = MediaPlaylist(
            tag: contents.opening.tag,
            rendition: id,
            window: window,
            targets: targets,
            isEnded: false
        )
        return playlist.rendered(playlist.settled())
    }

    private func entry(
        _ id: Rendition.ID,
        _ rendition: JournalContents.RenditionContents,
        _ window: LiveWindow,
        _ uri: String,
        _ targets: PlaylistTargets
    ) -> MultivariantPlaylist.Entry? {
        guard let variant = rendition.variant.flatMap({ Variant($0) }) else { return nil }
        var meter = BitRateMeter()
        for segment in rendition.segments where segment.duration > .zero {
            meter.add(byteCount: segment.byteCount, duration: segment.duration, targetDuration: targets.duration)
        }
        return MultivariantPlaylist.Entry(
            variant: variant,
            peak: meter.peak,
            average: meter.average,
            isIndependent: window.isIndependent,
            uri: uri,
            index: id.index
        )
    }

    // MARK: - Windows

    /// The window of a rendition, as it was.
    ///
    /// What the disk did not take was in memory only: the list goes on behind it.
    private func window(
        of id: Rendition.ID,
        _ rendition: JournalContents.RenditionContents,
        _ targets: PlaylistTargets
    ) -> LiveWindow? {
        let limits = configuration.windowLimits(targets)
        let segments = rendition.segments.suffix(from: Self.firstAvailable(rendition.segments))
        guard let first = segments.first else { return nil }
        var window = LiveWindow(
            firstMediaSequenceNumber: first.entry.mediaSequenceNumber,
            discontinuitySequence: contents.opening.discontinuitySequence
                + rendition.segments.prefix(upTo: segments.startIndex).count { $0.entry.isDiscontinuous }
        )
        var initializations: [UInt32: StoredResource] = [:]
        var age = segments.reduce(MediaTime.zero) { $0 + $1.duration }
        for segment in segments {
            age = age - segment.duration
            guard let initialization = initialization(segment.entry, in: rendition, &initializations),
                let restored = restore(segment, initialization, of: id, isHeld: age < limits.memory, targets)
            else { return nil }
            window.append(restored, limits: limits)
        }
        return window
    }

    /// The index of the first segment behind which none is missing.
    private static func firstAvailable(_ segments: [JournalContents.Segment]) -> Int {
        var first = segments.count
        for index in segments.indices.reversed() {
            let isFollowed =
                first == segments.count
                || segments[index].entry.mediaSequenceNumber + 1 == segments[index + 1].entry.mediaSequenceNumber
            guard !segments[index].isLost, isFollowed else { break }
            first = index
        }
        return first
    }

    private func initialization(
        _ entry: JournalEntry.Segment,
        in rendition: JournalContents.RenditionContents,
        _ known: inout [UInt32: StoredResource]
    ) -> StoredResource? {
        if let resource = known[entry.initialization] { return resource }
        guard let initialization = rendition.initializations[entry.initialization] else { return nil }
        // The same one may have been noted by several publishers of the live.
        let resource =
            known.values.first { $0.name == initialization.name }
            ?? StoredResource(
                kind: .initializationSegment,
                name: initialization.name,
                body: initialization.body,
                entityTag: String(initialization.name.dropLast(4))
            )
        known[entry.initialization] = resource
        return resource
    }

    private func restore(
        _ segment: JournalContents.Segment,
        _ initialization: StoredResource,
        of id: Rendition.ID,
        isHeld: Bool,
        _ targets: PlaylistTargets
    ) -> MediaSegment? {
        let entry = segment.entry
        let rendition = id == JournalContents.primary ? nil : id
        func resource(_ item: ResourceName.Item, _ pieces: [ByteBuffer]) -> StoredResource {
            let name = ResourceName(item, of: rendition)
            let tag = contents.opening.tag
            return StoredResource(
                kind: .mediaSegment,
                name: name.text(tag: tag),
                pieces: pieces,
                entityTag: name.stem(tag: tag)
            )
        }
        var unfinished = UnfinishedSegment(
            mediaSequenceNumber: entry.mediaSequenceNumber,
            programDateTime: entry.programDateTime,
            isIndependent: entry.isIndependent,
            isDiscontinuous: entry.isDiscontinuous,
            initialization: initialization,
            statesMap: entry.statesMap
        )
        unfinished.dateRanges = segment.parts.flatMap(\.dateRanges)
        let slice = slice(of: segment, in: id)
        var pieces: [ByteBuffer] = []
        if isHeld {
            guard let slice, let read = read(segment.parts, in: slice) else { return nil }
            pieces = read
            for (index, part) in segment.parts.enumerated() {
                unfinished.parts.append(
                    MediaPlaylist.part(
                        lasting: part.duration,
                        isIndependent: part.isIndependent,
                        resource(.part(entry.mediaSequenceNumber, index: index), [pieces[index]])
                    )
                )
            }
        }
        let whole = resource(.segment(entry.mediaSequenceNumber), pieces)
        return MediaSegment(
            mediaSequenceNumber: entry.mediaSequenceNumber,
            duration: segment.duration,
            programDateTime: entry.programDateTime,
            isIndependent: entry.isIndependent,
            isDiscontinuous: entry.isDiscontinuous,
            dateRanges: unfinished.dateRanges,
            initialization: initialization,
            resource: whole,
            filed: FiledBytes(byteCount: segment.byteCount, in: slice),
            parts: targets.part == nil ? [] : unfinished.parts,
            lines: MediaPlaylist.lines(of: unfinished, lasting: segment.duration, uri: whole.name)
        )
    }

    private func slice(of segment: JournalContents.Segment, in id: Rendition.ID) -> FileSlice? {
        guard !segment.isLost, let first = segment.parts.first, let offset = Int(exactly: first.offset) else {
            return nil
        }
        let file = try? recording.file(named: RecordingFolder.media(of: id, number: first.file))
        return file?.slice(offset: offset, length: segment.byteCount)
    }

    private func read(_ parts: [JournalEntry.Part], in slice: FileSlice) -> [ByteBuffer]? {
        var offset = 0
        var pieces: [ByteBuffer] = []
        for part in parts {
            guard let piece = try? slice.read(offset..<offset + Int(part.length)) else { return nil }
            pieces.append(piece)
            offset += Int(part.length)
        }
        return pieces
    }
}
