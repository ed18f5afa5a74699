import MediaCore
import TestSupport
import Testing

/// Records that x264 wrote: `ffmpeg -f lavfi -i testsrc2=size=SIZE -frames:v 3 -c:v libx264 ARGUMENTS out.mp4`, the
/// payload of `avcC`.
struct EncodedRecord: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let record: [UInt8]
    let codecs: String
    let width: Int
    let height: Int
    let frameRate: Double

    init(_ name: String, _ hexadecimal: String, _ codecs: String, _ width: Int, _ height: Int, _ frameRate: Double = 30)
    {
        testDescription = name
        record = bytes(hexadecimal)
        self.codecs = codecs
        self.width = width
        self.height = height
        self.frameRate = frameRate
    }

    static let all = [
        EncodedRecord(
            "-profile:v baseline 320x180",
            "0142c00dffe100196742c00dd901419f9f0110000003001000000303c0f142a48001000568cb83cb20",
            "avc1.42c00d",
            320,
            180
        ),
        EncodedRecord(
            "-profile:v main -r 60000/1001 1920x1080, cropped from 1088 rows",
            "014d402affe10018674d402aeca03c0113f2e022000007d20003a9801e30632c01000568ebe3cb20",
            "avc1.4d402a",
            1920,
            1080,
            60_000.0 / 1001
        ),
        EncodedRecord(
            "-profile:v high 1280x720",
            "0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0fdf8f800",
            "avc1.64001f",
            1280,
            720
        ),
        EncodedRecord(
            "-profile:v high -flags +ildct+ilme -x264-params tff=1 -r 25 1920x1080, interlaced",
            "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800",
            "avc1.640028",
            1920,
            1080,
            25
        ),
        EncodedRecord(
            "-profile:v high10 -pix_fmt yuv420p10le 640x360",
            "016e001effe1001b676e001ea6cd940a02ff970110000003001000000303c0f162d96001000668ebe3cb22c0fdfafa00",
            "avc1.6e001e",
            640,
            360
        ),
        EncodedRecord(
            "-profile:v high422 -pix_fmt yuv422p 854x480",
            "017a001fffe1001a677a001fbcd940d83de6f0110000030001000003003c0f18319601000668ebe3cb22c0fef8f800",
            "avc1.7a001f",
            854,
            480
        ),
        EncodedRecord(
            "-profile:v high444 -pix_fmt yuv444p 854x480",
            "01f4001fffe1001b67f4001f919b281b07bc5f8088000003000800000301e078c18cb001000668ebe3c44844fff8f800",
            "avc1.f4001f",
            854,
            480
        ),
        EncodedRecord(
            "-vf format=yuv444p,crop=333:177 -profile:v high444, odd in both directions",
            "01f4000dffe1001b67f4000d919b282a33c9086022000003000200000300781e28532c01000668ebe3c44844fff8f800",
            "avc1.f4000d",
            333,
            177
        ),
        EncodedRecord(
            "-qp 0 320x240, lossless",
            "01f4000dffe1001767f4000daeb20283f60220000003002000000781e2854901000568ebc06bcbfdf8f800",
            "avc1.f4000d",
            320,
            240
        ),
        EncodedRecord(
            "-pix_fmt gray 320x240",
            "0164000dffe100196764000df3650507ec05b2000003000200000300781e28532c01000668ebe3cb22c0fcf8f800",
            "avc1.64000d",
            320,
            240
        ),
        EncodedRecord(
            "-vf setsar=4/3 -color_primaries bt709 -color_trc bt709 -colorspace bt709 1280x720, aspect ratio and colours",
            "0164001fffe1001c6764001facd9405005bb0e6a02020280000003008000001e078c18cb01000668ebe3cb22c0fdf8f800",
            "avc1.64001f",
            1280,
            720
        ),
        EncodedRecord(
            "1080x1920, upright",
            "01640028ffe1001b67640028acd9404403c797c044000003000400000300f03c60c65801000668ebe3cb22c0fdf8f800",
            "avc1.640028",
            1080,
            1920
        ),
    ]
}

