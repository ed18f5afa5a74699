import Foundation
import LiveStore
import MediaCore
import NIOCore
import Recordings
import TestSupport
import Testing

@testable import Transcode

@Suite("Pictures of a recording")
struct RecordingPicturesTests {
    private static let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    private static let everyTwoSeconds = ["-force_key_frames", "expr:gte(t,n_forced*2)"]
    private static func source(_ size: String, seconds: Int) -> [String] {
        ["-f", "lavfi", "-i", "testsrc2=size=\(size):rate=10:duration=\(seconds)"]
    }

    private static let kinds: [(String, [String])] = [
        ("H.264", ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2"]),
        (
            "HEVC of 10 bit",
            ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error"]
        ),
        ("AV1", ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-pix_fmt", "yuv420p"]),
        (
            "VP9",
            ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-strict", "-2"]
        ),
    ]

    @Test("a poster and a storyboard come of each codec", arguments: kinds)
    func codecs(_ name: String, _ codec: [String]) async throws {
        let source = try await FFmpegRecording(
            Self.source("320x180", seconds: 5) + codec + Self.everyTwoSeconds
        )
        var steps: [Double] = []
        let made = try makePictures(of: source.recording, progress: { steps.append($0) }, isCancelled: { false })
        #expect(made == RecordingPictures(hasPoster: true, tileCount: source.segments.count, failureCount: 0))
        #expect(steps == steps.sorted() && steps.last == 1)
        let poster = try await DecodedPicture.pixels(try source.read("poster.jpg"), in: source.folder)
        #expect(poster.width == 320 && poster.height == 180)
        let sprite = try await DecodedPicture.pixels(try source.read("storyboard-1.jpg"), in: source.folder)
        #expect(sprite.width == 1600 && sprite.height == 90)
    }

    @Test("the pictures are those of the recording, as far as JPEG goes")
    func similarity() async throws {
        let source = try await FFmpegRecording(
            Self.source("640x360", seconds: 4) + Self.x264 + ["-crf", "12"] + Self.everyTwoSeconds
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        // Of two segments the poster is the first: the picture at 0 s.
        let compared = try await Tool.check(
            "ffmpeg",
            [
                "-hide_banner", "-nostdin", "-i", "\(source.recording.folder)/poster.jpg", "-f", "lavfi", "-i",
                "testsrc2=size=640x360:rate=10:duration=0.1", "-lavfi",
                "[0:v]format=gbrp[a];[1:v]format=gbrp[b];[a][b]psnr", "-f", "null", "-",
            ]
        ).standardError
        let average = try #require(compared.split(separator: "average:").last?.split(separator: " ").first)
        #expect(try #require(Double(average)) > 32, "\(average) dB")
    }

    @Test("colors stay what they are", arguments: ["bt709", "smpte170m"], ["tv", "pc"])
    func colors(_ matrix: String, _ range: String) async throws {
        let source = try await FFmpegRecording(
            [
                "-f", "lavfi", "-i", "color=0xC04020:size=320x180:rate=10:duration=2", "-vf",
                "scale=out_color_matrix=\(matrix):out_range=\(range)", "-colorspace", matrix, "-color_range", range,
            ] + Self.x264
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        let poster = try await DecodedPicture.pixels(try source.read("poster.jpg"), in: source.folder)
        let color = DecodedPicture.color(poster, x: 160, y: 90)
        #expect(abs(color.red - 0xC0) < 5 && abs(color.green - 0x40) < 5 && abs(color.blue - 0x20) < 5, "\(color)")
    }

    @Test("the storyboard tells which picture is shown when, on the recording's timeline")
    func storyboard() async throws {
        let source = try await FFmpegRecording(
            Self.source("320x180", seconds: 24) + Self.x264 + Self.everyTwoSeconds,
            statesKeyframes: true
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        let text = String(decoding: try source.read("storyboard.vtt"), as: UTF8.self)
        let cues = text.components(separatedBy: "\n\n")
        #expect(cues.first == "WEBVTT")
        #expect(cues.count == 13)
        #expect(cues[1] == "00:00:00.000 --> 00:00:02.000\nstoryboard-1.jpg#xywh=0,0,160,90")
        #expect(cues[11] == "00:00:20.000 --> 00:00:22.000\nstoryboard-1.jpg#xywh=0,90,160,90")
        #expect(cues[12].hasPrefix("00:00:22.000 --> 00:00:24.000\nstoryboard-1.jpg#xywh=160,90,160,90"))
        #expect(source.names.filter { $0.hasSuffix(".new") }.isEmpty)
    }

    @Test("the poster is not the black in front of the film")
    func notBlack() async throws {
        let source = try await FFmpegRecording(
            [
                "-f", "lavfi", "-i", "color=black:size=320x180:rate=10:duration=4", "-f", "lavfi", "-i",
                "testsrc2=size=320x180:rate=10:duration=16", "-filter_complex", "[0][1]concat=n=2:v=1:a=0",
            ] + Self.x264 + Self.everyTwoSeconds
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        let poster = try await DecodedPicture.pixels(try source.read("poster.jpg"), in: source.folder)
        #expect(poster.rgb.contains { $0 > 200 })
    }

    @Test("pixels that are not square are shown as wide as they should be")
    func aspectRatio() async throws {
        let source = try await FFmpegRecording(
            Self.source("360x288", seconds: 2) + ["-vf", "setsar=16/11"] + Self.x264 + Self.everyTwoSeconds
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        let poster = try await DecodedPicture.pixels(try source.read("poster.jpg"), in: source.folder)
        #expect(poster.width == 524 && poster.height == 288)
    }

    private static let one: Int32 = 1 << 16
    private static let matrices: [(name: String, a: [Int32], isSideways: Bool, isLeft: Bool, isTop: Bool)] = [
        ("a quarter", [0, one, -one, 0], true, false, true),
        ("half a turn", [-one, 0, 0, -one], false, false, false),
        ("three quarters", [0, -one, one, 0], true, true, false),
        ("mirrored", [-one, 0, 0, one], false, false, true),
        ("upside down", [one, 0, 0, -one], false, true, false),
        ("a quarter and mirrored", [0, one, one, 0], true, true, true),
    ]

    @Test("a picture is turned as the track's matrix says", arguments: matrices)
    func orientation(_ name: String, _ abcd: [Int32], _ isSideways: Bool, _ isLeft: Bool, _ isTop: Bool) async throws {
        let source = try await FFmpegRecording(
            [
                "-f", "lavfi", "-i", "color=red:size=320x180:rate=10:duration=1", "-vf",
                "drawbox=x=0:y=0:w=160:h=90:c=blue:t=fill",
            ] + Self.x264,
            matrix: [abcd[0], abcd[1], 0, abcd[2], abcd[3], 0, 0, 0, 1 << 30]
        )
        try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        let poster = try await DecodedPicture.pixels(try source.read("poster.jpg"), in: source.folder)
        #expect((poster.width, poster.height) == (isSideways ? (180, 320) : (320, 180)))
        for (left, top) in [(true, true), (true, false), (false, true), (false, false)] {
            let (x, y) = (poster.width * (left ? 1 : 3) / 4, poster.height * (top ? 1 : 3) / 4)
            let color = DecodedPicture.color(poster, x: x, y: y)
            #expect((color.blue > 128) == (left == isLeft && top == isTop), "\(left) \(top): \(color)")
        }
    }

    @Test("a recording of sound alone has no pictures, and that is no error")
    func soundAlone() async throws {
        let source = try await FFmpegRecording(
            ["-f", "lavfi", "-i", "sine=duration=5", "-c:a", "aac"]
        )
        let made = try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        #expect(made == RecordingPictures())
        #expect(!source.names.contains { $0.hasSuffix(".jpg") || $0.hasSuffix(".vtt") })
    }

    @Test("broken keyframes are left out, whatever is in them")
    func broken() async throws {
        let source = try await FFmpegRecording(
            Self.source("320x180", seconds: 8) + Self.x264 + Self.everyTwoSeconds
        )
        var random = SplitMix64(seed: 7)
        for round in 0..<40 {
            var bytes = Array(source.segments[round % 4].readableBytesView)
            for _ in 0..<(1 << (round % 8)) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            let length = round % 3 == 0 ? Int(random.next() % UInt64(bytes.count)) : bytes.count
            _ = try? KeyframeDecoder.decode(
                initialization: source.initialization,
                pieces: [ByteBuffer(bytes: bytes[..<length])]
            )
        }
        #expect(throws: PictureError.self) {
            try KeyframeDecoder.decode(
                initialization: source.initialization,
                pieces: [ByteBuffer(repeating: 0, count: 4096)]
            )
        }
        #expect(throws: PictureError.self) {
            try KeyframeDecoder.decode(initialization: ByteBuffer(), pieces: source.segments)
        }
    }

    @Test("whoever cancels gets no half storyboard")
    func cancelled() async throws {
        let source = try await FFmpegRecording(
            Self.source("320x180", seconds: 8) + Self.x264 + Self.everyTwoSeconds
        )
        var asked = 0
        #expect(throws: PictureError.cancelled) {
            try makePictures(
                of: source.recording,
                progress: { _ in },
                isCancelled: {
                    asked += 1
                    return asked > 3
                }
            )
        }
        #expect(!source.names.contains("storyboard.vtt"))
        // The second time all is made.
        let made = try makePictures(of: source.recording, progress: { _ in }, isCancelled: { false })
        #expect(made.tileCount == 4 && source.names.contains("storyboard.vtt"))
    }
}
