internal import LiveStore
internal import MediaCore
internal import NIOCore

/// What the playlists of a live state for its whole life.
struct PlaylistTargets: Equatable {
    /// EXT-X-TARGETDURATION in seconds.
    let duration: Int
    /// PART-TARGET of EXT-X-PART-INF; `nil` when there are no parts.
    let part: MediaTime?
    /// Whether no segment is ever removed: EXT-X-PLAYLIST-TYPE EVENT (RFC 8216 §4.3.3.5).
    var isEvent = false

    /// PART-HOLD-BACK: three times PART-TARGET (RFC 8216bis §4.4.3.8).
    var partHoldBack: MediaTime? { part.map { MediaTime(nanoseconds: 3 * $0.nanoseconds) } }
    /// CAN-SKIP-UNTIL: six target durations, the least that is allowed (§4.4.3.8).
    var canSkipUntil: MediaTime { .milliseconds(Int64(6 * duration) * 1000) }
    /// Parts are listed as long as their segment ended less than this before the end of the playlist (§6.2.2).
    var partListing: MediaTime { .milliseconds(Int64(3 * duration) * 1000) }
    /// Parts can be fetched for as long again: readers are slower than playlists.
    var partRetention: MediaTime { .milliseconds(Int64(6 * duration) * 1000) }
}

/// The Media Playlist of a live's rendition at one moment (RFC 8216bis §4.4.3 and §4.4.4).
struct MediaPlaylist {
    /// The name of the primary tracks' playlist, as the multivariant playlist refers to it.
    static let name = "media.m3u8"
    /// The name of their sound alone.
    static let soundName = "sound.m3u8"
    /// EXT-X-MAP in a playlist of whole segments needs version 6, EXT-X-SKIP 9, and its RECENTLY-REMOVED-DATERANGES 10
    /// (§8).
    static let version = 10

    /// The live's tag.
    let tag: String
    /// Whose playlist it is; `nil` stands for the primary tracks together.
    let rendition: Rendition.ID?
    /// What it lists.
    let window: LiveWindow
    let targets: PlaylistTargets
    /// Whether EXT-X-ENDLIST closes it.
    let isEnded: Bool
    /// The playlists of the other renditions, which have come as far as this one.
    var otherPlaylists: [String] = []

    /// The name of a rendition's playlist; `nil` stands for the primary tracks together.
    static func name(of id: Rendition.ID?) -> String {
        switch id?.form {
        case nil: name
        case .muxed: "media-\(id?.index ?? 0).m3u8"
        case .video: "video-\(id?.index ?? 0).m3u8"
        case .audio: "audio-\(id?.index ?? 0).m3u8"
        }
    }

    /// The lines of a segment that stand around those of its parts.
    ///
    /// - Parameters:
    ///   - segment: the segment, all its parts in it.
    ///   - duration: its length.
    ///   - uri: its name.
    /// - Returns: the lines.
    static func lines(of segment: UnfinishedSegment, lasting duration: MediaTime, uri: String) -> MediaSegment.Lines {
        var dateRanges = ByteBuffer()
        for range in segment.dateRanges { dateRanges.writeString(range.tag) }
        return MediaSegment.Lines(
            opening: opening(of: segment, dateRanges),
            closing: ByteBuffer(string: "#EXTINF:\(duration.decimalSeconds),\n\(uri)\n"),
            dateRanges: dateRanges,
            statesMap: segment.statesMap
        )
    }

    private static func opening(of segment: UnfinishedSegment, _ dateRanges: ByteBuffer) -> ByteBuffer {
        var text = ByteBuffer()
        if segment.isDiscontinuous { text.writeStaticString("#EXT-X-DISCONTINUITY\n") }
        if segment.statesMap { text.writeString(map(segment.initialization)) }
        text.writeImmutableBuffer(dateRanges)
        text.writeString("#EXT-X-PROGRAM-DATE-TIME:\(segment.programDateTime)\n")
        return text
    }

