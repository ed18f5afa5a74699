import Foundation
import LiveStore
import Logging
import MediaCore
import NIOCore
import Recordings
import Storage
import TestSupport
import Testing

/// A recording of segments that ffmpeg has made, put into a folder by hand.
final class FFmpegRecording {
    let folder: TemporaryFolder
    let recording: Recording
    let catalog: RecordingCatalog
    let initialization: ByteBuffer
    let segments: [ByteBuffer]

    /// Makes the segments and the recording.
    ///
    /// - Parameters:
    ///   - arguments: inputs and codecs.
    ///   - segmentSeconds: how long segments are.
    ///   - statesKeyframes: whether the index says how many bytes have the first picture.
    ///   - matrix: the matrix of the track with pictures, unless it is unity.
    /// - Throws: what ffmpeg or the disk complains of.
    init(
        _ arguments: [String],
        segmentSeconds: Int = 2,
        statesKeyframes: Bool = false,
        matrix: [Int32]? = nil
    ) async throws {
        folder = try TemporaryFolder()
        let storage = try MediaStorage(directory: folder.file("media"), logger: Logger(label: "test"))
        catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            randomBytes: { count in (0..<count).map { _ in UInt8.random(in: 0...255) } },
            logger: Logger(label: "test")
        )
        try await Tool.ffmpeg(
            arguments + [
                "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "\(segmentSeconds)", "-hls_list_size", "0",
                "-hls_playlist_type", "vod", "-hls_fmp4_init_filename", "init.mp4",
                "-hls_segment_filename", folder.file("s%d.m4s"), folder.file("list.m3u8"),
            ]
        )
        let list = String(decoding: try folder.read("list.m3u8"), as: UTF8.self)
        let durations = list.split(separator: "\n").filter { $0.hasPrefix("#EXTINF:") }
            .compactMap { Double($0.dropFirst(8).dropLast()) }
        var initialization = ByteBuffer(bytes: try folder.read("init.mp4"))
        if let matrix { try Self.setMatrix(matrix, of: &initialization) }
        self.initialization = initialization
        let folder = folder
        segments = try durations.indices.map { ByteBuffer(bytes: try folder.read("s\($0).m4s")) }
        recording = try catalog.make { id in
            RecordingFacts(id: id, stream: "main", title: "Test", source: .file, state: .ready, startedAt: 0)
        }
        let (media, index) = Self.media(segments, durations, statesKeyframes)
        let muxed = Rendition.ID(.muxed)
        try recording.replaceFile(named: RecordingFolder.media(of: muxed, number: 1), with: media)
        try recording.replaceFile(named: RecordingFolder.index(of: muxed), with: index)
        try recording.replaceFile(
            named: RecordingFolder.initialization(of: muxed, number: 0),
            with: initialization
        )
    }

    /// Writes the matrix of the first `tkhd`, of version 0 (ISO/IEC 14496-12 §8.3.2).
    private static func setMatrix(_ matrix: [Int32], of initialization: inout ByteBuffer) throws {
        let type = try #require(initialization.readableBytesView.firstRange(of: Array("tkhd".utf8)))
        for (index, number) in matrix.enumerated() {
            initialization.setInteger(number, at: type.upperBound + 40 + index * 4)
        }
    }

    private static func media(
        _ segments: [ByteBuffer],
        _ durations: [Double],
        _ statesKeyframes: Bool
    ) -> (media: ByteBuffer, index: ByteBuffer) {
        var (media, index, start) = (ByteBuffer(), ByteBuffer(), 0.0)
        for (segment, duration) in zip(segments, durations) {
            let location = SegmentLocation(
                file: 1,
                initialization: 0,
                offset: UInt64(media.readableBytes),
                length: UInt32(segment.readableBytes),
                // What a keyframe of these small pictures takes at most, with its boxes in front.
                keyframeLength: statesKeyframes ? UInt32(min(segment.readableBytes, 24_000)) : 0,
                duration: .seconds(duration),
                start: .seconds(start),
                isDiscontinuous: false,
                isIndependent: true
            )
            SegmentIndex.write(location, to: &index)
            media.writeImmutableBuffer(segment)
            start += duration
        }
        return (media, index)
    }

    /// A file of the recording.
    func read(_ name: String) throws -> [UInt8] {
        let file = try recording.file(named: name)
        return Array(try file.whole.read(0..<file.byteCount).readableBytesView)
    }

    /// The names of its files.
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: recording.folder).sorted()) ?? [] }
}

/// Pictures as ffmpeg decodes them.
enum DecodedPicture {
    /// The pixels of an image, in RGB, row by row.
    static func pixels(
        _ image: [UInt8],
        in folder: TemporaryFolder
    ) async throws -> (
        width: Int, height: Int, rgb: [UInt8]
    ) {
        let name = "image-\(UInt64.random(in: 0...UInt64.max)).jpg"
        try folder.write(name, image)
        let size = try await Tool.check(
            "ffprobe",
            ["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", folder.file(name)]
        ).text
        let numbers = size.split(whereSeparator: { $0 == "," || $0.isWhitespace }).compactMap { Int($0) }
        let raw = try await Tool.check(
            "ffmpeg",
            ["-v", "error", "-nostdin", "-i", folder.file(name), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        ).standardOutput
        return (numbers[0], numbers[1], raw)
    }

    /// The mean color of a square of 8 by 8 pixels around a point.
    static func color(
        _ picture: (width: Int, height: Int, rgb: [UInt8]),
        x: Int,
        y: Int
    ) -> (red: Int, green: Int, blue: Int) {
        var sum = (0, 0, 0)
        for row in y - 4..<y + 4 {
            for column in x - 4..<x + 4 {
                let index = (row * picture.width + column) * 3
                sum.0 += Int(picture.rgb[index])
                sum.1 += Int(picture.rgb[index + 1])
                sum.2 += Int(picture.rgb[index + 2])
            }
        }
        return (sum.0 / 64, sum.1 / 64, sum.2 / 64)
    }
}
