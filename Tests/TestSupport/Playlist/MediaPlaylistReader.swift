/// Takes the lines of a Media Playlist one by one (RFC 8216 §4.3.1 to §4.3.3).
struct MediaPlaylistReader {
    var playlist = MediaPlaylist()
    var once = OnceOnly()
    /// The lowest version that every feature seen so far needs (§7), and the line that needs it.
    private var neededVersion = (version: 1, line: 0, feature: "")
    private(set) var map: MediaPlaylist.Map?
    private var keys: [AttributeList] = []
    private var discontinuities = 0
    private var dateRangeIDs: Set<String> = []
    var segment = PendingSegment()
    private var lastByteRange: (uri: String, end: Int)?
    private(set) var lastLine = 0

    /// What was said of the segment whose URI is still to come.
    struct PendingSegment {
        var extinf: (duration: Double, text: String, title: String)?
        var byteRange: MediaPlaylist.ByteRange?
        var isDiscontinuous = false
        var programDateTime: MediaPlaylist.DateTime?
        var dateRanges: [AttributeList] = []
        var parts: [MediaPlaylist.Part] = []
        var unknownTags: [String] = []

        var isEmpty: Bool {
            extinf == nil && byteRange == nil && !isDiscontinuous && programDateTime == nil
        }
    }

    mutating func take(_ line: PlaylistLine) throws(PlaylistError) {
        lastLine = line.number
        switch line.content {
        case .ignored:
            break
        case .uri(let uri):
            guard !playlist.hasEndList else { throw line.fail("a segment after EXT-X-ENDLIST") }
            try finishSegment(uri, line)
        case .tag(let name, let value):
            guard !playlist.hasEndList else { throw line.fail("\(name) after EXT-X-ENDLIST") }
            try takeTag(name, value, line)
        }
    }

    private mutating func takeTag(_ name: String, _ value: Substring?, _ line: PlaylistLine) throws(PlaylistError) {
        if PlaylistTags.mediaSegment.contains(name) {
            try takeSegmentTag(name, value, line)
        } else if PlaylistTags.media.contains(name) {
            try once.mark(name, line)
            try takePlaylistTag(name, value, line)
        } else if PlaylistTags.multivariant.contains(name) {
            throw line.fail("\(name) in a Media Playlist")
        } else if PlaylistTags.lowLatency.contains(name) {
            try takeLowLatencyTag(name, try line.attributes(value), line)
        } else {
            try takeSharedTag(name, value, line)
        }
    }

    private mutating func takeSharedTag(
        _ name: String,
        _ value: Substring?,
        _ line: PlaylistLine
    ) throws(PlaylistError) {
        switch name {
        case "EXTM3U":
            throw line.fail("second EXTM3U")
        case "EXT-X-VERSION":
            try once.mark(name, line)
            playlist.version = try line.version(value)
        case "EXT-X-INDEPENDENT-SEGMENTS":
            try once.mark(name, line)
            try line.nothing(value)
            playlist.hasIndependentSegments = true
        case "EXT-X-START":
            try once.mark(name, line)
            try line.start(value)
        default:
            playlist.unknownTags.append(line.text)
            segment.unknownTags.append(line.text)
        }
    }

    private mutating func takePlaylistTag(
        _ name: String,
        _ value: Substring?,
        _ line: PlaylistLine
    ) throws(PlaylistError) {
        switch name {
        case "EXT-X-TARGETDURATION":
            playlist.targetDuration = try line.integer(value)
        case "EXT-X-MEDIA-SEQUENCE":
            guard playlist.segments.isEmpty else { throw line.fail("\(name) after the first segment") }
            playlist.mediaSequence = try line.integer(value)
        case "EXT-X-DISCONTINUITY-SEQUENCE":
            guard playlist.segments.isEmpty, discontinuities == 0 else {
                throw line.fail("\(name) after the first segment or EXT-X-DISCONTINUITY")
            }
            playlist.discontinuitySequence = try line.integer(value)
        case "EXT-X-PLAYLIST-TYPE":
            guard value == "EVENT" || value == "VOD" else { throw line.fail("type '\(value ?? "")'") }
            playlist.type = value.map(String.init)
        case "EXT-X-I-FRAMES-ONLY":
            try line.nothing(value)
            playlist.isIFramesOnly = true
            need(4, name, line)
        default:
            try line.nothing(value)
            guard segment.isEmpty else { throw line.fail("EXT-X-ENDLIST between a segment's tags and its URI") }
            playlist.hasEndList = true
        }
    }

