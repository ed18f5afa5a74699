import TestSupport
import Testing

/// The reader against segments of a real ffmpeg, and against the same segments broken in one place.
@Suite("ISO base media file format reader")
struct ISOBMFFReaderTests {
    @Test("an initialization segment of ffmpeg is read to its last field")
    func initializationSegment() async throws {
        let fixture = try await FFmpegHLS.shared.value
        let segment = try ISOBMFFReader.readInitializationSegment(fixture.initialization)
        #expect(segment.fileType.compatibleBrands.contains("iso5"))
        #expect(segment.movieDuration == 0)
        #expect(segment.tracks.count == 2)
        let video = try #require(segment.track(handler: "vide"))
        let audio = try #require(segment.track(handler: "soun"))
        #expect(video.presentationSize == (320, 180))
        guard case .avc1(let picture) = video.sampleEntry, case .mp4a(let sound) = audio.sampleEntry else {
            Issue.record("sample entries \(video.sampleEntry) and \(audio.sampleEntry)")
            return
        }
        #expect(picture.width == 320 && picture.height == 180)
        #expect(picture.nalUnitLengthSize == 4)
        #expect(picture.sequenceParameterSets.count == 1 && picture.pictureParameterSets.count == 1)
        #expect(audio.timescale == 48_000)
        #expect(sound.channelCount == 2 && sound.sampleRate == 48_000 && sound.objectType == 0x40)
        #expect(sound.decoderSpecificInfo.prefix(2) == [0x11, 0x90])
    }

    @Test("segments of ffmpeg begin with an IDR picture, tile their time and use every byte")
    func mediaSegments() async throws {
        let fixture = try await FFmpegHLS.shared.value
        let initialization = try ISOBMFFReader.readInitializationSegment(fixture.initialization)
        let video = try #require(initialization.track(handler: "vide"))
        var end: UInt64?
        for bytes in fixture.segments {
            let media = try ISOBMFFReader.readMediaSegment(bytes, initialization: initialization)
            #expect(media.unusedMediaDataBytes == 0)
            let samples = media.samples(of: video.trackID)
            let first = try #require(samples.first)
            #expect(first.isSync)
            #expect(try ISOBMFFReader.nalUnitTypes(of: first, in: bytes, lengthSize: 4).contains(5))
            if let end { #expect(first.decodeTime == end) }
            end = samples.last?.endTime
            #expect(samples.contains { $0.compositionOffset != 0 }, "B-frames were asked for")
        }
        #expect(end == UInt64(video.timescale) * 6)
    }

    @Test("a segment cut short at any byte is refused")
    func truncation() async throws {
        let fixture = try await FFmpegHLS.shared.value
        let initialization = try ISOBMFFReader.readInitializationSegment(fixture.initialization)
        for length in 0..<fixture.initialization.count {
            #expect(throws: ISOBMFFError.self) {
                try ISOBMFFReader.readInitializationSegment(Array(fixture.initialization.prefix(length)))
            }
        }
        let segment = try #require(fixture.segments.first)
        for length in stride(from: 0, to: segment.count, by: 97) {
            #expect(throws: ISOBMFFError.self) {
                try ISOBMFFReader.readMediaSegment(Array(segment.prefix(length)), initialization: initialization)
            }
        }
    }

    @Test("random damage never traps the reader")
    func fuzz() async throws {
        let fixture = try await FFmpegHLS.shared.value
        let initialization = try ISOBMFFReader.readInitializationSegment(fixture.initialization)
        let segment = try #require(fixture.segments.first)
        var random = SplitMix64(seed: 0x6D6F_6F66)
        var refused = 0
        for _ in 0..<2000 {
            var head = fixture.initialization
            head[Int.random(in: head.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if (try? ISOBMFFReader.readInitializationSegment(head)) == nil { refused += 1 }
            var body = segment
            body[Int.random(in: 0..<1200, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if (try? ISOBMFFReader.readMediaSegment(body, initialization: initialization)) == nil { refused += 1 }
        }
        #expect(refused > 1000)
    }

    @Test("a sample that lies outside of mdat is refused")
    func dataOffset() async throws {
        let fixture = try await FFmpegHLS.shared.value
        let initialization = try ISOBMFFReader.readInitializationSegment(fixture.initialization)
        var segment = try #require(fixture.segments.first)
        let run = try #require(position(of: "trun", in: segment))
        // After the type: version and flags, sample count, data offset. One byte less reaches into the head of mdat.
        let original = segment[run + 15]
        segment[run + 15] = original &- 1
        #expect(throws: ISOBMFFError.self) {
            try ISOBMFFReader.readMediaSegment(segment, initialization: initialization)
        }
    }

    @Test(
        "a mandatory box that is not there is named",
        arguments: ["mvhd", "mdhd", "hdlr", "stsz", "trex", "avcC", "esds"]
    )
    func missingBox(_ type: String) async throws {
        var bytes = try await FFmpegHLS.shared.value.initialization
        let place = try #require(position(of: type, in: bytes))
        bytes.replaceSubrange(place..<place + 4, with: "free".utf8)
        do {
            _ = try ISOBMFFReader.readInitializationSegment(bytes)
            Issue.record("accepted without \(type)")
        } catch {
            #expect(error.problem.contains(type) || type == "trex", "\(error)")
        }
    }

    private func position(of type: String, in bytes: [UInt8]) -> Int? {
        let wanted = Array(type.utf8)
        return (0..<max(0, bytes.count - 4)).first { Array(bytes[$0..<$0 + 4]) == wanted }
    }
}
