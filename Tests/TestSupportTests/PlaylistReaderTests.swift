import TestSupport
import Testing

/// The playlist reader against a playlist of a real ffmpeg and against tables of what RFC 8216 forbids.
@Suite("Playlist reader")
struct PlaylistReaderTests {
    @Test("a media playlist of ffmpeg is read")
    func ffmpegMedia() async throws {
        let playlist = try PlaylistReader.readMedia(try await FFmpegHLS.shared.value.playlist)
        #expect(playlist.version == 7 || playlist.version == 6)
        #expect(playlist.targetDuration == 2)
        #expect(playlist.segments.map(\.uri) == ["seg0.m4s", "seg1.m4s", "seg2.m4s"])
        #expect(playlist.segments.allSatisfy { $0.map?.uri == "init.mp4" })
        #expect(playlist.duration == 6)
        #expect(playlist.hasEndList && playlist.hasIndependentSegments)
        #expect(playlist.type == "VOD")
        #expect(playlist.unknownTags.isEmpty)
    }

    @Test("a multivariant playlist of ffmpeg is read")
    func ffmpegMultivariant() async throws {
        let playlist = try PlaylistReader.readMultivariant(try await FFmpegHLS.shared.value.multivariantPlaylist)
        let variant = try #require(playlist.variants.first)
        #expect(variant.uri == "media.m3u8")
        #expect(variant.resolution == MultivariantPlaylist.Resolution(width: 320, height: 180))
        #expect(variant.codecs.count == 2)
        #expect(variant.bandwidth > 0)
    }

