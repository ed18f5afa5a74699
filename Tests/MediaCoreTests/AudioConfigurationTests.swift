import MediaCore
import TestSupport
import Testing

@Suite("Opus")
struct OpusTests {
    /// From `-c:a libopus`, mono, and with `-af aformat=channel_layouts=5.1`.
    static let mono = bytes("4f7075734865616401013801 80bb0000 0000 00")
    static let surround = bytes("4f7075734865616401063801 80bb0000 0000 01 0402000401020305")

    @Test("RFC 7845's header is read, little-endian as it is")
    func header() throws {
        let mono = try OpusIdentificationHeader(Self.mono)
        #expect(mono.channelCount == 1 && mono.preSkip == 312 && mono.inputSampleRate == 48_000)
        #expect(mono.outputGain == 0 && mono.mappingFamily == 0 && mono.mapping.isEmpty)
        let surround = try OpusIdentificationHeader(Self.surround)
        #expect(surround.channelCount == 6 && surround.mappingFamily == 1)
        #expect(surround.mapping == [4, 2, 0, 4, 1, 2, 3, 5])
        var gained = Self.mono
        gained[16] = 0x00
        gained[17] = 0xFF
        #expect(try OpusIdentificationHeader(gained).outputGain == -256)
    }

    @Test("silence exists for one and two channels, in their own number")
    func silence() throws {
        var stereo = Self.mono
        stereo[9] = 2
        #expect(
            CodecConfiguration.opus(try OpusIdentificationHeader(Self.mono)).silentAccessUnit == [0xF8, 0xFF, 0xFE]
        )
        #expect(CodecConfiguration.opus(try OpusIdentificationHeader(stereo)).silentAccessUnit == [0xFC, 0xFF, 0xFE])
        #expect(CodecConfiguration.opus(try OpusIdentificationHeader(Self.surround)).silentAccessUnit == nil)
    }

    @Test(
        "broken headers are errors",
        arguments: [
            "", "4f70757348656164010138", "4f7075734865616311013801 80bb0000 0000 00",
            "4f7075734865616410013801 80bb0000 0000 00", "4f7075734865616401003801 80bb0000 0000 00",
            "4f7075734865616401033801 80bb0000 0000 00", "4f7075734865616401063801 80bb0000 0000 01 04020004010203",
            "4f7075734865616401023801 80bb0000 0000 01 01020001",
        ]
    )
    func broken(hexadecimal: String) {
        #expect(throws: CodecConfigurationError.self) { try OpusIdentificationHeader(bytes(hexadecimal)) }
    }

    @Test(
        "a packet's length is that of its frames (RFC 6716 §3.1)",
        arguments: [
            (0xF8, nil, 960), (0xFC, nil, 960), (0xE0, nil, 120), (0xE9, nil, 480), (0x00, nil, 480), (0x18, nil, 2880),
            (0x19, nil, 5760), (0x68, nil, 960), (0xFB, 0x06, 5760), (0xFB, 0x07, nil), (0xFB, 0x00, nil),
            (0xFB, nil, nil), (0xE3, 0x30, 5760), (0xE3, 0xC4, 480),
        ] as [(UInt8, UInt8?, Int?)]
    )
    func packets(first: UInt8, second: UInt8?, samples: Int?) {
        #expect(OpusPacket.sampleCount(first: first, second: second) == samples)
    }
}

@Suite("FLAC")
struct FLACTests {
    @Test("STREAMINFO of ffmpeg's encoder is read, 44.1 kHz with 16 bits and 96 kHz with 24")
    func streamInfo() throws {
        let cd = try FLACStreamInfo(bytes("0400040000000000 10980ac442f000000000 00000000000000000000000000000000"))
        #expect(cd.samplingFrequency == 44_100 && cd.channelCount == 2 && cd.bitsPerSample == 16)
        #expect(cd.maximumBlockSize == 1024)
        let studio = try FLACStreamInfo(bytes("0400040000000000 189a1770037000000000 00000000000000000000000000000000"))
        #expect(studio.samplingFrequency == 96_000 && studio.channelCount == 2 && studio.bitsPerSample == 24)
    }

