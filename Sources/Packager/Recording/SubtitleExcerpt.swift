internal import MediaCore
internal import NIOCore

/// A clip's share of one track of subtitles: the segments of text that reach into the clip.
///
/// Pure. The text stays as it is: it says by itself which times of the media its cues belong to (X-TIMESTAMP-MAP, RFC 8216
/// §3.5), and a clip's media has the times of its recording.
struct SubtitleExcerpt {
    /// The files of text, by their names in the recording and in the clip.
    private(set) var files: [(old: String, new: String)] = []
    /// The clip's playlist.
    private(set) var playlist = ByteBuffer()

    /// The share of a track.
    ///
    /// - Parameters:
    ///   - name: the name of its playlist, such as `s0.m3u8`.
    ///   - text: the recording's playlist.
    ///   - span: what the clip's segments cover of the recording.
    init(_ name: String, _ text: ByteBuffer, of span: Range<MediaTime>) {
        let stem = name.dropLast(".m3u8".count)
        var (start, duration) = (MediaTime.zero, MediaTime.zero)
        for line in String(buffer: text).split(separator: "\n") {
            if line.hasPrefix("#EXTINF:") {
                duration = .seconds(min(max(0, Double(line.dropFirst(8).prefix { $0 != "," }) ?? 0), 1e6))
            } else if line.hasPrefix("#EXT-X-ENDLIST") || !line.hasPrefix("#") {
                let shown =
                    max(start, span.lowerBound)..<max(start, span.lowerBound, min(start + duration, span.upperBound))
                if !line.hasPrefix("#"), !shown.isEmpty, !line.utf8.contains(UInt8(ascii: "/")) {
                    let new = "\(stem)-\(files.count).vtt"
                    files.append((String(line), new))
                    // Only the part that is in the clip counts where the segments of text are in its playlist.
                    playlist.writeString("#EXTINF:\((shown.upperBound - shown.lowerBound).decimalSeconds),\n\(new)\n")
                }
                start += duration
            } else {
                playlist.writeString("\(line)\n")
            }
        }
        playlist.writeStaticString("#EXT-X-ENDLIST\n")
    }

    /// The playlists of subtitles that a multivariant playlist names.
    static func playlists(in multivariant: ByteBuffer) -> [String] {
        String(buffer: multivariant).split(separator: "\n").compactMap { uri(of: $0) }
    }

    /// The name in a tag of subtitles (§4.3.4.1); `nil` for any other line, and for what is in another folder.
    static func uri(of line: some StringProtocol) -> String? {
        guard line.hasPrefix("#EXT-X-MEDIA:"), line.contains("TYPE=SUBTITLES") else { return nil }
        let parts = line.split(separator: "URI=\"", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let name = String(parts[1].prefix { $0 != "\"" })
        return name.hasSuffix(".m3u8") && !name.contains("/") ? name : nil
    }
}
