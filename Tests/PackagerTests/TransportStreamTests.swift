import LiveStore
import Logging
import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("Transport streams of stored segments")
struct TransportStreamTests {
    // MARK: - Any media

    /// Segments of pictures with two kinds of composition offsets and frames of sound, of any size and number.
    private func randomMedia(seed: UInt64) throws -> StoredMedia {
        var random = SplitMix64(seed: seed)
        let hasPictures = seed % 5 != 0, hasSound = seed % 7 != 0 || !hasPictures
        var media = StoredMedia(
            (hasPictures ? [try Media.avc()] : [])
                + (hasSound ? [try Media.aac(frequencyIndex: seed % 2 == 0 ? 3 : 4)] : [])
        )
        let largest = [3, 40, 400, 4000, 70_000][Int(seed % 5)]
        let step = [1500, 3000, 3600, 9000, 20_000][Int(seed / 5 % 5)] as Int64
        let rate: Int64 = seed % 2 == 0 ? 48_000 : 44_100
        var picture: Int64 = 900_000, sound = 10 * rate
        for _ in 0..<4 {
            var parts: [[[Sample]]] = []
            let partCount = Int.random(in: 1...4, using: &random)
            for part in 0..<partCount {
                var pictures: [Sample] = [], sounds: [Sample] = []
                for index in 0..<Int.random(in: 1...8, using: &random) {
                    let isSync = part == 0 && index == 0
                    let unit = Media.unit(
                        isSync ? 0x65 : 0x41,
                        size: Int.random(in: 1...largest, using: &random),
                        using: &random
                    )
                    let payload = Media.lengthPrefixed([unit])
                    pictures.append(
                        Sample(at: picture, for: step, offset: step * Int64(index % 3), isSync: isSync, payload)
                    )
                    picture += step
                }
                // Sound keeps pace with the pictures, a little before or behind them, and has one frame at least.
                let until = picture * rate / 90_000 + Int64.random(in: -9600...9600, using: &random)
                repeat {
                    let size = Int.random(in: 1...min(largest, 1500), using: &random)
                    sounds.append(Sample(at: sound, for: 1024, Media.unit(0x21, size: size, using: &random)))
                    sound += 1024
                } while sound < until
                parts.append((hasPictures ? [pictures] : []) + (hasSound ? [sounds] : []))
            }
            media.append(parts)
        }
        return media
    }

    @Test("whatever the samples, segments made each alone are one stream with all of them", arguments: 1...120)
    func anything(seed: Int) throws {
        let media = try randomMedia(seed: UInt64(seed))
        var reader = TransportStreamReader()
        for index in media.segments.indices {
            let content = try reader.read(try media.transportStream(index))
            #expect(content.payloadPackets.values.allSatisfy { $0 % 16 == 0 }, "invariant 1")
            #expect(content.mapPackets.count == 16)
            let units = try content.packets(ofType: 0x1B).flatMap { packet in
                try #require(packet.nalUnits).filter { [1, 5].contains($0[0] & 0x1F) }
            }
            let expected = media.samples(index, .video).map { Array($0.payload.readableBytesView.dropFirst(4)) }
            #expect(units == expected)
            let frames = try content.packets(ofType: 0x0F).flatMap { try #require($0.adtsFrames) }
            #expect(frames.map(\.payload) == media.samples(index, .audio).map { Array($0.payload.readableBytesView) })
            for (packet, sample) in zip(content.packets(ofType: 0x1B), media.samples(index, .video)) {
                #expect(packet.decodeTime == sample.decodeTime)
                #expect(packet.presentationTime == sample.decodeTime + sample.compositionOffset)
                #expect(packet.isRandomAccess == sample.isSync)
            }
        }
    }

    @Test("the smallest packets there are fill sixteen packets each", arguments: [1, 2, 3, 183, 184, 185, 2940])
    func tiny(size: Int) throws {
        var random = SplitMix64(seed: 1)
        var media = StoredMedia([try Media.avc(), try Media.mp3()])
        let picture = Media.lengthPrefixed([Media.unit(0x41, size: 1, using: &random)])
        for index in 0..<3 as Range<Int64> {
            let frame = Media.unit(0xFF, size: size, using: &random)
            media.append([
                [
                    [Sample(at: 90_000 + index * 3000, for: 3000, isSync: false, picture)],
                    [Sample(at: 48_000 + index * 1600, for: 1600, frame)],
                ]
            ])
        }
        var reader = TransportStreamReader()
        for index in 0..<3 {
            let content = try reader.read(try media.transportStream(index))
            #expect(content.packets.count == 2 && content.streams.map(\.type) == [0x1B, 0x03])
            #expect(
                content.packets(ofType: 0x03)[0].payload
                    == Array(media.samples(index, .audio)[0].payload.readableBytesView)
            )
            #expect(content.payloadPackets.count == 4 && content.payloadPackets[0x100] == 16)
        }
    }

