import LiveStore
import MediaCore
import NIOCore
import TestSupport
import Testing

@testable import Packager

@Suite("Playlists")
struct PlaylistTests {
    private let first = StoredResource(
        kind: .initializationSegment,
        name: "t-init-0.mp4",
        body: ByteBuffer(),
        entityTag: "i"
    )
    private let second = StoredResource(
        kind: .initializationSegment,
        name: "t-init-2.mp4",
        body: ByteBuffer(),
        entityTag: "j"
    )

    private func segment(
        _ number: Int,
        milliseconds: Int64 = 2000,
        isIndependent: Bool = true,
        isDiscontinuous: Bool = false,
        initialization: StoredResource? = nil,
        bytes: Int = 250_000
    ) -> MediaSegment {
        let unfinished = UnfinishedSegment(
            mediaSequenceNumber: number,
            programDateTime: date(number),
            isIndependent: isIndependent,
            isDiscontinuous: isDiscontinuous,
            initialization: initialization ?? first,
            statesMap: initialization != nil
        )
        return MediaSegment(
            mediaSequenceNumber: number,
            duration: .milliseconds(milliseconds),
            programDateTime: date(number),
            isIndependent: isIndependent,
            isDiscontinuous: isDiscontinuous,
            initialization: initialization ?? first,
            resource: StoredResource(
                kind: .mediaSegment,
                name: "t-\(number).m4s",
                body: ByteBuffer(repeating: 0, count: bytes),
                entityTag: "t-\(number)"
            ),
            lines: Packager.MediaPlaylist.lines(
                of: unfinished,
                lasting: .milliseconds(milliseconds),
                uri: "t-\(number).m4s"
            )
        )
    }

    private func date(_ number: Int) -> WallClockTime {
        WallClockTime(milliseconds: 1_767_225_600_000 + Int64(number) * 2000)
    }

    private func text(_ window: LiveWindow, isEnded: Bool = false) -> String {
        let targets = PlaylistTargets(duration: 2, part: nil)
        let playlist = Packager.MediaPlaylist(
            tag: "t",
            rendition: nil,
            window: window,
            targets: targets,
            isEnded: isEnded
        )
        return String(buffer: playlist.rendered(playlist.settled()).full.body)
    }

    private func window(_ segments: [MediaSegment], keeping count: Int = 100) -> LiveWindow {
        var window = LiveWindow(firstMediaSequenceNumber: segments[0].mediaSequenceNumber)
        let limits = LiveWindow.Limits(duration: .zero, minimumSegments: count)
        for segment in segments { window.append(segment, limits: limits) }
        return window
    }

