import MediaCore
import NIOCore
import Testing

@testable import Ingest

@Suite("FLVDemuxer")
struct FLVDemuxerTests {
    /// avcC of a 160x90 Baseline stream, made by `ffmpeg -f lavfi -i testsrc2=size=160x90 -c:v libx264 -profile baseline`.
    static let avcC: [UInt8] = [
        1, 0x42, 0xC0, 0x0B, 0xFF, 0xE1, 0, 7, 0x67, 0x42, 0xC0, 0x0B, 0xDA, 0x0A, 0x6C, 1, 0, 4, 0x68, 0xCE, 0x0F,
        0xC8,
    ]
    static let asc: [UInt8] = [0x11, 0x90]

    static func avc(
        _ packetType: UInt8,
        frameType: UInt8 = 1,
        compositionTime: Int32 = 0,
        _ body: [UInt8]
    ) -> ByteBuffer {
        let time = UInt32(bitPattern: compositionTime)
        return ByteBuffer(
            bytes: [frameType << 4 | 7, packetType] + [16, 8, 0].map { UInt8(truncatingIfNeeded: time >> UInt32($0)) }
                + body
        )
    }

    static func unit(_ bytes: [UInt8]) -> [UInt8] { [0, 0, 0, UInt8(bytes.count)] + bytes }

    static func configured() throws -> FLVDemuxer {
        var demuxer = FLVDemuxer()
        guard case .configure = try demuxer.receiveVideo(avc(0, avcC), timestamp: 0).only else {
            Issue.record("the sequence header is not taken")
            return demuxer
        }
        return demuxer
    }

    @Test("a sequence header is announced once, and again when it changes")
    func sequenceHeaders() throws {
        var demuxer = try Self.configured()
        guard case .none = try demuxer.receiveVideo(Self.avc(0, Self.avcC), timestamp: 40).only else {
            Issue.record("an unchanged sequence header was announced")
            return
        }
        var changed = Self.avcC
        changed[changed.count - 1] = 0xC9
        guard case .configure(let track) = try demuxer.receiveVideo(Self.avc(0, changed), timestamp: 40).only else {
            Issue.record("a changed sequence header was not announced")
            return
        }
        #expect(track.id == TrackID(.video))
        let audio = ByteBuffer(bytes: [0xAF, 0] + Self.asc)
        guard case .configure(let audioTrack) = try demuxer.receiveAudio(audio, timestamp: 0).only else {
            Issue.record("the audio sequence header was not announced")
            return
        }
        #expect(audioTrack.configuration == .aac(try AudioSpecificConfig(Self.asc)))
    }

    @Test(
        "the bitstream says whether decoding can start",
        arguments: [
            (UInt8(1), unit([0x65, 1]), true),
            (2, unit([0x65, 1]), true),
            (1, unit([0x41, 1]), false),
            // Recovery point, alone and behind another message with an emulation prevention byte in it.
            (1, unit([0x06, 6, 1, 0x80]) + unit([0x41, 1]), true),
            (1, unit([0x06, 5, 4, 0, 0, 3, 0, 1, 6, 1, 0x80]) + unit([0x41, 1]), true),
            (2, unit([0x06, 6, 1, 0x80]) + unit([0x41, 1]), false),
            (1, unit([0x06, 5, 0xFF, 0xFF, 0xFF]) + unit([0x41, 1]), false),
            (1, unit([0x09, 0xF0]) + unit([0x65, 1]), true),
        ] as [(UInt8, [UInt8], Bool)]
    )
    func sync(frameType: UInt8, body: [UInt8], isSync: Bool) throws {
        var demuxer = try Self.configured()
        let tag = Self.avc(1, frameType: frameType, body)
        guard case .unit(let unit) = try demuxer.receiveVideo(tag, timestamp: 33).only else {
            Issue.record("no access unit")
            return
        }
        #expect(unit.isSync == isSync)
        #expect(unit.payload == ByteBuffer(bytes: body))
        #expect(unit.decodeTime == .milliseconds(33))
    }

    @Test("composition time is signed", arguments: [0, 66, -33, 0x7FFFFF, -0x800000] as [Int32])
    func compositionTime(milliseconds: Int32) throws {
        var demuxer = try Self.configured()
        let tag = Self.avc(1, compositionTime: milliseconds, Self.unit([0x65, 1]))
        guard case .unit(let unit) = try demuxer.receiveVideo(tag, timestamp: 0).only else {
            Issue.record("no access unit")
            return
        }
        #expect(unit.compositionOffset == .milliseconds(Int64(milliseconds)))
    }

    @Test("empty NAL units are taken out")
    func emptyUnits() throws {
        var demuxer = try Self.configured()
        let body = Self.unit([]) + Self.unit([0x65, 1]) + Self.unit([]) + Self.unit([0x65, 2])
        guard case .unit(let unit) = try demuxer.receiveVideo(Self.avc(1, body), timestamp: 0).only else {
            Issue.record("no access unit")
            return
        }
        #expect(unit.payload == ByteBuffer(bytes: Self.unit([0x65, 1]) + Self.unit([0x65, 2])))
    }

