internal import LiveStore
public import MediaCore
internal import NIOCore
public import Recordings
public import Storage

/// Why a clip cannot be made.
public enum ClipFailure: Error, Hashable, CustomStringConvertible {
    /// There is nothing between these times.
    case nothingThere(length: MediaTime)
    /// The disk failed.
    case storage(StorageFailure)
    /// The recording is not what it says.
    case unreadable(String)

    /// The problem in words.
    public var description: String {
        switch self {
        case .nothingThere(let length):
            "there is nothing between these times: the recording has \(length.decimalSeconds) s"
        case .storage(let failure): "\(failure)"
        case .unreadable(let what): what
        }
    }
}

/// Makes a recording of a piece of another one, which shares its storage.
///
/// The clip has the segments that show the piece, whole, under its own numbers: its media files are further names (hard
/// links) of the recording's, so it costs no space and stays when the recording is deleted. Players begin inside of its first
/// segment; its download is cut exactly.
public struct RecordingClip: Sendable {
    private let source: ClipSource
    private let span: Range<MediaTime>
    private let title: String

    /// A clip.
    ///
    /// - Parameters:
    ///   - source: the recording that it is a piece of.
    ///   - span: what is shown, counted from the beginning of the recording.
    ///   - title: what people call it; `nil` for the title of the recording.
    public init(of source: ClipSource, _ span: Range<MediaTime>, title: String?) {
        self.source = source
        self.span = span
        self.title = title ?? source.recording.facts.title
    }

    /// Makes it.
    ///
    /// Blocks, for milliseconds; where the file system has no hard links, until its media is copied.
    ///
    /// - Parameters:
    ///   - catalog: gets the clip.
    ///   - now: milliseconds since 1970.
    /// - Returns: the clip, ready to be played.
    /// - Throws: ``ClipFailure``; then nothing is left of it.
    public func make(in catalog: RecordingCatalog, now: Int64) throws(ClipFailure) -> Recording {
        try make(in: catalog, now: now, links: .hard)
    }

    func make(in catalog: RecordingCatalog, now: Int64, links: MediaLinks) throws(ClipFailure) -> Recording {
        let plan = try plan()
        return try onDisk { () throws(StorageFailure) in
            let clip = try catalog.make { facts($0, plan) }
            do throws(StorageFailure) {
                let byteCount = try fill(clip, plan, links)
                try catalog.update(clip.id) { facts in
                    facts.state = .ready
                    facts.endedAt = now
                    facts.byteCount = byteCount
                }
            } catch {
                catalog.delete(clip.id)
                throw error
            }
            catalog.announceCompletion(of: clip)
            return clip
        }
    }

    private func onDisk<Result>(_ body: () throws(StorageFailure) -> Result) throws(ClipFailure) -> Result {
        do throws(StorageFailure) { return try body() } catch { throw .storage(error) }
    }

    // MARK: - What it is

    /// The clip's segments, and what is shown of them.
    private struct Plan {
        var selection: ClipSelection
        /// What is shown of the recording.
        var span: Range<MediaTime>
        /// What the clip's segments cover of it.
        var covered: Range<MediaTime>
        /// Where that begins, counted from the first picture of the clip's first segment.
        var cut: MediaTime
        /// The same, counted from its first sample.
        var start: MediaTime
    }

    private func plan() throws(ClipFailure) -> Plan {
        guard let primary = source.renditions.first else { throw .nothingThere(length: .zero) }
        let locations = try onDisk { () throws(StorageFailure) in try source.locations(in: primary) }
        let end = locations.last.map { $0.start + $0.duration } ?? .zero
        guard var selection = ClipSelection(span, of: locations),
            let origin = try locations.first(where: { !$0.isLost }).flatMap({ (location) throws(ClipFailure) in
                try times(of: location, in: primary).map { $0.first - location.start }
            })
        else { throw .nothingThere(length: end) }
        // What was lost at the beginning is not there to be shown.
        let beginning = max(span.lowerBound, locations[selection.segments.lowerBound].start)
        let shown = beginning..<max(beginning, min(span.upperBound, end))
        while true {
            guard let times = try times(of: locations[selection.segments.lowerBound], in: primary) else {
                throw .nothingThere(length: end)
            }
            // Players count from the first sample of all, and a segment's pictures begin a little before or after it does.
            let cut = origin + beginning - times.picture
            if cut < .zero, let earlier = selection.beginningEarlier(),
                !locations[earlier.segments.lowerBound].isLost
            {
                selection = earlier
                continue
            }
            let (first, last) = (selection.segments.lowerBound, selection.segments.upperBound - 1)
            return Plan(
                selection: selection,
                span: shown,
                covered: locations[first].start..<locations[last].start + locations[last].duration,
                cut: max(.zero, cut),
                start: max(.zero, origin + beginning - times.first)
            )
        }
    }

