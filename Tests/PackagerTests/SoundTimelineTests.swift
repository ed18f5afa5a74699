import MediaCore
import NIOCore
import Testing

@testable import Packager

/// Sound whose access units have lengths of their own.
@Suite("Sound of other codecs on its timeline")
struct SoundTimelineTests {
    private func track(_ configuration: CodecConfiguration) -> Track {
        Track(id: Media.audio, configuration: configuration)
    }

    private func opus(channels: UInt8 = 2) throws -> Track {
        let header = Array("OpusHead".utf8) + [1, channels, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]
        return track(.opus(try OpusIdentificationHeader(header)))
    }

    private func flac() throws -> Track {
        let block: [UInt8] = [0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x0A, 0xC4, 0x42, 0xF0]
        return track(.flac(try FLACStreamInfo(block + [UInt8](repeating: 0, count: 20))))
    }

    private func units(_ lengths: [Int], rate: Int) -> [AccessUnit] {
        var position = 0
        return lengths.map { length in
            defer { position += length }
            return AccessUnit(
                trackID: Media.audio,
                // Whole milliseconds, as RTMP has them.
                decodeTime: .milliseconds(Int64(position * 1000 / rate)),
                isSync: true,
                payload: ByteBuffer(repeating: 1, count: 10),
                sampleCount: length
            )
        }
    }

    private func samples(_ units: [AccessUnit], _ tracks: Track...) -> [Sample] {
        var segmenter = Segmenter(nominal: .milliseconds(2000), position: .milliseconds(10_000))
        for track in tracks { segmenter.configure(track) }
        var drafts = units.flatMap { segmenter.receive($0) }
        drafts += segmenter.finish()
        return drafts.flatMap(\.runs).filter { $0.track.id == Media.audio }.flatMap(\.samples)
    }

    @Test("Opus packets that change between 2.5 and 120 ms last as long as they say")
    func opusPackets() throws {
        let lengths = (0..<600).map { [120, 240, 960, 480, 5760, 2880][$0 % 6] }
        let placed = samples(units(lengths, rate: 48_000), try opus())
        #expect(placed.count == lengths.count)
        for (sample, length) in zip(placed, lengths) {
            #expect(abs(sample.duration - Int64(length)) <= Int64(length) / 64, "\(length) became \(sample.duration)")
        }
        let total = placed.reduce(0) { $0 + $1.duration }
        #expect(abs(total - Int64(lengths.reduce(0, +))) < 480)
    }

    @Test("a FLAC frame shorter than the others, as at the end of a file, leaves no hole")
    func flacFrames() throws {
        let lengths = (0..<100).map { $0 % 10 == 9 ? 1000 : 4096 }
        let placed = samples(units(lengths, rate: 44_100), try flac())
        #expect(placed.count == lengths.count)
        for (left, right) in zip(placed, placed.dropFirst()) {
            #expect(left.decodeTime + left.duration == right.decodeTime)
        }
        for (sample, length) in zip(placed, lengths) {
            #expect(abs(sample.duration - Int64(length)) <= Int64(length) / 64)
        }
    }

    @Test("lost Opus becomes Opus's own silence of 20 ms", arguments: [(1, 0xF8), (2, 0xFC)] as [(UInt8, UInt8)])
    func opusSilence(channels: UInt8, first: UInt8) throws {
        let all = units([Int](repeating: 960, count: 300), rate: 48_000)
        let sound = Array(all[..<100]) + Array(all[200...])
        let pictures = Media.pictures(count: 180, group: 60)
        let placed = samples(Media.interleaved(pictures, sound), try Media.avc(), try opus(channels: channels))
        let silence = placed.filter { $0.payload == ByteBuffer(bytes: [first, 0xFF, 0xFE]) }
        #expect((99...101).contains(silence.count))
        #expect((299...301).contains(placed.count))
    }

    @Test("sound that no silence is made up for leaves with a new epoch, as with any codec")
    func flacLeaves() throws {
        let sound = units([Int](repeating: 4096, count: 43), rate: 44_100)
        var segmenter = Segmenter(nominal: .milliseconds(2000), position: .milliseconds(10_000))
        segmenter.configure(try Media.avc())
        segmenter.configure(try flac())
        let all = Media.interleaved(Media.pictures(count: 359, group: 60), sound)
        let epochs = all.flatMap { segmenter.receive($0) }.filter(\.startsEpoch)
        #expect(epochs.map { $0.runs.map(\.track.id) } == [[Media.video, Media.audio], [Media.video]])
    }
}
