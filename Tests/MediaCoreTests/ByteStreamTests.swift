import NIOCore
import Testing

@testable import MediaCore

@Suite("NAL units behind start codes")
struct ByteStreamTests {
    @Test("parameter sets and delimiters are taken out, what is left stands after its length")
    func accessUnit() {
        let bytes: [UInt8] =
            [0, 0, 0, 1, 9, 0xF0] + [0, 0, 1, 0x67, 1, 2, 3] + [0, 0, 0, 1, 0x68, 4] + [
                0, 0, 1, 0x65, 5, 0, 0, 3, 1, 0, 0,
            ]
        let unit = ByteStream.read(ByteBuffer(bytes: bytes), codec: .avc)
        #expect(unit.parameterSets == [[0x67, 1, 2, 3], [0x68, 4]])
        #expect(Array(unit.payload.readableBytesView) == [0, 0, 0, 6, 0x65, 5, 0, 0, 3, 1])
    }

    @Test("anything at all can be read", arguments: 0..<64)
    func anything(_ seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
        let bytes = (0..<200).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return [0, 0, 1, UInt8(truncatingIfNeeded: state >> 40)][Int(state >> 33 & 3)]
        }
        _ = ByteStream.read(ByteBuffer(bytes: bytes), codec: seed % 2 == 0 ? .avc : .hevc)
        _ = ADTSFrame(bytes)
    }

    @Test("an ADTS header tells the AudioSpecificConfig and the lengths")
    func adts() throws {
        // AAC-LC, 48 kHz, two channels, 371 bytes with the header.
        let frame = try #require(ADTSFrame([0xFF, 0xF1, 0x4C, 0x80, 0x2E, 0x7F, 0xFC]))
        #expect(frame.headerLength == 7 && frame.length == 371)
        let config = try AudioSpecificConfig(frame.configuration)
        #expect(config.samplingFrequency == 48_000 && config.channelCount == 2 && config.audioObjectType == 2)
        #expect(ADTSFrame([0xFF, 0xF1]) == nil)
    }

    @Test("labels keep what playlists can say")
    func labels() {
        #expect(TrackLabels(language: "ENG").language == "eng")
        #expect(TrackLabels(language: "und").language == nil && TrackLabels(language: "e1x").language == nil)
        #expect(TrackLabels(name: "a\"b\nc").name == "abc" && TrackLabels(name: "  ").name == nil)
        #expect(
            LanguageTag.text("ger") == "de" && LanguageTag.name("deu") == "German" && LanguageTag.text("gsw") == "gsw"
        )
    }
}
