/// Follows one live Media Playlist through its versions and holds every change against RFC 8216 §6.2.1 and §6.2.2.
///
/// ```swift
/// var follower = PlaylistFollower()
/// try follower.follow(first)
/// try follower.follow(second)
/// ```
public struct PlaylistFollower: Sendable {
    /// The newest version, or `nil` before the first.
    public private(set) var current: MediaPlaylist?
    /// Every segment ever seen, in the order of Media Sequence Numbers; numbers that were never listed at a moment when
    /// the playlist was read are missing.
    public private(set) var segments: [MediaPlaylist.Segment] = []
    /// Every part ever seen, by the number of its segment.
    public private(set) var parts: [Int: [MediaPlaylist.Part]] = [:]

    /// A follower that has seen nothing.
    public init() {}

    /// Takes the next version.
    ///
    /// The same version again is in order: players reload more often than playlists change.
    ///
    /// - Parameters:
    ///   - next: the version.
    ///   - isAfterCrash: whether the server was killed since the last version: what it was about to make is lost, so a hint
    ///     need not become true.
    /// - Throws: ``PlaylistError`` for the first rule that the step from the last version to this one breaks.
    public mutating func follow(_ next: MediaPlaylist, isAfterCrash: Bool = false) throws(PlaylistError) {
        if let current {
            try Self.expectConstants(current, next)
            try Self.expectWindowMovesOn(current, next)
            try expectKnownSegmentsUnchanged(next)
            if !isAfterCrash { try expectHintBecameTrue(current, next) }
            if current.hasEndList { try Self.expectNothingChanged(current, next) }
        }
        try takeParts(next)
        let newest = segments.last?.mediaSequenceNumber ?? -1
        let added = next.segments.filter { $0.mediaSequenceNumber > newest }
        try expectFollowsOn(added)
        segments += added
        current = next
    }

    /// How many EXT-X-DISCONTINUITY tags were seen.
    public var discontinuityCount: Int { segments.count { $0.isDiscontinuous } }

    private static func fail(_ problem: String) -> PlaylistError { PlaylistError(line: 0, problem: problem) }

    /// What never changes: the target duration (§6.2.1), and what a playlist says about itself as a whole.
    private static func expectConstants(_ current: MediaPlaylist, _ next: MediaPlaylist) throws(PlaylistError) {
        guard next.targetDuration == current.targetDuration else {
            throw fail("EXT-X-TARGETDURATION went from \(current.targetDuration) to \(next.targetDuration)")
        }
        guard next.version == current.version else {
            throw fail("EXT-X-VERSION went from \(current.version) to \(next.version)")
        }
        guard next.serverControl == current.serverControl else { throw fail("EXT-X-SERVER-CONTROL changed") }
        guard next.partTarget == current.partTarget else { throw fail("PART-TARGET changed") }
        guard next.type == current.type else { throw fail("EXT-X-PLAYLIST-TYPE changed") }
        guard next.hasIndependentSegments == current.hasIndependentSegments else {
            throw fail("EXT-X-INDEPENDENT-SEGMENTS changed")
        }
        guard (next.discontinuitySequence == nil) == (current.discontinuitySequence == nil) else {
            throw fail("EXT-X-DISCONTINUITY-SEQUENCE came or went")
        }
    }

    /// Segments leave at the head and come at the end, and nowhere else.
    private static func expectWindowMovesOn(_ current: MediaPlaylist, _ next: MediaPlaylist) throws(PlaylistError) {
        guard next.mediaSequence >= current.mediaSequence else {
            throw fail("EXT-X-MEDIA-SEQUENCE went back from \(current.mediaSequence) to \(next.mediaSequence)")
        }
        let currentEnd = current.mediaSequence + current.segments.count
        let nextEnd = next.mediaSequence + next.segments.count
        guard nextEnd >= currentEnd else {
            throw fail("last segments vanished: \(currentEnd) went back to \(nextEnd)")
        }
        let removed = next.mediaSequence - current.mediaSequence
        guard removed == 0 || current.type == nil else { throw fail("a segment left a playlist of type EVENT or VOD") }
        // §6.2.2: after a removal at least three target durations stay, unless the playlist has ended.
        if removed > 0, !next.hasEndList, next.duration < Double(3 * next.targetDuration) {
            throw fail("\(next.duration) s stay after a removal, fewer than three target durations")
        }
        let last = current.discontinuitySequence ?? 0
        let now = next.discontinuitySequence ?? 0
        guard now >= last else { throw fail("EXT-X-DISCONTINUITY-SEQUENCE went back from \(last) to \(now)") }
    }

    /// A number always means the same segment with the same tags, its Discontinuity Sequence Number included.
    private func expectKnownSegmentsUnchanged(_ next: MediaPlaylist) throws(PlaylistError) {
        var known: [Int: MediaPlaylist.Segment] = [:]
        for segment in segments.suffix(current?.segments.count ?? 0) { known[segment.mediaSequenceNumber] = segment }
        for segment in next.segments {
            guard let before = known[segment.mediaSequenceNumber] else { continue }
            try Self.expectSame(before, segment)
        }
    }