    @Test("the three forms that encoders send, and one with the statistics of its end, are the same configuration")
    func forms() throws {
        let content = bytes("0400040000000000 10980ac442f000000000 00000000000000000000000000000000")
        let plain = try FLACStreamInfo(content)
        #expect(try FLACStreamInfo(bytes("80000022") + content) == plain)
        #expect(try FLACStreamInfo(Array("fLaC".utf8) + bytes("00000022") + content) == plain)
        let final = bytes("04000400000169000172 0ac442f000005622 00112233445566778899aabbccddeeff")
        #expect(try FLACStreamInfo(final) == plain)
    }

    @Test(
        "broken blocks are errors",
        arguments: [
            "", "664c6143", "0400040000000000", "664c614304000022 0400040000000000 10980ac442f000000000",
            "0000000000000000 10980ac442f000000000 00000000000000000000000000000000",
            "0400020000000000 10980ac442f000000000 00000000000000000000000000000000",
            "0400040000000000 1098000002f000000000 00000000000000000000000000000000",
        ]
    )
    func broken(hexadecimal: String) {
        #expect(throws: CodecConfigurationError.self) { try FLACStreamInfo(bytes(hexadecimal)) }
    }

    @Test(
        "a frame's block size is read, also from behind the frame number (RFC 9639 §9.1)",
        arguments: [
            // ffmpeg, 44.1 kHz and 96 kHz.
            ("fff8a98800e64c", 1024), ("fff8ab8c00644c", 1024),
            ("fff8198800e6", 192), ("fff8298800e6", 576), ("fff8598800e6", 4608), ("fff8898800e6", 256),
            ("fff8f98800e6", 32_768), ("fff8698800ff", 256), ("fff879880003ff", 1024),
            // A sample number of seven bytes, with variable block sizes.
            ("fff97988fe808080808080 0fff", 4096),
            ("fff8098800e6", nil), ("fff07988", nil), ("fffc698800ff", nil), ("fff8698880ff", nil),
            ("fff87988ff0000", nil),
            ("fff97988fe8080808080800f", nil), ("", nil),
        ] as [(String, Int?)]
    )
    func frames(hexadecimal: String, samples: Int?) {
        #expect(FLACFrame.sampleCount(header: bytes(hexadecimal)) == samples)
    }
}

@Suite("AC-3 and E-AC-3")
struct DolbyTests {
    @Test(
        "dac3 is what ffmpeg's own MP4 writer makes of the same frame",
        arguments: [
            ("0b77695a1e40ebf8403eff99", "103de0", 48_000, 6), ("0b77fbb5504043e106f2b943", "501100", 44_100, 2),
        ] as [(String, String, Int, Int)]
    )
    func ac3(frame: String, dac3: String, rate: Int, channels: Int) throws {
        let configuration = try AC3Configuration(frame: bytes(frame))
        #expect(configuration.bytes == bytes(dac3))
        #expect(configuration.samplingFrequency == rate && configuration.channelCount == channels)
    }

    @Test("a changed bit rate goes on, a changed layout does not")
    func ac3Continues() throws {
        let surround = try AC3Configuration(frame: bytes("0b77695a1e40ebf8403eff99"))
        #expect(surround.continues(try AC3Configuration(frame: bytes("0b77695a1a40ebf8403eff99"))))
        #expect(!surround.continues(try AC3Configuration(frame: bytes("0b77fbb5504043e106f2b943"))))
    }

    @Test(
        "frames of other codecs and reserved values are errors",
        arguments: [
            "", "0b77", "0b78695a1e40ebf8403eff99", "0b77695ade40ebf8403eff99", "0b77695a2640ebf8403eff99",
            "0b77695a1e58ebf8403eff99", "fffb90640000023c",
        ]
    )
    func broken(hexadecimal: String) {
        #expect(throws: CodecConfigurationError.self) { try AC3Configuration(frame: bytes(hexadecimal)) }
        #expect(throws: CodecConfigurationError.self) { try EAC3Configuration(accessUnit: bytes(hexadecimal)) }
    }