    /// A part with its line.
    static func part(lasting duration: MediaTime, isIndependent: Bool, _ resource: StoredResource) -> PartialSegment {
        let independence = isIndependent ? ",INDEPENDENT=YES" : ""
        let line = "#EXT-X-PART:DURATION=\(duration.decimalSeconds),URI=\"\(resource.name)\"\(independence)\n"
        return PartialSegment(
            duration: duration,
            isIndependent: isIndependent,
            resource: resource,
            line: ByteBuffer(string: line)
        )
    }

    private static func map(_ initialization: StoredResource) -> String {
        "#EXT-X-MAP:URI=\"\(initialization.name)\"\n"
    }

    // MARK: - Forms

    /// What a playlist says up to its last whole segment: the same with every part until the next one is whole.
    struct Settled {
        fileprivate var full: [PlaylistText]
        fileprivate var delta: [PlaylistText]?
        fileprivate var deltaWithoutDateRanges: [PlaylistText]?
    }

    /// The lines up to the last whole segment.
    func settled() -> Settled {
        let held = window.heldSegments
        let header = header { text in
            if let map = window.initializationInForce { text.writeString(Self.map(map)) }
        }
        var settled = Settled(full: [header] + window.pastTexts + [lines(held)])
        let skippedHeld = skippableHeldSegments
        let skipped = window.count - held.count + skippedHeld
        guard skipped > 0 else { return settled }
        let rest = held.dropFirst(skippedHeld)
        let ranges = window.pastDateRangeLines + held.prefix(skippedHeld).map(\.lines.dateRanges)
        let removed = window.removedDateRanges(within: targets.canSkipUntil).map(\.id)
        settled.delta = delta(skipping: skipped, rest, dateRanges: ranges)
        if !removed.isEmpty || ranges.contains(where: { $0.readableBytes > 0 }) {
            settled.deltaWithoutDateRanges = delta(skipping: skipped, rest, removed: removed)
        }
        return settled
    }

    /// The playlist as readers fetch it.
    ///
    /// - Parameter settled: what was settled when the last segment became whole.
    /// - Returns: the playlist in all its forms.
    func rendered(_ settled: Settled) -> RenderedPlaylist {
        let name = Self.name(of: rendition)
        let next = window.nextPart
        let entityTag = "\(tag)-\(next.mediaSequenceNumber).\(next.index)\(isEnded ? "-end" : "")"
        let outlook = outlook()
        func resource(_ texts: [PlaylistText], _ form: String) -> StoredResource {
            StoredResource(playlist: name, texts: texts + [outlook], entityTag: entityTag + form)
        }
        return RenderedPlaylist(
            full: resource(settled.full, ""),
            delta: settled.delta.map { resource($0, "-skip") },
            deltaWithoutDateRanges: settled.deltaWithoutDateRanges.map { resource($0, "-skip-v2") }
        )
    }

    /// How many of the segments that are held in memory lie before the skip boundary, which is counted from the end of the
    /// playlist (§6.2.5.1); those that are not all do.
    private var skippableHeldSegments: Int {
        let held = window.heldSegments
        var distance = MediaTime.zero
        var count = held.count
        for segment in held.reversed() {
            guard distance < targets.canSkipUntil else { break }
            distance += segment.duration
            count -= 1
        }
        return count
    }

    /// The lines of a delta update up to the last whole segment.
    ///
    /// - Parameters:
    ///   - skipped: how many segments EXT-X-SKIP stands for.
    ///   - segments: the others.
    ///   - dateRanges: those of the skipped segments, unless EXT-X-SKIP stands for them too.
    ///   - removed: the date ranges that have left the playlist not long ago.
    /// - Returns: the texts.
    private func delta(
        skipping skipped: Int,
        _ segments: ArraySlice<MediaSegment>,
        dateRanges: [ByteBuffer] = [],
        removed: [String] = []
    ) -> [PlaylistText] {
        let header = header { text in
            let list = removed.isEmpty ? "" : ",RECENTLY-REMOVED-DATERANGES=\"\(removed.joined(separator: "\t"))\""
            text.writeString("#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)\(list)\n")
            for lines in dateRanges { text.writeImmutableBuffer(lines) }
            if let first = segments.first, !first.lines.statesMap { text.writeString(Self.map(first.initialization)) }
        }
        return [header, lines(segments)]
    }