    private func times(of location: SegmentLocation, in id: Rendition.ID) throws(ClipFailure) -> SegmentTimes? {
        do throws(FragmentHeaders.Failure) {
            return try source.times(of: location, in: id)
        } catch {
            switch error {
            case .storage(let failure): throw .storage(failure)
            case .fragment(let error):
                let place = "\(location.start.decimalSeconds) s of \(id)"
                throw .unreadable("the segment at \(place) cannot be read: \(error)")
            }
        }
    }

    private func facts(_ id: RecordingID, _ plan: Plan) -> RecordingFacts {
        let whole = source.recording.facts
        let duration = plan.span.upperBound - plan.span.lowerBound
        var facts = RecordingFacts(
            id: id,
            stream: whole.stream,
            title: title,
            source: .clip,
            startedAt: whole.timeOfDay(at: plan.span.lowerBound)
        )
        facts.duration = duration.nanoseconds
        facts.gaps = whole.gaps.compactMap { $0.part(in: plan.span) }
        facts.cut = RecordingFacts.Cut(
            start: plan.cut.nanoseconds,
            duration: duration.nanoseconds,
            source: source.recording.id
        )
        return facts
    }

    // MARK: - Its files

    /// Gives the clip its files; returns the bytes of its media.
    private func fill(_ clip: Recording, _ plan: Plan, _ links: MediaLinks) throws(StorageFailure) -> Int64 {
        var byteCount: Int64 = 0
        for id in source.renditions {
            var rendition = plan.selection.locations(from: try source.locations(in: id))
            rendition = try links.place(rendition, of: id, from: source.recording, in: clip)
            byteCount += rendition.byteCount
            try write(rendition, of: id, plan, in: clip)
        }
        if let playlist = try source.file(named: RecordingFolder.multivariantPlaylist) {
            let subtitles = try writeSubtitles(SubtitleExcerpt.playlists(in: playlist), plan, in: clip)
            let text = PlaylistExcerpt.multivariant(playlist, subtitles: subtitles)
            try write(text, RecordingFolder.multivariantPlaylist, in: clip)
        }
        return byteCount
    }

    /// Gives the clip its share of the subtitles; returns the names of the playlists that it has.
    private func writeSubtitles(
        _ playlists: [String],
        _ plan: Plan,
        in clip: Recording
    ) throws(StorageFailure) -> Set<String> {
        var written: Set<String> = []
        for name in playlists {
            guard let text = try source.file(named: name) else { continue }
            let excerpt = SubtitleExcerpt(name, text, of: plan.covered)
            for file in excerpt.files {
                // Where text is missing there is nothing to read for a while.
                let text = try source.file(named: file.old) ?? ByteBuffer(string: "WEBVTT\n")
                try write(text, file.new, in: clip)
            }
            try write(excerpt.playlist, name, in: clip)
            written.insert(name)
        }
        return written
    }

    private func write(
        _ rendition: ClipRendition,
        of id: Rendition.ID,
        _ plan: Plan,
        in clip: Recording
    ) throws(StorageFailure) {
        for (old, new) in rendition.initializations {
            let name = RecordingFolder.initialization(of: id, number: old)
            guard let bytes = try source.file(named: name) else { continue }
            try write(bytes, RecordingFolder.initialization(of: id, number: new), in: clip)
        }
        let excerpt = PlaylistExcerpt(
            rendition: id,
            segments: plan.selection.segments,
            locations: rendition.locations,
            start: plan.start
        )
        for name in [RecordingFolder.playlist(of: id), RecordingFolder.iFramePlaylist(of: id)] {
            guard let playlist = try source.file(named: name) else { continue }
            try write(excerpt.playlist(playlist), name, in: clip)
        }
        var index = ByteBufferAllocator().buffer(capacity: rendition.locations.count * SegmentIndex.recordSize)
        for location in rendition.locations { SegmentIndex.write(location, to: &index) }
        try write(index, RecordingFolder.index(of: id), in: clip)
    }

    private func write(_ bytes: ByteBuffer, _ name: String, in clip: Recording) throws(StorageFailure) {
        var file = try NewFile(replacing: "\(clip.folder)/\(name)")
        try file.write(bytes)
        try file.complete()
    }
}

extension RecordingFacts {
    /// When a moment of the recording was captured, in milliseconds since 1970.
    fileprivate func timeOfDay(at time: MediaTime) -> Int64 {
        gaps.reduce(startedAt + time.nanoseconds / 1_000_000) { moment, gap in
            gap.start + gap.duration <= time.nanoseconds ? moment + gap.missing - gap.duration / 1_000_000 : moment
        }
    }
}

extension RecordingFacts.Gap {
    /// What a clip has of it; `nil` when that is nothing.
    fileprivate func part(in span: Range<MediaTime>) -> RecordingFacts.Gap? {
        let (first, last) = (span.lowerBound.nanoseconds, span.upperBound.nanoseconds)
        // One where the recording just goes on later is none at the very beginning.
        guard duration > 0 ? start < last && start + duration > first : start > first && start < last else {
            return nil
        }
        var part = self
        part.start = max(start, first) - first
        part.duration = min(start + duration, last) - max(start, first)
        part.missing -= (duration - part.duration) / 1_000_000
        return part
    }
}
