/// Takes the lines of a Multivariant Playlist one by one (RFC 8216 §4.3.1, §4.3.4).
struct MultivariantPlaylistReader {
    private var playlist = MultivariantPlaylist()
    private var once = OnceOnly()
    private var pending: (attributes: AttributeList, line: Int)?

    mutating func take(_ line: PlaylistLine) throws(PlaylistError) {
        if case .uri(let uri) = line.content {
            guard let stream = pending else { throw line.fail("URI without EXT-X-STREAM-INF") }
            playlist.variants.append(try Self.variant(uri, stream.attributes))
            pending = nil
            return
        }
        // §4.3.4.2: the URI line follows EXT-X-STREAM-INF at once.
        if let pending { throw PlaylistError(line: pending.line, problem: "EXT-X-STREAM-INF is not followed by a URI") }
        if case .tag(let name, let value) = line.content { try takeTag(name, value, line) }
    }

    private mutating func takeTag(_ name: String, _ value: Substring?, _ line: PlaylistLine) throws(PlaylistError) {
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
        case "EXT-X-STREAM-INF":
            pending = (try line.attributes(value), line.number)
        case "EXT-X-MEDIA":
            playlist.renditions.append(try Self.checkedRendition(line.attributes(value)))
        case "EXT-X-I-FRAME-STREAM-INF":
            let attributes = try line.attributes(value)
            _ = try attributes.required("URI", attributes.quoted("URI"))
            _ = try attributes.required("BANDWIDTH", attributes.integer("BANDWIDTH"))
        case "EXT-X-SESSION-DATA":
            let attributes = try line.attributes(value)
            _ = try attributes.required("DATA-ID", attributes.quoted("DATA-ID"))
        case "EXT-X-SESSION-KEY":
            let attributes = try line.attributes(value)
            _ = try attributes.required("METHOD", attributes.plain("METHOD"))
        default:
            guard !PlaylistTags.media.contains(name), !PlaylistTags.mediaSegment.contains(name) else {
                throw line.fail("\(name) in a Multivariant Playlist")
            }
            playlist.unknownTags.append(line.text)
        }
    }

    private static func variant(
        _ uri: String,
        _ attributes: AttributeList
    ) throws(PlaylistError) -> MultivariantPlaylist.Variant {
        let bandwidth = try attributes.required("BANDWIDTH", attributes.integer("BANDWIDTH"))
        guard bandwidth > 0 else { throw attributes.fail("BANDWIDTH=0") }
        let average = try attributes.integer("AVERAGE-BANDWIDTH")
        if let average, average > bandwidth { throw attributes.fail("AVERAGE-BANDWIDTH above BANDWIDTH") }
        let codecs = try attributes.quoted("CODECS")?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        guard codecs.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) }) else {
            throw attributes.fail("CODECS \(codecs)")
        }
        for group in ["AUDIO", "VIDEO", "SUBTITLES"] { _ = try attributes.quoted(group) }
        let frameRate = try attributes.float("FRAME-RATE")
        return MultivariantPlaylist.Variant(
            uri: uri,
            bandwidth: bandwidth,
            averageBandwidth: average,
            codecs: codecs.map(String.init),
            resolution: try resolution(attributes),
            frameRate: frameRate,
            attributes: attributes
        )
    }

    /// A decimal-resolution: two decimal-integers with an `x` between them.
    private static func resolution(_ list: AttributeList) throws(PlaylistError) -> MultivariantPlaylist.Resolution? {
        guard let text = try list.plain("RESOLUTION") else { return nil }
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { DecimalText.integer($0) }
        guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
            throw list.fail("RESOLUTION=\(text)")
        }
        return MultivariantPlaylist.Resolution(width: width, height: height)
    }

    private static func checkedRendition(_ attributes: AttributeList) throws(PlaylistError) -> AttributeList {
        let types: Set = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]
        let type = try attributes.required("TYPE", attributes.enumerated("TYPE", types))
        _ = try attributes.required("GROUP-ID", attributes.quoted("GROUP-ID"))
        _ = try attributes.required("NAME", attributes.quoted("NAME"))
        let uri = try attributes.quoted("URI")
        if type == "CLOSED-CAPTIONS", uri != nil { throw attributes.fail("URI with CLOSED-CAPTIONS") }
        if type == "SUBTITLES", uri == nil { throw attributes.fail("SUBTITLES without URI") }
        for flag in ["DEFAULT", "AUTOSELECT", "FORCED"] { _ = try attributes.enumerated(flag, ["YES", "NO"]) }
        return attributes
    }

    /// Checks what only the whole playlist tells.
    mutating func finish() throws(PlaylistError) -> MultivariantPlaylist {
        if let pending { throw PlaylistError(line: pending.line, problem: "EXT-X-STREAM-INF without its URI") }
        guard !playlist.variants.isEmpty else { throw PlaylistError(line: 0, problem: "no variant") }
        var names: Set<[String?]> = []
        for rendition in playlist.renditions {
            let name = [try rendition.plain("TYPE"), try rendition.quoted("GROUP-ID"), try rendition.quoted("NAME")]
            guard names.insert(name).inserted else { throw rendition.fail("second rendition \(name)") }
        }
        for variant in playlist.variants { try expectGroups(of: variant) }
        return playlist
    }

    /// §4.3.4.2: a named group must exist.
    private func expectGroups(of variant: MultivariantPlaylist.Variant) throws(PlaylistError) {
        for type in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            guard case .quoted(let group) = variant.attributes.values[type] else { continue }
            let exists = playlist.renditions.contains {
                $0.values["TYPE"] == .plain(type) && $0.values["GROUP-ID"] == .quoted(group)
            }
            guard exists else { throw variant.attributes.fail("\(type) group '\(group)' has no EXT-X-MEDIA") }
        }
    }
}
