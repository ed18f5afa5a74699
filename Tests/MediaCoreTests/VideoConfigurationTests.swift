import MediaCore
import TestSupport
import Testing

/// Records that ffmpeg's encoders wrote into FLV, and what ffprobe says of the same streams.
enum VideoRecords {
    /// `-c:v libx265`: 128x96, 15 pictures a second.
    static let x265Main = bytes(
        """
        0101600000009000000000001ef000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003001e959409210001
        002942010101600000030090000003000003001ea01020616595952930bc05a020000003002000000301e122000100064401c073c189
        """
    )
    /// The same with `-pix_fmt yuv420p10le`, 1920x1080, 30000/1001.
    static let x265Main10 = bytes(
        """
        01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff0220000003009000000300000300789594092100
        01002b420101022000000300900000030000030078a003c0801107cad965654a4c2f01680800001f480003a9804022000100064401
        c073c189
        """
    )
    /// `-pix_fmt yuv444p -x265-params high-tier=1:level-idc=5.1:scaling-list=default`: 130x98, 25 pictures a second.
    static let x265High444 = bytes(
        """
        01240800 00009e0800000000 99 f000fcfff8f800000f03200001001740010c01ffff2408000003009e0800000300009995980921
        0001002a4201012408000003009e080000030000999002240d39e7cb2b349272bc05a0200000030020000003032122000100084401
        c172860c4624
        """
    )
    /// `-c:v libkvazaar`: 176x144, 25 pictures a second.
    static let kvazaar = bytes(
        """
        010160000000800000000000baf000fcfdf8f800001303200001001b40010c02ffff0160000003008000000300000300ba0000040210
        24210001002c4201020160000003008000000300000300ba0000a01620245b04021924cab0101000000300100000030190802200010
        0084401c062460a6480
        """
    )
    /// `-c:v libaom-av1`: 128x96.
    static let aom = bytes("81000c000a0a0000000337fbe6d7c802")
    /// `-c:v libaom-av1 -pix_fmt yuv444p`: 320x180.
    static let aom444 = bytes("812000000a0a200000043cfeccdaf902")
    /// `-c:v libsvtav1 -pix_fmt yuv420p10le`: 1920x1080.
    static let svt = bytes("81084c000a0c02000042955dfe1b805f0808")
    /// `-c:v librav1e`: a record without a sequence header, and the sequence header of its first temporal unit: 320x180.
    static let rav1e = (record: bytes("811f0c00"), header: bytes("000000fa1e7f66210a88101010a0"))
    /// `-c:v libvpx-vp9`: 128x96, with the version and flags of the box; and the first bytes of its first frame.
    static let vp9 = (record: bytes("01000000000a820202020000"), frame: bytes("824983420007f005f6063824"))
    /// `-pix_fmt yuv420p10le`, 1280x720.
    static let vp9Profile2 = (record: bytes("01000000021fa20202020000"), frame: bytes("924983420027f8167b031c120e"))
    /// `-pix_fmt yuv444p`, 320x180.
    static let vp9Profile1 = (record: bytes("01000000010b860202020000"), frame: bytes("a249834200027e0166c0c7048383"))
}

@Suite("HEVCDecoderConfigurationRecord")
struct HEVCDecoderConfigurationRecordTests {
    @Test(
        "size, frame rate and codec string are read as the encoder was set (ISO/IEC 14496-15 Annex E.3)",
        arguments: [
            (VideoRecords.x265Main, 128, 96, 15.0, "hvc1.1.6.L30.90"),
            (VideoRecords.x265Main10, 1920, 1080, 30_000 / 1001.0, "hvc1.2.4.L120.90"),
            (VideoRecords.x265High444, 130, 98, 25.0, "hvc1.4.10.H153.9e.8"),
            (VideoRecords.kvazaar, 176, 144, 25.0, "hvc1.1.6.L186.80"),
        ] as [([UInt8], Int, Int, Double, String)]
    )
    func records(record: [UInt8], width: Int, height: Int, rate: Double, codec: String) throws {
        let configuration = CodecConfiguration.hevc(try HEVCDecoderConfigurationRecord(record))
        let picture = try #require(configuration.picture)
        #expect(picture.width == width && picture.height == height)
        #expect(abs(try #require(picture.nominalFrameRate) - rate) < 0.001)
        #expect(configuration.codecString == codec)
    }

