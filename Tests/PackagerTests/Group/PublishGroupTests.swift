import LiveStore
import Logging
import MediaCore
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Packager

@Suite("Several publishers of one live")
struct PublishGroupTests {
    private let store = LiveStore()
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let packaging: LivePackaging
    private let id: StreamID

    init() throws {
        packaging = Self.packaging(store, on: loop, try #require(LadderEndings("_1080,_720,_480")))
        id = try #require(StreamID("main"))
    }

    private static func packaging(
        _ store: LiveStore,
        on eventLoops: any EventLoopGroup,
        _ endings: LadderEndings
    ) -> LivePackaging {
        let tags = Mutex(0)
        return LivePackaging(
            store: store,
            configuration: PackagerConfiguration(partDuration: nil, windowDuration: .milliseconds(30_000)),
            clock: PackagerClock(wall: { WallClockTime(milliseconds: 1_767_225_600_000) }),
            makeTag: { "tag\(tags.withLock { $0 += 1; return $0 })" },
            ladder: (endings, eventLoops),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    // MARK: - Publishing and reading

    private func begin(_ name: String, _ tracks: Track...) throws -> any AccessUnitSink {
        let sink = packaging.beginPublish(try #require(StreamID(name)))
        for track in tracks { sink.configure(track) }
        run()
        return sink
    }

    /// Waits until the group has taken all that was sent.
    private func run() { try? loop.submit {}.wait() }

    /// Lets members send what they have, in the order of arrival: that of the group's times.
    private func send(_ members: [(sink: any AccessUnitSink, units: [AccessUnit], ahead: Int64)]) {
        let arrivals = members.enumerated().flatMap { number, member in
            member.units.map { (at: $0.decodeTime + .milliseconds(member.ahead), number: number, unit: $0) }
        }
        let order = arrivals.indices.sorted { (arrivals[$0].at, $0) < (arrivals[$1].at, $1) }
        for index in order {
            members[arrivals[index].number].sink.receive(arrivals[index].unit)
            run()
        }
    }

    private func finish(_ sink: any AccessUnitSink, _ end: PublishEnd) {
        sink.finish(end)
        run()
    }

    private func media(from start: Int64 = 0, seconds: Int, group: Int = 60) -> [AccessUnit] {
        Media.interleaved(
            Media.pictures(from: start, count: seconds * 30, group: group),
            Media.sounds(from: start, count: seconds * 48_000 / 1024)
        )
    }

    private func variants() throws -> [String] {
        let resource = try #require(store.stream(id)?.snapshot.multivariantPlaylist)
        return try PlaylistReader.readMultivariant(resource.body.readableBytesView).variants.map(\.uri)
    }

    private func playlist(_ name: String) throws -> TestSupport.MediaPlaylist {
        let playlist: LiveStream.Playlist = name == "media.m3u8" ? .media : .rendition(name: name)
        let resource = try #require(store.stream(id)?.playlist(playlist)?.resource)
        return try PlaylistReader.readMedia(resource.body.readableBytesView)
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try #require(store.resource(of: id, named: name)?.resource.held).body.readableBytesView)
    }

    /// The pictures of each segment of a playlist, by number: how many, when the first is shown, whether it is a keyframe.
    private func pictures(_ name: String) throws -> [Int: (count: Int, first: Double, isSync: Bool)] {
        var found: [Int: (Int, Double, Bool)] = [:]
        for segment in try playlist(name).segments {
            let map = try #require(segment.map)
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map.uri))
            let media = try ISOBMFFReader.readMediaSegment(try bytes(segment.uri), initialization: initialization)
            guard let video = initialization.track(handler: "vide") else { continue }
            let samples = media.samples(of: video.trackID)
            let first = try #require(samples.first)
            let time = Double(Int64(first.decodeTime) + Int64(first.compositionOffset)) / Double(video.timescale)
            found[segment.mediaSequenceNumber] = (samples.count, time, first.isSync)
        }
        return found
    }

    /// Both playlists have the same segments, and those from a number on begin with the same moment, in a keyframe.
    private func expectAligned(from number: Int = 0, pictureCount: Int? = 60) throws {
        let (first, second) = (try pictures("media.m3u8"), try pictures("media-1.m3u8"))
        #expect(first.keys.sorted() == second.keys.sorted() && first.keys.max() ?? 0 > number)
        for key in first.keys.sorted() where key >= number && key < first.keys.max() ?? 0 {
            let (left, right) = (try #require(first[key]), try #require(second[key]))
            #expect(left.isSync && right.isSync, "segment \(key)")
            #expect(abs(left.first - right.first) < 0.001, "segment \(key)")
            if let pictureCount { #expect(left.count == pictureCount && right.count == pictureCount, "segment \(key)") }
        }
    }

    // MARK: - Tests

    @Test("two outputs of one encoder are two variants, aligned and whole, though one is a little later")
    func alignedOutputs() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(seconds: 9), 0), (second, media(from: 59, seconds: 9), 100)])
        #expect(try variants() == ["media.m3u8", "media-1.m3u8"])
        finish(first, .clean)
        #expect(try playlist("media.m3u8").hasEndList == false)
        finish(second, .clean)
        try expectAligned()
        #expect(try playlist("media.m3u8").segments.allSatisfy { !$0.isDiscontinuous })
        #expect(try playlist("media-1.m3u8").hasEndList)
        #expect(store.stream(try #require(StreamID("main_720"))) == nil)
    }

