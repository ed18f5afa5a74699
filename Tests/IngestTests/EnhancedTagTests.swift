import MediaCore
import NIOCore
import Testing

@testable import Ingest

/// Tags of Enhanced RTMP v2, put together by hand from the specification.
@Suite("EnhancedTag")
struct EnhancedTagTests {
    private static let avcC = FLVDemuxerTests.avcC
    private static let picture = FLVDemuxerTests.unit([0x65, 1])
    private static let asc = FLVDemuxerTests.asc

    private static func code(_ fourCC: String) -> [UInt8] { Array(fourCC.utf8) }

    private static func video(_ packetType: UInt8, frameType: UInt8 = 1, _ rest: [UInt8]) -> ByteBuffer {
        ByteBuffer(bytes: [0x80 | frameType << 4 | packetType] + rest)
    }

    private static func audio(_ packetType: UInt8, _ rest: [UInt8]) -> ByteBuffer {
        ByteBuffer(bytes: [0x90 | packetType] + rest)
    }

    /// A demuxer that knows `avc1` video and `mp4a` audio.
    private static func configured() throws -> FLVDemuxer {
        var demuxer = FLVDemuxer()
        #expect(try demuxer.receiveVideo(video(0, code("avc1") + avcC), timestamp: 0).tracks.count == 1)
        #expect(try demuxer.receiveAudio(audio(0, code("mp4a") + asc), timestamp: 0).tracks.count == 1)
        return demuxer
    }

    // MARK: - Single tracks

    @Test("CodedFrames has a signed composition time, CodedFramesX none", arguments: [0, 66, -33] as [Int32])
    func compositionTimes(milliseconds: Int32) throws {
        var demuxer = try Self.configured()
        let time = [16, 8, 0].map { UInt8(truncatingIfNeeded: UInt32(bitPattern: milliseconds) >> UInt32($0)) }
        let coded = try demuxer.receiveVideo(Self.video(1, Self.code("avc1") + time + Self.picture), timestamp: 40)
        #expect(coded.units.map(\.compositionOffset) == [.milliseconds(Int64(milliseconds))])
        #expect(coded.units.map(\.payload) == [ByteBuffer(bytes: Self.picture)])
        let bare = try demuxer.receiveVideo(Self.video(3, Self.code("avc1") + Self.picture), timestamp: 80)
        #expect(bare.units.map(\.compositionOffset) == [.zero])
        #expect(bare.units.map(\.payload) == [ByteBuffer(bytes: Self.picture)])
        #expect(bare.units.map(\.decodeTime) == [.milliseconds(80)])
    }

    @Test("the same configuration in a legacy and in an enhanced tag is one")
    func sameConfiguration() throws {
        var demuxer = try Self.configured()
        #expect(Array(try demuxer.receiveVideo(FLVDemuxerTests.avc(0, Self.avcC), timestamp: 0)).isEmpty)
        #expect(Array(try demuxer.receiveAudio(ByteBuffer(bytes: [0xAF, 0] + Self.asc), timestamp: 0)).isEmpty)
        let legacy = try demuxer.receiveVideo(FLVDemuxerTests.avc(1, Self.picture), timestamp: 40)
        #expect(legacy.units.count == 1)
    }

    @Test("HEVC of patched encoders comes as codec id 12, laid out like H.264")
    func legacyHEVC() throws {
        let message = try #require(try Fixture.hevcAAC.messages(.whole).first { $0.typeID == RTMPMessage.TypeID.video })
        let record = Array(message.payload.readableBytesView.dropFirst(5))
        var demuxer = FLVDemuxer()
        let header = try demuxer.receiveVideo(ByteBuffer(bytes: [0x1C, 0, 0, 0, 0] + record), timestamp: 0)
        #expect(header.tracks.map(\.configuration.codecString) == ["hvc1.1.6.L30.90"])
        for (type, isSync) in [(19, true), (20, true), (21, true), (16, true), (1, false), (39, false)]
            as [(UInt8, Bool)]
        {
            let unit = FLVDemuxerTests.unit([type << 1, 1, 0xAA])
            let tag = ByteBuffer(bytes: [0x1C, 1, 0, 0, 33] + unit)
            let units = try demuxer.receiveVideo(tag, timestamp: 40).units
            #expect(units.map(\.isSync) == [isSync], "NAL unit type \(type)")
            #expect(units.map(\.compositionOffset) == [.milliseconds(33)])
        }
        // The enhanced form of the same record says nothing new.
        #expect(Array(try demuxer.receiveVideo(message.payload, timestamp: 80)).isEmpty)
    }

