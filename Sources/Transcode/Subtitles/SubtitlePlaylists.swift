public import MediaCore

/// The WebVTT form of a recording's subtitles: segments, their media playlist, and what the multivariant playlist says of them
/// (RFC 8216 §3.5, §4.3.4.1).
public struct SubtitlePlaylists: Sendable {
    /// A file of the recording's folder.
    public struct File: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// What is in it.
        public let text: String
    }

    /// How much time a segment covers: a minute of reading has a kilobyte or two.
    public static let segmentDuration = MediaTime.milliseconds(60_000)
    private static let group = "subtitles"

    private let tracks: [SubtitleTrack]
    private let duration: MediaTime
    private let mediaStart: MediaTime

    /// The subtitles of a recording.
    ///
    /// - Parameters:
    ///   - tracks: the subtitles.
    ///   - duration: how long the recording is.
    ///   - mediaStart: where its media timeline begins (`tfdt`).
    public init(_ tracks: [SubtitleTrack], lasting duration: MediaTime, mediaStart: MediaTime) {
        self.tracks = tracks
        self.duration = duration
        self.mediaStart = mediaStart
    }

    /// Everything to be stored: segments first, then what refers to them.
    public var files: [File] { tracks.indices.flatMap { segments(of: $0) + [playlist(of: $0)] } }

    // MARK: - Segments

    private var segmentCount: Int {
        max(1, Int((duration.nanoseconds + Self.segmentDuration.nanoseconds - 1) / Self.segmentDuration.nanoseconds))
    }

    private func bounds(_ index: Int) -> (start: MediaTime, end: MediaTime) {
        let start = MediaTime(nanoseconds: Int64(index) * Self.segmentDuration.nanoseconds)
        return (start, min(duration, start + Self.segmentDuration))
    }

    /// A cue that lasts beyond its segment is in the next one as well (RFC 8216 §3.5).
    private func segments(of track: Int) -> [File] {
        var cues = tracks[track].cues[...]
        var going: [SubtitleCue] = []
        return (0..<segmentCount).map { index in
            let end = index == segmentCount - 1 ? MediaTime.limit : bounds(index).end
            let begun = cues.prefix { $0.start < end }
            cues = cues.dropFirst(begun.count)
            going = going.filter { $0.end > bounds(index).start } + begun
            return File(name: "s\(track)-\(index).vtt", text: segment(going))
        }
    }

    private func segment(_ cues: [SubtitleCue]) -> String {
        // Which time of the media a cue's time 0 is.
        var text = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:\(mediaStart.ticks(timescale: 90_000))\n"
        for cue in cues { text += "\n\(Self.text(cue.start)) --> \(Self.text(cue.end))\n\(cue.text)\n" }
        return text
    }

    private static func text(_ time: MediaTime) -> String {
        let milliseconds = max(0, time.ticks(timescale: 1000))
        let fields = [milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60].map {
            padded($0, to: 2)
        }
        return fields.joined(separator: ":") + "." + padded(milliseconds % 1000, to: 3)
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // MARK: - Playlists

    private func playlist(of track: Int) -> File {
        let longest = min(duration, Self.segmentDuration).ticks(timescale: 1)
        var text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:\(max(1, longest))\n"
        for index in 0..<segmentCount {
            let milliseconds = (bounds(index).end - bounds(index).start).ticks(timescale: 1000)
            text +=
                "#EXTINF:\(milliseconds / 1000).\(Self.padded(milliseconds % 1000, to: 3)),\ns\(track)-\(index).vtt\n"
        }
        return File(name: "s\(track).m3u8", text: text + "#EXT-X-ENDLIST\n")
    }

    /// A multivariant playlist that lists the subtitles as well.
    ///
    /// - Parameter playlist: the playlist without them.
    /// - Returns: the playlist with them.
    public func listed(in playlist: String) -> String {
        guard !tracks.isEmpty else { return playlist }
        let hasVariants = playlist.contains("#EXT-X-STREAM-INF:")
        var lines: [String] = []
        var isListed = false
        for line in playlist.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            guard hasVariants, line.hasPrefix("#EXT-X-STREAM-INF:") else {
                lines.append(line)
                continue
            }
            if !isListed { lines += media }
            isListed = true
            lines.append(line + ",SUBTITLES=\"\(Self.group)\"")
        }
        return lines.joined(separator: "\n")
    }

    private var media: [String] {
        var names: Set<String> = []
        let firstDefault = tracks.firstIndex { $0.isDefault && !$0.isForced }
        return tracks.enumerated().map { index, track in
            let wanted =
                track.labels.name ?? track.labels.language.map { LanguageTag.name($0) } ?? "Subtitles \(index + 1)"
            let name = names.insert(wanted).inserted ? wanted : "\(wanted) (\(index + 1))"
            names.insert(name)
            let language = track.labels.language.map { ["LANGUAGE=\"\(LanguageTag.text($0))\""] } ?? []
            let attributes =
                ["TYPE=SUBTITLES", "GROUP-ID=\"\(Self.group)\"", "NAME=\"\(name)\""] + language + [
                    "DEFAULT=\(index == firstDefault ? "YES" : "NO")", "AUTOSELECT=YES",
                    "FORCED=\(track.isForced ? "YES" : "NO")", "URI=\"s\(index).m3u8\"",
                ]
            return "#EXT-X-MEDIA:\(attributes.joined(separator: ","))"
        }
    }
}
