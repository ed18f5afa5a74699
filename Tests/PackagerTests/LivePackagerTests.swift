import Foundation
import LiveStore
import Logging
import MediaCore
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Packager

@Suite("The packager of a live")
struct LivePackagerTests {
    /// Time that goes on when a test says so.
    private final class ManualTime: Sendable {
        private let state = Mutex((wall: Int64(1_767_225_600_000), instant: ContinuousClock.now))

        func advance(milliseconds: Int64) {
            state.withLock {
                $0.wall += milliseconds
                $0.instant += .milliseconds(milliseconds)
            }
        }

        var clock: PackagerClock {
            PackagerClock(
                wall: { WallClockTime(milliseconds: self.state.withLock { $0.wall }) },
                monotonic: { self.state.withLock { $0.instant } }
            )
        }
    }

    private let store = LiveStore()
    private let time = ManualTime()
    private let packaging: LivePackaging
    private let id: StreamID

    init() throws {
        let tags = Mutex(0)
        packaging = LivePackaging(
            store: store,
            configuration: PackagerConfiguration(windowDuration: .milliseconds(12_000)),
            clock: time.clock,
            makeTag: { "tag\(tags.withLock { $0 += 1; return $0 })" },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        id = try #require(StreamID("main"))
    }

    private func stream() throws -> LiveStream { try #require(store.stream(id)) }

    private func playlist() throws -> TestSupport.MediaPlaylist {
        let resource = try #require(try stream().snapshot.mediaPlaylist?.full)
        return try PlaylistReader.readMedia(resource.body.readableBytesView)
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try #require(store.resource(of: id, named: name)?.resource.held).body.readableBytesView)
    }

    private func publish(_ units: [AccessUnit], _ tracks: [Track], ending end: PublishEnd?) -> any AccessUnitSink {
        let sink = packaging.beginPublish(id)
        for track in tracks { sink.configure(track) }
        for unit in units {
            sink.receive(unit)
            if unit.trackID.kind == .video { time.advance(milliseconds: 33) }
        }
        if let end { sink.finish(end) }
        return sink
    }

    private func media(seconds: Int, from start: Int64 = 0) -> [AccessUnit] {
        Media.interleaved(
            Media.pictures(from: start, count: seconds * 30, group: 60),
            Media.sounds(from: start, count: seconds * 48_000 / 1024)
        )
    }

    @Test("what is published can be read by an independent reader, and agrees with its playlist")
    func containerAgreesWithPlaylist() throws {
        let units = media(seconds: 10)
        _ = publish(units, [try Media.avc(), try Media.aac()], ending: nil)
        let playlist = try playlist()
        #expect(playlist.segments.count == 4)
        #expect(playlist.targetDuration == 2)
        var expected = units.filter { $0.trackID == Media.video }.map { Array($0.payload.readableBytesView) }[...]
        var lastEnds: [UInt32: UInt64] = [:]
        for segment in playlist.segments {
            let map = try #require(segment.map)
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map.uri))
            let body = try bytes(segment.uri)
            let media = try ISOBMFFReader.readMediaSegment(body, initialization: initialization)
            let video = try #require(initialization.track(handler: "vide"))
            #expect(media.fragments.allSatisfy { $0.tracks.count == 2 })
            for track in media.fragments.flatMap(\.tracks) {
                if let end = lastEnds[track.trackID] { #expect(track.baseMediaDecodeTime == end) }
                lastEnds[track.trackID] = track.endTime
            }
            let pictures = media.samples(of: video.trackID)
            let ticks = pictures.reduce(0) { $0 + Int($1.duration) }
            #expect(abs(Double(ticks) / 90_000 - segment.duration) < 0.000_02)
            #expect(pictures[0].isSync)
            #expect(pictures.dropFirst().allSatisfy { !$0.isSync })
            for sample in pictures { #expect(Array(body[sample.byteRange]) == expected.popFirst()) }
            #expect(media.unusedMediaDataBytes == 0)
        }
    }

    @Test("the initialization segment carries the decoder configurations byte for byte")
    func initializationSegment() throws {
        _ = publish(media(seconds: 4), [try Media.avc(), try Media.aac()], ending: nil)
        let map = try #require(try playlist().segments[0].map)
        let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map.uri))
        let video = try #require(initialization.track(handler: "vide"))
        let audio = try #require(initialization.track(handler: "soun"))
        guard case .avc1(let avc) = video.sampleEntry, case .mp4a(let aac) = audio.sampleEntry else {
            Issue.record("\(video.sampleEntry), \(audio.sampleEntry)")
            return
        }
        #expect(avc.configuration == Media.avcC720)
        #expect((avc.width, avc.height) == (1280, 720))
        #expect(aac.decoderSpecificInfo == [0x11, 0x90])
        #expect((aac.channelCount, aac.sampleRate) == (2, 48_000))
    }