    @Test(
        "broken tags are dropped, not the publish",
        arguments: [
            [], [0x17], [0x17, 1, 0, 0], [0x17, 1, 0, 0, 0], [0x17, 1, 0, 0, 0, 0, 0, 0, 0],
            [0x17, 1, 0, 0, 0, 0, 0, 0, 9, 0x65], [0x17, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x65],
            [0x17, 1, 0, 0, 0, 0, 0], [0x17, 0, 0, 0, 0], [0x17, 0, 0, 0, 0, 1, 2, 3],
        ] as [[UInt8]]
    )
    func broken(bytes: [UInt8]) throws {
        var demuxer = try Self.configured()
        guard case .dropped = try demuxer.receiveVideo(ByteBuffer(bytes: bytes), timestamp: 0).only else {
            Issue.record("not dropped")
            return
        }
        guard case .unit = try demuxer.receiveVideo(Self.avc(1, Self.unit([0x65])), timestamp: 0).only else {
            Issue.record("the next access unit is lost too")
            return
        }
    }

    @Test("instructions to a Flash player and ends of sequence are no media")
    func ignored() throws {
        var demuxer = try Self.configured()
        for tag in [Self.avc(1, frameType: 5, [0]), Self.avc(2, [])] {
            guard case .none = try demuxer.receiveVideo(tag, timestamp: 0).only else {
                Issue.record("\(tag) is taken for media")
                return
            }
        }
    }

    @Test(
        "other codecs are refused by name",
        arguments: [
            ([0x12, 0], "Sorenson"), ([0x14, 0], "VP6"), ([0x1F], "codec id 15"),
            ([0x90] + Array("vvc1".utf8), "'vvc1'"), ([0x91] + Array("vp08".utf8), "'vp08'"),
            ([0x90, 0, 0x61, 0x76, 0x31], "'?av1'"),
        ] as [([UInt8], String)]
    )
    func otherVideo(bytes: [UInt8], name: String) {
        var demuxer = FLVDemuxer()
        let error = #expect(throws: MediaTagError.self) {
            try demuxer.receiveVideo(ByteBuffer(bytes: bytes), timestamp: 0)
        }
        #expect(error?.description.contains(name) == true)
        #expect(error?.description.contains("send H.264, HEVC, AV1 or VP9 video") == true)
    }

    @Test(
        "other audio codecs are refused by name",
        arguments: [
            ([0xB2, 0], "Speex"), ([0x3F, 0], "PCM"), ([0x90] + Array("alac".utf8), "'alac'"),
        ] as [([UInt8], String)]
    )
    func otherAudio(bytes: [UInt8], name: String) {
        var demuxer = FLVDemuxer()
        let error = #expect(throws: MediaTagError.self) {
            try demuxer.receiveAudio(ByteBuffer(bytes: bytes), timestamp: 0)
        }
        #expect(error?.description.contains(name) == true)
    }

    @Test("random tags never trap")
    func randomTags() throws {
        var generator = SeededGenerator(state: 11)
        var demuxer = try Self.configured()
        var units = 0
        for _ in 0..<5000 {
            var body = Self.avc(UInt8.random(in: 0...2, using: &generator), [])
            body.writeBytes(generator.bytes(Int.random(in: 0...40, using: &generator)).map { $0 & 0x07 })
            if case .unit = try demuxer.receiveVideo(body, timestamp: .random(in: 0...1000, using: &generator)).only {
                units += 1
            }
            _ = try demuxer.receiveAudio(ByteBuffer(bytes: [0xAF] + generator.bytes(3)), timestamp: 0)
        }
        #expect(units < 5000)
    }
}

@Suite("PublishClock")
struct PublishClockTests {
    private let video = TrackID(.video)
    private let audio = TrackID(.audio)

    @Test("the wrap of the 32-bit clock is seamless, in each track and between them")
    func wrap() throws {
        var clock = PublishClock()
        #expect(try clock.unwrap(0xFFFF_FFF0, of: video) == .milliseconds(0xFFFF_FFF0))
        #expect(try clock.unwrap(0x10, of: video) == .milliseconds(0x1_0000_0010))
        #expect(try clock.unwrap(0xFFFF_FFFF, of: audio) == .milliseconds(0xFFFF_FFFF))
        #expect(try clock.unwrap(0, of: audio) == .milliseconds(0x1_0000_0000))
        #expect(try clock.unwrap(0x8, of: video) == .milliseconds(0x1_0000_0008))
    }

    @Test("a track that begins after the wrap stands beside those from before it")
    func beginsAfterWrap() throws {
        var clock = PublishClock()
        #expect(try clock.unwrap(0xFFFF_FFF0, of: video) == .milliseconds(0xFFFF_FFF0))
        #expect(try clock.unwrap(0x20, of: TrackID(.audio, index: 1)) == .milliseconds(0x1_0000_0020))
        #expect(try clock.unwrap(0xFFFF_FFF8, of: TrackID(.audio, index: 2)) == .milliseconds(0xFFFF_FFF8))
    }

    @Test("a clock that goes back is followed, and beyond zero the time is negative")
    func backwards() throws {
        var clock = PublishClock()
        #expect(try clock.unwrap(10_000, of: video) == .milliseconds(10_000))
        #expect(try clock.unwrap(4_000, of: video) == .milliseconds(4_000))
        #expect(try clock.unwrap(0xFFFF_FFFF, of: video) == .milliseconds(-1))
        #expect(try clock.unwrap(0, of: video) == .zero)
    }

    @Test("a clock that runs away is an error before it can overflow")
    func limit() throws {
        var clock = PublishClock()
        var timestamp: UInt32 = 0
        var last = MediaTime.zero
        let error = #expect(throws: MediaTagError.self) {
            while true {
                last = try clock.unwrap(timestamp, of: video)
                timestamp &+= 0x7FFF_FFFF
            }
        }
        #expect(last <= .limit)
        #expect(last > MediaTime(nanoseconds: MediaTime.limit.nanoseconds / 2))
        guard case .clockOutOfRange = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
