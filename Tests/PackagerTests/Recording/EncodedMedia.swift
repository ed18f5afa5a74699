import MediaCore
import NIOCore
import TestSupport

@testable import Packager

/// Media that ffmpeg has encoded and cut, in fragments as the packager writes them.
struct EncodedMedia: Sendable {
    /// A fragment's samples of one track.
    struct Run: Sendable {
        let trackID: UInt32
        let timescale: Int64
        var samples: [Sample]
    }

    /// The initialization segment, without edit lists: times are those of the fragments.
    let initialization: ByteBuffer
    /// For each segment, its samples.
    let segments: [[Run]]

    // Encodes and cuts at keyframes two seconds apart; takes ffmpeg's arguments from the inputs to the codecs.
    static func make(_ arguments: [String]) async throws -> EncodedMedia {
        let folder = try TemporaryFolder()
        try await Tool.ffmpeg(
            arguments + [
                "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2", "-hls_playlist_type", "vod",
                "-hls_segment_filename", folder.file("%d.m4s"), folder.file("media.m3u8"),
            ]
        )
        let bytes = try folder.read("init.mp4")
        // ffmpeg gives pictures in HEVC a table of dependencies and a field order, which the strict reader does not know.
        let known = replacing("fiel", in: replacing("sdtp", in: bytes, with: "sbgp"), with: "colr")
        let description = try ISOBMFFReader.readInitializationSegment(known)
        let count = String(decoding: try folder.read("media.m3u8"), as: UTF8.self).split(separator: "#EXTINF").count - 1
        let segments = try (0..<count).map { number in
            let segment = try folder.read("\(number).m4s")
            return runs(try ISOBMFFReader.readMediaSegment(segment, initialization: description), in: segment)
        }
        return EncodedMedia(
            initialization: ByteBuffer(bytes: replacing("edts", in: bytes, with: "free")),
            segments: segments
        )
    }

    private static func runs(_ fragments: MediaFragments, in segment: [UInt8]) -> [Run] {
        fragments.fragments.flatMap(\.tracks).map { track in
            let samples = track.samples.map { sample in
                Sample(
                    at: Int64(sample.decodeTime),
                    for: Int64(sample.duration),
                    offset: sample.compositionOffset,
                    isSync: sample.isSync,
                    Array(segment[sample.byteRange])
                )
            }
            return Run(trackID: track.trackID, timescale: Int64(track.timescale), samples: samples)
        }
    }

    private static func replacing(_ type: String, in bytes: [UInt8], with other: String) -> [UInt8] {
        var bytes = bytes
        for index in bytes.indices.dropLast(4) where bytes[index..<index + 4].elementsEqual(type.utf8) {
            bytes.replaceSubrange(index..<index + 4, with: other.utf8)
        }
        return bytes
    }

    /// A segment, in parts of so many fragments of equal numbers of samples.
    func segment(_ index: Int, parts: Int = 1, movedBy seconds: Int64 = 0) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        for part in 0..<parts {
            let runs = segments[index].map { run in
                let range = run.samples.count * part / parts..<run.samples.count * (part + 1) / parts
                return Run(trackID: run.trackID, timescale: run.timescale, samples: Array(run.samples[range]))
            }
            .filter { !$0.samples.isEmpty }
            bytes.writeImmutableBuffer(try Self.fragment(runs, movedBy: seconds))
        }
        return bytes
    }

    /// The segment of some tracks alone.
    func segment(_ index: Int, tracks: Set<UInt32>, movedBy seconds: Int64 = 0) throws -> ByteBuffer {
        try Self.fragment(segments[index].filter { tracks.contains($0.trackID) }, movedBy: seconds)
    }

    private static func fragment(_ runs: [Run], movedBy seconds: Int64) throws -> ByteBuffer {
        let track = try Media.avc()
        return MediaSegmentWriter.write(
            runs.map { run in
                let samples = run.samples.map { sample in
                    var moved = sample
                    moved.decodeTime += seconds * run.timescale
                    return moved
                }
                // What the writer needs of a track is its number, and that is given apart.
                return TrackRun(track: track, timescale: run.timescale, samples: samples)
            },
            trackIDs: runs.map(\.trackID),
            sequenceNumber: 1
        )
    }

    // MARK: - What is encoded

    private static func inputs(_ seconds: Int, size: String = "320x180") -> [String] {
        [
            "-f", "lavfi", "-i", "testsrc2=size=\(size):rate=25:duration=\(seconds)",
            "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=\(seconds)",
        ]
    }

    private static let sound = ["-c:a", "aac", "-b:a", "96k", "-ac", "2"]
    private static let groups = ["-g", "50", "-keyint_min", "50", "-pix_fmt", "yuv420p"]

    static func h264(_ seconds: Int = 6, size: String = "320x180", bFrames: Int = 2) async throws -> EncodedMedia {
        try await make(
            inputs(seconds, size: size) + ["-c:v", "libx264", "-preset", "ultrafast", "-sc_threshold", "0"] + groups
                + ["-bf", "\(bFrames)"] + sound
        )
    }

    static func hevc(_ seconds: Int = 4) async throws -> EncodedMedia {
        try await make(
            inputs(seconds) + ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1"] + groups
                + ["-x265-params", "log-level=error:bframes=2:scenecut=0:open-gop=0:keyint=50"] + sound
        )
    }

    static func soundAlone(_ seconds: Int = 6, _ codec: [String] = sound) async throws -> EncodedMedia {
        try await make(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=\(seconds)"] + codec)
    }
}