    /// The lines of segments at the end of the list, with their parts.
    private func lines(_ segments: ArraySlice<MediaSegment>) -> PlaylistText {
        var text = ByteBufferAllocator().buffer(capacity: segments.count * 256)
        var age = segments.reduce(MediaTime.zero) { $0 + $1.duration }
        for segment in segments {
            age = age - segment.duration
            text.writeImmutableBuffer(segment.lines.opening)
            if targets.part != nil, age < targets.partListing {
                for part in segment.parts { text.writeImmutableBuffer(part.line) }
            }
            text.writeImmutableBuffer(segment.lines.closing)
        }
        return PlaylistText(
            .segments(first: segments.first?.mediaSequenceNumber ?? window.nextMediaSequenceNumber),
            text
        )
    }

    /// The lines behind the last whole segment.
    private func outlook() -> PlaylistText {
        var text = ByteBuffer()
        if targets.part != nil, let unfinished = window.unfinished {
            var dateRanges = ByteBuffer()
            for range in unfinished.dateRanges { dateRanges.writeString(range.tag) }
            text = Self.opening(of: unfinished, dateRanges)
            for part in unfinished.parts { text.writeImmutableBuffer(part.line) }
        }
        if isEnded { text.writeStaticString("#EXT-X-ENDLIST\n") } else { writeOutlook(to: &text) }
        return PlaylistText(.outlook(next: window.nextMediaSequenceNumber), text)
    }

    // MARK: - Tags

    /// The lines about the whole playlist, and others that `write` adds.
    private func header(_ write: (inout ByteBuffer) -> Void) -> PlaylistText {
        var text = ByteBuffer()
        let holdBack = targets.partHoldBack.map { ",PART-HOLD-BACK=\($0.decimalMilliseconds)" } ?? ""
        text.writeString(
            """
            #EXTM3U
            #EXT-X-VERSION:\(Self.version)
            #EXT-X-TARGETDURATION:\(targets.duration)
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\(holdBack),CAN-SKIP-UNTIL=\(6 * targets.duration),\
            CAN-SKIP-DATERANGES=YES

            """
        )
        if let part = targets.part { text.writeString("#EXT-X-PART-INF:PART-TARGET=\(part.decimalMilliseconds)\n") }
        if targets.isEvent { text.writeStaticString("#EXT-X-PLAYLIST-TYPE:EVENT\n") }
        text.writeString(
            """
            #EXT-X-MEDIA-SEQUENCE:\(window.mediaSequence)
            #EXT-X-DISCONTINUITY-SEQUENCE:\(window.discontinuitySequence)

            """
        )
        write(&text)
        return PlaylistText(.header, text)
    }

    /// What comes next, here and in the other renditions.
    private func writeOutlook(to text: inout ByteBuffer) {
        let next = window.nextPart
        if targets.part != nil {
            let hint = ResourceName(.part(next.mediaSequenceNumber, index: next.index), of: rendition).text(tag: tag)
            text.writeString("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"\(hint)\"\n")
        }
        let (number, part) =
            next.index > 0
            ? (next.mediaSequenceNumber, next.index - 1)
            : (next.mediaSequenceNumber - 1, max(0, (window.last?.parts.count ?? 0) - 1))
        let last = targets.part == nil ? "" : ",LAST-PART=\(part)"
        for uri in otherPlaylists {
            text.writeString("#EXT-X-RENDITION-REPORT:URI=\"\(uri)\",LAST-MSN=\(number)\(last)\n")
        }
    }
}

extension MediaTime {
    /// The time in seconds with six decimals: sums of many stay within a picture of the media (EXTINF).
    var decimalSeconds: String { Decimal.text(ticks(timescale: 1_000_000), places: 6) }

    /// The time in seconds with three decimals.
    var decimalMilliseconds: String { Decimal.text(ticks(timescale: 1000), places: 3) }
}

/// Decimal numbers as playlists have them (RFC 8216 §4.2, decimal-floating-point), written without rounding twice.
enum Decimal {
    /// A number above or equal to zero, given in units of its last place: `text(29_970, places: 3)` is `29.970`.
    static func text(_ units: Int64, places: Int) -> String {
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
