import Foundation
import LiveStore
import Logging
import MediaCore
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Packager
@testable import Recordings
@testable import Storage

/// One run of a server, as far as lives and their recordings are concerned.
private final class Run {
    let store = LiveStore()
    let storage: MediaStorage
    let catalog: RecordingCatalog
    let packaging: LivePackaging

    init(
        _ folder: TemporaryFolder,
        wall start: Int64 = 1_767_225_600_000,
        partDuration: MediaTime? = .milliseconds(500),
        completion: WallClockTime? = nil
    ) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let run = UUID().uuidString.prefix(8)
        let completed: (@Sendable () -> WallClockTime)? = completion.map { time in { @Sendable in time } }
        let tags = Mutex(0)
        let wall = WallClock(start)
        clock = wall
        storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        let random = Mutex(SystemRandomNumberGenerator())
        catalog = try RecordingCatalog(
            directory: folder.file("recordings"),
            storage: storage,
            randomBytes: { count in
                random.withLock { random in (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
            },
            logger: logger
        )
        packaging = LivePackaging(
            store: store,
            storage: storage,
            recordings: catalog,
            configuration: PackagerConfiguration(
                partDuration: partDuration,
                windowDuration: .milliseconds(30_000),
                memoryDuration: .milliseconds(10_000)
            ),
            clock: PackagerClock(wall: { wall.now }, completion: completed),
            makeTag: { "\(run)\(tags.withLock { $0 += 1; return $0 })" },
            logger: logger
        )
    }

    private let clock: WallClock

    private final class WallClock: Sendable {
        private let milliseconds: Mutex<Int64>
        init(_ start: Int64) { milliseconds = Mutex(start) }
        var now: WallClockTime { WallClockTime(milliseconds: milliseconds.withLock { $0 }) }
        func advance(_ count: Int64) { milliseconds.withLock { $0 += count } }
    }

    func advance(milliseconds: Int64) { clock.advance(milliseconds) }

    /// Publishes seconds of pictures and sound.
    func publish(
        _ id: StreamID,
        seconds: Int,
        from start: Int64 = 0,
        tracks: [Track]? = nil,
        extra: [AccessUnit] = []
    ) throws -> any AccessUnitSink {
        let sink = packaging.beginPublish(id)
        for track in try tracks ?? [Media.avc(), Media.aac()] { sink.configure(track) }
        let units = Media.interleaved(
            Media.pictures(from: start, count: seconds * 30, group: 60),
            Media.sounds(from: start, count: seconds * 48_000 / 1024),
            extra
        )
        for unit in units {
            sink.receive(unit)
            if unit.trackID == Media.video { advance(milliseconds: 33) }
        }
        return sink
    }

    func playlist(_ id: StreamID) throws -> TestSupport.MediaPlaylist {
        let resource = try #require(store.stream(id)?.snapshot.mediaPlaylist?.full)
        return try PlaylistReader.readMedia(resource.body.readableBytesView)
    }

    /// The bytes of a resource, from memory or disk.
    func bytes(_ id: StreamID, _ name: String) throws -> [UInt8]? {
        switch store.resource(of: id, named: name)?.resource {
        case .held(let resource, _): return Array(resource.body.readableBytesView)
        case .filed(let resource, _):
            let slice = try #require(resource.bytes.slice)
            return Array(try slice.read(0..<slice.length).readableBytesView)
        case nil: return nil
        }
    }
}

@Suite("The recording of a live")
struct LiveRecordingTests {
    private let folder: TemporaryFolder
    private let id: StreamID

    init() throws {
        folder = try TemporaryFolder()
        id = try #require(StreamID("main"))
    }

    private func vod(_ recording: Recording, _ name: String) throws -> TestSupport.MediaPlaylist {
        try PlaylistReader.readMedia(try text(recording, name).utf8)
    }

    private func text(_ recording: Recording, _ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(recording.folder)/\(name)")), as: UTF8.self)
    }

    private func segment(
        _ recording: Recording,
        _ number: Int,
        _ rendition: Rendition.ID = .init(.muxed)
    ) throws -> [UInt8] {
        let location = try #require(try recording.location(of: number, in: rendition))
        let slice = try #require(try recording.segment(at: location, in: rendition))
        return Array(try slice.read(0..<slice.length).readableBytesView)
    }