    @Test("parameter sets are marked as complete, as hvc1 demands, and nothing else is touched")
    func completeness() throws {
        let record = try HEVCDecoderConfigurationRecord(VideoRecords.x265Main)
        #expect(record.nalUnitLengthSize == 4)
        let changed = zip(record.bytes, VideoRecords.x265Main).filter { $0 != $1 }
        #expect(changed.map(\.1) == [0x20, 0x21, 0x22])
        #expect(changed.map(\.0) == [0xA0, 0xA1, 0xA2])
        #expect(record.bytes.count == VideoRecords.x265Main.count)
    }

    @Test("a record that ends anywhere before its last parameter set is an error, and never a trap")
    func truncated() {
        for record in [VideoRecords.x265Main, VideoRecords.x265High444] {
            for length in 0..<record.count {
                #expect(throws: CodecConfigurationError.self) {
                    try HEVCDecoderConfigurationRecord(Array(record.prefix(length)))
                }
            }
        }
    }

    @Test("changed bytes never trap, and no size beyond the maximum comes out", arguments: 0..<20 as Range<UInt64>)
    func mutated(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for record in [VideoRecords.x265Main10, VideoRecords.x265High444, VideoRecords.kvazaar] {
            for _ in 0..<200 {
                var bytes = record
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
                }
                guard let parsed = try? HEVCDecoderConfigurationRecord(bytes) else { continue }
                #expect((1...16_384).contains(parsed.sequenceParameterSet.width))
                #expect((1...16_384).contains(parsed.sequenceParameterSet.height))
            }
        }
    }

    @Test("other versions and length sizes are refused by their number")
    func refused() {
        var version = VideoRecords.x265Main
        version[0] = 2
        #expect(throws: CodecConfigurationError.malformed("hvcC version 2, expected 1")) {
            try HEVCDecoderConfigurationRecord(version)
        }
        var length = VideoRecords.x265Main
        length[21] = length[21] & ~3 | 2
        #expect(throws: CodecConfigurationError.malformed("NAL unit length size 3, expected 1, 2 or 4")) {
            try HEVCDecoderConfigurationRecord(length)
        }
    }
}

@Suite("AV1CodecConfigurationRecord")
struct AV1CodecConfigurationRecordTests {
    @Test(
        "size and codec string are read from the sequence header",
        arguments: [
            (VideoRecords.aom, 128, 96, "av01.0.00M.08"), (VideoRecords.aom444, 320, 180, "av01.1.00M.08"),
            (VideoRecords.svt, 1920, 1080, "av01.0.08M.10"),
        ] as [([UInt8], Int, Int, String)]
    )
    func records(record: [UInt8], width: Int, height: Int, codec: String) throws {
        let parsed = try #require(try AV1CodecConfigurationRecord(record))
        let configuration = CodecConfiguration.av1(parsed)
        #expect(configuration.picture?.width == width && configuration.picture?.height == height)
        #expect(configuration.codecString == codec)
        // Made anew from the sequence header, the record is the encoder's, byte for byte.
        #expect(parsed.bytes == record)
    }

    @Test("a record without a sequence header waits for the keyframe's")
    func withoutHeader() throws {
        #expect(try AV1CodecConfigurationRecord(VideoRecords.rav1e.record) == nil)
        let record = try AV1CodecConfigurationRecord(sequenceHeaderPayload: VideoRecords.rav1e.header)
        #expect(Array(record.bytes.prefix(4)) == VideoRecords.rav1e.record)
        #expect(record.sequenceHeader.width == 320 && record.sequenceHeader.height == 180)
        #expect(record.codecString == "av01.0.31M.08")
    }