    private mutating func takeSegmentTag(
        _ name: String,
        _ value: Substring?,
        _ line: PlaylistLine
    ) throws(PlaylistError) {
        switch name {
        case "EXTINF":
            guard segment.extinf == nil else { throw line.fail("second EXTINF of a segment") }
            segment.extinf = try extinf(value, line)
        case "EXT-X-BYTERANGE":
            guard segment.byteRange == nil else { throw line.fail("second EXT-X-BYTERANGE of a segment") }
            segment.byteRange = try Self.byteRange(value ?? "", line)
            need(4, name, line)
        case "EXT-X-DISCONTINUITY":
            try line.nothing(value)
            guard !segment.isDiscontinuous else { throw line.fail("second EXT-X-DISCONTINUITY of a segment") }
            segment.isDiscontinuous = true
            discontinuities += 1
        case "EXT-X-PROGRAM-DATE-TIME":
            guard segment.programDateTime == nil else { throw line.fail("second \(name) of a segment") }
            guard let moment = DateTimeText.read(value ?? "") else {
                throw line.fail("'\(value ?? "")' is no ISO 8601 date and time with a zone")
            }
            segment.programDateTime = moment
        case "EXT-X-MAP":
            map = try readMap(line.attributes(value), line)
        case "EXT-X-KEY":
            try takeKey(line.attributes(value), line)
        default:
            try takeDateRange(line.attributes(value), line)
        }
    }

    /// §4.3.2.7: an ID stands for one range only.
    private mutating func takeDateRange(_ range: AttributeList, _ line: PlaylistLine) throws(PlaylistError) {
        let id = try range.required("ID", range.quoted("ID"))
        let start = try range.required("START-DATE", range.quoted("START-DATE"))
        guard DateTimeText.read(start[...]) != nil else { throw line.fail("START-DATE '\(start)'") }
        guard dateRangeIDs.insert(id).inserted else { throw line.fail("a second EXT-X-DATERANGE with ID \(id)") }
        for (name, _) in range.values where name.hasPrefix("X-") { _ = try range.quoted(name) }
        // Those of skipped segments stand in front of what is restated for the first one that is not skipped.
        if playlist.skippedSegments > 0, playlist.segments.isEmpty, map == nil {
            playlist.skippedDateRanges.append(range)
        } else {
            segment.dateRanges.append(range)
        }
    }

    private mutating func extinf(
        _ value: Substring?,
        _ line: PlaylistLine
    ) throws(PlaylistError) -> (Double, String, String) {
        guard let value, let comma = value.firstIndex(of: ",") else { throw line.fail("EXTINF without its comma") }
        let text = value[..<comma]
        guard let duration = DecimalText.float(text) else { throw line.fail("EXTINF '\(text)' is no decimal number") }
        if text.contains(".") { need(3, "a floating-point EXTINF", line) }
        return (duration, String(text), String(value[value.index(after: comma)...]))
    }

    private static func byteRange(
        _ text: some StringProtocol,
        _ line: PlaylistLine
    ) throws(PlaylistError) -> MediaPlaylist.ByteRange {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { DecimalText.integer($0) }
        guard (1...2).contains(parts.count), numbers.count == parts.count, numbers[0] > 0 else {
            throw line.fail("byte range '\(text)'")
        }
        return MediaPlaylist.ByteRange(length: numbers[0], offset: numbers.count == 2 ? numbers[1] : nil)
    }

    private mutating func readMap(
        _ attributes: AttributeList,
        _ line: PlaylistLine
    ) throws(PlaylistError) -> MediaPlaylist.Map {
        // §4.3.2.5: 5 with EXT-X-I-FRAMES-ONLY, else 6; settled in finish(), when that tag is known.
        need(5, "EXT-X-MAP", line)
        let uri = try attributes.required("URI", attributes.quoted("URI"))
        var range: MediaPlaylist.ByteRange?
        if let text = try attributes.quoted("BYTERANGE") { range = try Self.byteRange(text, line) }
        return MediaPlaylist.Map(uri: uri, byteRange: range)
    }

    private mutating func takeKey(_ attributes: AttributeList, _ line: PlaylistLine) throws(PlaylistError) {
        let methods: Set = ["NONE", "AES-128", "SAMPLE-AES"]
        let method = try attributes.required("METHOD", attributes.enumerated("METHOD", methods))
        guard method != "NONE" else {
            guard attributes.values.count == 1 else { throw line.fail("METHOD=NONE with other attributes") }
            keys = []
            return
        }
        _ = try attributes.required("URI", attributes.quoted("URI"))
        if let vector = try attributes.plain("IV") {
            need(2, "IV", line)
            let digits = vector.dropFirst(2)
            guard vector.hasPrefix("0x") || vector.hasPrefix("0X"), digits.count == 32, digits.allSatisfy(\.isHexDigit)
            else { throw line.fail("IV \(vector) is no 128-bit hexadecimal-sequence") }
        }
        let format = try attributes.quoted("KEYFORMAT")
        if method == "SAMPLE-AES" || format != nil { need(5, "KEYFORMAT or SAMPLE-AES", line) }
        keys.removeAll { ((try? $0.quoted("KEYFORMAT")) ?? "identity") == format ?? "identity" }
        keys.append(attributes)
    }