    @Test("what the encoder says at a moment is in the segment of that moment, as ID3 in emsg")
    func timedMetadata() throws {
        let sink = packaging.beginPublish(id)
        sink.receive(TimedMetadata(name: "onTextData", time: .zero, json: "0"))
        sink.configure(try Media.avc())
        sink.configure(try Media.aac())
        for (index, unit) in media(seconds: 6).enumerated() {
            sink.receive(unit)
            // Every tenth access unit, and one out of order; 200 at one moment are more than a segment takes.
            if index % 10 == 9 {
                sink.receive(TimedMetadata(name: "onTextData", time: unit.decodeTime, json: #"{"n":\#(index)}"#))
            }
        }
        for _ in 0..<200 {
            sink.receive(TimedMetadata(name: "onCuePoint", time: .milliseconds(5900), json: "[]"))
        }
        sink.finish(.clean)

        var numbers: [Int] = []
        var cuePoints = 0
        for segment in try playlist().segments {
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(try #require(segment.map).uri))
            let media = try ISOBMFFReader.readMediaSegment(try bytes(segment.uri), initialization: initialization)
            let video = try #require(initialization.track(handler: "vide"))
            let samples = media.samples(of: video.trackID)
            let scale = Double(video.timescale)
            let span = Double(samples[0].decodeTime) / scale..<Double(samples[samples.count - 1].endTime) / scale
            #expect(!media.events.isEmpty)
            for event in media.events {
                #expect(event.scheme == "https://aomedia.org/emsg/ID3" && event.value.isEmpty)
                #expect(span.contains(event.time), "\(event.time) in \(span)")
                let texts = try event.userTexts()
                #expect(texts.count == 1)
                if texts[0].description == "onCuePoint" { cuePoints += 1 }
                guard texts[0].description == "onTextData" else { continue }
                numbers.append(try #require(Int(texts[0].text.filter(\.isNumber))))
            }
        }
        #expect(numbers == Array(stride(from: 9, to: media(seconds: 6).count, by: 10)), "none before the first picture")
        #expect((1...128).contains(cuePoints))
    }

    @Test("a clean end completes the last segment and closes the playlist")
    func cleanEnd() throws {
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: .clean)
        let playlist = try playlist()
        #expect(playlist.hasEndList)
        #expect(abs(playlist.segments.reduce(0) { $0 + $1.duration } - 5) < 0.05)
        #expect(try stream().endedAt != nil)
    }

    @Test("an encoder that comes back within the grace period goes on in the same playlist")
    func resume() throws {
        var follower = PlaylistFollower()
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: .interrupted)
        let first = try stream()
        try follower.follow(try playlist())
        time.advance(milliseconds: 20_000)
        packaging.expireLives()
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: nil)
        try follower.follow(try playlist())
        #expect(try stream() === first)
        #expect(follower.discontinuityCount == 1)
        // The same configuration keeps its map; the date shows the gap.
        #expect(Set(follower.segments.compactMap { $0.map?.uri }).count == 1)
        let resumed = try #require(follower.segments.first { $0.isDiscontinuous })
        let last = follower.segments[resumed.mediaSequenceNumber - 1]
        let gap = try #require(resumed.programDateTime).milliseconds - (try #require(last.programDateTime)).milliseconds
        #expect(gap > 20_000)
        let end = try #require(try stream().snapshot.window.last).duration
        #expect(end > .zero)
    }

    @Test("an encoder that stays away ends the live when the grace period is over, and not before")
    func graceOver() throws {
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: .interrupted)
        time.advance(milliseconds: 59_000)
        packaging.expireLives()
        #expect(try playlist().hasEndList == false)
        time.advance(milliseconds: 1000)
        packaging.expireLives()
        #expect(try playlist().hasEndList)
        time.advance(milliseconds: 121_000)
        packaging.expireLives()
        #expect(store.stream(id) == nil)
    }

