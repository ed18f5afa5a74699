import Foundation
import LiveStore
import Logging
import MediaCore
import NIOCore
import Packager
import TestSupport
import Testing

@testable import Transcode

/// A file that was imported and packaged, as a folder of playlists and segments that ffprobe reads.
struct ImportedFile {
    let folder: TemporaryFolder
    let report: FileImport.Report
    /// The sum of all EXTINF.
    let duration: Double
    let segmentDurations: [Double]
    let independence: [Bool]
    let discontinuities: Int
    let progress: [Double]

    init(_ path: String, segmentSeconds: Double = 2, transcoding: (any TrackTranscoding)? = nil) async throws {
        folder = try TemporaryFolder()
        let file = try FileImport(path: path, transcoding: transcoding)
        let store = LiveStore()
        let packaging = LivePackaging(
            store: store,
            configuration: PackagerConfiguration(
                source: .file,
                segmentDuration: .seconds(segmentSeconds),
                partDuration: nil,
                windowDuration: nil
            ),
            clock: PackagerClock(wall: { WallClockTime(milliseconds: 1_700_000_000_000) }),
            makeTag: { "tag" },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let id = try #require(StreamID("import"))
        let sink = packaging.beginPublish(id)
        var steps: [Double] = []
        report = try file.run(into: sink, progress: { steps.append($0) })
        sink.finish(.clean)
        progress = steps
        let snapshot = try #require(store.stream(id)).snapshot
        let segments = snapshot.window.heldSegments
        duration = segments.reduce(0) { $0 + $1.duration.seconds }
        segmentDurations = segments.map(\.duration.seconds)
        independence = segments.map(\.isIndependent)
        discontinuities = segments.filter(\.isDiscontinuous).count
        try write(try #require(snapshot.multivariantPlaylist))
        try write(try #require(snapshot.mediaPlaylist).full)
        try write(snapshot.window)
        for rendition in snapshot.furtherRenditions.values {
            try write(rendition.playlist.full)
            try write(rendition.window)
        }
    }

    private func write(_ window: LiveWindow) throws {
        for segment in window.heldSegments {
            try write(segment.initialization)
            try write(segment.resource)
        }
    }

    private func write(_ resource: StoredResource) throws {
        try folder.write(resource.name, resource.pieces.flatMap { Array($0.readableBytesView) })
    }

    func text(_ name: String) throws -> String { String(decoding: try folder.read(name), as: UTF8.self) }

    /// What ffprobe finds in a playlist; it must find no error.
    func probe(_ name: String = "media.m3u8") async throws -> Probe { try await Probe(folder.file(name)) }
}

/// What ffprobe says of a file.
struct Probe {
    struct Packet {
        let stream: Int
        let pts: Double
        let dts: Double
        let duration: Double
        let size: Int
        let isKeyframe: Bool
    }

    let streams: [[String: Any]]
    let duration: Double
    let start: Double
    let packets: [Packet]
    let errors: String

    init(_ path: String) async throws {
        let output = try await Tool.run(
            "ffprobe",
            [
                "-v", "error", "-allowed_extensions", "ALL", "-show_format", "-show_streams", "-show_packets", "-of",
                "json", path,
            ].filter { path.hasSuffix(".m3u8") || !["-allowed_extensions", "ALL"].contains($0) }
        )
        errors = output.standardError
        let json = try JSONSerialization.jsonObject(with: Data(output.standardOutput))
        let document = try #require(json as? [String: Any])
        streams = document["streams"] as? [[String: Any]] ?? []
        let format = document["format"] as? [String: Any] ?? [:]
        duration = Double(format["duration"] as? String ?? "") ?? 0
        start = Double(format["start_time"] as? String ?? "") ?? 0
        packets = (document["packets"] as? [[String: Any]] ?? []).map { packet in
            func number(_ key: String) -> Double? { Double(packet[key] as? String ?? "") }
            return Packet(
                stream: packet["stream_index"] as? Int ?? 0,
                // AVI has decode times alone.
                pts: number("pts_time") ?? number("dts_time") ?? .nan,
                dts: number("dts_time") ?? .nan,
                duration: number("duration_time") ?? 0,
                size: Int(packet["size"] as? String ?? "") ?? 0,
                isKeyframe: (packet["flags"] as? String ?? "").hasPrefix("K")
            )
        }
    }

    func stream(_ kind: String) -> [String: Any]? { streams.first { $0["codec_type"] as? String == kind } }

    /// The packets of the first stream of a kind.
    func packets(_ kind: String) -> [Packet] {
        let index = stream(kind)?["index"] as? Int ?? -1
        return packets.filter { $0.stream == index }
    }

    /// From where the first packet begins, or where the file says that it begins to be shown, to where the last one ends.
    var span: Double {
        let media = packets.filter { packet in ["video", "audio"].contains(kind(packet.stream)) }
        return (media.map { $0.pts + $0.duration }.max() ?? 0) - max(start, media.map(\.pts).min() ?? 0)
    }

    private func kind(_ index: Int) -> String {
        streams.first { $0["index"] as? Int == index }?["codec_type"] as? String ?? ""
    }

    /// How much later sound begins than pictures.
    var audioLead: Double { (packets("audio").map(\.pts).min() ?? 0) - (packets("video").map(\.pts).min() ?? 0) }
}

/// Small files that ffmpeg makes.
enum SourceFile {
    static let video = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
    static let audio = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    static let h264 = [
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "50", "-sc_threshold", "0",
    ]
    static let aac = ["-c:a", "aac", "-b:a", "64k", "-ac", "2"]

    /// Makes a file with a picture and a tone.
    static func make(
        _ name: String,
        in folder: TemporaryFolder,
        seconds: Double = 5,
        inputs: [String]? = nil,
        codecs: [String] = h264 + aac,
        program: String = "ffmpeg"
    ) async throws -> String {
        let path = folder.file(name)
        try await Tool.check(
            program,
            ["-hide_banner", "-nostdin", "-loglevel", "error", "-y"] + (inputs ?? (video + audio)) + codecs
                + ["-t", "\(seconds)", path]
        )
        return path
    }
}
