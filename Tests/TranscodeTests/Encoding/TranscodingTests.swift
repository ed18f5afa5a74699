import MediaCore
import TestSupport
import Testing

@testable import Transcode

@Suite("Transcoding of imports")
struct TranscodingTests {
    private static func source(_ size: String, rate: String = "25", seconds: Int = 3) -> [String] {
        [
            "-f", "lavfi", "-i", "testsrc2=size=\(size):rate=\(rate):duration=\(seconds)", "-f", "lavfi", "-i",
            "sine=frequency=440:duration=\(seconds)",
        ]
    }

    private static let kinds: [(name: String, codecs: [String])] = [
        ("mpeg2.ts", ["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-c:a", "mp2"]),
        ("vp8.webm", ["-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-c:a", "libvorbis"]),
        ("prores.mov", ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s24le", "-ar", "96000"]),
        ("mjpeg.avi", ["-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_u8", "-ar", "22050", "-ac", "1"]),
        ("wmv.asf", ["-c:v", "wmv2", "-q:v", "3", "-c:a", "wmav2"]),
        ("mpeg4.mkv", ["-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-c:a", "ac3", "-ac", "6", "-ar", "48000"]),
        ("animation.mov", ["-c:v", "qtrle", "-pix_fmt", "rgb24", "-c:a", "alac", "-ar", "44100"]),
    ]

    @Test("files of old and of professional codecs become H.264 and AAC that look the same", arguments: kinds)
    func codecs(_ name: String, _ codecs: [String]) async throws {
        let file = try await TranscodedFile(name, Self.source("320x180") + codecs, in: try TemporaryFolder())
        #expect(try await file.complaints().isEmpty)
        let tracks = try await file.tracks()
        let video = try #require(tracks["video"]), audio = try #require(tracks["audio"])
        #expect(video["codec_name"] == "h264" && video["profile"] == "High" && video["pix_fmt"] == "yuv420p")
        #expect(video["r_frame_rate"] == "25/1")
        #expect(audio["codec_name"] == "aac" && audio["profile"] == "LC")
        #expect(file.failureCount == 0)
        #expect(file.sink.units[TrackID(.video)]?.count == 75)
        let syncs = try #require(file.sink.units[TrackID(.video)]).filter(\.isSync)
        #expect(syncs.map { ($0.decodeTime + $0.compositionOffset).seconds.rounded() }.count == 2)
        let psnr = try await file.psnr(to: name)
        #expect(psnr > 33, "\(psnr) dB")
    }

    private static let sounds: [(name: String, codecs: [String], rate: String, channels: String)] = [
        ("a.mov", ["-c:a", "pcm_s16le", "-ar", "96000"], "48000", "1"),
        ("a.mov", ["-c:a", "pcm_s16le", "-ar", "44100", "-ac", "2"], "44100", "2"),
        ("a.avi", ["-c:a", "pcm_u8", "-ar", "11025"], "44100", "1"),
        ("a.mkv", ["-c:a", "dca", "-strict", "-2", "-ar", "48000", "-ac", "6"], "48000", "2"),
        ("a.mkv", ["-c:a", "pcm_f32le", "-ar", "8000", "-ac", "8"], "48000", "2"),
    ]

    @Test("sound becomes mono or stereo of 48 or 44.1 kHz", arguments: sounds)
    func sound(_ name: String, _ codecs: [String], _ rate: String, _ channels: String) async throws {
        let file = try await TranscodedFile(
            name,
            ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"] + codecs,
            in: try TemporaryFolder()
        )
        #expect(try await file.complaints().isEmpty)
        let audio = try #require(try await file.tracks()["audio"])
        #expect(audio["sample_rate"] == rate && audio["channels"] == channels)
        let units = try #require(file.sink.units[TrackID(.audio)])
        #expect(units.first?.decodeTime == .zero)
        let frame = 1024 / (try #require(Double(rate)))
        #expect(abs((try #require(units.last)).decodeTime.seconds + frame - 2) < frame)
    }

    /// White for two pictures and a tone for as long, each second, 0.52 s into it.
    private static func flashAndBeep(seconds: Int, rate: Int = 25, soundRate: Int = 48000) -> [String] {
        let on = "between(mod(t\\,1)\\,0.52\\,0.599)"
        return [
            "-f", "lavfi", "-i",
            "color=black:size=160x90:rate=\(rate):duration=\(seconds),drawbox=c=white:t=fill:enable='\(on)'",
            "-f", "lavfi", "-i", "aevalsrc='if(\(on)\\,sin(2*PI*1000*t)\\,0)':s=\(soundRate):d=\(seconds)",
        ]
    }

    private static let sync: [(name: String, arguments: [String])] = [
        ("mpeg2.ts", flashAndBeep(seconds: 4) + ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"]),
        ("pcm.mov", flashAndBeep(seconds: 4, soundRate: 44100) + ["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
        ("vorbis.mkv", flashAndBeep(seconds: 4) + ["-c:v", "libvpx", "-b:v", "1M", "-c:a", "libvorbis"]),
        ("wma.asf", flashAndBeep(seconds: 4) + ["-c:v", "wmv2", "-c:a", "wmav2"]),
        (
            "dropped.mkv",
            flashAndBeep(seconds: 4) + [
                // Pictures at odd times: a third of them is left out.
                "-vf", "select='mod(n,3)'", "-vsync", "vfr", "-c:v", "mpeg4", "-c:a", "ac3",
            ]
        ),
    ]

    @Test("flash and beep stay together, and where they were", arguments: sync)
    func together(_ name: String, _ arguments: [String]) async throws {
        let folder = try TemporaryFolder()
        let file = try await TranscodedFile(name, arguments, in: folder)
        let before = try await TranscodedFile.flashesAndBeeps(folder.file(name), .zero)
        let after = try await TranscodedFile.flashesAndBeeps(file.path, TranscodedFile.shift)
        try #require(after.flashes.count == 4 && after.beeps.count == 4, "\(before) \(after)")
        for (first, second) in zip(before.flashes + before.beeps, after.flashes + after.beeps) {
            #expect(abs(first - second) <= 0.005, "\(before) \(after)")
        }
    }

    @Test("sound with holes and a clock that runs away is kept at its pictures")
    func drift() async throws {
        let folder = try TemporaryFolder()
        // Two pieces of sound with a hole of 0.3 s, then a tenth of a percent too fast by its times.
        let file = try await TranscodedFile(
            "holes.mkv",
            Self.flashAndBeep(seconds: 8) + [
                "-af", "aselect='not(between(t\\,2\\,2.3))',asetpts='PTS*1.002'", "-vf",
                "settb=1/1000,setpts=PTS*1.002", "-vsync", "vfr",
                "-enc_time_base:v", "1:1000", "-c:v", "mjpeg", "-c:a", "pcm_s16le",
            ],
            in: folder
        )
        let (flashes, beeps) = try await TranscodedFile.flashesAndBeeps(file.path, TranscodedFile.shift)
        try #require(flashes.count == 8 && beeps.count == 8, "\(flashes) \(beeps)")
        for (flash, beep) in zip(flashes, beeps) { #expect(abs(flash - beep) <= 0.012, "\(flashes) \(beeps)") }
        #expect(try await file.complaints().isEmpty)
    }

    private static let sizes: [(name: String, arguments: [String], width: String, height: String)] = [
        (
            "odd.webm",
            source("160x90", seconds: 1) + ["-vf", "scale=161:91,setsar=1", "-c:v", "libvpx", "-b:v", "2M", "-an"],
            "162", "92"
        ),
        ("sd.ts", source("352x288", seconds: 1) + ["-vf", "setsar=16/11", "-c:v", "mpeg2video", "-an"], "512", "288"),
        ("4k.avi", source("3840x2160", seconds: 1) + ["-frames:v", "2", "-c:v", "mjpeg", "-an"], "1920", "1080"),
        ("upright.avi", source("1440x2560", seconds: 1) + ["-frames:v", "2", "-c:v", "mjpeg", "-an"], "1080", "1920"),
    ]

    @Test("pictures become even, of square pixels, and no larger than 1080p", arguments: sizes)
    func shapes(_ name: String, _ arguments: [String], _ width: String, _ height: String) async throws {
        let file = try await TranscodedFile(name, arguments, in: try TemporaryFolder())
        let video = try #require(try await file.tracks()["video"])
        #expect(video["width"] == width && video["height"] == height, "\(video)")
        #expect(["1:1", "N/A", nil].contains(video["sample_aspect_ratio"]))
        guard video["width"] == width else { return }
        let psnr = try await file.psnr(to: name, "scale=\(width):\(height):flags=bicubic")
        #expect(psnr > 27, "\(psnr) dB")
    }

    @Test("120 pictures a second become 60")
    func fast() async throws {
        let file = try await TranscodedFile(
            "fast.mkv",
            Self.source("160x90", rate: "120", seconds: 1) + ["-c:v", "mpeg4", "-an"],
            in: try TemporaryFolder()
        )
        #expect(file.sink.units[TrackID(.video)]?.count == 60)
    }

    @Test("pictures of 10 bit keep the names of their colors, in 8 bit")
    func highDynamicRange() async throws {
        let file = try await TranscodedFile(
            "hdr.mkv",
            Self.source("320x180", seconds: 1) + [
                "-pix_fmt", "yuv422p10le", "-c:v", "ffv1", "-color_primaries", "bt2020", "-color_trc", "smpte2084",
                "-colorspace",
                "bt2020nc", "-an",
            ],
            in: try TemporaryFolder()
        )
        let video = try #require(try await file.tracks()["video"])
        #expect(
            video["pix_fmt"] == "yuv420p" && video["color_transfer"] == "smpte2084"
                && video["color_space"] == "bt2020nc"
        )
        let psnr = try await file.psnr(to: "hdr.mkv")
        #expect(psnr > 33, "\(psnr) dB")
    }

    @Test("what is transparent is shown on black")
    func alpha() async throws {
        let file = try await TranscodedFile(
            "alpha.mov",
            ["-f", "lavfi", "-i", "color=white@0.0:size=160x90:rate=25:duration=1,format=argb", "-c:v", "qtrle"],
            in: try TemporaryFolder()
        )
        #expect(try await file.isDark())
    }

    @Test("of interlaced pictures no comb is left")
    func interlaced() async throws {
        let folder = try TemporaryFolder()
        // Fields of two moments: a bar that moves fast.
        let arguments = [
            "-f", "lavfi", "-i", "color=black:size=320x180:rate=50:duration=1", "-f", "lavfi", "-i",
            "color=white:size=40x180:rate=50:duration=1", "-filter_complex",
            "[0][1]overlay=x='mod(n*8,280)',tinterlace=mode=interleave_top,setfield=tff", "-c:v", "mpeg2video", "-q:v",
            "2",
            "-flags", "+ildct+ilme", "-an",
        ]
        let file = try await TranscodedFile("interlaced.ts", arguments, in: folder)
        let output = try await Tool.check(
            "ffmpeg",
            ["-hide_banner", "-nostdin", "-i", file.path, "-vf", "idet", "-f", "null", "-"]
        ).standardError
        let line = try #require(output.split(separator: "\n").last { $0.contains("Multi frame detection") })
        let numbers = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        // TFF, BFF: none.
        #expect(numbers.suffix(4).prefix(2).allSatisfy { $0 == 0 }, "\(line)")
        #expect(file.sink.units[TrackID(.video)]?.count ?? 0 >= 24)
    }

    @Test("a broken packet in the middle costs itself alone")
    func broken() async throws {
        let file = try await TranscodedFile(
            "broken.avi",
            Self.source("320x180") + ["-c:v", "mjpeg", "-c:a", "mp2"],
            in: try TemporaryFolder()
        ) { count, bytes in
            if (40..<50).contains(count) { bytes.update(repeating: 0x55) }
        }
        #expect(file.failureCount >= 5)
        #expect(try await file.complaints().isEmpty)
        #expect(file.sink.units[TrackID(.video)]?.count ?? 0 >= 65)
        let last = try #require(file.sink.units[TrackID(.audio)]?.last)
        #expect(last.decodeTime.seconds > 2.9)
    }

    @Test("what cannot be decoded at all is an error in the end")
    func hopeless() async throws {
        await #expect(throws: LibAVError.self) {
            try await TranscodedFile(
                "hopeless.avi",
                Self.source("160x90", seconds: 1) + ["-c:v", "mjpeg", "-an"],
                in: try TemporaryFolder()
            ) { _, bytes in bytes.update(repeating: 0) }
        }
    }
}

extension TranscodedFile {
    /// Whether all pictures are black.
    fileprivate func isDark() async throws -> Bool {
        let text = try await Tool.check(
            "ffprobe",
            [
                "-v", "error", "-f", "lavfi", "movie=\(path),signalstats", "-show_entries",
                "frame_tags=lavfi.signalstats.YMAX", "-of", "csv=p=0",
            ]
        ).text
        return text.split(separator: "\n").allSatisfy { (Int($0) ?? 255) < 20 }
    }
}
