import MediaCore
import TestSupport
import Testing

@Suite("AudioSpecificConfig")
struct AudioSpecificConfigTests {
    /// One configuration and what is in it.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let config: [UInt8]
        let codecs: String
        let frequency: Int
        let channels: Int?
        let samples: Int

        init(
            _ name: String,
            _ hexadecimal: String,
            _ codecs: String,
            _ rate: Int,
            _ channels: Int?,
            _ samples: Int = 1024
        ) {
            testDescription = name
            config = bytes(hexadecimal)
            self.codecs = codecs
            frequency = rate
            self.channels = channels
            self.samples = samples
        }
    }

    static let cases = [
        // From ffmpeg's own encoder: -c:a aac with -ac and -ar, the DecoderSpecificInfo of `esds`.
        Case("ffmpeg, 48 kHz stereo", "119056e500", "mp4a.40.2", 48_000, 2),
        Case("ffmpeg, 44.1 kHz mono", "120856e500", "mp4a.40.2", 44_100, 1),
        Case("ffmpeg, 5.1", "11b056e500", "mp4a.40.2", 48_000, 6),
        Case("ffmpeg, 7.1", "11b856e500", "mp4a.40.2", 48_000, 8),
        Case("ffmpeg, AAC Main", "099056e500", "mp4a.40.1", 48_000, 2),
        Case(
            "ffmpeg, quad in a program config element",
            "118004c4040021100d4c61766335392e33372e31303056e500",
            "mp4a.40.2",
            48_000,
            nil
        ),
        // Written by hand from ISO/IEC 14496-3 §1.6.2.1.
        Case("LC in two bytes", "1190", "mp4a.40.2", 48_000, 2),
        Case("LC with frames of 960 samples", "1194", "mp4a.40.2", 48_000, 2, 960),
        Case("HE-AAC, explicit", "2b118800", "mp4a.40.5", 24_000, 2),
        Case("HE-AAC v2, explicit", "eb098800", "mp4a.40.29", 24_000, 1),
        Case("HE-AAC, backward compatible", "131056e598", "mp4a.40.5", 24_000, 2),
        Case("HE-AAC v2, backward compatible", "130856e59d4880", "mp4a.40.29", 24_000, 1),
        Case("SBR said to be absent", "131056e500", "mp4a.40.2", 24_000, 2),
        Case("a sampling frequency in full", "1780158888", "mp4a.40.2", 11_025, 1),
    ]

    @Test("real and hand-written configurations are read", arguments: cases)
    func reads(_ example: Case) throws {
        let config = try AudioSpecificConfig(example.config)
        #expect(config.codecString == example.codecs)
        #expect(config.samplingFrequency == example.frequency)
        #expect(config.channelCount == example.channels)
        #expect(config.samplesPerFrame == example.samples)
        #expect(config.bytes == example.config)
    }

    @Test("an optional extension that is cut short is taken for absent", arguments: 2...4)
    func cutExtension(_ length: Int) throws {
        let config = try AudioSpecificConfig(Array(bytes("131056e598").prefix(length)))
        #expect(config.codecString == "mp4a.40.2")
    }

    @Test("every sampling frequency index", arguments: 0...15)
    func frequencies(_ index: Int) throws {
        let known = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
        ]
        let bits = 0b00010 << 11 | index << 7 | 2 << 3
        let config = [UInt8(bits >> 8), UInt8(bits & 0xFF), 0, 0, 0]
        if known.indices.contains(index) {
            #expect(try AudioSpecificConfig(config).samplingFrequency == known[index])
        } else {
            #expect(throws: CodecConfigurationError.self) { try AudioSpecificConfig(config) }
        }
    }

    @Test("every channel configuration (ISO/IEC 14496-3 table 1.19)", arguments: 0...15)
    func layouts(_ layout: Int) throws {
        let counts = [1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8]
        let bits = 0b00010 << 11 | 3 << 7 | layout << 3
        let config = [UInt8(bits >> 8), UInt8(bits & 0xFF)]
        if layout == 0 || counts[layout] != nil {
            #expect(try AudioSpecificConfig(config).channelCount == counts[layout])
        } else {
            #expect(throws: CodecConfigurationError.self) { try AudioSpecificConfig(config) }
        }
    }

    @Test("object types that are not AAC are refused", arguments: [0, 6, 7, 22, 23, 32, 39, 42])
    func objectTypes(_ type: Int) {
        var writer = BitWriter()
        if type < 31 {
            writer.write(UInt64(type), 5)
        } else {
            writer.write(31, 5)
            writer.write(UInt64(type - 32), 6)
        }
        writer.write(3, 4)
        writer.write(2, 4)
        writer.write(0, 40)
        #expect(throws: CodecConfigurationError.self) { try AudioSpecificConfig(writer.nalUnit) }
    }

    @Test("a configuration cut short is refused", arguments: ["1190", "2b118800", "eb098800", "1780158888"])
    func truncation(_ hexadecimal: String) {
        for length in 0..<bytes(hexadecimal).count - 1 {
            #expect(throws: CodecConfigurationError.self) {
                try AudioSpecificConfig(Array(bytes(hexadecimal).prefix(length)))
            }
        }
    }

    @Test("all two-byte beginnings with any random rest never trap")
    func fuzz() {
        var random = SplitMix64(seed: 0x6573_6473)
        var read = 0
        for head in 0...0xFFFF {
            var config = [UInt8(head >> 8), UInt8(head & 0xFF)]
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                config.append(UInt8.random(in: 0...255, using: &random))
            }
            guard let result = try? AudioSpecificConfig(config) else { continue }
            read += 1
            #expect((1000...192_000).contains(result.samplingFrequency))
        }
        #expect(read > 1000)
    }
}