    @Test(
        "a member that connects seconds later with a clock from 0 joins where the others are, keyframe by keyframe",
        arguments: [1500, 5600, 6000, 6400, 60_300]
    )
    func ownClock(later: Int64) throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        send([(first, media(seconds: Int(later / 1000), group: 30), 0)])
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        let start = later / 1000 * 1000
        send([(first, media(from: start, seconds: 14, group: 30), 0), (second, media(seconds: 14, group: 30), later)])
        #expect(try variants() == ["media.m3u8", "media-1.m3u8"])
        let number = try #require(try playlist("media.m3u8").segments.last?.mediaSequenceNumber) - 3
        try expectAligned(from: number)
        #expect(try playlist("media.m3u8").segments.count { $0.isDiscontinuous } <= 1)
    }

    @Test("a member that goes leaves the others alone, and is a variant again when it is back")
    func leavesAndReturns() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        var second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(seconds: 6), 0), (second, media(seconds: 6), 0)])
        #expect(try variants().count == 2)
        finish(second, .interrupted)
        send([(first, media(from: 6000, seconds: 6), 0)])
        #expect(try variants() == ["media.m3u8"])
        second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(from: 12_000, seconds: 10), 0), (second, media(seconds: 10), 12_000)])
        #expect(try variants().count == 2)
        try expectAligned(from: 8)
        let all = try pictures("media.m3u8")
        #expect(all.values.allSatisfy { $0.count == 60 && $0.isSync })
        #expect(try playlist("media.m3u8").segments.count { $0.isDiscontinuous } == 2)
    }

    @Test("when the member with the sound goes, another one's sound goes on without silence or a discontinuity")
    func soundGoesOn() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(second, media(seconds: 1), 0)])
        send([(first, media(from: 1000, seconds: 5), 0), (second, media(from: 1000, seconds: 5), 0)])
        // It was the first to send sound.
        finish(second, .clean)
        send([(first, media(from: 6000, seconds: 6), 0)])
        finish(first, .clean)
        // The first second waited for the better variant.
        try expectNoSilence(seconds: 11)
    }

    @Test("when the member with the sound falls silent, another one's sound goes on in the same place")
    func soundFallsSilent() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        let silent = media(seconds: 3) + Media.pictures(from: 3000, count: 270, group: 60)
        send([(first, silent, 0), (second, media(seconds: 12), 0)])
        finish(first, .clean)
        finish(second, .clean)
        try expectNoSilence(seconds: 12)
        #expect(try playlist("media.m3u8").segments.allSatisfy { !$0.isDiscontinuous })
    }

    /// All sound is an encoder's, one access unit close behind the other.
    private func expectNoSilence(seconds: Int) throws {
        var count = 0
        for segment in try playlist("media.m3u8").segments {
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(try #require(segment.map).uri))
            let body = try bytes(segment.uri)
            let media = try ISOBMFFReader.readMediaSegment(body, initialization: initialization)
            let sound = try #require(initialization.track(handler: "soun"))
            for sample in media.samples(of: sound.trackID) {
                count += 1
                #expect(body[sample.byteRange].first == 0xAA, "of the encoder")
                #expect((900...1150).contains(sample.duration))
            }
        }
        #expect(abs(count - seconds * 48_000 / 1024) <= 4)
    }

    @Test("when the default variant's member goes, the next one is the default within a group of pictures or two")
    func defaultLeaves() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(seconds: 7), 0), (second, media(seconds: 7), 0)])
        finish(first, .interrupted)
        send([(second, media(from: 7000, seconds: 7, group: 30), 0)])
        #expect(try variants() == ["media.m3u8"])
        finish(second, .clean)
        let segments = try playlist("media.m3u8").segments
        let length = segments.reduce(0) { $0 + $1.duration }
        #expect(abs(length - 14) < 0.2, "no media is lost between them: \(length)")
        // The variant goes, and the other one takes its place.
        #expect((1...2).contains(segments.count { $0.isDiscontinuous }))
        #expect(try playlist("media.m3u8").hasEndList)
    }

    @Test("the live is interrupted when the last member vanishes, and goes on when any member is back")
    func interrupted() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(seconds: 6), 0), (second, media(seconds: 6), 0)])
        finish(first, .clean)
        #expect(store.stream(id)?.snapshot.phase == .live)
        finish(second, .interrupted)
        guard case .interrupted? = store.stream(id)?.snapshot.phase else {
            Issue.record("\(String(describing: store.stream(id)?.snapshot.phase))")
            return
        }
        let third = try begin("main_480", try Media.avc(Media.avcC240), try Media.aac())
        send([(third, media(seconds: 6), 0)])
        #expect(store.stream(id)?.snapshot.phase == .live)
        #expect(try playlist("media.m3u8").segments.contains { $0.isDiscontinuous })
        finish(third, .clean)
        #expect(store.stream(id)?.snapshot.hasEnded == true)
    }

    @Test("a publish of the live's own name is one more variant, whoever comes first", arguments: [true, false])
    func ownName(isFirst: Bool) throws {
        let names = isFirst ? ["main", "main_720"] : ["main_720", "main"]
        let first = try begin(names[0], try Media.avc(), try Media.aac())
        let second = try begin(names[1], try Media.avc(Media.avcC240), try Media.aac())
        send([(first, media(seconds: 8), 0), (second, media(seconds: 8), 0)])
        #expect(try variants().count == 2)
        #expect(store.streams.map(\.id.name) == ["main"])
        let index = try #require(store.stream(id)?.snapshot.multivariantPlaylist)
        let read = try PlaylistReader.readMultivariant(index.body.readableBytesView)
        #expect(read.variants.first?.resolution?.width == 1280, "the first one is the default")
    }

    @Test("a member with sound alone, another codec, a jumping clock or none of its own pictures disturbs no other")
    func strangers() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let sound = try begin("main_720", try Media.audio(0, frequencyIndex: 4))
        let jumping = try begin(
            "main_480",
            Track(id: Media.video, configuration: .hevc(try HEVCDecoderConfigurationRecord(Media.hvcC))),
            try Media.aac()
        )
        var strange: [AccessUnit] = []
        for second in 0..<12 {
            // On its own clock every second begins somewhere else.
            let jump: Int64 = [0, 500_000, -3000, 86_400_000][second % 4]
            strange += media(from: Int64(second) * 1000 + 100_000 + jump, seconds: 1, group: 30)
        }
        let sounds = Media.sounds(count: 500, rate: 44_100)
        let own = media(seconds: 12)
        for index in own.indices {
            first.receive(own[index])
            if strange.indices.contains(index) { jumping.receive(strange[index]) }
            // At about the pace of the others.
            if index.isMultiple(of: 2), sounds.indices.contains(index / 2) { sound.receive(sounds[index / 2]) }
            run()
        }
        for sink in [sound, jumping, first] { finish(sink, .clean) }
        let shown = try self.pictures("media.m3u8")
        #expect(shown.count == 6 && shown.values.allSatisfy { $0.count == 60 && $0.isSync }, "\(shown)")
        #expect(store.stream(id)?.snapshot.hasEnded == true)
    }

    @Test("what encoders say at a moment comes from one of them")
    func metadata() throws {
        let first = try begin("main_1080", try Media.avc(), try Media.aac())
        let second = try begin("main_720", try Media.avc(Media.avcC240), try Media.aac())
        for start in 0..<6 {
            let units = media(from: Int64(start) * 1000, seconds: 1, group: 30)
            send([(first, units, 0), (second, units, 0)])
            for (number, sink) in [first, second].enumerated() {
                sink.receive(
                    TimedMetadata(name: "onTextData", time: .milliseconds(Int64(start) * 1000), json: "\(number)")
                )
                run()
            }
        }
        finish(first, .clean)
        finish(second, .clean)
        let ranges = try #require(store.stream(id)).snapshot.window.heldSegments.flatMap(\.dateRanges)
        #expect((4...6).contains(ranges.count) && ranges.allSatisfy { $0.json == "0" }, "\(ranges)")
    }

    @Test("members on many threads come and go: every media has one writer, and nothing is left behind")
    func threads() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let endings = try #require(LadderEndings("_1080,_720,_480"))
        let packaging = Self.packaging(store, on: group, endings)
        let units = media(seconds: 3, group: 30)
        let (avc, aac) = (try Media.avc(), try Media.aac())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for ending in endings.endings {
                let name = try #require(StreamID("main\(ending)"))
                let loop = group.next()
                tasks.addTask {
                    for round in 0..<20 {
                        try await loop.submit {
                            let sink = packaging.beginPublish(name)
                            sink.configure(avc)
                            sink.configure(aac)
                            for unit in units { sink.receive(unit) }
                            sink.finish(round % 2 == 0 ? .interrupted : .clean)
                        }.get()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        await packaging.settle()
        packaging.endInterruptedLives()
        #expect(store.stream(id)?.snapshot.hasEnded == true)
        #expect(packaging.openGroupCount == 0)
    }
}
