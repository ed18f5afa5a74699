import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("The sound alone of stored media")
struct SoundFilterTests {
    /// Two parts with pictures and sound, and one with pictures alone.
    private func media() throws -> StoredMedia {
        var random = SplitMix64(seed: 1)
        var media = StoredMedia([try Media.avc(), try Media.aac()])
        let parts = (0..<3 as Range<Int64>).map { part in
            let pictures = (0..<10 as Range<Int64>).map { index in
                let payload = Media.lengthPrefixed([Media.unit(0x41, size: 900, using: &random)])
                return Sample(at: 90_000 + (part * 10 + index) * 3000, for: 3000, isSync: index == 0, payload)
            }
            let sounds = (0..<(part == 2 ? 0 : 16) as Range<Int64>).map { index in
                Sample(
                    at: 48_000 + (part * 16 + index) * 1024,
                    for: 1024,
                    Media.unit(0x21, size: Int.random(in: 1...300, using: &random), using: &random)
                )
            }
            return [pictures, sounds]
        }
        media.append(parts)
        return media
    }

    @Test("the audio track stays as it is, and nothing else is left")
    func filters() throws {
        let media = try media()
        let filter = try SoundFilter(initialization: media.initialization)
        let whole = try ISOBMFFReader.readInitializationSegment(Array(media.initialization.readableBytesView))
        let initialization = try ISOBMFFReader.readInitializationSegment(
            Array(try filter.filteredInitialization().readableBytesView)
        )
        #expect(initialization.tracks.map(\.trackID) == [2])
        #expect(initialization.track(handler: "soun")?.sampleEntry == whole.track(handler: "soun")?.sampleEntry)
        let bytes = Array(try filter.filtered(media.pieces(0)).readableBytesView)
        let fragments = try ISOBMFFReader.readMediaSegment(
            // Each fragment of the made up media has the same number, which a file must not have.
            Array(try filter.filtered([media.pieces(0)[0]]).readableBytesView),
            initialization: initialization
        )
        #expect(fragments.unusedMediaDataBytes == 0 && fragments.fragments.count == 1)
        let samples = fragments.samples(of: 2)
        #expect(samples.count == 16 && samples[0].decodeTime == 48_000)
        var filtered: [Sample] = []
        for sample in try FragmentReader.samples(of: [ByteBuffer(bytes: bytes)])[2] ?? [] { filtered.append(sample) }
        let expected = media.samples(0, .audio)
        #expect(filtered.map(\.payload) == expected.map(\.payload))
        #expect(filtered.map(\.decodeTime) == expected.map(\.decodeTime))
        #expect(try FragmentReader.samples(of: [ByteBuffer(bytes: bytes)])[1] == nil)
    }

    @Test("a segment's sound is the sound of its parts, and event messages stay")
    func parts() throws {
        let media = try media()
        let filter = try SoundFilter(initialization: media.initialization)
        let whole = try filter.filtered(media.pieces(0))
        let parts = try media.pieces(0).map { Array(try filter.filtered([$0]).readableBytesView) }
        #expect(Array(whole.readableBytesView) == parts.flatMap { $0 })
        var message = BoxWriter(capacity: 64)
        message.fullBox("emsg", version: 1) { $0.writeZeros(24) }
        var piece = message.buffer
        piece.writeImmutableBuffer(media.pieces(0)[0])
        #expect(
            Array(try filter.filtered([piece]).readableBytesView) == Array(message.buffer.readableBytesView) + parts[0]
        )
    }

    @Test("media without sound is refused, and damaged media is an error")
    func refused() throws {
        let media = try media()
        let pictures = StoredMedia([try Media.avc()]).initialization
        #expect(throws: SoundFilterError.noSound) { try SoundFilter(initialization: pictures) }
        let filter = try SoundFilter(initialization: media.initialization)
        let bytes = Array(media.pieces(0)[0].readableBytesView)
        for count in 1..<600 {
            #expect(throws: SoundFilterError.self) { try filter.filtered([ByteBuffer(bytes: bytes.prefix(count))]) }
        }
        var random = SplitMix64(seed: 2)
        for _ in 0..<2000 {
            var damaged = bytes
            damaged[Int.random(in: 0..<600, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = try? filter.filtered([ByteBuffer(bytes: damaged)])
        }
    }
}
