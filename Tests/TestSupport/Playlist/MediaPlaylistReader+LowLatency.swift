/// The tags of low-latency HLS and of delta updates (RFC 8216bis §4.4.3.7, §4.4.3.8, §4.4.4.9 and §4.4.5).
extension PlaylistTags {
    static let lowLatency: Set<String> = [
        "EXT-X-SERVER-CONTROL", "EXT-X-PART-INF", "EXT-X-PART", "EXT-X-SKIP", "EXT-X-PRELOAD-HINT",
        "EXT-X-RENDITION-REPORT",
    ]
}

extension MediaPlaylistReader {
    mutating func takeLowLatencyTag(
        _ name: String,
        _ attributes: AttributeList,
        _ line: PlaylistLine
    ) throws(PlaylistError) {
        switch name {
        case "EXT-X-SERVER-CONTROL":
            try once.mark(name, line)
            playlist.serverControl = MediaPlaylist.ServerControl(
                canBlockReload: try attributes.enumerated("CAN-BLOCK-RELOAD", ["YES"]) != nil,
                canSkipUntil: try attributes.float("CAN-SKIP-UNTIL"),
                canSkipDateRanges: try attributes.enumerated("CAN-SKIP-DATERANGES", ["YES"]) != nil,
                holdBack: try attributes.float("HOLD-BACK"),
                partHoldBack: try attributes.float("PART-HOLD-BACK")
            )
        case "EXT-X-PART-INF":
            try once.mark(name, line)
            playlist.partTarget = try attributes.required("PART-TARGET", attributes.float("PART-TARGET"))
        case "EXT-X-PART": try takePart(attributes, line)
        case "EXT-X-SKIP":
            try once.mark(name, line)
            guard playlist.segments.isEmpty, segment.isEmpty else { throw line.fail("\(name) behind a segment") }
            playlist.skippedSegments = try attributes.required(
                "SKIPPED-SEGMENTS",
                attributes.integer("SKIPPED-SEGMENTS")
            )
            guard playlist.skippedSegments > 0 else { throw line.fail("nothing is skipped") }
            let removed = try attributes.quoted("RECENTLY-REMOVED-DATERANGES")
            playlist.removedDateRanges = removed?.split(separator: "\t").map(String.init) ?? []
            need(removed == nil ? 9 : 10, name, line)
        case "EXT-X-PRELOAD-HINT":
            try once.mark(name, line)
            let type = try attributes.required("TYPE", attributes.enumerated("TYPE", ["PART", "MAP"]))
            let uri = try attributes.required("URI", attributes.quoted("URI"))
            if type == "PART" { playlist.preloadHint = uri }
        default:
            playlist.renditionReports.append(
                MediaPlaylist.RenditionReport(
                    uri: try attributes.required("URI", attributes.quoted("URI")),
                    lastMediaSequenceNumber: try attributes.required("LAST-MSN", attributes.integer("LAST-MSN")),
                    lastPart: try attributes.integer("LAST-PART")
                )
            )
        }
    }

    private mutating func takePart(_ attributes: AttributeList, _ line: PlaylistLine) throws(PlaylistError) {
        guard let target = playlist.partTarget else { throw line.fail("EXT-X-PART without EXT-X-PART-INF") }
        let duration = try attributes.required("DURATION", attributes.float("DURATION"))
        guard duration <= target else { throw line.fail("a part of \(duration) s over PART-TARGET \(target)") }
        guard duration > 0 else { throw line.fail("a part of no length") }
        guard map != nil else { throw line.fail("EXT-X-PART without EXT-X-MAP") }
        if let last = segment.parts.last { try expectLongEnough(last, line) }
        segment.parts.append(
            MediaPlaylist.Part(
                uri: try attributes.required("URI", attributes.quoted("URI")),
                duration: duration,
                isIndependent: try attributes.enumerated("INDEPENDENT", ["YES"]) != nil
            )
        )
    }

    /// §4.4.4.9: at least 85 % of PART-TARGET, but for parts with INDEPENDENT=YES and the last one of a segment.
    private func expectLongEnough(_ part: MediaPlaylist.Part, _ line: PlaylistLine) throws(PlaylistError) {
        guard let target = playlist.partTarget, !part.isIndependent, part.duration < 0.85 * target else { return }
        throw line.fail("\(part.uri) lasts \(part.duration) s, below 85 % of \(target) s, and is not the last part")
    }

    /// What stands behind the last whole segment: nothing, or the parts of the next one.
    mutating func finishOpenSegment() throws(PlaylistError) {
        guard !segment.isEmpty || !segment.parts.isEmpty else { return }
        guard segment.extinf == nil, segment.byteRange == nil, !segment.parts.isEmpty else {
            throw PlaylistError(line: lastLine, problem: "a segment's tags without its URI")
        }
        playlist.openSegment = MediaPlaylist.OpenSegment(
            parts: segment.parts,
            isDiscontinuous: segment.isDiscontinuous,
            map: map,
            programDateTime: segment.programDateTime
        )
    }

    func expectLowLatencyRules() throws(PlaylistError) {
        func fail(_ problem: String) -> PlaylistError { PlaylistError(line: 0, problem: problem) }
        if let skip = playlist.serverControl?.canSkipUntil, skip < Double(6 * playlist.targetDuration) {
            throw fail("CAN-SKIP-UNTIL \(skip) below six target durations")
        }
        if let holdBack = playlist.serverControl?.holdBack, holdBack < Double(3 * playlist.targetDuration) {
            throw fail("HOLD-BACK \(holdBack) below three target durations")
        }
        guard let target = playlist.partTarget else { return }
        guard let holdBack = playlist.serverControl?.partHoldBack, holdBack >= 3 * target - 0.0005 else {
            throw fail("PART-HOLD-BACK below three times PART-TARGET \(target)")
        }
        guard playlist.hasEndList != (playlist.preloadHint != nil) else {
            throw fail("EXT-X-PRELOAD-HINT in an ended playlist, or none in one that goes on")
        }
        for segment in playlist.segments where !segment.parts.isEmpty {
            let sum = segment.parts.reduce(0) { $0 + $1.duration }
            guard abs(sum - segment.duration) < 0.000_1 else {
                throw fail("the parts of \(segment.uri) last \(sum) s, it lasts \(segment.durationText) s")
            }
        }
        // §6.2.2: parts near the end of what is whole only, and there all of them.
        var distance = 0.0
        for segment in playlist.segments.reversed() {
            let isNear = distance < Double(3 * playlist.targetDuration)
            guard !segment.parts.isEmpty == isNear else {
                throw fail(
                    "\(segment.uri) ends \(distance) s before the last whole segment does and has \(segment.parts.count) parts"
                )
            }
            distance += segment.duration
        }
    }
}