    @Test("it has every segment of the live, byte for byte, through an absence of the encoder, and says so")
    func completeLive() async throws {
        let run = try Run(folder)
        var sink = try run.publish(id, seconds: 9)
        sink.finish(.interrupted)
        run.advance(milliseconds: 5000)
        sink = try run.publish(id, seconds: 7, from: 90_000)
        await run.storage.flush()
        sink.finish(.clean)
        await run.storage.flush()
        let live = try run.playlist(id)
        let bodies = try live.segments.map { try #require(try run.bytes(id, $0.uri)) }
        await run.packaging.completeRecordings(within: .seconds(60))

        let recording = try #require(run.catalog.all.first)
        let facts = recording.facts
        #expect(run.catalog.all.count == 1 && facts.state == .ready && facts.stream == "main")
        let list = try vod(recording, "m0.m3u8")
        #expect(list.segments.map(\.durationText) == live.segments.map(\.durationText))
        #expect(list.segments.map(\.isDiscontinuous) == live.segments.map(\.isDiscontinuous))
        #expect(list.hasEndList && list.mediaSequence == 0)
        for (number, body) in bodies.enumerated() { #expect(try segment(recording, number) == body) }
        let sum = live.segments.reduce(0) { $0 + $1.duration }
        #expect(abs(Double(facts.duration) / 1e9 - sum) < 0.000_1)
        #expect(facts.byteCount == Int64(bodies.reduce(0) { $0 + $1.count }))
        let gap = try #require(facts.gaps.first)
        #expect(facts.gaps.count == 1 && gap.cause == .encoder && (4000...6000).contains(gap.missing))
        #expect(!FileManager.default.fileExists(atPath: "\(recording.folder)/journal"))
        // The same initialization segment all along.
        #expect(Set(list.segments.compactMap(\.map?.uri)) == ["m0-init-0.mp4"])
        let multivariant = try PlaylistReader.readMultivariant(try text(recording, "index.m3u8").utf8)
        #expect(multivariant.variants.map(\.uri) == ["m0.m3u8"])
        await run.storage.shutDown()
    }

    @Test("its I-frame playlist names the bytes of each first picture")
    func iFrames() async throws {
        let run = try Run(folder)
        try run.publish(id, seconds: 7).finish(.clean)
        await run.packaging.completeRecordings(within: .seconds(60))
        let recording = try #require(run.catalog.all.first)
        let list = try vod(recording, "m0-iframes.m3u8")
        #expect(list.isIFramesOnly && list.segments.count == 4)
        let initialization = try ISOBMFFReader.readInitializationSegment(
            Array(try Data(contentsOf: URL(fileURLWithPath: "\(recording.folder)/m0-init-0.mp4")))
        )
        let video = try #require(initialization.track(handler: "vide"))
        for (number, entry) in list.segments.enumerated() {
            let body = try segment(recording, number)
            let media = try ISOBMFFReader.readMediaSegment(body, initialization: initialization)
            let first = try #require(media.samples(of: video.trackID).first)
            #expect(
                entry.byteRange?.length == first.byteRange.upperBound && entry.byteRange?.offset == 0 && first.isSync
            )
        }
        await run.storage.shutDown()
    }

    @Test("every further rendition has as many segments, those that it did not have are gaps")
    func renditions() async throws {
        let run = try Run(folder)
        // The second sound comes later.
        let later = Media.units(Media.sounds(from: 4500, count: 7 * 47), as: 1)
        let tracks = [try Media.avc(), try Media.aac(), try Media.audio(1)]
        try run.publish(id, seconds: 12, tracks: tracks, extra: later).finish(.clean)
        await run.packaging.completeRecordings(within: .seconds(60))
        let recording = try #require(run.catalog.all.first)
        let text = try text(recording, "index.m3u8")
        let multivariant = try PlaylistReader.readMultivariant(text.utf8)
        #expect(multivariant.variants.map(\.uri) == ["v0.m3u8"])
        #expect(try multivariant.renditions.compactMap { try $0.quoted("URI") } == ["a0.m3u8", "a1.m3u8"])
        let primary = try vod(recording, "m0.m3u8")
        for name in ["v0", "a0", "a1"] {
            let list = try vod(recording, "\(name).m3u8")
            #expect(list.segments.map(\.durationText) == primary.segments.map(\.durationText))
            let gaps = list.segments.map { $0.unknownTags.contains { $0.hasPrefix("#EXT-X-GAP") } }
            #expect(gaps.contains(true) && gaps.last == false && gaps == gaps.sorted { $0 && !$1 })
            let rendition = try #require(Rendition.ID(name))
            for (number, isGap) in gaps.enumerated() where !isGap {
                #expect(try !segment(recording, number, rendition).isEmpty)
            }
        }
        await run.storage.shutDown()
    }

    @Test(
        "a live that was cut off is taken up with the segments, parts, numbers and dates that it had",
        arguments: [true, false]
    )
    func restart(withParts: Bool) async throws {
        let parts: MediaTime? = withParts ? .milliseconds(500) : nil
        let first = try Run(folder, partDuration: parts)
        let sink = try first.publish(id, seconds: 45)
        await first.storage.flush()
        let before = try first.playlist(id)
        let bodies = try Dictionary(
            uniqueKeysWithValues: before.segments.map { ($0.uri, try #require(try first.bytes(id, $0.uri))) }
        )

        let second = try Run(folder, wall: 1_767_225_660_000, partDuration: parts)
        second.packaging.restoreLives()
        let stream = try #require(second.store.stream(id))
        guard case .interrupted = stream.snapshot.phase else { Issue.record("\(stream.snapshot.phase)"); return }
        var follower = PlaylistFollower()
        try follower.follow(before)
        let after = try second.playlist(id)
        try follower.follow(after, isAfterCrash: true)
        #expect(after.segments.prefix(before.segments.count).map(\.uri) == before.segments.map(\.uri))
        for (name, body) in bodies { #expect(try second.bytes(id, name) == body) }
        if withParts {
            // The parts of the segment that was being filled are those of one that is whole now.
            let open = try #require(before.openSegment?.parts)
            #expect(after.segments.last?.parts.map(\.uri) == open.map(\.uri))
            for part in open { #expect(try second.bytes(id, part.uri) != nil) }
        }

        let next = try second.publish(id, seconds: 5, from: 7000)
        let resumed = try second.playlist(id)
        try follower.follow(resumed)
        #expect(resumed.segments.count { $0.isDiscontinuous } == 1)
        next.finish(.clean)
        await second.packaging.completeRecordings(within: .seconds(60))
        let facts = try #require(second.catalog.all.first?.facts)
        #expect(second.catalog.all.count == 1 && facts.state == .ready)
        #expect(facts.gaps.map(\.cause) == [.server] && facts.gaps[0].missing > 10_000)
        _ = sink
        await second.storage.shutDown()
    }

    @Test("wherever a crash has cut its journal off, the recording is completed with what the journal tells of")
    func truncatedJournal() async throws {
        let run = try Run(folder)
        let sink = try run.publish(id, seconds: 9)
        await run.storage.flush()
        let recording = try #require(run.catalog.all.first)
        let journal = try Data(contentsOf: URL(fileURLWithPath: "\(recording.folder)/journal"))
        let whole = try #require(JournalContents(ByteBuffer(bytes: journal)))
        #expect(whole.byteCount == journal.count)
        var lastDuration = Int64(0)
        for length in stride(from: 0, through: journal.count, by: 97) + [journal.count] {
            guard let contents = JournalContents(ByteBuffer(bytes: journal.prefix(length))),
                let completion = RecordingCompletion(contents)
            else { continue }
            #expect(completion.duration.nanoseconds >= lastDuration)
            lastDuration = completion.duration.nanoseconds
            let list = try #require(completion.files.first { $0.name == "m0.m3u8" })
            let segments = try PlaylistReader.readMedia(list.bytes.readableBytesView).segments
            #expect(abs(segments.reduce(0) { $0 + $1.duration } - completion.duration.seconds) < 0.001)
        }
        #expect(lastDuration > 8_000_000_000)
        sink.finish(.clean)
        await run.packaging.completeRecordings(within: .seconds(60))
        await run.storage.shutDown()
    }

    @Test(
        "a recording that nobody goes on with is complete after the next start, and another live of its name is another one"
    )
    func abandoned() async throws {
        let first = try Run(folder)
        _ = try first.publish(id, seconds: 5)
        await first.storage.flush()
        // A day later.
        let second = try Run(folder, wall: 1_767_225_600_000 + 86_400_000)
        second.packaging.restoreLives()
        #expect(second.store.stream(id) == nil)
        #expect(second.catalog.all.map(\.facts.state) == [.ready])
        try second.publish(id, seconds: 5).finish(.clean)
        await second.packaging.completeRecordings(within: .seconds(60))
        #expect(second.catalog.all.map(\.facts.state) == [.ready, .ready])
        await second.storage.shutDown()
    }

    @Test("what was recorded in front of a restart can be read by whoever holds it when the recording is deleted")
    func deletionAfterRestart() async throws {
        let first = try Run(folder)
        _ = try first.publish(id, seconds: 45)
        await first.storage.flush()
        let second = try Run(folder, wall: 1_767_225_660_000)
        second.packaging.restoreLives()
        let oldest = try #require(try second.playlist(id).segments.first?.uri)
        let body = try #require(try second.bytes(id, oldest))
        second.packaging.endInterruptedLives()
        await second.packaging.completeRecordings(within: .seconds(60))
        let recording = try #require(second.catalog.all.first)
        #expect(second.catalog.delete(recording.id))
        // The live that has ended can still be watched for a while.
        #expect(try second.bytes(id, oldest) == body)
        await second.storage.shutDown()
    }

    @Test("a recording is over when it is complete, however old what is recorded is, also for who is told of it first")
    func completionTime() async throws {
        let now = WallClockTime(milliseconds: 1_790_000_000_000)
        let run = try Run(folder, completion: now)
        let told = Mutex<Int64?>(nil)
        run.catalog.observeCompletion { recording in told.withLock { $0 = recording.facts.endedAt } }
        try run.publish(id, seconds: 5).finish(.clean)
        await run.packaging.completeRecordings(within: .seconds(60))
        #expect(told.withLock { $0 } == now.milliseconds)
        await run.storage.shutDown()
    }

    @Test("nothing stays of a live that could never be played")
    func discarded() async throws {
        let run = try Run(folder)
        let sink = run.packaging.beginPublish(id)
        sink.configure(try Media.avc())
        sink.finish(.interrupted)
        await run.storage.flush()
        await run.packaging.completeRecordings(within: .seconds(60))
        await run.storage.shutDown()
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.file("recordings"))
        #expect(left.isEmpty, "\(left)")
    }
}
