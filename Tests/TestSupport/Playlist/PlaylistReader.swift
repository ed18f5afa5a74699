/// Reads playlists as RFC 8216 tells servers to write them: what a lenient player would overlook is an error here.
///
/// Written from the RFC, independently of any writer in Sources/. Stricter than the RFC in two points: EXT-X-ENDLIST must
/// stand last, and fMP4 segments are known by `.m4s` or `.mp4` at the end of their path.
public enum PlaylistReader {
    /// Reads a Media Playlist.
    ///
    /// - Parameter bytes: the body as it came.
    /// - Returns: the playlist with its defaults filled in.
    /// - Throws: ``PlaylistError`` with the first line that is wrong.
    public static func readMedia(_ bytes: some Sequence<UInt8>) throws(PlaylistError) -> MediaPlaylist {
        var reader = MediaPlaylistReader()
        for line in try lines(of: Array(bytes)) { try reader.take(line) }
        return try reader.finish()
    }

    /// Reads a Media Playlist.
    public static func readMedia(_ text: String) throws(PlaylistError) -> MediaPlaylist { try readMedia(text.utf8) }

    /// Reads a Multivariant Playlist.
    ///
    /// - Parameter bytes: the body as it came.
    /// - Returns: the playlist with its defaults filled in.
    /// - Throws: ``PlaylistError`` with the first line that is wrong.
    public static func readMultivariant(_ bytes: some Sequence<UInt8>) throws(PlaylistError) -> MultivariantPlaylist {
        var reader = MultivariantPlaylistReader()
        for line in try lines(of: Array(bytes)) { try reader.take(line) }
        return try reader.finish()
    }

    /// Reads a Multivariant Playlist.
    public static func readMultivariant(_ text: String) throws(PlaylistError) -> MultivariantPlaylist {
        try readMultivariant(text.utf8)
    }

    /// The lines after EXTM3U (§4.1): UTF-8 without a byte order mark or control characters, ended by LF or CRLF.
    private static func lines(of bytes: [UInt8]) throws(PlaylistError) -> [PlaylistLine] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PlaylistError(line: 0, problem: "not UTF-8")
        }
        guard bytes.last == UInt8(ascii: "\n") else { throw PlaylistError(line: 0, problem: "last line has no end") }
        var lines: [PlaylistLine] = []
        let rows = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for (index, row) in rows.enumerated() {
            let scalars = row.last == "\r" ? row.dropLast() : row
            let number = index + 1
            if let control = scalars.first(where: {
                ($0.value < 0x20 && $0 != "\t") || (0x7F...0x9F).contains($0.value)
            }) {
                throw PlaylistError(line: number, problem: "control character U+\(String(control.value, radix: 16))")
            }
            let content = String(String.UnicodeScalarView(scalars))
            if number == 1 {
                guard content == "#EXTM3U" else {
                    throw PlaylistError(line: 1, problem: "'\(content)', expected #EXTM3U")
                }
                continue
            }
            lines.append(try PlaylistLine(content, number: number))
        }
        guard !rows.isEmpty else { throw PlaylistError(line: 0, problem: "empty") }
        return lines
    }
}

/// One line: a tag with its value, a URI, or nothing that matters.
struct PlaylistLine {
    enum Content {
        case tag(name: String, value: Substring?)
        case uri(String)
        case ignored
    }

    let number: Int
    let text: String
    let content: Content

    init(_ text: String, number: Int) throws(PlaylistError) {
        self.number = number
        self.text = text
        if text.isEmpty {
            content = .ignored
        } else if text.hasPrefix("#EXT") {
            let body = text.dropFirst()
            let colon = body.firstIndex(of: ":")
            let name = String(body[..<(colon ?? body.endIndex)])
            content = .tag(name: name, value: colon.map { body[body.index(after: $0)...] })
        } else if text.hasPrefix("#") {
            content = .ignored
        } else {
            guard !text.contains(where: \.isWhitespace) else {
                throw PlaylistError(line: number, problem: "whitespace in the URI '\(text)'")
            }
            content = .uri(text)
        }
    }

    func fail(_ problem: String) -> PlaylistError { PlaylistError(line: number, problem: problem) }

    func integer(_ value: Substring?) throws(PlaylistError) -> Int {
        guard let value, let number = DecimalText.integer(value) else {
            throw fail("'\(value ?? "")' is no decimal-integer")
        }
        return number
    }

    func attributes(_ value: Substring?) throws(PlaylistError) -> AttributeList {
        try AttributeList(value ?? "", line: number)
    }

    /// EXT-X-VERSION (§4.3.1.2): counted from 1.
    func version(_ value: Substring?) throws(PlaylistError) -> Int {
        let version = try integer(value)
        guard version >= 1 else { throw fail("version 0") }
        return version
    }

    /// EXT-X-START (§4.3.5.2).
    func start(_ value: Substring?) throws(PlaylistError) {
        let attributes = try attributes(value)
        _ = try attributes.required("TIME-OFFSET", attributes.plain("TIME-OFFSET"))
    }

    func nothing(_ value: Substring?) throws(PlaylistError) {
        guard value == nil else { throw fail("a value where the tag has none") }
    }
}

/// The tags that may stand once in a playlist.
struct OnceOnly {
    private var seen: Set<String> = []

    mutating func mark(_ name: String, _ line: PlaylistLine) throws(PlaylistError) {
        guard seen.insert(name).inserted else { throw line.fail("second \(name)") }
    }

    func contains(_ name: String) -> Bool { seen.contains(name) }
}

/// The names of the tags by the kind of playlist that they belong to (§4.3).
enum PlaylistTags {
    static let mediaSegment: Set<String> = [
        "EXTINF", "EXT-X-BYTERANGE", "EXT-X-DISCONTINUITY", "EXT-X-KEY", "EXT-X-MAP", "EXT-X-PROGRAM-DATE-TIME",
        "EXT-X-DATERANGE",
    ]
    static let media: Set<String> = [
        "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE", "EXT-X-ENDLIST",
        "EXT-X-PLAYLIST-TYPE", "EXT-X-I-FRAMES-ONLY",
    ]
    static let multivariant: Set<String> = [
        "EXT-X-MEDIA", "EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY",
    ]
}
