internal import Foundation

/// A recording's folder as a test wants it, written from docs/storage.md alone, without the code that writes recordings.
///
/// Media comes from ffmpeg, see ``make(_:seconds:)``, or is any bytes.
public struct RecordedFolder: Sendable {
    /// A segment of the rendition `m0`.
    public struct Segment: Sendable {
        /// Its bytes; `nil` when they are lost.
        public var bytes: [UInt8]?
        /// Its length in seconds.
        public var seconds: Double
        /// How many of its first bytes show its first picture.
        public var keyframeLength = 0

        /// A segment.
        public init(_ bytes: [UInt8]?, seconds: Double) {
            self.bytes = bytes
            self.seconds = seconds
        }
    }

    /// Its identifier: 20 letters and digits.
    public var id = "abcdefghijkmnpqrstuv"
    /// The live that it is of.
    public var stream = "main"
    /// What it is called.
    public var title = "A recording"
    /// `ready` or `recording`.
    public var state = "ready"
    /// When it began, in milliseconds since 1970.
    public var startedAt = 1_790_000_000_000
    /// Its gaps, as `recording.json` has them.
    public var gaps = "[]"
    /// The initialization segment.
    public var initialization: [UInt8] = []
    /// The segments.
    public var segments: [Segment] = []
    /// How many segments lie in one file.
    public var segmentsPerFile = 2
    /// The attributes of the variant in the multivariant playlist.
    public var variant = "BANDWIDTH=1000000"

    /// A recording without media.
    public init() {}

    /// Its length in seconds.
    public var seconds: Double { segments.reduce(0) { $0 + $1.seconds } }

    /// Writes the folder.
    ///
    /// - Parameter recordings: the folder `recordings` in a server's data folder; made if need be.
    /// - Returns: the path of the recording's folder.
    /// - Throws: when it cannot be written.
    @discardableResult
    public func write(to recordings: String) throws -> String {
        let folder = "\(recordings)/\(id)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        try write("m0-init-0.mp4", initialization)
        var (index, files, start): ([UInt8], [[UInt8]], Int64) = ([], [], 0)
        for (number, segment) in segments.enumerated() {
            if number % segmentsPerFile == 0 { files.append([]) }
            let duration = Int64((segment.seconds * 1e9).rounded())
            let place =
                segment.bytes == nil ? (file: 0, offset: 0) : (file: files.count, offset: files[files.count - 1].count)
            index += Self.record(segment, file: place.file, offset: place.offset, duration: duration, start: start)
            files[files.count - 1] += segment.bytes ?? []
            start += duration
        }
        for (number, file) in files.enumerated() { try write("m0-\(number + 1).media", file) }
        try write("m0.index", index)
        try write("m0.m3u8", mediaPlaylist.utf8)
        try write("index.m3u8", "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:\(variant)\nm0.m3u8\n".utf8)
        if state == "recording" { try write("journal", "".utf8) }
        // What makes it a recording comes last.
        try write("recording.json", facts.utf8)
        return folder
    }

    private static func record(
        _ segment: Segment,
        file: Int,
        offset: Int,
        duration: Int64,
        start: Int64
    ) -> [UInt8] {
        func big(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        let sizes = big(UInt32(segment.bytes?.count ?? 0)) + big(UInt32(segment.keyframeLength))
        return big(UInt32(file)) + big(UInt32(0)) + big(UInt64(offset)) + sizes + big(duration) + big(start)
            + big(UInt64(2))
    }

    private var mediaPlaylist: String {
        let target = Int((segments.map(\.seconds).max() ?? 1).rounded(.up))
        var text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:\(target)\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        text += "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"m0-init-0.mp4\"\n"
        for (number, segment) in segments.enumerated() {
            text += (segment.bytes == nil ? "#EXT-X-GAP\n" : "") + "#EXTINF:\(segment.seconds),\nm0-\(number).m4s\n"
        }
        return text + "#EXT-X-ENDLIST\n"
    }

    private var facts: String {
        let bytes = segments.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
        let ended = state == "ready" ? "\"endedAt\":\(startedAt + Int((seconds * 1000).rounded()))," : ""
        return """
            {"id":"\(id)","stream":"\(stream)","title":"\(title)","source":"live","state":"\(state)",\(ended)
            "startedAt":\(startedAt),"duration":\(Int64((seconds * 1e9).rounded())),"byteCount":\(bytes),"isKept":false,"gaps":\(gaps)}
            """
    }
}

extension RecordedFolder {
    /// A recording of what ffmpeg makes: H.264 of 320x180 with B-frames and AAC by default.
    ///
    /// - Parameters:
    ///   - media: arguments of ffmpeg from the inputs to the codecs.
    ///   - segmentSeconds: how long segments are about.
    /// - Returns: the recording, not written yet.
    /// - Throws: when ffmpeg fails, or makes something that is no fragmented MP4.
    public static func make(
        _ media: [String] = FFmpegPublisher.Media.test(seconds: 12).arguments.filter { $0 != "-re" },
        segmentSeconds: Int = 2
    ) async throws -> RecordedFolder {
        let folder = try TemporaryFolder()
        try await Tool.ffmpeg(
            media + [
                "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "\(segmentSeconds)", "-hls_playlist_type", "vod",
                "-hls_flags", "independent_segments", "-master_pl_name", "index.m3u8",
                "-hls_segment_filename", folder.file("s%d.m4s"), folder.file("media.m3u8"),
            ]
        )
        var recording = RecordedFolder()
        recording.initialization = try folder.read("init.mp4")
        let initialization = try ISOBMFFReader.readInitializationSegment(recording.initialization)
        let lines = String(decoding: try folder.read("media.m3u8"), as: UTF8.self).split(separator: "\n")
        let lengths = lines.filter { $0.hasPrefix("#EXTINF:") }.compactMap {
            Double($0.dropFirst(8).prefix { $0 != "," })
        }
        for (number, seconds) in lengths.enumerated() {
            let bytes = try folder.read("s\(number).m4s")
            var segment = Segment(bytes, seconds: seconds)
            if let video = initialization.track(handler: "vide") {
                let fragments = try ISOBMFFReader.readMediaSegment(bytes, initialization: initialization)
                let first = fragments.samples(of: video.trackID).first { $0.isSync }
                segment.keyframeLength = first?.byteRange.upperBound ?? 0
            }
            recording.segments.append(segment)
        }
        let master = String(decoding: try folder.read("index.m3u8"), as: UTF8.self).split(separator: "\n")
        if let line = master.first(where: { $0.hasPrefix("#EXT-X-STREAM-INF:") }) {
            recording.variant = String(line.dropFirst(18))
        }
        return recording
    }
}