    /// An E-AC-3 sync frame of 16 bytes.
    ///
    /// - Parameters:
    ///   - type: strmtyp: 0 independent, 1 dependent.
    ///   - substream: substreamid.
    ///   - blocks: numblkscod.
    ///   - layout: acmod.
    ///   - lowFrequency: lfeon.
    ///   - channelMap: chanmap of a dependent substream.
    /// - Returns: its bytes.
    private func frame(
        type: UInt64 = 0,
        substream: UInt64 = 0,
        blocks: UInt64 = 3,
        layout: UInt64 = 7,
        lowFrequency: UInt64 = 1,
        channelMap: UInt64? = nil
    ) -> [UInt8] {
        var writer = BitWriter()
        writer.write(0x0B77, 16)
        writer.write(type, 2)
        writer.write(substream, 3)
        writer.write(7, 11)
        writer.write(0, 2)
        writer.write(blocks, 2)
        writer.write(layout, 3)
        writer.write(lowFrequency, 1)
        writer.write(16, 5)
        writer.write(0, 6)
        if let channelMap {
            writer.write(1, 1)
            writer.write(channelMap, 16)
        }
        writer.write(0, 128 - writer.bits.count)
        return stride(from: 0, to: 128, by: 8).map { start in
            writer.bits[start..<start + 8].reduce(0) { $0 << 1 | $1 }
        }
    }

    @Test("dec3 of ffmpeg's 5.1 is what its own MP4 writer makes of it")
    func eac3() throws {
        // The frame's first bytes; the rest of its 768 does not matter.
        let head = bytes("0b77017f3f87c00020f800000200000003321f007e1e1e01010107e1e1")
        let configuration = try EAC3Configuration(accessUnit: head + [UInt8](repeating: 0, count: 768 - head.count))
        #expect(configuration.bytes == bytes("0600200f00"))
        #expect(configuration.samplingFrequency == 48_000 && configuration.channelCount == 6)
        #expect(configuration.sampleCount == 1536)
    }

    @Test("short frames are counted together, dependent substreams are not")
    func eac3Substreams() throws {
        #expect(try EAC3Configuration(accessUnit: frame(blocks: 0)).sampleCount == 256)
        let six = (0..<6).flatMap { _ in frame(blocks: 0) }
        #expect(try EAC3Configuration(accessUnit: six).sampleCount == 1536)
        // 7.1: left and right rear surround in a dependent substream, location 6 of chanmap, bit 7 of chan_loc.
        let surround = frame() + frame(type: 1, layout: 2, lowFrequency: 0, channelMap: 1 << 9)
        let configuration = try EAC3Configuration(accessUnit: surround)
        #expect(configuration.sampleCount == 1536 && configuration.channelCount == 8)
        #expect(configuration.bytes.suffix(4) == [0x20, 0x0F, 0x02, 0x80])
        #expect(throws: CodecConfigurationError.self) {
            try EAC3Configuration(accessUnit: frame(type: 1, channelMap: 0))
        }
        #expect(throws: CodecConfigurationError.self) { try EAC3Configuration(accessUnit: frame() + [0x0B]) }
    }

    @Test("random bytes behind a syncword never trap", arguments: 0..<20 as Range<UInt64>)
    func hostile(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let length = Int.random(in: 0...60, using: &generator)
            let bytes = [0x0B, 0x77] + (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) & 0x3F }
            _ = try? AC3Configuration(frame: bytes)
            if let parsed = try? EAC3Configuration(accessUnit: bytes) { #expect(parsed.sampleCount > 0) }
        }
    }
}

@Suite("MPEGAudioFormat")
struct MPEGAudioFormatTests {
    @Test(
        "frames of libmp3lame",
        arguments: [
            ("fffb90640000023c", 44_100, 2, 1152, "mp4a.6B"), ("fffb54c4000007a0", 48_000, 1, 1152, "mp4a.6B"),
            ("fff340c40012b05e", 22_050, 1, 576, "mp4a.69"), ("ffe340c40012b05e", 11_025, 1, 576, "mp4a.69"),
        ] as [(String, Int, Int, Int, String)]
    )
    func frames(header: String, rate: Int, channels: Int, samples: Int, codec: String) throws {
        let format = try MPEGAudioFormat(frame: bytes(header))
        #expect(format.samplingFrequency == rate && format.channelCount == channels)
        #expect(format.samplesPerFrame == samples && format.codecString == codec)
    }

    @Test(
        "other layers and reserved values are errors",
        arguments: ["", "fffd9064", "fffbf064", "fffb9c64", "ffeb9064", "ff7b9064"]
    )
    func broken(hexadecimal: String) {
        #expect(throws: CodecConfigurationError.self) { try MPEGAudioFormat(frame: bytes(hexadecimal)) }
    }
}
