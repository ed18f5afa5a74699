internal import LiveStore
internal import MediaCore
internal import NIOCore

/// What the playlists of a live state for its whole life.
struct PlaylistTargets: Equatable {
    /// EXT-X-TARGETDURATION in seconds.
    let duration: Int
    /// PART-TARGET of EXT-X-PART-INF; `nil` when there are no parts.
    let part: MediaTime?

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
    static func lines(_ programDateTime: WallClockTime, lasting duration: MediaTime, uri: String) -> MediaSegment.Lines
    {
        MediaSegment.Lines(
            opening: ByteBuffer(string: programDateTimeLine(programDateTime)),
            closing: ByteBuffer(string: "#EXTINF:\(duration.decimalSeconds),\n\(uri)\n")
        )
    }

    private static func programDateTimeLine(_ time: WallClockTime) -> String { "#EXT-X-PROGRAM-DATE-TIME:\(time)\n" }

    // MARK: - Forms

    /// What a playlist says of whole segments, and before them: the same with every part until the next segment is whole.
    struct Settled {
        fileprivate var full: ByteBuffer
        fileprivate var delta: ByteBuffer?
        fileprivate var deltaWithoutDateRanges: ByteBuffer?
        /// The EXT-X-MAP in force at the end.
        fileprivate let map: StoredResource?
    }

    /// The lines of the whole segments, and those before them.
    func settled() -> Settled {
        var settled = Settled(full: lines(skipping: 0), map: window.segments.last?.initialization)
        let skipped = skippableSegments
        guard skipped > 0 else { return settled }
        settled.delta = lines(skipping: skipped)
        let hasDateRanges = window.segments[..<skipped].contains { !$0.dateRanges.isEmpty }
        let removed = window.removedDateRanges(within: targets.canSkipUntil).map(\.id)
        if hasDateRanges || !removed.isEmpty {
            settled.deltaWithoutDateRanges = lines(skipping: skipped, leavingOutDateRanges: true, removed: removed)
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
        let news = news(after: settled.map)
        func resource(_ text: ByteBuffer, _ form: String) -> StoredResource {
            var text = text
            text.writeImmutableBuffer(news)
            return StoredResource(kind: .mediaPlaylist, name: name, body: text, entityTag: entityTag + form)
        }
        return RenderedPlaylist(
            full: resource(settled.full, ""),
            delta: settled.delta.map { resource($0, "-skip") },
            deltaWithoutDateRanges: settled.deltaWithoutDateRanges.map { resource($0, "-skip-v2") }
        )
    }

    /// How many segments lie before the skip boundary, which is counted from the end of the playlist (§6.2.5.1).
    private var skippableSegments: Int {
        var distance = MediaTime.zero
        var count = window.segments.count
        for segment in window.segments.reversed() {
            guard distance < targets.canSkipUntil else { break }
            distance += segment.duration
            count -= 1
        }
        return count
    }

    /// The lines up to the last whole segment.
    ///
    /// - Parameters:
    ///   - skipped: how many segments EXT-X-SKIP stands for.
    ///   - leavingOutDateRanges: whether it stands for their date ranges too.
    ///   - removed: the date ranges that have left the playlist not long ago.
    /// - Returns: the text.
    private func lines(
        skipping skipped: Int,
        leavingOutDateRanges: Bool = false,
        removed: [String] = []
    ) -> ByteBuffer {
        var text = ByteBufferAllocator().buffer(capacity: 1024 + (window.segments.count - skipped) * 192)
        writeHeader(to: &text)
        if skipped > 0 {
            let list = removed.isEmpty ? "" : ",RECENTLY-REMOVED-DATERANGES=\"\(removed.joined(separator: "\t"))\""
            text.writeString("#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)\(list)\n")
            if !leavingOutDateRanges {
                for segment in window.segments[..<skipped] { write(segment.dateRanges, to: &text) }
            }
        }
        var age = MediaTime.zero
        for segment in window.segments[skipped...] { age += segment.duration }
        var map: StoredResource?
        for segment in window.segments[skipped...] {
            age = age - segment.duration
            write(segment.isDiscontinuous, segment.initialization, after: &map, segment.dateRanges, to: &text)
            text.writeImmutableBuffer(segment.lines.opening)
            if targets.part != nil, age < targets.partListing { write(segment.parts, to: &text) }
            text.writeImmutableBuffer(segment.lines.closing)
        }
        return text
    }

    /// The lines behind the last whole segment.
    private func news(after map: StoredResource?) -> ByteBuffer {
        var text = ByteBuffer()
        if targets.part != nil, let unfinished = window.unfinished {
            var map = map
            write(unfinished.isDiscontinuous, unfinished.initialization, after: &map, unfinished.dateRanges, to: &text)
            text.writeString(Self.programDateTimeLine(unfinished.programDateTime))
            write(unfinished.parts, to: &text)
        }
        if isEnded { text.writeStaticString("#EXT-X-ENDLIST\n") } else { writeOutlook(to: &text) }
        return text
    }

    // MARK: - Tags

    private func writeHeader(to text: inout ByteBuffer) {
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
        text.writeString(
            """
            #EXT-X-MEDIA-SEQUENCE:\(window.mediaSequence)
            #EXT-X-DISCONTINUITY-SEQUENCE:\(window.discontinuitySequence)

            """
        )
    }

    private func write(
        _ isDiscontinuous: Bool,
        _ initialization: StoredResource,
        after map: inout StoredResource?,
        _ dateRanges: [DateRange],
        to text: inout ByteBuffer
    ) {
        if isDiscontinuous { text.writeStaticString("#EXT-X-DISCONTINUITY\n") }
        if initialization !== map {
            map = initialization
            text.writeString("#EXT-X-MAP:URI=\"\(initialization.name)\"\n")
        }
        write(dateRanges, to: &text)
    }

    private func write(_ dateRanges: [DateRange], to text: inout ByteBuffer) {
        for range in dateRanges { text.writeString(range.tag) }
    }

    private func write(_ parts: [PartialSegment], to text: inout ByteBuffer) {
        for part in parts {
            let independence = part.isIndependent ? ",INDEPENDENT=YES" : ""
            text.writeString(
                "#EXT-X-PART:DURATION=\(part.duration.decimalSeconds),URI=\"\(part.resource.name)\"\(independence)\n"
            )
        }
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
            : (next.mediaSequenceNumber - 1, max(0, (window.segments.last?.parts.count ?? 0) - 1))
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
