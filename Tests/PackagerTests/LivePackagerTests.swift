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
        let resource = try #require(try stream().snapshot.mediaPlaylist)
        return try PlaylistReader.readMedia(resource.body.readableBytesView)
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try #require(store.resource(of: id, named: name)).body.readableBytesView)
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
            let tracks = try #require(media.fragments.first).tracks
            #expect(tracks.count == 2)
            for track in tracks {
                if let end = lastEnds[track.trackID] { #expect(track.baseMediaDecodeTime == end) }
                lastEnds[track.trackID] = track.endTime
                guard track.trackID == video.trackID else { continue }
                #expect(abs(track.duration - segment.duration) < 0.000_02)
                #expect(track.samples[0].isSync)
                #expect(track.samples.dropFirst().allSatisfy { !$0.isSync })
                for sample in track.samples {
                    #expect(Array(body[sample.byteRange]) == expected.popFirst())
                }
            }
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
        let end = try #require(try stream().snapshot.window.segments.last).duration
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
}
