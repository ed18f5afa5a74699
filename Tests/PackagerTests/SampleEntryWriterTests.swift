import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

/// What encoders send of each codec, written into an initialization segment and read back by the independent reader.
@Suite("SampleEntryWriter")
struct SampleEntryWriterTests {
    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func track(
        _ configuration: CodecConfiguration,
        timescale: Int64 = 48_000
    ) throws -> InitializationSegment.Track {
        let id = TrackID(configuration.picture == nil ? .audio : .video)
        let segment = InitializationSegmentWriter.write([(Track(id: id, configuration: configuration), timescale)])
        let read = try ISOBMFFReader.readInitializationSegment(Array(segment.readableBytesView))
        return try #require(read.tracks.first)
    }

    @Test("HEVC becomes hvc1 with complete parameter sets (ISO/IEC 14496-15 §8.4.1)")
    func hevc() throws {
        // libx265, 128x96.
        let track = try track(.hevc(try HEVCDecoderConfigurationRecord(Media.hvcC)))
        guard case .hvc1(let entry) = track.sampleEntry else {
            Issue.record("\(track.sampleEntry)")
            return
        }
        #expect(entry.width == 128 && entry.height == 96 && entry.nalUnitLengthSize == 4)
        #expect(entry.nalUnits.mapValues(\.count) == [32: 1, 33: 1, 34: 1])
        #expect(track.presentationSize == (128, 96))
    }

    @Test("AV1 becomes av01, whose configuration has the sequence header")
    func av1() throws {
        let record = bytes("81000c000a0a0000000337fbe6d7c802")
        let track = try track(.av1(try #require(try AV1CodecConfigurationRecord(record))))
        guard case .av01(let entry) = track.sampleEntry else {
            Issue.record("\(track.sampleEntry)")
            return
        }
        #expect(entry.width == 128 && entry.height == 96 && entry.profile == 0 && entry.level == 0)
        #expect(entry.configurationUnits == Array(record.dropFirst(4)))
    }

    @Test("VP9 becomes vp09, with the size of its keyframe")
    func vp9() throws {
        let record = try VPCodecConfigurationRecord(bytes("01000000021fa20202020000"))
        let header = try VP9KeyframeHeader(bytes("924983420027f8167b031c120e"))
        let track = try track(.vp9(VP9Configuration(record, keyframe: header)))
        guard case .vp09(let entry) = track.sampleEntry else {
            Issue.record("\(track.sampleEntry)")
            return
        }
        #expect(entry.width == 1280 && entry.height == 720)
        #expect(entry.profile == 2 && entry.level == 31 && entry.bitDepth == 10)
    }

    @Test("Opus's header is turned to big-endian, with its channel mapping")
    func opus() throws {
        let header = bytes("4f7075734865616401063801 44ac0000 00ff 01 0402000401020305")
        let track = try track(.opus(try OpusIdentificationHeader(header)))
        guard case .opus(let entry) = track.sampleEntry else {
            Issue.record("\(track.sampleEntry)")
            return
        }
        #expect(entry.channelCount == 6 && entry.preSkip == 312 && entry.inputSampleRate == 44_100)
        #expect(entry.outputGain == -256 && entry.mapping == [4, 2, 0, 4, 1, 2, 3, 5])
        #expect(track.presentationSize == (0, 0))
    }

    @Test("FLAC's rate is that of STREAMINFO, also where the sample entry has no room for it")
    func flac() throws {
        for (block, rate, size) in [
            ("0400040000000000 10980ac442f000000000", 44_100, 16),
            ("0400040000000000 189a1770037000000000", 96_000, 24),
        ] {
            let info = try FLACStreamInfo(bytes(block) + [UInt8](repeating: 0, count: 16))
            let track = try track(.flac(info), timescale: Int64(rate))
            guard case .flac(let entry) = track.sampleEntry else {
                Issue.record("\(track.sampleEntry)")
                return
            }
            #expect(entry.sampleRate == rate && entry.sampleSize == size && entry.channelCount == 2)
        }
    }

    @Test("AC-3 and E-AC-3 carry what ffmpeg's own MP4 writer makes of the same frames")
    func dolby() throws {
        let ac3 = try track(.ac3(try AC3Configuration(frame: bytes("0b77695a1e40ebf8403eff99"))))
        guard case .ac3(let entry) = ac3.sampleEntry else {
            Issue.record("\(ac3.sampleEntry)")
            return
        }
        #expect(entry.configuration == bytes("103de0") && entry.channelCount == 6 && entry.sampleRate == 48_000)
        let frame = bytes("0b77017f3f87c00020f8") + [UInt8](repeating: 0, count: 758)
        let eac3 = try track(.eac3(try EAC3Configuration(accessUnit: frame)))
        guard case .ec3(let entry) = eac3.sampleEntry else {
            Issue.record("\(eac3.sampleEntry)")
            return
        }
        #expect(entry.configuration == bytes("0600200f00") && entry.channelCount == 6)
    }

    @Test(
        "MP3 is mp4a with an object type of its own and no DecoderSpecificInfo",
        arguments: [("fffb9064", 0x6B), ("fff340c4", 0x69)] as [(String, UInt8)]
    )
    func mp3(header: String, objectType: UInt8) throws {
        let track = try track(.mp3(try MPEGAudioFormat(frame: bytes(header))))
        guard case .mp4a(let entry) = track.sampleEntry else {
            Issue.record("\(track.sampleEntry)")
            return
        }
        #expect(entry.objectType == objectType && entry.decoderSpecificInfo.isEmpty)
    }
}
