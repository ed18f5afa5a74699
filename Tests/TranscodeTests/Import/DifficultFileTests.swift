import Foundation
import MediaCore
import TestSupport
import Testing

@testable import Transcode

/// Files that are not as plain as one would like.
@Suite("Import of difficult files")
struct DifficultFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func ffmpeg(_ arguments: [String]) async throws { try await Tool.ffmpeg(arguments) }

    @Test(
        "an edit list that begins within a group of pictures shows nothing from before it, and keeps sound with picture"
    )
    func editList() async throws {
        let whole = try await SourceFile.make("whole.mp4", in: folder, seconds: 8)
        let path = folder.file("cut.mp4")
        // Cut at 3.1 s: the pictures from 2 s on are in the file, and the edit list leaves them out.
        try await ffmpeg(["-ss", "3.1", "-i", whole, "-c", "copy", path])
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        #expect(result.errors.isEmpty, "\(result.errors)")
        #expect(abs(imported.duration - source.duration) <= 0.0401, "\(imported.duration), source \(source.duration)")
        // The timeline of the result begins at 10 s; what is left out is over within a picture.
        let shown = result.packets("video").filter { $0.pts > 9.98 }
        #expect(shown.count == source.packets("video").filter { $0.pts >= -0.001 }.count)
        #expect((result.packets("video").map(\.pts).min() ?? 0) > 9.95)
        let lead = { (probe: Probe, start: Double) in
            (probe.packets("audio").map(\.pts).first { $0 >= start } ?? 0)
                - (probe.packets("video").map(\.pts).sorted().first { $0 >= start } ?? 0)
        }
        #expect(abs(lead(source, -0.001) - lead(result, 9.98)) < 0.041)
        // Everything that is listed can be decoded.
        let decoded = try await Tool.run(
            "ffmpeg",
            ["-v", "error", "-i", imported.folder.file("media.m3u8"), "-f", "null", "-"]
        )
        #expect(decoded.standardError.isEmpty, "\(decoded.standardError)")
    }

    @Test("sound that begins later stays where it is, behind silence")
    func lateSound() async throws {
        let path = folder.file("late.mkv")
        try await ffmpeg(
            SourceFile.video + ["-itsoffset", "1.7"] + SourceFile.audio + ["-t", "6"] + SourceFile.h264 + SourceFile.aac
                + [path]
        )
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        #expect(result.errors.isEmpty, "\(result.errors)")
        #expect(abs(imported.duration - 6) <= 0.041, "\(imported.duration)")
        let sounds = result.packets("audio")
        #expect(abs((sounds.first?.pts ?? 0) - 10) < 0.03)
        // Silence is a few bytes.
        let firstTone = sounds.first { $0.size > 20 }?.pts ?? 0
        #expect(abs(firstTone - 11.7) < 0.05, "\(firstTone)")
    }

    @Test("pictures that begin later are shown from the beginning, and the others when they should be")
    func latePictures() async throws {
        let path = folder.file("late.mkv")
        try await ffmpeg(
            SourceFile.audio + ["-itsoffset", "1.5"] + SourceFile.video + ["-t", "6"] + SourceFile.h264 + SourceFile.aac
                + [path]
        )
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        #expect(abs(imported.duration - source.span) <= 0.041, "\(imported.duration), source \(source.span)")
        let pictures = result.packets("video").map(\.pts).sorted()
        #expect(abs((pictures.first ?? 0) - 10) < 0.03)
        let before = source.packets("video").map(\.pts).sorted().map { $0 - source.start + 10 }
        #expect((zip(before, pictures).dropFirst().map { abs($0 - $1) }.max() ?? 1) < 0.002)
    }

    @Test("a variable frame rate with pictures that last for many seconds stays as it is")
    func variableFrameRate() async throws {
        let path = folder.file("slides.mp4")
        // A picture, 12 s of nothing, and 25 pictures a second from then on; the last one lasts.
        try await ffmpeg(
            ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=16"] + SourceFile.audio + [
                "-vf", "select='eq(n,0)+eq(n,3)+gte(n,300)'", "-vsync", "vfr",
            ] + SourceFile.h264 + SourceFile.aac + ["-t", "16", path]
        )
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        #expect(result.errors.isEmpty, "\(result.errors)")
        #expect(abs(imported.duration - source.span) <= 0.041, "\(imported.duration), source \(source.span)")
        let (before, after) = (source.packets("video").map(\.pts), result.packets("video").map(\.pts))
        #expect(before.count == after.count)
        #expect((zip(before, after).map { abs($0 + 10 - $1) }.max() ?? 1) < 0.0011)
        #expect(imported.discontinuities == 0)
    }

    @Test("a gap in picture and sound stays a gap of its length")
    func longGap() async throws {
        let path = folder.file("gap.mkv")
        try await ffmpeg(
            SourceFile.video + SourceFile.audio + [
                "-vf", "setpts='if(gte(N,100),PTS+40/TB,PTS)'", "-af", "asetpts='if(gte(T,4),PTS+40/TB,PTS)'", "-vsync",
                "vfr",
                "-t", "50",
            ] + SourceFile.h264 + SourceFile.aac + [path]
        )
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        #expect(abs(imported.duration - source.span) <= 0.041, "\(imported.duration), source \(source.span)")
        #expect(imported.discontinuities == 0)
    }

    @Test(
        "rotation is in the initialization segment, and the playlist has the size as shown",
        arguments: [90, 180, 270]
    )
    func rotation(_ degrees: Int) async throws {
        let plain = try await SourceFile.make("plain.mp4", in: folder, seconds: 1)
        let path = folder.file("turned.mp4")
        try await ffmpeg(["-i", plain, "-c", "copy", "-metadata:s:v", "rotate=\(degrees)", path])
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        let angle = { (probe: Probe) in
            let sideData = probe.stream("video")?["side_data_list"] as? [[String: Any]]
            return sideData?.compactMap { $0["rotation"] as? Int }.first
        }
        #expect(angle(source) != nil && angle(source) == angle(result), "\(String(describing: angle(result)))")
        let size = degrees == 180 ? "RESOLUTION=320x180" : "RESOLUTION=180x320"
        #expect(try imported.text("index.m3u8").contains(size))
    }

    @Test("several languages are told apart by language and name, in playlist and media")
    func languages() async throws {
        let path = folder.file("languages.mkv")
        try await ffmpeg(
            SourceFile.video + SourceFile.audio + SourceFile.audio + [
                "-map", "0:v", "-map", "1:a", "-map", "2:a", "-t", "4", "-metadata:s:a:0", "language=eng",
                "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=Kommentar \"laut\"", "-disposition:a:0",
                "0",
                "-disposition:a:1", "default",
            ] + SourceFile.h264 + SourceFile.aac + [path]
        )
        let imported = try await ImportedFile(path)
        let playlist = try imported.text("index.m3u8")
        #expect(playlist.contains(#"NAME="Kommentar laut",LANGUAGE="de",DEFAULT=YES"#), "\(playlist)")
        #expect(playlist.contains(#"NAME="English",LANGUAGE="en",DEFAULT=NO"#), "\(playlist)")
        let second = try await imported.probe("tag-a1-init-0.mp4")
        #expect((second.stream("audio")?["tags"] as? [String: Any])?["language"] as? String == "eng")
    }

    @Test("text subtitles become cues; cover art and data are left alone", arguments: ["srt.mkv", "mov_text.mp4"])
    func subtitles(_ name: String) async throws {
        try folder.write(
            "text.srt",
            "1\n00:00:00,500 --> 00:00:01,500\n<i>Tom & Ann</i>\n\n2\n00:00:02,000 --> 00:00:04,250\n1 < 2\nzwei\n"
        )
        try await ffmpeg(["-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", folder.file("cover.png")])
        let path = folder.file(name)
        let codec = name.hasSuffix("mp4") ? "mov_text" : "srt"
        try await ffmpeg(
            SourceFile.video + SourceFile.audio + [
                "-i", folder.file("text.srt"), "-i", folder.file("cover.png"), "-map", "0:v", "-map", "1:a", "-map",
                "2:s",
                "-map", "3:v", "-t", "5",
            ] + SourceFile.h264 + SourceFile.aac + [
                "-c:s", codec, "-metadata:s:s:0", "language=fra", "-c:v:1", "png", "-disposition:v:1", "attached_pic",
                path,
            ]
        )
        let imported = try await ImportedFile(path)
        #expect(imported.report.tracks.count == 2)
        let track = try #require(imported.report.subtitles.first)
        #expect(track.labels.language == "fra")
        #expect(track.cues.count == 2)
        #expect(track.cues.first?.text == (codec == "srt" ? "<i>Tom &amp; Ann</i>" : "Tom &amp; Ann"))
        #expect(track.cues.last?.text == "1 &lt; 2\nzwei")
        #expect(abs((track.cues.last?.start.seconds ?? 0) - 2) < 0.03)
        #expect(abs((track.cues.last?.end.seconds ?? 0) - 4.25) < 0.03)
    }

    @Test(
        "a file that breaks off is taken up to there, and it is told",
        arguments: ["a.mkv", "a.ts", "a.mp4", "a.flv"]
    )
    func truncated(_ name: String) async throws {
        let arguments = name.hasSuffix("mp4") ? ["-movflags", "+faststart"] : []
        let whole = try await SourceFile.make(
            name,
            in: folder,
            seconds: 8,
            codecs: SourceFile.h264 + SourceFile.aac + arguments
        )
        let bytes = try folder.read(name)
        try folder.write(name, Array(bytes.prefix(bytes.count * 6 / 10)))
        let imported = try await ImportedFile(whole)
        #expect((3...6).contains(imported.duration), "\(imported.duration)")
        if name != "a.ts" { #expect(!imported.report.remarks.isEmpty) }
        let decoded = try await Tool.run(
            "ffmpeg",
            ["-v", "error", "-i", imported.folder.file("media.m3u8"), "-f", "null", "-"]
        )
        #expect(decoded.exit == .status(0))
    }

    @Test("a broadcast whose clock jumps goes on as if it had not")
    func jump() async throws {
        let first = try await SourceFile.make("first.ts", in: folder, seconds: 4)
        let second = folder.file("second.ts")
        try await ffmpeg(["-i", first, "-c", "copy", "-output_ts_offset", "3000", second])
        try folder.write("both.ts", try folder.read("first.ts") + folder.read("second.ts"))
        let imported = try await ImportedFile(folder.file("both.ts"))
        #expect(abs(imported.duration - 8) < 0.2, "\(imported.duration)")
        #expect(imported.report.remarks.contains { $0.contains("clock") }, "\(imported.report.remarks)")
    }

    @Test("what cannot be streamed is refused with what was found and what is accepted")
    func refused() async throws {
        let path = try await SourceFile.make(
            "a.mov",
            in: folder,
            seconds: 1,
            codecs: ["-c:v", "mpeg2video", "-c:a", "pcm_s16le"]
        )
        let error = #expect(throws: ImportError.self) { try FileImport(path: path) }
        let words = "\(try #require(error))"
        #expect(words.contains("video: mpeg2video 320x180, audio: pcm_s16le"), "\(words)")
        #expect(words.contains("H.264") && words.contains("--transcode"), "\(words)")
    }

    @Test("what is no media, no regular file or a playlist of other files is refused")
    func hostile() async throws {
        try folder.write("text.mp4", String(repeating: "no media at all\n", count: 1000))
        try folder.write("empty.mp4", "")
        let media = try await SourceFile.make("a.ts", in: folder, seconds: 1)
        try folder.write("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n\(media)\n#EXT-X-ENDLIST\n")
        try folder.write("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n\(media)\n#EXT-X-ENDLIST\n")
        try folder.write("list.txt", "ffconcat version 1.0\nfile '\(media)'\n")
        mkfifo(folder.file("pipe"), 0o600)
        for name in ["text.mp4", "empty.mp4", "list.m3u8", "list.mp4", "list.txt", "pipe", "missing", "."] {
            #expect(throws: ImportError.self, "\(name)") { try FileImport(path: folder.file(name)) }
        }
        #expect(throws: ImportError.self) { try FileImport(path: "a.ts") }
        #expect(throws: ImportError.self) { try FileImport(path: "http://127.0.0.1/a.ts") }
        #expect(throws: ImportError.cancelled) { try FileImport(path: media, isCancelled: { true }) }
    }

    @Test(
        "bytes that were changed anywhere break neither the import nor what comes out",
        arguments: ["a.mp4", "a.mkv", "a.ts", "a.flv"]
    )
    func damaged(_ name: String) async throws {
        let path = try await SourceFile.make(name, in: folder, seconds: 3)
        let bytes = try folder.read(name)
        var random = SplitMix64(seed: 7)
        for round in 0..<12 {
            var damaged = bytes
            for _ in 0..<(round % 4 == 0 ? 4 : 60) {
                let limit = round % 2 == 0 ? damaged.count : min(4096, damaged.count)
                damaged[Int(random.next() % UInt64(limit))] = UInt8(truncatingIfNeeded: random.next())
            }
            try folder.write(name, damaged)
            // Imported or refused: either is right.
            do { _ = try await ImportedFile(path) } catch {}
        }
    }
}