    @Test("commands, metadata, ends of sequence and packet types of the future are no media")
    func noMedia() throws {
        var demuxer = try Self.configured()
        for tag in [
            Self.video(1, frameType: 5, [0]), Self.video(4, frameType: 5, Self.code("avc1") + [2, 0, 3]),
            Self.video(4, Self.code("avc1") + [0xFF]), Self.video(2, Self.code("avc1")),
            Self.video(9, Self.code("avc1")),
            Self.video(5, Self.code("av01") + [1, 2, 3]),
        ] {
            #expect(Array(try demuxer.receiveVideo(tag, timestamp: 0)).isEmpty)
        }
        for tag in [
            Self.audio(4, Self.code("mp4a") + [1, 2, 0, 0, 0, 3]), Self.audio(2, Self.code("mp4a")),
            Self.audio(3, Self.code("mp4a")),
        ] {
            #expect(Array(try demuxer.receiveAudio(tag, timestamp: 0)).isEmpty)
        }
        #expect(
            try demuxer.receiveVideo(Self.video(3, Self.code("avc1") + Self.picture), timestamp: 0).units.count == 1
        )
        #expect(try demuxer.receiveAudio(Self.audio(1, Self.code("mp4a") + [1]), timestamp: 0).units.count == 1)
    }

    @Test("temporal delimiters and padding stay out of AV1's samples, and a keyframe brings its configuration")
    func av1() throws {
        let sequenceHeader: [UInt8] = [
            0x0A, 0x0E, 0, 0, 0, 0xFA, 0x1E, 0x7F, 0x66, 0x21, 0x0A, 0x88, 0x10, 0x10, 0x10, 0xA0,
        ]
        let keyframe: [UInt8] = [0x32, 2, 0x10, 0xAA]
        let inter: [UInt8] = [0x32, 2, 0x30, 0xAA]
        var demuxer = FLVDemuxer()
        func receive(_ units: [UInt8]) throws -> FLVDemuxer.Outputs {
            try demuxer.receiveVideo(Self.video(1, Self.code("av01") + units), timestamp: 0)
        }
        #expect(Array(try demuxer.receiveVideo(Self.video(0, Self.code("av01")), timestamp: 0)).isEmpty)
        #expect(try receive([0x12, 0] + inter).drops == [.noConfiguration])
        let first = try receive([0x12, 0] + sequenceHeader + keyframe)
        #expect(first.tracks.map(\.configuration.codecString) == ["av01.0.31M.08"])
        #expect(first.units.map(\.payload) == [ByteBuffer(bytes: sequenceHeader + keyframe)])
        #expect(first.units.map(\.isSync) == [true])
        let second = try receive(inter + [0x7A, 1, 0] + [0x12, 0])
        #expect(second.tracks.isEmpty)
        #expect(second.units.map(\.payload) == [ByteBuffer(bytes: inter)])
        #expect(second.units.map(\.isSync) == [false])
        // A keyframe without a sequence header, and one that is not shown, are no places to begin.
        #expect(try receive(keyframe).units.map(\.isSync) == [false])
        #expect(try receive(sequenceHeader + [0x32, 2, 0x00, 0xAA]).units.map(\.isSync) == [false])
        #expect(try receive([0x12, 0]).drops == [.malformedFrame])
        #expect(try receive([0x32, 9, 0x10]).drops == [.malformedFrame])
        #expect(try receive(sequenceHeader + keyframe).tracks.isEmpty)
    }

    @Test("VP9's track is announced with its first keyframe's size, and again when that changes")
    func vp9() throws {
        var demuxer = FLVDemuxer()
        func receive(_ bytes: [UInt8], type: UInt8 = 1) throws -> FLVDemuxer.Outputs {
            try demuxer.receiveVideo(Self.video(type, Self.code("vp09") + bytes), timestamp: 0)
        }
        let keyframe: [UInt8] = [0x82, 0x49, 0x83, 0x42, 0, 7, 0xF0, 5, 0xF6, 6, 0x38, 0x24]
        var larger = keyframe
        larger[5] = 15
        #expect(try receive(keyframe).drops == [.noConfiguration])
        #expect(Array(try receive([1, 0, 0, 0, 0, 10, 0x82, 2, 2, 2, 0, 0], type: 0)).isEmpty)
        #expect(try receive([0x86, 0]).drops == [.noConfiguration])
        let first = try receive(keyframe)
        #expect(first.tracks.map(\.configuration.picture?.width) == [128] && first.units.map(\.isSync) == [true])
        #expect(try receive([0x86, 0]).units.map(\.isSync) == [false])
        #expect(Array(try receive(keyframe)).count == 1)
        #expect(try receive(larger).tracks.map(\.configuration.picture?.width) == [256])
        #expect(try receive([0x42, 0]).drops == [.malformedFrame])
        #expect(try receive([0x82, 0x49, 0x83]).drops == [.malformedFrame])
    }

    @Test("sound whose frames say what they are needs no sequence header, and states its length")
    func selfDescribingSound() throws {
        var demuxer = FLVDemuxer()
        let ac3: [UInt8] = [0x0B, 0x77, 0x69, 0x5A, 0x1E, 0x40, 0xEB, 0xF8]
        let first = try demuxer.receiveAudio(Self.audio(1, Self.code("ac-3") + ac3), timestamp: 0)
        #expect(first.tracks.map(\.configuration.codecString) == ["ac-3"])
        #expect(first.units.count == 1)
        #expect(try demuxer.receiveAudio(Self.audio(1, Self.code("ac-3") + ac3), timestamp: 32).tracks.isEmpty)
        #expect(
            try demuxer.receiveAudio(Self.audio(1, Self.code("ac-3") + [1, 2]), timestamp: 64).drops == [
                .malformedFrame
            ]
        )
        // The encoder is set to another codec: MP3 in the legacy form, then in the enhanced one.
        let mp3: [UInt8] = [0xFF, 0xFB, 0x90, 0x64, 0]
        let other = try demuxer.receiveAudio(ByteBuffer(bytes: [0x2F] + mp3), timestamp: 96)
        #expect(other.tracks.map(\.configuration.codecString) == ["mp4a.6B"])
        #expect(Array(try demuxer.receiveAudio(Self.audio(1, Self.code(".mp3") + mp3), timestamp: 122)).count == 1)
        #expect(
            try demuxer.receiveAudio(Self.audio(1, Self.code("Opus") + [0xFC]), timestamp: 122).drops == [
                .noConfiguration
            ]
        )
    }

    // MARK: - ModEx

    private static func modEx(_ data: [UInt8], type: UInt8 = 0, next: UInt8) -> [UInt8] {
        let size: [UInt8] =
            data.count < 256
            ? [UInt8(data.count - 1)] : [255, UInt8((data.count - 1) >> 8), UInt8((data.count - 1) & 0xFF)]
        return size + data + [type << 4 | next]
    }

    @Test("nanoseconds are added to the timestamp, whatever other modifiers are around them")
    func nanoseconds() throws {
        var demuxer = try Self.configured()
        let offset = Self.modEx([0x0A, 0x2C, 0x2A], next: 7)
        let unknown = Self.modEx([UInt8](repeating: 9, count: 300), type: 5, next: 3)
        let tag = Self.video(7, offset + unknown + Self.code("avc1") + Self.picture)
        let unit = try #require(try demuxer.receiveVideo(tag, timestamp: 33).units.first)
        #expect(unit.decodeTime == MediaTime(nanoseconds: 33_666_666))
        #expect(unit.payload == ByteBuffer(bytes: Self.picture))
        let sound = Self.audio(7, Self.modEx([0x05, 0x16, 0x15], next: 1) + Self.code("mp4a") + [1, 2])
        #expect(
            try demuxer.receiveAudio(sound, timestamp: 21).units.map(\.decodeTime) == [
                MediaTime(nanoseconds: 21_333_333)
            ]
        )
        // The offset is the message's own: the next one has none.
        let next = try demuxer.receiveVideo(Self.video(3, Self.code("avc1") + Self.picture), timestamp: 66)
        #expect(next.units.map(\.decodeTime) == [.milliseconds(66)])
    }

    @Test("a modifier of exactly 256 bytes has its size in 16 bits")
    func longModifier() throws {
        var demuxer = try Self.configured()
        for count in [255, 256, 257, 65_536] {
            let modifier = Self.modEx([UInt8](repeating: 1, count: count), type: 3, next: 3)
            let outputs = try demuxer.receiveVideo(
                Self.video(7, modifier + Self.code("avc1") + Self.picture),
                timestamp: 0
            )
            #expect(outputs.units.count == 1, "\(count) bytes")
        }
    }

    @Test("more modifiers than are read, and broken ones, cost their message only")
    func hostileModifiers() throws {
        var demuxer = try Self.configured()
        let many = (0..<20).flatMap { _ in Self.modEx([0], type: 1, next: 7) }
        let outputs = try demuxer.receiveVideo(Self.video(7, many + Self.code("avc1") + Self.picture), timestamp: 0)
        #expect(outputs.drops == [.tooManyModifiers])
        for rest in [[], [4], [4, 1, 2], [255], [255, 255], [2, 0, 0, 1]] as [[UInt8]] {
            #expect(try demuxer.receiveVideo(Self.video(7, rest), timestamp: 0).drops == [.emptyTag])
        }
    }

    // MARK: - Multitrack

    private static func sized(_ index: UInt8, _ body: [UInt8]) -> [UInt8] {
        [index, UInt8(body.count >> 16), UInt8(body.count >> 8 & 0xFF), UInt8(body.count & 0xFF)] + body
    }

    @Test("OneTrack carries a track of its own number")
    func oneTrack() throws {
        var demuxer = try Self.configured()
        let header = try demuxer.receiveVideo(Self.video(6, [0x00] + Self.code("avc1") + [3] + Self.avcC), timestamp: 0)
        #expect(header.tracks.map(\.id) == [TrackID(.video, index: 3)])
        let frame = [0x01] + Self.code("avc1") + [3, 0, 0, 40] + Self.picture
        let units = try demuxer.receiveVideo(Self.video(6, frame), timestamp: 7).units
        #expect(units.map(\.trackID) == [TrackID(.video, index: 3)])
        #expect(units.map(\.compositionOffset) == [.milliseconds(40)])
        #expect(units.map(\.payload) == [ByteBuffer(bytes: Self.picture)])
    }

    @Test("ManyTracks gives each track's part in the order of the message")
    func manyTracks() throws {
        var demuxer = try Self.configured()
        let headers =
            [0x10] + Self.code("avc1") + Self.sized(0, Self.avcC) + Self.sized(1, Self.avcC) + Self.sized(7, Self.avcC)
        // The one of track 0 is known.
        #expect(try demuxer.receiveVideo(Self.video(6, headers), timestamp: 0).tracks.map(\.id.index) == [1, 7])
        let frames =
            [0x13] + Self.code("avc1") + Self.sized(0, Self.picture) + Self.sized(1, [9]) + Self.sized(7, Self.picture)
        let outputs = try demuxer.receiveVideo(Self.video(6, frames), timestamp: 40)
        #expect(outputs.units.map(\.trackID.index) == [0, 7])
        #expect(outputs.drops == [.malformedAccessUnit])
    }

    @Test("ManyTracksManyCodecs names a codec for each track, behind a modifier too")
    func manyCodecs() throws {
        var demuxer = try Self.configured()
        let opus = Array("OpusHead".utf8) + [1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]
        let headers = [0x20] + Self.code("Opus") + Self.sized(1, opus) + Self.code("mp4a") + Self.sized(2, Self.asc)
        let tracks = try demuxer.receiveAudio(Self.audio(5, headers), timestamp: 0).tracks
        #expect(tracks.map(\.configuration.codecString) == ["Opus", "mp4a.40.2"])
        let frames =
            [0x21] + Self.code("Opus") + Self.sized(1, [0xFC, 1]) + Self.code("mp4a") + Self.sized(2, [1, 2, 3])
        let tag = Self.audio(7, Self.modEx([0, 0, 5], next: 5) + frames)
        let units = try demuxer.receiveAudio(tag, timestamp: 20).units
        #expect(units.map(\.trackID.index) == [1, 2])
        #expect(units.map(\.sampleCount) == [960, nil])
        #expect(units.allSatisfy { $0.decodeTime == MediaTime(nanoseconds: 20_000_005) })
    }

    @Test("a codec that is not taken ends the publish, in whichever track it is")
    func refusedCodec() throws {
        var demuxer = try Self.configured()
        let tag = Self.audio(
            5,
            [0x20] + Self.code("mp4a") + Self.sized(0, Self.asc) + Self.code("alac") + Self.sized(1, [1])
        )
        #expect(throws: MediaTagError.unsupportedCodec(MediaCodecName(fourCC: 0x616C_6163, kind: .audio))) {
            try demuxer.receiveAudio(tag, timestamp: 0)
        }
    }

    @Test(
        "multitrack tags whose parts do not fit are dropped, not the publish",
        arguments: [
            [], [0x01], [0x31, 0x61, 0x76, 0x63, 0x31, 0], [0x06, 0x61, 0x76, 0x63, 0x31, 0],
            [0x01, 0x61, 0x76, 0x63, 0x31],
            [0x11, 0x61, 0x76, 0x63, 0x31, 0, 0, 0], [0x11, 0x61, 0x76, 0x63, 0x31, 0, 0xFF, 0xFF, 0xFF, 1],
            [0x21, 0x61],
        ] as [[UInt8]]
    )
    func broken(rest: [UInt8]) throws {
        var demuxer = try Self.configured()
        #expect(try demuxer.receiveVideo(Self.video(6, rest), timestamp: 0).drops.count == 1)
        #expect(
            try demuxer.receiveVideo(Self.video(3, Self.code("avc1") + Self.picture), timestamp: 0).units.count == 1
        )
    }

    @Test("no more tracks are kept than the limit, and those that are go on")
    func trackLimit() throws {
        var demuxer = try Self.configured()
        for index in 1...255 as ClosedRange<UInt8> {
            let tag = Self.video(6, [0x00] + Self.code("avc1") + [index] + Self.avcC)
            let outputs = try demuxer.receiveVideo(tag, timestamp: 0)
            #expect(outputs.tracks.count == (index < 16 ? 1 : 0))
            #expect(outputs.drops == (index < 16 ? [] : [.tooManyTracks]))
        }
        let frame = Self.video(6, [0x03] + Self.code("avc1") + [15] + Self.picture)
        #expect(try demuxer.receiveVideo(frame, timestamp: 0).units.count == 1)
    }

    @Test("random tags never trap", arguments: 0..<10 as Range<UInt64>)
    func randomTags(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var demuxer = try Self.configured()
        let video = ["avc1", "hvc1", "av01", "vp09"]
        let audio = ["Opus", "fLaC", "ac-3", "ec-3", ".mp3", "mp4a"]
        for _ in 0..<3000 {
            let packetType = UInt8.random(in: 0...7, using: &generator)
            let head = packetType < 5 ? [] : generator.bytes(Int.random(in: 0...8, using: &generator)).map { $0 & 0x13 }
            let rest = generator.bytes(Int.random(in: 0...40, using: &generator)).map { $0 & 0x8F }
            let timestamp = UInt32.random(in: 0...1000, using: &generator)
            let picture = head + Self.code(video.randomElement(using: &generator) ?? "") + rest
            let sound = head + Self.code(audio.randomElement(using: &generator) ?? "") + rest
            _ = try? demuxer.receiveVideo(Self.video(packetType, picture), timestamp: timestamp)
            _ = try? demuxer.receiveAudio(Self.audio(packetType, sound), timestamp: timestamp)
        }
    }
}