@Suite("AVC decoder configuration record")
struct AVCDecoderConfigurationRecordTests {
    @Test("records of x264 tell size, frame rate and codec string", arguments: EncodedRecord.all)
    func x264(_ encoded: EncodedRecord) throws {
        let record = try AVCDecoderConfigurationRecord(encoded.record)
        #expect(record.codecString == encoded.codecs)
        #expect(record.nalUnitLengthSize == 4)
        #expect(record.sequenceParameterSet.width == encoded.width)
        #expect(record.sequenceParameterSet.height == encoded.height)
        let rate = try #require(record.sequenceParameterSet.nominalFrameRate)
        #expect(abs(rate - encoded.frameRate) < 0.000_001)
        #expect(record.bytes == encoded.record)
    }

    @Test("the fixtures are what the x264 of this machine writes today")
    func freshlyEncoded() async throws {
        let folder = try TemporaryFolder()
        try await Tool.ffmpeg([
            "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25", "-frames:v", "2", "-c:v", "libx264",
            "-preset", "ultrafast", "-pix_fmt", "yuv420p", folder.file("out.mp4"),
        ])
        let file = try folder.read("out.mp4")
        let place = try #require((4..<file.count - 4).first { Array(file[$0..<$0 + 4]) == Array("avcC".utf8) })
        let size = file[place - 4..<place].reduce(0) { $0 << 8 | Int($1) }
        let record = try AVCDecoderConfigurationRecord(Array(file[place + 4..<place - 4 + size]))
        #expect(record.sequenceParameterSet.width == 1920 && record.sequenceParameterSet.height == 1080)
        #expect(record.sequenceParameterSet.nominalFrameRate == 25)
    }

    @Test("a record cut short anywhere before its picture parameter set's end is refused", arguments: EncodedRecord.all)
    func truncation(_ encoded: EncodedRecord) throws {
        let sequenceLength = Int(encoded.record[6]) << 8 | Int(encoded.record[7])
        let countOfPictureSets = 8 + sequenceLength
        let pictureLength = Int(encoded.record[countOfPictureSets + 2])
        for length in 0..<countOfPictureSets + 3 + pictureLength {
            #expect(throws: CodecConfigurationError.self) {
                try AVCDecoderConfigurationRecord(Array(encoded.record.prefix(length)))
            }
        }
    }

    @Test(
        "values that must not be are refused",
        arguments: [
            ("version 0", 0, 0),
            ("version 255", 0, 255),
            ("NAL unit length size 3", 4, 0xFE),
            ("no sequence parameter set", 5, 0xE0),
            ("a NAL unit that is no sequence parameter set", 8, 0x68),
        ] as [(String, Int, UInt8)]
    )
    func malformed(_ what: String, _ index: Int, _ value: UInt8) {
        var record = EncodedRecord.all[0].record
        record[index] = value
        #expect(throws: CodecConfigurationError.self, "\(what)") { try AVCDecoderConfigurationRecord(record) }
    }

    @Test("the codec string comes from the parameter set, whatever the record says")
    func recordWithZeros() throws {
        var record = EncodedRecord.all[0].record
        record.replaceSubrange(1..<4, with: [0, 0, 0])
        #expect(try AVCDecoderConfigurationRecord(record).codecString == "avc1.42c00d")
    }

    @Test("random damage never traps")
    func fuzz() {
        var random = SplitMix64(seed: 0x6176_6343)
        var refused = 0
        for round in 0..<60_000 {
            var record = EncodedRecord.all[round % EncodedRecord.all.count].record
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                record[Int.random(in: record.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            record.removeLast(Int.random(in: 0..<record.count, using: &random) / 4)
            guard let read = try? AVCDecoderConfigurationRecord(record) else {
                refused += 1
                continue
            }
            let set = read.sequenceParameterSet
            let allowed = 1...AVCSequenceParameterSet.maximumDimension
            #expect(allowed.contains(set.width) && allowed.contains(set.height))
        }
        #expect(refused > 10_000 && refused < 60_000)
    }
}
