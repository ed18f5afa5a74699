import LiveStore
import Logging
import MediaCore
import NIOCore
import Storage
import TestSupport
import Testing

@testable import Packager

/// What a low-latency player sees of a live, version by version.
@Suite("Low-latency playlists")
struct LowLatencyTests {
    private let store = LiveStore()
    private let id: StreamID

    init() throws { id = try #require(StreamID("main")) }

    private func packaging(window: Int64? = 20_000, storage: MediaStorage? = nil) -> LivePackaging {
        LivePackaging(
            store: store,
            storage: storage,
            configuration: PackagerConfiguration(windowDuration: window.map(MediaTime.milliseconds)),
            clock: PackagerClock(wall: { WallClockTime(milliseconds: 1_767_225_600_000) }),
            makeTag: { "t" },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Follows the playlists of a live, and looks at every byte that they name.
    private struct Watcher {
        var followers: [String: PlaylistFollower] = [:]
        var full: [String: TestSupport.MediaPlaylist] = [:]
        var versions = 0
        var lastTag = ""

        mutating func look(at stream: LiveStream) throws {
            let snapshot = stream.snapshot
            guard let primary = snapshot.mediaPlaylist, primary.full.entityTag != lastTag else { return }
            lastTag = primary.full.entityTag
            versions += 1
            try look(at: primary, in: stream)
            for rendition in snapshot.furtherRenditions.values { try look(at: rendition.playlist, in: stream) }
        }

        private mutating func look(at rendered: RenderedPlaylist, in stream: LiveStream) throws {
            let name = rendered.full.name
            let playlist = try PlaylistReader.readMedia(rendered.full.body.readableBytesView)
            try followers[name, default: PlaylistFollower()].follow(playlist)
            for delta in [rendered.delta, rendered.deltaWithoutDateRanges].compactMap({ $0 }) {
                let text = try PlaylistReader.readMedia(delta.body.readableBytesView)
                #expect(text.skippedSegments > 0 && text.segments.first?.map != nil)
                #expect(text.segments.first?.programDateTime != nil)
                // A player that saw the version before this one has what is skipped.
                guard let before = full[name] else { continue }
                #expect(try text.merged(onto: before).segments == playlist.segments, "\(name)")
            }
            full[name] = playlist
            try expectBytes(playlist, in: stream)
        }

        private func expectBytes(_ playlist: TestSupport.MediaPlaylist, in stream: LiveStream) throws {
            func bytes(_ uri: String) throws -> [UInt8] {
                Array(try #require(stream.resource(named: uri)?.held, "\(uri) is listed").body.readableBytesView)
            }
            if let last = playlist.segments.last, !last.parts.isEmpty {
                #expect(try last.parts.flatMap { try bytes($0.uri) } == bytes(last.uri), "\(last.uri)")
            }
            guard let part = playlist.openSegment?.parts.last, let map = playlist.openSegment?.map else { return }
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map.uri))
            let media = try ISOBMFFReader.readMediaSegment(try bytes(part.uri), initialization: initialization)
            if let video = initialization.track(handler: "vide") {
                #expect(media.samples(of: video.trackID).contains(where: \.isSync) == part.isIndependent)
            }
        }
    }

    private func publish(
        _ units: [AccessUnit],
        _ tracks: [Track],
        by packaging: LivePackaging,
        watching watcher: inout Watcher,
        ending: PublishEnd = .interrupted
    ) throws {
        let sink = packaging.beginPublish(id)
        for track in tracks { sink.configure(track) }
        for unit in units {
            sink.receive(unit)
            guard let stream = store.stream(id) else { continue }
            try watcher.look(at: stream)
        }
        sink.finish(ending)
        try watcher.look(at: try #require(store.stream(id)))
    }

    private func media(seconds: Int, from start: Int64 = 0, rate: Double = 30, group: Int = 60) -> [AccessUnit] {
        Media.interleaved(
            Media.pictures(from: start, count: Int(Double(seconds) * rate), rate: rate, group: group),
            Media.sounds(from: start, count: seconds * 48_000 / 1024)
        )
    }

    @Test("the playlist lists parts near its end, hints at the next one, and states its rules once and for all")
    func text() throws {
        var watcher = Watcher()
        let sink = packaging().beginPublish(id)
        for track in [try Media.avc(), try Media.aac()] { sink.configure(track) }
        for unit in media(seconds: 17).prefix(while: { $0.decodeTime < .milliseconds(16_900) }) { sink.receive(unit) }
        let stream = try #require(store.stream(id))
        try watcher.look(at: stream)
        let rendered = try #require(stream.snapshot.mediaPlaylist)
        let lines = String(buffer: rendered.full.body).split(separator: "\n")
        #expect(
            lines.prefix(7) == [
                "#EXTM3U", "#EXT-X-VERSION:10", "#EXT-X-TARGETDURATION:2",
                "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.275,CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES",
                "#EXT-X-PART-INF:PART-TARGET=0.425", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-DISCONTINUITY-SEQUENCE:0",
            ]
        )
        #expect(
            lines.suffix(4) == [
                "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:14.000Z",
                "#EXT-X-PART:DURATION=0.399378,URI=\"t-8.0.m4s\",INDEPENDENT=YES",
                "#EXT-X-PART:DURATION=0.400000,URI=\"t-8.1.m4s\"",
                "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"t-8.2.m4s\"",
            ]
        )
        let delta = String(buffer: try #require(rendered.delta).body)
        #expect(
            delta.contains(
                "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-MAP:URI=\"t-init-0.mp4\"\n"
            )
        )
        #expect(rendered.deltaWithoutDateRanges == nil, "there are none to leave out")
        sink.finish(.clean)
        let last = String(buffer: try #require(stream.snapshot.mediaPlaylist).full.body)
        #expect(last.hasSuffix("#EXT-X-ENDLIST\n") && !last.contains("HINT"))
    }

    /// What encoders do to a server, as functions of what they meant to send.
    enum Trouble: String, CaseIterable {
        case none
        case longGroups
        case lostPictures
        case lostSound
        case jumpForward
        case jumpBack
        case lateSound
        case soundFirst
        case pictureFirst
        case slow
        case fast
        case odd

        var group: Int { self == .longGroups ? 433 : self == .slow ? 10 : self == .fast || self == .odd ? 120 : 60 }
        var rate: Double { self == .slow ? 5 : self == .fast ? 60 : self == .odd ? 59.94 : 30 }

        func happens(to units: [AccessUnit]) -> [AccessUnit] {
            let hole = MediaTime.milliseconds(11_300)..<MediaTime.milliseconds(14_900)
            switch self {
            case .none, .longGroups, .slow, .fast, .odd: return units
            case .lostPictures: return units.filter { $0.trackID.kind == .audio || !hole.contains($0.decodeTime) }
            case .lostSound: return units.filter { $0.trackID.kind == .video || !hole.contains($0.decodeTime) }
            case .jumpForward: return shifted(units, by: .milliseconds(3_600_000)) { $0 > .milliseconds(11_000) }
            case .jumpBack: return shifted(units, by: .milliseconds(-9000)) { $0 > .milliseconds(11_000) }
            case .lateSound: return units.filter { $0.trackID.kind == .video || $0.decodeTime > .milliseconds(1700) }
            case .soundFirst: return units.filter { $0.trackID.kind == .audio || $0.decodeTime > .milliseconds(700) }
            case .pictureFirst: return units.filter { $0.trackID.kind == .video || $0.decodeTime > .milliseconds(300) }
            }
        }

        private func shifted(
            _ units: [AccessUnit],
            by shift: MediaTime,
            where isLater: (MediaTime) -> Bool
        ) -> [AccessUnit] {
            units.map { unit in
                guard isLater(unit.decodeTime) else { return unit }
                return AccessUnit(
                    trackID: unit.trackID,
                    decodeTime: unit.decodeTime + shift,
                    isSync: unit.isSync,
                    payload: unit.payload
                )
            }
        }
    }

    @Test(
        "no trouble of an encoder breaks a rule for parts, hints or deltas, nor does its return",
        arguments: Trouble.allCases
    )
    func trouble(_ trouble: Trouble) throws {
        let packaging = packaging()
        var watcher = Watcher()
        let tracks = [try Media.avc(), try Media.aac()]
        let first = trouble.happens(to: media(seconds: 40, rate: trouble.rate, group: trouble.group))
        try publish(first, tracks, by: packaging, watching: &watcher)
        // The encoder comes back with another format.
        let second = trouble.happens(to: media(seconds: 20, rate: trouble.rate, group: trouble.group))
        try publish(
            second,
            [try Media.avc(Media.avcC240), try Media.aac()],
            by: packaging,
            watching: &watcher,
            ending: .clean
        )
        let follower = try #require(watcher.followers["media.m3u8"])
        #expect(follower.current?.hasEndList == true)
        #expect(follower.segments.count > 5)
        let parts = follower.parts.values.reduce(0) { $0 + $1.count }
        #expect(watcher.versions > parts * 4 / 5, "a version for each part: \(watcher.versions) for \(parts)")
    }

    @Test("several tracks have parts in every rendition, which report of each other")
    func renditions() throws {
        var watcher = Watcher()
        let pictures = Media.pictures(count: 600, group: 60)
        let sounds = Media.sounds(count: 938)
        let units = [
            Media.units(pictures, as: 0), Media.units(pictures, as: 1), Media.units(sounds, as: 0),
            Media.units(sounds, as: 1),
        ]
        .joined().enumerated()
        .sorted { ($0.element.decodeTime, $0.offset) < ($1.element.decodeTime, $1.offset) }.map(\.element)
        let tracks = [try Media.avc(), try Media.video(1, Media.avcC240), try Media.aac(), try Media.audio(1)]
        try publish(units, tracks, by: packaging(), watching: &watcher, ending: .interrupted)
        let names = ["audio-0.m3u8", "audio-1.m3u8", "video-0.m3u8", "video-1.m3u8"]
        for name in names {
            let playlist = try #require(watcher.followers[name]?.current)
            #expect(playlist.renditionReports.map(\.uri).sorted() == names.filter { $0 != name })
            #expect(
                playlist.renditionReports.allSatisfy {
                    $0.lastMediaSequenceNumber == playlist.nextMediaSequenceNumber - 1
                }
            )
            #expect(playlist.segments.suffix(2).allSatisfy { $0.parts.count >= 4 }, "\(name)")
        }
        let video = try #require(watcher.followers["video-1.m3u8"]),
            primary = try #require(watcher.followers["video-0.m3u8"])
        #expect(video.parts.mapValues { $0.map(\.duration) } == primary.parts.mapValues { $0.map(\.duration) })
    }

    @Test(
        "hours on disk are one list that only grows at its end, and a delta of it stays small",
        arguments: [nil, 3_600_000, 900_000] as [Int64?]
    )
    func longWindow(window: Int64?) async throws {
        let folder = try TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let storage = try MediaStorage(directory: folder.file("media"), logger: logger)
        var watcher = Watcher()
        let sink = packaging(window: window, storage: storage).beginPublish(id)
        sink.configure(try Media.avc())
        for unit in Media.pictures(count: 30 * 2400, group: 60) {
            sink.receive(unit)
            guard unit.isSync, let stream = store.stream(id) else { continue }
            await storage.flush()
            guard unit.decodeTime.nanoseconds % 120_000_000_000 < 2_000_000_000 else { continue }
            // The version before this one was not looked at.
            watcher.full = [:]
            try watcher.look(at: stream)
        }
        let stream = try #require(store.stream(id))
        watcher.full = [:]
        try watcher.look(at: stream)
        let rendered = try #require(stream.snapshot.mediaPlaylist)
        let full = try PlaylistReader.readMedia(rendered.full.body.readableBytesView)
        #expect(full.segments.count == min(1199, Int(window ?? .max) / 2000))
        #expect(String(buffer: rendered.full.body).contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") == (window == nil))
        let delta = try #require(rendered.delta)
        #expect(rendered.full.byteCount > 30_000 && delta.byteCount < 4000)
        let playlist = try PlaylistReader.readMedia(delta.body.readableBytesView)
        #expect(playlist.skippedSegments == full.segments.count - playlist.segments.count)
        #expect(playlist.duration >= 12 && playlist.duration <= 16)
        // A minute of it is in memory.
        #expect(full.segments.count(where: { stream.resource(named: $0.uri)?.held != nil }) <= 31)
        #expect(full.segments.allSatisfy { stream.resource(named: $0.uri) != nil })
        sink.finish(.clean)
        try watcher.look(at: stream)
    }

    @Test("date ranges stay in a delta, unless the player asks for them to be left out")
    func dateRanges() throws {
        var watcher = Watcher()
        let sink = packaging().beginPublish(id)
        sink.configure(try Media.avc())
        for unit in Media.pictures(count: 30 * 60, group: 60) {
            sink.receive(unit)
            if unit.isSync { sink.receive(TimedMetadata(name: "onCue", time: unit.decodeTime, json: "{}")) }
            try watcher.look(at: try #require(store.stream(id)))
        }
        let rendered = try #require(store.stream(id)?.snapshot.mediaPlaylist)
        let full = try PlaylistReader.readMedia(rendered.full.body.readableBytesView)
        let delta = try PlaylistReader.readMedia(try #require(rendered.delta).body.readableBytesView)
        let shorter = try PlaylistReader.readMedia(try #require(rendered.deltaWithoutDateRanges).body.readableBytesView)
        let all = full.segments.flatMap(\.dateRanges)
        #expect(delta.skippedDateRanges + delta.segments.flatMap(\.dateRanges) == all)
        #expect(shorter.skippedDateRanges.isEmpty)
        #expect(shorter.segments.flatMap(\.dateRanges).count == shorter.segments.count)
        #expect(shorter.removedDateRanges.count == 6, "those of the last 12 s")
    }
}