    private static func expectSame(
        _ before: MediaPlaylist.Segment,
        _ now: MediaPlaylist.Segment
    ) throws(PlaylistError) {
        let name = "segment \(now.mediaSequenceNumber)"
        guard now.uri == before.uri else { throw fail("\(name) was \(before.uri) and is \(now.uri)") }
        guard now.durationText == before.durationText else {
            throw fail("\(name) lasted \(before.durationText) and lasts \(now.durationText)")
        }
        guard now.discontinuitySequenceNumber == before.discontinuitySequenceNumber else {
            throw fail(
                "\(name) had discontinuity sequence \(before.discontinuitySequenceNumber)"
                    + " and has \(now.discontinuitySequenceNumber)"
            )
        }
        guard now.isDiscontinuous == before.isDiscontinuous else { throw fail("\(name): EXT-X-DISCONTINUITY changed") }
        guard now.map == before.map else { throw fail("\(name): EXT-X-MAP changed") }
        guard now.byteRange == before.byteRange else { throw fail("\(name): EXT-X-BYTERANGE changed") }
        // A date may come with the step to the head of the playlist, where one must stand.
        if let date = now.programDateTime, let earlier = before.programDateTime, date != earlier {
            throw fail("\(name): EXT-X-PROGRAM-DATE-TIME changed")
        }
    }

    /// New segments come after every one seen: dates and discontinuities do not step back, numbers name new URIs.
    private func expectFollowsOn(_ added: [MediaPlaylist.Segment]) throws(PlaylistError) {
        guard let first = added.first, let last = segments.last else { return }
        if let date = added.compactMap(\.programDateTime).first,
            let before = segments.last(where: { $0.programDateTime != nil })?.programDateTime, date < before
        {
            throw Self.fail("EXT-X-PROGRAM-DATE-TIME went back from \(before.text) to \(date.text)")
        }
        let step = first.discontinuitySequenceNumber - last.discontinuitySequenceNumber
        if first.mediaSequenceNumber == last.mediaSequenceNumber + 1, step != (first.isDiscontinuous ? 1 : 0) {
            throw Self.fail("segment \(first.mediaSequenceNumber): discontinuity sequence moved by \(step)")
        }
        let known = Set(segments.map { [$0.uri, "\(String(describing: $0.byteRange))"] })
        for segment in added where known.contains([segment.uri, "\(String(describing: segment.byteRange))"]) {
            throw Self.fail("segment \(segment.mediaSequenceNumber) has the URI \(segment.uri) of an older one")
        }
    }

    /// Parts come one by one behind those that are there; what is there does not change.
    private mutating func takeParts(_ next: MediaPlaylist) throws(PlaylistError) {
        var listed = next.segments.map { (number: $0.mediaSequenceNumber, parts: $0.parts, isWhole: true) }
        if let open = next.openSegment { listed.append((next.nextMediaSequenceNumber, open.parts, false)) }
        for (number, now, isWhole) in listed where !now.isEmpty {
            let before = parts[number] ?? []
            guard now.starts(with: before) else { throw Self.fail("parts of segment \(number) changed") }
            let wasWhole = segments.contains { $0.mediaSequenceNumber == number }
            guard isWhole || !wasWhole else { throw Self.fail("segment \(number) is no longer whole") }
            guard !wasWhole || now.count == before.count else {
                throw Self.fail("segment \(number) got a part after it was whole")
            }
            parts[number] = now
        }
    }

    /// §4.4.5.3: the resource that a hint names is the next part.
    private func expectHintBecameTrue(_ current: MediaPlaylist, _ next: MediaPlaylist) throws(PlaylistError) {
        guard let hint = current.preloadHint, hint != next.preloadHint, !next.hasEndList else { return }
        let (number, index) = (current.nextMediaSequenceNumber, current.openSegment?.parts.count ?? 0)
        let listed =
            number == next.nextMediaSequenceNumber
            ? next.openSegment?.parts : next.segments.first { $0.mediaSequenceNumber == number }?.parts
        // So many parts may have come that those of this segment are no longer listed.
        guard let listed, !listed.isEmpty else {
            guard number < next.nextMediaSequenceNumber else { throw Self.fail("the hint \(hint) was withdrawn") }
            return
        }
        guard index < listed.count, listed[index].uri == hint else {
            throw Self.fail("the hint \(hint) was for part \(index) of segment \(number) and did not become true")
        }
    }

    private static func expectNothingChanged(_ current: MediaPlaylist, _ next: MediaPlaylist) throws(PlaylistError) {
        guard next == current else { throw fail("the playlist changed after EXT-X-ENDLIST") }
    }
}
