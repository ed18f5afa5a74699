import TestSupport

/// Six seconds of H.264 with B-frames and AAC in three fMP4 segments, made by the ffmpeg of this machine.
struct FFmpegHLS: Sendable {
    let playlist: [UInt8]
    let multivariantPlaylist: [UInt8]
    let initialization: [UInt8]
    let segments: [[UInt8]]

    /// Made once for all tests.
    static let shared = Task { try await make() }

    private static func make() async throws -> FFmpegHLS {
        let folder = try TemporaryFolder()
        try await Tool.ffmpeg([
            "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6",
            "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6",
            "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "50", "-sc_threshold", "0", "-pix_fmt",
            "yuv420p",
            "-c:a", "aac", "-ac", "2",
            "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2", "-hls_playlist_type", "vod",
            "-hls_flags", "independent_segments", "-master_pl_name", "index.m3u8",
            "-hls_segment_filename", folder.file("seg%d.m4s"), folder.file("media.m3u8"),
        ])
        return FFmpegHLS(
            playlist: try folder.read("media.m3u8"),
            multivariantPlaylist: try folder.read("index.m3u8"),
            initialization: try folder.read("init.mp4"),
            segments: try (0..<3).map { try folder.read("seg\($0).m4s") }
        )
    }
}