    @Test("a stream without a sample in a segment has no packet there, and goes on behind it")
    func missingStream() throws {
        var random = SplitMix64(seed: 2)
        var media = StoredMedia([try Media.avc(), try Media.aac()])
        for index in 0..<3 as Range<Int64> {
            let picture = Media.lengthPrefixed([Media.unit(0x65, size: 300, using: &random)])
            let sound = Sample(at: 48_000 + index * 4800, for: 4800, Media.unit(0x21, size: 90, using: &random))
            media.append([[[Sample(at: 90_000 + index * 9000, for: 9000, picture)], index == 1 ? [] : [sound]]])
        }
        var reader = TransportStreamReader()
        for index in 0..<3 {
            let content = try reader.read(try media.transportStream(index))
            #expect(content.payloadPackets[0x101] == (index == 1 ? nil : 16))
        }
    }

    // MARK: - Time

    @Test("times and the clock pass the end of their 33 bits")
    func wrap() throws {
        var random = SplitMix64(seed: 3)
        var media = StoredMedia([try Media.avc(), try Media.aac()])
        // Two hundred pictures around the wrap of the decode time, and half a second later that of the clock.
        let start: Int64 = 1 << 33 - 50 * 3600
        for segment in 0..<8 as Range<Int64> {
            let pictures = (0..<25 as Range<Int64>).map { index in
                let payload = Media.lengthPrefixed([Media.unit(index == 0 ? 0x65 : 0x41, size: 90, using: &random)])
                let time = start + (segment * 25 + index) * 3600
                return Sample(at: time, for: 3600, offset: 7200, isSync: index == 0, payload)
            }
            let sound = Sample(
                at: (start + segment * 90_000) * 48 / 90,
                for: 1024,
                Media.unit(0x21, size: 90, using: &random)
            )
            media.append([[pictures, [sound]]])
        }
        var reader = TransportStreamReader()
        var times: [Int64] = [], clocks: [Int64] = []
        for index in 0..<8 {
            let content = try reader.read(try media.transportStream(index))
            times += content.packets(ofType: 0x1B).map(\.presentationTime)
            clocks += content.clocks.map { $0.value / 300 }
        }
        #expect(times.contains { $0 < 900_000 } && times.contains { $0 > 1 << 33 - 900_000 })
        #expect(clocks.contains { $0 < 900_000 } && clocks.contains { $0 > 1 << 33 - 900_000 })
    }

    @Test("pictures far apart have the clock between them, up to the end of the segment")
    func clocks() throws {
        var random = SplitMix64(seed: 4)
        var media = StoredMedia([try Media.avc()])
        for index in 0..<3 as Range<Int64> {
            let picture = Media.lengthPrefixed([Media.unit(0x65, size: 300, using: &random)])
            media.append([[[Sample(at: 900_000 + index * 180_000, for: 180_000, picture)]]])
        }
        var reader = TransportStreamReader()
        for index in 0..<3 {
            let content = try reader.read(try media.transportStream(index))
            #expect(content.clocks.count == 20, "two seconds, a tenth of a second each")
            #expect(content.packets.count == 1)
        }
    }

    @Test("pictures that an encoder shows before it decodes them are decoded earlier, the same in every segment")
    func negativeOffsets() throws {
        var random = SplitMix64(seed: 5)
        var media = StoredMedia([try Media.avc()])
        for segment in 0..<3 as Range<Int64> {
            let pictures = (0..<10 as Range<Int64>).map { index in
                let payload = Media.lengthPrefixed([Media.unit(index == 0 ? 0x65 : 0x41, size: 90, using: &random)])
                let offset: Int64 = [0, 3600, -3600][Int(index % 3)] - 3600
                return Sample(
                    at: 900_000 + (segment * 10 + index) * 3600,
                    for: 3600,
                    offset: offset,
                    isSync: index == 0,
                    payload
                )
            }
            media.append([[pictures]])
        }
        var reader = TransportStreamReader()
        for index in 0..<3 {
            let content = try reader.read(try media.transportStream(index))
            for (packet, sample) in zip(content.packets, media.samples(index, .video)) {
                #expect(packet.presentationTime == sample.decodeTime + sample.compositionOffset)
                #expect(packet.decodeTime == sample.decodeTime - 22_500)
            }
        }
    }