    @Test("every field of a live playlist arrives")
    func fields() throws {
        let playlist = try PlaylistReader.readMedia(
            """
            #EXTM3U
            #EXT-X-VERSION:6
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:41
            #EXT-X-DISCONTINUITY-SEQUENCE:3
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6
            #EXT-X-UNHEARD-OF:1
            #EXT-X-MAP:URI="a.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2024-02-29T23:59:59.500Z
            #EXTINF:2.000,
            41.m4s
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="b.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2024-03-01T01:00:05.25+01:00
            #EXTINF:1.5,title
            42.m4s?x=1

            """
        )
        #expect(playlist.unknownTags == ["#EXT-X-UNHEARD-OF:1"])
        #expect(playlist.serverControl?.holdBack == 6)
        #expect(playlist.segments.map(\.mediaSequenceNumber) == [41, 42])
        #expect(playlist.segments.map(\.discontinuitySequenceNumber) == [3, 4])
        #expect(playlist.segments.map { $0.map?.uri } == ["a.mp4", "b.mp4"])
        #expect(playlist.segments.map(\.title) == ["", "title"])
        #expect(
            playlist.segments.map { $0.programDateTime?.milliseconds } == [1_709_251_199_500, 1_709_251_205_250]
        )
    }

    static let sound = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n"

    @Test(
        "what RFC 8216 forbids in a media playlist is refused",
        arguments: [
            ("no EXTM3U", "#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n"),
            ("EXTM3U with a space", "#EXTM3U \n#EXT-X-TARGETDURATION:2\n"),
            ("EXTM3U twice", sound + "#EXTM3U\n"),
            ("byte order mark", "\u{FEFF}" + sound),
            ("control character", sound + "#EXTINF:2,a\u{1}b\na.ts\n"),
            ("last line without its end", sound + "#EXTINF:2,\na.ts"),
            ("version twice", sound + "#EXT-X-VERSION:6\n"),
            ("no target duration", "#EXTM3U\n#EXTINF:2,\na.ts\n"),
            ("target duration twice", sound + "#EXT-X-TARGETDURATION:2\n"),
            ("target duration with a fraction", "#EXTM3U\n#EXT-X-TARGETDURATION:2.0\n"),
            ("signed target duration", "#EXTM3U\n#EXT-X-TARGETDURATION:+2\n"),
            ("EXTINF that rounds above the target", sound + "#EXTINF:2.5,\na.ts\n"),
            ("EXTINF without a comma", sound + "#EXTINF:2\na.ts\n"),
            ("EXTINF with an exponent", sound + "#EXTINF:1e0,\na.ts\n"),
            ("EXTINF twice", sound + "#EXTINF:2,\n#EXTINF:2,\na.ts\n"),
            ("URI without EXTINF", sound + "a.ts\n"),
            ("tags without a URI", sound + "#EXTINF:2,\n"),
            (
                "floating-point EXTINF in version 2",
                "#EXTM3U\n#EXT-X-VERSION:2\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\na\n"
            ),
            (
                "map in version 5",
                "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:2,\na\n"
            ),
            ("fMP4 without a map", sound + "#EXTINF:2,\na.m4s\n"),
            ("map without a URI", sound + "#EXT-X-MAP:BYTERANGE=\"1@0\"\n"),
            ("map with a bare URI", sound + "#EXT-X-MAP:URI=init.mp4\n"),
            ("attribute twice", sound + "#EXT-X-MAP:URI=\"a\",URI=\"b\"\n"),
            ("space after a comma", sound + "#EXT-X-MAP:URI=\"a\", BYTERANGE=\"1@0\"\n"),
            ("quoted-string without an end", sound + "#EXT-X-MAP:URI=\"a\n"),
            ("lower-case attribute name", sound + "#EXT-X-MAP:uri=\"a\"\n"),
            ("media sequence after a segment", sound + "#EXTINF:2,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n"),
            (
                "discontinuity sequence after a discontinuity",
                sound + "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXTINF:2,\na.ts\n"
            ),
            ("discontinuity with a value", sound + "#EXT-X-DISCONTINUITY:1\n#EXTINF:2,\na.ts\n"),
            ("date without a zone", sound + "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00.000\n#EXTINF:2,\na.ts\n"),
            (
                "zone without a colon",
                sound + "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00.000+0000\n#EXTINF:2,\na.ts\n"
            ),
            ("date that does not exist", sound + "#EXT-X-PROGRAM-DATE-TIME:2023-02-29T00:00:00Z\n#EXTINF:2,\na.ts\n"),
            ("segment after the end", sound + "#EXT-X-ENDLIST\n#EXTINF:2,\na.ts\n"),
            ("end twice", sound + "#EXT-X-ENDLIST\n#EXT-X-ENDLIST\n"),
            ("unknown type", sound + "#EXT-X-PLAYLIST-TYPE:LIVE\n"),
            ("key without a URI", sound + "#EXT-X-KEY:METHOD=AES-128\n#EXTINF:2,\na.ts\n"),
            ("tag of a multivariant playlist", sound + "#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n"),
            (
                "dates that step back",
                sound + "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:02Z\n#EXTINF:2,\na.ts\n"
                    + "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:01Z\n#EXTINF:2,\nb.ts\n"
            ),
        ]
    )
    func forbiddenMedia(_ what: String, _ text: String) {
        #expect(throws: PlaylistError.self, "\(what)") { try PlaylistReader.readMedia(text) }
    }

    @Test("the tables' common beginning is itself in order")
    func soundBeginning() throws {
        _ = try PlaylistReader.readMedia(Self.sound + "#EXTINF:2,\na.ts\n")
        _ = try PlaylistReader.readMultivariant("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n")
    }

    @Test(
        "what RFC 8216 forbids in a multivariant playlist is refused",
        arguments: [
            ("no variant", ""),
            ("no bandwidth", "#EXT-X-STREAM-INF:CODECS=\"a\"\na.m3u8\n"),
            ("quoted bandwidth", "#EXT-X-STREAM-INF:BANDWIDTH=\"1\"\na.m3u8\n"),
            ("bare codecs", "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=avc1\na.m3u8\n"),
            ("space in codecs", "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1, mp4a\"\na.m3u8\n"),
            ("resolution with a capital X", "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1X1\na.m3u8\n"),
            ("average above the peak", "#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=2\na.m3u8\n"),
            ("no URI", "#EXT-X-STREAM-INF:BANDWIDTH=1\n"),
            ("a comment before the URI", "#EXT-X-STREAM-INF:BANDWIDTH=1\n#hm\na.m3u8\n"),
            ("URI alone", "a.m3u8\n"),
            ("group that does not exist", "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\na.m3u8\n"),
            ("tag of a media playlist", "#EXT-X-TARGETDURATION:2\n"),
            (
                "rendition twice",
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\"\n"
                    + "#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"
            ),
        ]
    )
    func forbiddenMultivariant(_ what: String, _ text: String) {
        #expect(throws: PlaylistError.self, "\(what)") { try PlaylistReader.readMultivariant("#EXTM3U\n" + text) }
    }

    @Test("random damage never traps the reader")
    func fuzz() async throws {
        let playlist = try await FFmpegHLS.shared.value.playlist
        var random = SplitMix64(seed: 0x6D33_7538)
        var refused = 0
        for _ in 0..<5000 {
            var text = playlist
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                text[Int.random(in: text.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if (try? PlaylistReader.readMedia(text)) == nil { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