    @Test("a live playlist states each segment's date, length and map")
    func liveMediaPlaylist() throws {
        let window = window([
            segment(7), segment(8, milliseconds: 2033),
            segment(9, milliseconds: 1967, isDiscontinuous: true, initialization: second),
        ])
        let text = text(window)
        #expect(
            text == """
                #EXTM3U
                #EXT-X-VERSION:10
                #EXT-X-TARGETDURATION:2
                #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES
                #EXT-X-MEDIA-SEQUENCE:7
                #EXT-X-DISCONTINUITY-SEQUENCE:0
                #EXT-X-MAP:URI="t-init-0.mp4"
                #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:14.000Z
                #EXTINF:2.000000,
                t-7.m4s
                #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:16.000Z
                #EXTINF:2.033000,
                t-8.m4s
                #EXT-X-DISCONTINUITY
                #EXT-X-MAP:URI="t-init-2.mp4"
                #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:18.000Z
                #EXTINF:1.967000,
                t-9.m4s

                """
        )
        _ = try PlaylistReader.readMedia(text)
    }

    @Test("an ended playlist says so in its last line")
    func endedMediaPlaylist() throws {
        let text = text(window([segment(0)]), isEnded: true)
        #expect(text.hasSuffix("t-0.m4s\n#EXT-X-ENDLIST\n"))
        #expect(try PlaylistReader.readMedia(text).hasEndList)
    }

    @Test("a follower of the sliding window sees numbers and discontinuities go on without a break")
    func slidingWindow() throws {
        var follower = PlaylistFollower()
        var window = LiveWindow()
        let limits = LiveWindow.Limits(duration: .milliseconds(8000), minimumSegments: 3)
        for number in 0..<40 {
            window.append(segment(number, isDiscontinuous: number % 7 == 5), limits: limits)
            try follower.follow(try PlaylistReader.readMedia(text(window, isEnded: number == 39)))
        }
        #expect(window.discontinuitySequence == 5)
        #expect(follower.segments.count == 40)
    }

    @Test("the multivariant playlist states what was measured and what the bitstream says")
    func multivariantPlaylist() throws {
        var entry = try video(peak: 1_250_000.2, average: 1_000_000, uri: "media.m3u8")
        entry.variant.codecs.append("mp4a.40.2")
        let text = String(buffer: Packager.MultivariantPlaylist.render([entry], sounds: [], isIndependent: true))
        #expect(
            text == """
                #EXTM3U
                #EXT-X-VERSION:10
                #EXT-X-INDEPENDENT-SEGMENTS
                #EXT-X-STREAM-INF:BANDWIDTH=1250001,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000
                media.m3u8

                """
        )
        _ = try PlaylistReader.readMultivariant(text)
    }

    @Test("a stream of sound alone has neither resolution nor frame rate")
    func soundAlone() throws {
        let entry = try sound(0, uri: "media.m3u8")
        let text = String(buffer: Packager.MultivariantPlaylist.render([entry], sounds: [], isIndependent: true))
        #expect(text.contains("CODECS=\"mp4a.40.2\"\n"))
    }

    @Test("several video tracks are variants with their sound in them, in the order of their numbers")
    func ladder() throws {
        var entries = [
            try video(peak: 6_100_000, average: 6_000_000, uri: "media.m3u8"),
            try video(Media.avcC240, peak: 800_000, average: 700_000, uri: "media-1.m3u8"),
        ]
        for index in entries.indices { entries[index].variant.codecs.append("mp4a.40.2") }
        let text = String(buffer: Packager.MultivariantPlaylist.render(entries, sounds: [], isIndependent: false))
        #expect(
            text == """
                #EXTM3U
                #EXT-X-VERSION:10
                #EXT-X-STREAM-INF:BANDWIDTH=6100000,AVERAGE-BANDWIDTH=6000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000
                media.m3u8
                #EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=700000,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=320x240,FRAME-RATE=30.000
                media-1.m3u8

                """
        )
        _ = try PlaylistReader.readMultivariant(text)
    }

    @Test("several audio tracks are a group that each variant counts in (RFC 8216 §4.3.4.1)")
    func audioGroup() throws {
        let entries = [
            try video(peak: 6_000_000, average: 5_000_000, uri: "video-0.m3u8"),
            try video(Media.avcC240, peak: 800_000, average: 700_000, uri: "video-1.m3u8"),
        ]
        let sounds = [try sound(0, uri: "audio-0.m3u8"), try sound(2, peak: 96_000, uri: "audio-2.m3u8")]
        let text = String(buffer: Packager.MultivariantPlaylist.render(entries, sounds: sounds, isIndependent: true))
        #expect(
            text == """
                #EXTM3U
                #EXT-X-VERSION:10
                #EXT-X-INDEPENDENT-SEGMENTS
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio 1",DEFAULT=YES,AUTOSELECT=YES,URI="audio-0.m3u8"
                #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio 3",DEFAULT=NO,AUTOSELECT=YES,URI="audio-2.m3u8"
                #EXT-X-STREAM-INF:BANDWIDTH=6096000,AVERAGE-BANDWIDTH=5064000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
                video-0.m3u8
                #EXT-X-STREAM-INF:BANDWIDTH=896000,AVERAGE-BANDWIDTH=764000,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=320x240,FRAME-RATE=30.000,AUDIO="audio"
                video-1.m3u8

                """
        )
        _ = try PlaylistReader.readMultivariant(text)
    }

    @Test("several tracks of sound alone are a variant that is one of the group, counted once")
    func soundsAlone() throws {
        let sounds = [try sound(0, uri: "audio-0.m3u8"), try sound(1, uri: "audio-1.m3u8")]
        let text = String(
            buffer: Packager.MultivariantPlaylist.render([sounds[0]], sounds: sounds, isIndependent: true)
        )
        #expect(
            text.hasSuffix(
                "BANDWIDTH=64000,AVERAGE-BANDWIDTH=64000,CODECS=\"mp4a.40.2\",AUDIO=\"audio\"\naudio-0.m3u8\n"
            )
        )
        _ = try PlaylistReader.readMultivariant(text)
    }

    /// A video rendition of 30 pictures a second.
    private func video(
        _ record: [UInt8] = Media.avcC720,
        peak: Double,
        average: Double,
        uri: String
    ) throws -> Packager.MultivariantPlaylist.Entry {
        let variant = Variant([try Media.avc(record)], pictureCount: 60, lasting: .milliseconds(2000))
        return .init(variant: variant, peak: peak, average: average, isIndependent: true, uri: uri)
    }

    /// An audio rendition.
    private func sound(
        _ index: UInt8,
        peak: Double = 64_000,
        uri: String
    ) throws -> Packager.MultivariantPlaylist.Entry {
        let variant = Variant([try Media.aac()], pictureCount: 0, lasting: .milliseconds(2000))
        return .init(variant: variant, peak: peak, average: 64_000, isIndependent: true, uri: uri, index: index)
    }

    @Test(
        "the frame rate is what was measured, made exact where the bitstream or custom agrees",
        arguments: [
            (59.0 / 2, 30.0, 30.0), (60 / 2.002, 30_000 / 1001.0, 30_000 / 1001.0), (29.98, 60, 30_000 / 1001.0),
            (49.9, nil, 50), (17.0, 30, 17.0), (24.99, 24, 25),
        ] as [(Double, Double?, Double)]
    )
    func frameRate(measured: Double, nominal: Double?, expected: Double) {
        #expect(Variant.frameRate(measured: measured, nominal: nominal) == expected)
    }

    @Test("BANDWIDTH is the peak over sets of segments of about a target duration, not of one short segment")
    func peakBitRate() {
        var meter = BitRateMeter()
        meter.add(byteCount: 250_000, duration: .milliseconds(2000), targetDuration: 2)
        #expect(meter.peak == 1_000_000)
        // 0.2 s at 10 Mb/s: counted together with its neighbours.
        meter.add(byteCount: 250_000, duration: .milliseconds(200), targetDuration: 2)
        #expect(meter.peak == 4_000_000 / 2.2)
        meter.add(byteCount: 25_000, duration: .milliseconds(2000), targetDuration: 2)
        #expect(meter.peak == 4_000_000 / 2.2)
    }

    @Test(
        "EXTINF has six decimals",
        arguments: [
            (2_000_000_000, "2.000000"), (2_002_000_000, "2.002000"), (21_333_333, "0.021333"), (0, "0.000000"),
        ]
            as [(Int64, String)]
    )
    func decimalSeconds(nanoseconds: Int64, text: String) {
        #expect(MediaTime(nanoseconds: nanoseconds).decimalSeconds == text)
    }
}