    // MARK: - Access units

    /// The NAL units that a sample of these becomes.
    private func byteStream(_ units: [[UInt8]], isSync: Bool, of track: Track) throws -> [[UInt8]] {
        var media = StoredMedia([track])
        media.append([[[Sample(at: 90_000, for: 3000, isSync: isSync, Media.lengthPrefixed(units))]]])
        var reader = TransportStreamReader()
        let content = try reader.read(try media.transportStream(0))
        return try #require(content.packets.first?.nalUnits)
    }

    @Test("an H.264 access unit begins with one delimiter, and a sync picture has its parameter sets in front of it")
    func avc() throws {
        let track = try Media.avc()
        let sets = try AVCDecoderConfigurationRecord(Media.avcC720).parameterSets
        #expect(sets.map { $0[0] & 0x1F } == [7, 8])
        let delimiter: [UInt8] = [9, 0xF0], refresh: [UInt8] = [0x65, 1, 2], slice: [UInt8] = [0x41, 3, 4]
        #expect(try byteStream([slice], isSync: false, of: track) == [delimiter, slice])
        #expect(
            try byteStream([refresh, refresh], isSync: true, of: track) == [delimiter] + sets + [refresh, refresh]
        )
        #expect(
            try byteStream([[9, 0x10], [6, 5], refresh], isSync: true, of: track) == [delimiter] + sets + [
                [6, 5], refresh,
            ]
        )
        let own: [[UInt8]] = [[0x67, 9, 9], [0x68, 9], refresh]
        #expect(try byteStream(own, isSync: true, of: track) == [delimiter] + own, "its own stay")
        #expect(try byteStream([slice], isSync: true, of: track) == [delimiter] + sets + [slice], "a recovery point")
        // Lengths of two bytes, and a NAL unit that passes the end.
        #expect(throws: TransportStreamError.accessUnit) {
            var media = StoredMedia([track])
            media.append([[[Sample(at: 0, for: 3000, [0, 0, 0, 9, 1, 2])]]])
            _ = try media.transportStream(0)
        }
    }

    @Test("an HEVC access unit likewise, with a delimiter of the picture's sublayer")
    func hevc() throws {
        let track = try Media.hevc()
        let sets = try HEVCDecoderConfigurationRecord(Media.hvcC).parameterSets
        #expect(sets.map { $0[0] >> 1 & 0x3F } == [32, 33, 34])
        let refresh: [UInt8] = [19 << 1, 1, 7], slice: [UInt8] = [1 << 1, 2, 7]
        #expect(try byteStream([slice], isSync: false, of: track) == [[0x46, 2, 0x50], slice])
        #expect(try byteStream([refresh], isSync: true, of: track) == [[0x46, 1, 0x50]] + sets + [refresh])
        let own: [[UInt8]] = [[64, 1, 1], [66, 1, 1], [68, 1, 1], refresh]
        #expect(try byteStream(own, isSync: true, of: track) == [[0x46, 1, 0x50]] + own)
    }

    // MARK: - Sound

    @Test(
        "ADTS headers say what the configuration says",
        arguments: [
            ([0x11, 0x90], 2, 48_000, 2), ([0x12, 0x08], 2, 44_100, 1), ([0x13, 0x90], 2, 22_050, 2),
            // HE-AAC, signalled explicitly: the core's rate and type.
            ([0x2B, 0x11, 0x88, 0x00], 2, 24_000, 2), ([0x11, 0xB8], 2, 48_000, 7),
        ] as [([UInt8], Int, Int, Int)]
    )
    func adts(bytes: [UInt8], objectType: Int, frequency: Int, channels: Int) throws {
        var media = StoredMedia([Track(id: Media.audio, configuration: .aac(try AudioSpecificConfig(bytes)))])
        media.append([[[Sample(at: 1024, for: 1024, [1, 2, 3]), Sample(at: 2048, for: 1024, [4])]]])
        var reader = TransportStreamReader()
        let content = try reader.read(try media.transportStream(0))
        let frames = try #require(content.packets.first?.adtsFrames)
        #expect(frames.map(\.payload) == [[1, 2, 3], [4]])
        #expect(frames[0].objectType == objectType && frames[0].samplingFrequency == frequency)
        #expect(frames[0].channelConfiguration == channels)
    }

    @Test(
        "what ADTS cannot say is refused",
        arguments: [
            [0x11, 0x94],  // 960 samples a frame
            [0x17, 0x80, 0x5D, 0xC0, 0x10],  // 48000 Hz is there in full, 47 kHz here below is none of the usual
            [0x11, 0x80],  // a program config element
            [0x11, 0xD8],  // eleven: 6.1 channels
        ] as [[UInt8]]
    )
    func refusedAAC(bytes: [UInt8]) throws {
        var bytes = bytes
        if bytes.count == 5 { (bytes[1], bytes[2], bytes[3]) = (0x80, 0x5B, 0xCC) }
        let config = try AudioSpecificConfig(bytes)
        let initialization = StoredMedia([Track(id: Media.audio, configuration: .aac(config))]).initialization
        #expect(throws: TransportStreamError.self) { try TransportStreamSegment.check(initialization: initialization) }
    }

    @Test("frames of sound share packets of a tenth of a second; one that is too large for its header is left out")
    func grouping() throws {
        var media = StoredMedia([try Media.aac()])
        let frames = (0..<20 as Range<Int64>).map { index in
            Sample(at: 48_000 + index * 1024, for: 1024, [UInt8](repeating: 7, count: index == 9 ? 8185 : 200))
        }
        media.append([[frames]])
        var reader = TransportStreamReader()
        let content = try reader.read(try media.transportStream(0))
        let counts = try content.packets.map { try #require($0.adtsFrames).count }
        #expect(counts == [4, 4, 1, 4, 4, 2])
        #expect(content.packets[3].presentationTime == 90_000 + 10 * 1920, "behind the one that is missing")
    }

    // MARK: - What cannot be

    @Test("a codec without a place in transport streams is refused by its name")
    func refusedCodecs() throws {
        let header = try OpusIdentificationHeader(
            [UInt8]("OpusHead".utf8) + [1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]
        )
        let opus = StoredMedia([try Media.avc(), Track(id: Media.audio, configuration: .opus(header))])
        #expect(throws: TransportStreamError.codec("Opus")) {
            try TransportStreamSegment.check(initialization: opus.initialization)
        }
        #expect("\(TransportStreamError.codec("Opus"))" == "Opus has no place in MPEG-TS")
        #expect(throws: Never.self) {
            try TransportStreamSegment.check(
                initialization: StoredMedia([try Media.hevc(), try Media.mp3()]).initialization
            )
        }
    }

    @Test("no damage to what is stored stops the process")
    func damage() throws {
        let media = try randomMedia(seed: 11)
        let pieces = media.pieces(0)
        let (initialization, first) = (
            Array(media.initialization.readableBytesView), Array(pieces[0].readableBytesView)
        )
        for count in 0..<initialization.count {
            #expect(throws: TransportStreamError.self) {
                try TransportStreamSegment(
                    initialization: ByteBuffer(bytes: initialization.prefix(count)),
                    pieces: pieces
                )
            }
        }
        for count in 0..<min(first.count, 600) {
            #expect(throws: TransportStreamError.self) {
                try TransportStreamSegment(
                    initialization: media.initialization,
                    pieces: [ByteBuffer(bytes: first.prefix(count))]
                )
            }
        }
        var random = SplitMix64(seed: 12)
        for _ in 0..<800 {
            var (head, body) = (initialization, first)
            head[Int.random(in: 0..<head.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            body[Int.random(in: 0..<min(body.count, 400), using: &random)] = UInt8.random(in: 0...255, using: &random)
            // Some of these can still be read; then they are whole packets.
            for (head, body) in [(head, first), (initialization, body)] {
                let made = try? TransportStreamSegment(
                    initialization: ByteBuffer(bytes: head),
                    pieces: [ByteBuffer(bytes: body)]
                )
                if let made { #expect(made.bytes.readableBytes % 188 == 0) }
            }
        }
    }
}