    @Test("a new live of the same name goes on with the numbers, under other names, and leaves the old one fetchable")
    func secondLive() throws {
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: .clean)
        let old = try playlist()
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: nil)
        let new = try playlist()
        #expect(new.mediaSequence == old.mediaSequence + old.segments.count)
        #expect(new.discontinuitySequence == 1)
        #expect(!new.segments[0].isDiscontinuous)
        #expect(Set(new.segments.map(\.uri)).isDisjoint(with: old.segments.map(\.uri)))
        for segment in old.segments { _ = try bytes(segment.uri) }
    }

    @Test("a publish without media leaves nothing behind")
    func emptyPublish() throws {
        _ = publish([], [try Media.avc()], ending: .clean)
        #expect(store.stream(id) == nil)
    }

    @Test("a publish shorter than a segment can still be watched")
    func shortPublish() throws {
        _ = publish(media(seconds: 1), [try Media.avc(), try Media.aac()], ending: .clean)
        let playlist = try playlist()
        #expect(playlist.segments.count == 1)
        #expect(playlist.hasEndList)
    }

    @Test("bit rates are those of the segments' files")
    func bitRates() throws {
        _ = publish(media(seconds: 10), [try Media.avc(), try Media.aac()], ending: .clean)
        let resource = try #require(try stream().snapshot.multivariantPlaylist)
        let variant = try #require(
            try PlaylistReader.readMultivariant(resource.body.readableBytesView).variants.first
        )
        let playlist = try playlist()
        let bits = try playlist.segments.reduce(0) { $0 + (try bytes($1.uri).count) * 8 }
        let average = Double(bits) / playlist.segments.reduce(0) { $0 + $1.duration }
        #expect(abs(Double(try #require(variant.averageBandwidth)) - average) < 2)
        #expect(Double(variant.bandwidth) >= average)
    }

    @Test("a live that its encoder left ends with the server")
    func endsWithServer() throws {
        _ = publish(media(seconds: 5), [try Media.avc(), try Media.aac()], ending: .interrupted)
        packaging.endInterruptedLives()
        #expect(try playlist().hasEndList)
    }

    // MARK: - Several tracks

    private func rendition(_ name: String) throws -> TestSupport.MediaPlaylist {
        let resource = try #require(try stream().playlist(.rendition(name: name))?.resource)
        return try PlaylistReader.readMedia(resource.body.readableBytesView)
    }

    private func multivariant() throws -> TestSupport.MultivariantPlaylist {
        let resource = try #require(try stream().snapshot.multivariantPlaylist)
        return try PlaylistReader.readMultivariant(resource.body.readableBytesView)
    }

    private func ladder(seconds: Int, videos: UInt8 = 2, sounds: UInt8 = 1, from start: Int64 = 0) -> [AccessUnit] {
        let pictures = Media.pictures(from: start, count: seconds * 30, group: 60)
        let sound = Media.sounds(from: start, count: seconds * 48_000 / 1024)
        let tracks =
            (0..<videos).map { Media.units(pictures, as: $0) } + (0..<sounds).map { Media.units(sound, as: $0) }
        return tracks.joined().enumerated()
            .sorted { ($0.element.decodeTime, $0.offset) < ($1.element.decodeTime, $1.offset) }.map(\.element)
    }

    /// What a playlist says of its segments, apart from their names.
    private func places(_ playlist: TestSupport.MediaPlaylist) -> [String] {
        playlist.segments.map { segment in
            "\(segment.mediaSequenceNumber) \(segment.durationText) \(segment.discontinuitySequenceNumber) "
                + "\(segment.isDiscontinuous) \(segment.programDateTime?.text ?? "")"
        }
    }

    private let videos = { try [Media.avc(), Media.video(1, Media.avcC240)] }

    @Test("further video tracks are playlists of the same numbers, with the primary's sound in their segments")
    func furtherVideo() throws {
        _ = publish(ladder(seconds: 30), try videos() + [Media.aac()], ending: .clean)
        let further = try rendition("media-1.m3u8")
        #expect(places(further) == places(try playlist()) && further.hasEndList)
        #expect(try multivariant().variants.map(\.uri) == ["media.m3u8", "media-1.m3u8"])
        for (segment, primary) in zip(further.segments, try playlist().segments) {
            let map = try ISOBMFFReader.readInitializationSegment(try bytes(try #require(segment.map).uri))
            let media = try ISOBMFFReader.readMediaSegment(try bytes(segment.uri), initialization: map)
            #expect(map.tracks.map(\.handlerType) == ["vide", "soun"])
            let primaryMap = try ISOBMFFReader.readInitializationSegment(try bytes(try #require(primary.map).uri))
            let primaryMedia = try ISOBMFFReader.readMediaSegment(try bytes(primary.uri), initialization: primaryMap)
            #expect(media.samples(of: 2).map(\.decodeTime) == primaryMedia.samples(of: 2).map(\.decodeTime))
        }
        // Segments that have left the playlist stay fetchable in every rendition.
        let gone = try #require(further.segments.first?.mediaSequenceNumber) - 1
        #expect(gone >= 0)
        #expect(store.resource(of: id, named: "tag1-\(gone).m4s") != nil)
        #expect(store.resource(of: id, named: "tag1-m1-\(gone).m4s") != nil)
    }

    @Test("several audio tracks are offered apart from the pictures, and media.m3u8 stays whole")
    func severalSounds() throws {
        let tracks = try videos() + [Media.aac(), Media.audio(1)]
        _ = publish(ladder(seconds: 10, sounds: 2), tracks, ending: nil)
        let index = try multivariant()
        #expect(index.variants.map(\.uri) == ["video-0.m3u8", "video-1.m3u8"])
        for (name, handlers) in [
            ("video-0", ["vide"]), ("video-1", ["vide"]), ("audio-0", ["soun"]), ("audio-1", ["soun"]),
        ] {
            let playlist = try rendition("\(name).m3u8")
            #expect(places(playlist) == places(try self.playlist()))
            let map = try #require(playlist.segments[0].map?.uri)
            let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map))
            #expect(initialization.tracks.map(\.handlerType) == handlers)
        }
        // The bit rates of pictures and sound add up to what a viewer loads.
        let video = try rendition("video-0.m3u8").segments.reduce(0) { $0 + (try bytes($1.uri).count) * 8 }
        let sound = try rendition("audio-1.m3u8").segments.reduce(0) { $0 + (try bytes($1.uri).count) * 8 }
        let seconds = try playlist().segments.reduce(0) { $0 + $1.duration }
        let average = try #require(index.variants[0].averageBandwidth)
        #expect(abs(Double(average) - Double(video + sound) / seconds) < 3)
    }

    @Test(
        "the playlist tells the first of a segment's moments at their time of day, with what was said when that is short"
    )
    func dateRanges() throws {
        let sink = packaging.beginPublish(id)
        sink.configure(try Media.avc())
        for unit in media(seconds: 6) where unit.trackID == Media.video {
            sink.receive(unit)
            guard unit.decodeTime == .milliseconds(1000) else { continue }
            sink.receive(TimedMetadata(name: "on\"Text\"", time: unit.decodeTime, json: #"{"text":"\"a\" é\n100 %"}"#))
            sink.receive(
                TimedMetadata(name: "onCue", time: .milliseconds(1500), json: String(repeating: "1", count: 513))
            )
            for _ in 0..<20 { sink.receive(TimedMetadata(name: "onFI", time: .milliseconds(1600), json: "[]")) }
        }
        sink.finish(.clean)

        let segments = try playlist().segments
        let ranges = segments.flatMap(\.dateRanges)
        #expect(ranges.count == 8, "no more of one segment")
        #expect(segments[0].dateRanges.count == 8)
        #expect(try ranges.prefix(3).map { try $0.quoted("CLASS") } == ["onText", "onCue", "onFI"])
        let data = try #require(try ranges[0].quoted("X-LYCEUM-JSON")?.removingPercentEncoding)
        #expect(data == #"{"text":"\"a\" é\n100 %"}"#)
        #expect(try ranges[1].quoted("X-LYCEUM-JSON") == nil)
        let start = try #require(segments[0].programDateTime).milliseconds
        let moments = try ranges.prefix(2).map { range -> Int64 in
            let text = try #require(try range.quoted("START-DATE"))
            let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            return Int64((try Date(text, strategy: format).timeIntervalSince1970 * 1000).rounded()) - start
        }
        #expect(moments == [1000, 1500])
    }

    @Test("what the encoder said is in every rendition with pictures, and not a second time beside their sound")
    func eventsOnce() throws {
        let sink = publish([], try videos() + [Media.aac(), Media.audio(1)], ending: nil)
        for unit in ladder(seconds: 5, sounds: 2) {
            sink.receive(unit)
            if unit.trackID == Media.video, unit.decodeTime == .milliseconds(1000) {
                sink.receive(TimedMetadata(name: "onCue", time: unit.decodeTime, json: "{}"))
            }
        }
        for (name, count) in [("video-0", 1), ("video-1", 1), ("audio-0", 0), ("audio-1", 0)] {
            let events = try rendition("\(name).m3u8").segments.map { segment in
                let map = try #require(segment.map)
                let initialization = try ISOBMFFReader.readInitializationSegment(try bytes(map.uri))
                return try ISOBMFFReader.readMediaSegment(try bytes(segment.uri), initialization: initialization).events
            }
            #expect(events.joined().count == count, "\(name)")
            #expect(try rendition("\(name).m3u8").segments.flatMap(\.dateRanges).count == count, "\(name)")
        }
    }

    @Test("a rendition that begins later has its default's segments before, and numbers that line up")
    func laterRendition() throws {
        var followers: [String: PlaylistFollower] = [:]
        let sink = publish(ladder(seconds: 8, videos: 1), [try Media.avc(), try Media.aac()], ending: nil)
        sink.configure(try Media.video(1, Media.avcC240))
        for unit in ladder(seconds: 20, from: 8000) {
            sink.receive(unit)
            try followers["media.m3u8", default: PlaylistFollower()].follow(try playlist())
            guard try stream().playlist(.rendition(name: "media-1.m3u8")) != nil else { continue }
            try followers["media-1.m3u8", default: PlaylistFollower()].follow(try rendition("media-1.m3u8"))
        }
        let further = try rendition("media-1.m3u8")
        #expect(places(further) == places(try playlist()))
        let seen = try #require(followers["media-1.m3u8"])
        #expect(seen.segments[0].mediaSequenceNumber == 0 && seen.discontinuityCount == 1)
        #expect(seen.segments.first { $0.isDiscontinuous }?.uri.contains("-m1-") == true)
        #expect(seen.segments[0].uri == followers["media.m3u8"]?.segments[0].uri)
    }

    @Test("audio tracks that begin later begin their playlists at the live's numbers and discontinuities")
    func laterSound() throws {
        let sink = publish(ladder(seconds: 8, videos: 1), [try Media.avc(), try Media.aac()], ending: nil)
        sink.configure(try Media.audio(1))
        for unit in ladder(seconds: 6, videos: 1, sounds: 2, from: 8000) { sink.receive(unit) }
        let sound = try rendition("audio-1.m3u8")
        #expect(sound.mediaSequence == 4 || sound.mediaSequence == 3)
        #expect(places(sound) == places(try playlist()).suffix(sound.segments.count))
        #expect(try multivariant().variants.map(\.uri) == ["video-0.m3u8"])
    }

    @Test("an encoder that comes back with fewer tracks leaves no rendition without media")
    func fewerTracks() throws {
        let tracks = try videos() + [Media.aac(), Media.audio(1)]
        _ = publish(ladder(seconds: 6, sounds: 2), tracks, ending: .interrupted)
        _ = publish(ladder(seconds: 6, videos: 1), [try Media.avc(), try Media.aac()], ending: .clean)
        for name in ["video-0.m3u8", "video-1.m3u8", "audio-0.m3u8", "audio-1.m3u8"] {
            let playlist = try rendition(name)
            #expect(places(playlist) == places(try self.playlist()) && playlist.hasEndList, "\(name)")
        }
        for (further, primary) in [("video-1.m3u8", "video-0.m3u8"), ("audio-1.m3u8", "audio-0.m3u8")] {
            let segment = try #require(try rendition(further).segments.last)
            let source = try #require(try rendition(primary).segments.last)
            #expect(try segment.map == source.map && bytes(segment.uri) == bytes(source.uri), "\(further)")
        }
        #expect(try multivariant().variants.map(\.uri) == ["video-0.m3u8"])
        #expect(try multivariant().renditions.count == 1)
    }

    @Test("an encoder that comes back with more tracks gets more renditions, after a discontinuity")
    func moreTracks() throws {
        _ = publish(media(seconds: 6), [try Media.avc(), try Media.aac()], ending: .interrupted)
        _ = publish(ladder(seconds: 6), try videos() + [Media.aac()], ending: .clean)
        #expect(places(try rendition("media-1.m3u8")) == places(try playlist()))
        #expect(try playlist().segments.filter(\.isDiscontinuous).count == 1)
    }
}