    private mutating func finishSegment(_ uri: String, _ line: PlaylistLine) throws(PlaylistError) {
        guard let extinf = segment.extinf else { throw line.fail("URI without EXTINF") }
        let path = uri.prefix { $0 != "?" && $0 != "#" }
        if path.hasSuffix(".m4s") || path.hasSuffix(".mp4"), map == nil { throw line.fail("fMP4 without EXT-X-MAP") }
        if let range = segment.byteRange {
            guard let start = range.offset ?? (lastByteRange?.uri == uri ? lastByteRange?.end : nil) else {
                throw line.fail("EXT-X-BYTERANGE without an offset and nothing before it")
            }
            lastByteRange = (uri, start + range.length)
        } else {
            lastByteRange = nil
        }
        playlist.segments.append(
            MediaPlaylist.Segment(
                uri: uri,
                duration: extinf.duration,
                durationText: extinf.text,
                title: extinf.title,
                byteRange: segment.byteRange,
                isDiscontinuous: segment.isDiscontinuous,
                map: map,
                keys: keys,
                programDateTime: segment.programDateTime,
                dateRanges: segment.dateRanges,
                mediaSequenceNumber: playlist.nextMediaSequenceNumber,
                discontinuitySequenceNumber: (playlist.discontinuitySequence ?? 0) + discontinuities,
                parts: segment.parts,
                unknownTags: segment.unknownTags
            )
        )
        segment = PendingSegment()
    }

    mutating func need(_ version: Int, _ feature: String, _ line: PlaylistLine) {
        if version > neededVersion.version { neededVersion = (version, line.number, feature) }
    }

    /// Checks what only the whole playlist tells.
    mutating func finish() throws(PlaylistError) -> MediaPlaylist {
        guard once.contains("EXT-X-TARGETDURATION") else {
            throw PlaylistError(line: 0, problem: "EXT-X-TARGETDURATION is missing")
        }
        try finishOpenSegment()
        if map != nil, !playlist.isIFramesOnly, neededVersion.version < 6 { neededVersion = (6, 0, "EXT-X-MAP") }
        guard playlist.version >= neededVersion.version else {
            throw PlaylistError(
                line: neededVersion.line,
                problem: "\(neededVersion.feature) needs version \(neededVersion.version), not \(playlist.version)"
            )
        }
        // §4.3.3.1: rounded to the nearest integer, every EXTINF is at most the target duration.
        for segment in playlist.segments where Int(segment.duration.rounded()) > playlist.targetDuration {
            throw PlaylistError(
                line: 0,
                problem: "EXTINF \(segment.durationText) of \(segment.uri) over target \(playlist.targetDuration)"
            )
        }
        try expectRisingDates()
        try expectLowLatencyRules()
        return playlist
    }

    private func expectRisingDates() throws(PlaylistError) {
        var last: MediaPlaylist.DateTime?
        for date in playlist.segments.compactMap(\.programDateTime) {
            if let last, date < last {
                throw PlaylistError(line: 0, problem: "EXT-X-PROGRAM-DATE-TIME \(date.text) after \(last.text)")
            }
            last = date
        }
    }
}

/// Dates and times of ISO 8601's extended format with a zone, as RFC 3339 §5.6 narrows them.
enum DateTimeText {
    static func read(_ text: Substring) -> MediaPlaylist.DateTime? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy(DecimalText.isDigit) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        func isByte(_ index: Int, _ character: Unicode.Scalar) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        guard let year = number(0..<4), isByte(4, "-"), let month = number(5..<7), isByte(7, "-"),
            let day = number(8..<10), isByte(10, "T"), let hour = number(11..<13), isByte(13, ":"),
            let minute = number(14..<16), isByte(16, ":"), let second = number(17..<19),
            (1...12).contains(month), (1...daysInMonth(month, year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var position = 19
        var milliseconds: Int64 = 0
        if isByte(position, ".") {
            let digits = bytes[(position + 1)...].prefix(while: DecimalText.isDigit)
            guard (1...9).contains(digits.count) else { return nil }
            milliseconds = (Array(digits) + [0x30, 0x30]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
            position += 1 + digits.count
        }
        var zone: Int64 = 0
        if isByte(position, "Z") {
            position += 1
        } else {
            guard isByte(position, "+") || isByte(position, "-"), let hours = number(position + 1..<position + 3),
                isByte(position + 3, ":"), let minutes = number(position + 4..<position + 6), hours < 24, minutes < 60
            else { return nil }
            zone = (hours * 60 + minutes) * (isByte(position, "-") ? -1 : 1)
            position += 6
        }
        guard position == bytes.count else { return nil }
        let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute - zone) * 60 + second
        return MediaPlaylist.DateTime(text: String(text), milliseconds: seconds * 1000 + milliseconds)
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func daysInMonth(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01, counted year by year and month by month: slow, and plainly right.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        var days: Int64 = 0
        for other in min(year, 1970)..<max(year, 1970) { days += isLeap(other) ? 366 : 365 }
        if year < 1970 { days = -days }
        for other in 1..<month { days += daysInMonth(other, year) }
        return days + day - 1
    }
}