    @Test("headers cut short or changed never trap", arguments: 0..<20 as Range<UInt64>)
    func hostile(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let header = VideoRecords.rav1e.header
        for length in 0..<7 {
            #expect(throws: CodecConfigurationError.self) {
                try AV1CodecConfigurationRecord(sequenceHeaderPayload: header.prefix(length))
            }
        }
        for _ in 0..<500 {
            let bytes = header.map { Bool.random(using: &generator) ? $0 : .random(in: 0...255, using: &generator) }
            guard let parsed = try? AV1CodecConfigurationRecord(sequenceHeaderPayload: bytes) else { continue }
            #expect((1...65_536).contains(parsed.sequenceHeader.width))
            #expect([8, 10, 12].contains(parsed.sequenceHeader.bitDepth))
        }
        #expect(throws: CodecConfigurationError.self) {
            try AV1CodecConfigurationRecord(sequenceHeaderPayload: [UInt8](repeating: 0, count: 128))
        }
    }

    @Test(
        "open bitstream units are found up to the first broken one",
        arguments: [
            ("12000a01ff3202aabb", 3, true), ("1200", 1, true), ("3aaabb", 0, false), ("30aabb", 1, true),
            ("92000a01ff", 0, false), ("0aff", 0, false), ("0a8080808080808080", 0, false), ("1600", 0, false),
            ("160000", 1, true),
        ] as [(String, Int, Bool)]
    )
    func units(hexadecimal: String, count: Int, isAtEnd: Bool) {
        var units = AV1OpenBitstreamUnits(bytes(hexadecimal))
        var seen = 0
        while units.next() != nil { seen += 1 }
        #expect(seen == count)
        #expect(units.isAtEnd == isAtEnd)
    }
}

@Suite("VP9Configuration")
struct VP9ConfigurationTests {
    @Test(
        "the codec string comes from the record, the size from the keyframe (VP9 §6.2)",
        arguments: [
            (VideoRecords.vp9, 128, 96, "vp09.00.10.08"), (VideoRecords.vp9Profile2, 1280, 720, "vp09.02.31.10"),
            (VideoRecords.vp9Profile1, 320, 180, "vp09.01.11.08"),
        ] as [((record: [UInt8], frame: [UInt8]), Int, Int, String)]
    )
    func records(made: (record: [UInt8], frame: [UInt8]), width: Int, height: Int, codec: String) throws {
        #expect(VP9KeyframeHeader.isKeyframe(firstByte: made.frame[0]) == true)
        let record = try VPCodecConfigurationRecord(made.record)
        #expect(try VPCodecConfigurationRecord(Array(made.record.dropFirst(4))) == record)
        let configuration = CodecConfiguration.vp9(
            VP9Configuration(record, keyframe: try VP9KeyframeHeader(made.frame))
        )
        #expect(configuration.picture?.width == width && configuration.picture?.height == height)
        #expect(configuration.codecString == codec)
    }

    @Test("a level that the encoder did not know becomes the smallest one that has room")
    func unknownLevel() throws {
        var record = VideoRecords.vp9Profile2.record
        record[5] = 0
        let header = try VP9KeyframeHeader(VideoRecords.vp9Profile2.frame)
        #expect(
            VP9Configuration(try VPCodecConfigurationRecord(record), keyframe: header).codecString == "vp09.02.31.10"
        )
    }

    @Test(
        "frames that are no keyframes are told by their first byte",
        arguments: [
            (0x86, false), (0x96, false), (0xA6, false), (0x88, false), (0x82, true), (0xB0, true), (0x40, nil),
        ]
            as [(UInt8, Bool?)]
    )
    func interFrames(first: UInt8, isKeyframe: Bool?) {
        #expect(VP9KeyframeHeader.isKeyframe(firstByte: first) == isKeyframe)
    }

    @Test(
        "broken records and headers are errors",
        arguments: [
            "", "01000000000a82", "00000000000a820202020000", "01000000040a820202020000", "01000000000a920202020000",
        ]
    )
    func broken(hexadecimal: String) {
        #expect(throws: CodecConfigurationError.self) { try VPCodecConfigurationRecord(bytes(hexadecimal)) }
        #expect(throws: CodecConfigurationError.self) { try VP9KeyframeHeader(bytes(hexadecimal)) }
    }
}
