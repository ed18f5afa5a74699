import MediaCore
import TestSupport
import Testing

@testable import Transcode

/// A small file in every container that is accepted, with ffprobe as the judge of what comes out.
@Suite("Import of containers")
struct ContainerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var codecs = SourceFile.h264 + SourceFile.aac
        var kinds = ["video", "audio"]
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "a.mp4"), Case(name: "a.mov"), Case(name: "a.mkv"), Case(name: "a.flv"), Case(name: "a.ts"),
        Case(
            name: "fragmented.mp4",
            codecs: SourceFile.h264 + SourceFile.aac + ["-movflags", "frag_keyframe+delay_moov"]
        ),
        Case(
            name: "hevc.ts",
            codecs: ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=50"]
                + SourceFile.aac
        ),
        Case(
            name: "hevc.mp4",
            codecs: [
                "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=50", "-tag:v", "hvc1",
            ] + SourceFile.aac
        ),
        Case(
            name: "hev1.mp4",
            codecs: [
                "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=50:repeat-headers=1",
                "-tag:v", "hev1",
            ] + SourceFile.aac
        ),
        Case(
            name: "vp9.webm",
            codecs: ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "50", "-c:a", "libopus"]
        ),
        Case(
            name: "av1.mkv",
            codecs: ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", "50", "-c:a", "flac"]
        ),
        Case(name: "ac3.ts", codecs: SourceFile.h264 + ["-c:a", "ac3"]),
        Case(name: "eac3.mp4", codecs: SourceFile.h264 + ["-c:a", "eac3"]),
        Case(
            name: "mp3.avi",
            codecs: ["-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "libmp3lame"]
        ),
        Case(name: "a.m4a", codecs: ["-vn"] + SourceFile.aac, kinds: ["audio"]),
        Case(name: "a.mp3", codecs: ["-vn", "-c:a", "libmp3lame"], kinds: ["audio"]),
        Case(name: "a.aac", codecs: ["-vn"] + SourceFile.aac, kinds: ["audio"]),
        Case(name: "a.flac", codecs: ["-vn", "-c:a", "flac"], kinds: ["audio"]),
        Case(name: "opus.ogg", codecs: ["-vn", "-c:a", "libopus"], kinds: ["audio"]),
        Case(name: "silent.mp4", codecs: SourceFile.h264 + ["-an"], kinds: ["video"]),
    ]

    @Test("every packet of the file comes out with its time, and the length is right to a frame", arguments: cases)
    func container(_ testCase: Case) async throws {
        let folder = try TemporaryFolder()
        let path = try await SourceFile.make(testCase.name, in: folder, codecs: testCase.codecs)
        let source = try await Probe(path)
        let imported = try await ImportedFile(path)
        let result = try await imported.probe()
        #expect(result.errors.isEmpty, "\(result.errors)")
        #expect(imported.report.remarks.isEmpty, "\(imported.report.remarks)")
        #expect(result.streams.count == testCase.kinds.count)
        let frame = testCase.kinds.contains("video") ? 0.0401 : 0.0262
        #expect(abs(imported.duration - source.span) <= frame, "\(imported.duration), source \(source.span)")
        for kind in testCase.kinds {
            let (before, after) = (source.packets(kind), result.packets(kind))
            #expect(before.count == after.count, "\(kind)")
            // Matroska and FLV state milliseconds.
            let start = (before.first?.pts ?? 0, after.first?.pts ?? 0)
            let worst = zip(before, after).map { abs(($0.pts - start.0) - ($1.pts - start.1)) }.max() ?? 1
            #expect(worst < (kind == "video" ? 0.0011 : 0.012), "\(kind) moves by \(worst)")
        }
        if testCase.kinds.count == 2 {
            #expect(abs(source.audioLead - result.audioLead) < 0.0015, "\(source.audioLead), now \(result.audioLead)")
        }
        #expect(imported.discontinuities == 0)
        #expect(imported.independence.allSatisfy { $0 })
    }
}
