import MediaCore
import Testing

@testable import Transcode

@Suite("Subtitles")
struct SubtitleTests {
    @Test(
        "commands of Advanced SubStation Alpha leave the words",
        arguments: [
            ("0,0,Default,,0,0,0,,Hello, world", "Hello, world"),
            ("1,0,Default,,0,0,0,,{\\an8\\pos(1,2)}Up\\Nthere {\\i1}now{\\i0}", "Up\nthere now"),
            ("2,0,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}shown", "shown"),
            ("3,0,Default", ""), ("4,0,D,,0,0,0,,a < b & c", "a &lt; b &amp; c"),
        ]
    )
    func subStationAlpha(_ line: String, _ text: String) {
        #expect(SubtitleText.fromSubStationAlpha(Array(line.utf8)) == text)
    }

    @Test(
        "markup keeps what WebVTT has, and cannot break a cue",
        arguments: [
            ("<b>bold</b> <font color=red>red</font>", "<b>bold</b> red"), ("a --> b", "a --&gt; b"),
            ("one\r\n\r\ntwo", "one\ntwo"), ("&amp; & <", "&amp; &amp; &lt;"), ("\u{0}x", "x"),
        ]
    )
    func markup(_ source: String, _ text: String) {
        #expect(SubtitleText.fromMarkup(Array(source.utf8)) == text)
    }

    @Test("segments cover a minute each; what lasts longer is in both")
    func segments() throws {
        let cues = [
            SubtitleCue(start: .milliseconds(1500), end: .milliseconds(2000), text: "first"),
            SubtitleCue(start: .milliseconds(59_000), end: .milliseconds(61_000), text: "across"),
        ]
        let playlists = SubtitlePlaylists(
            [SubtitleTrack(labels: TrackLabels(language: "deu"), isDefault: true, cues: cues)],
            lasting: .milliseconds(100_500),
            mediaStart: .milliseconds(10_000)
        )
        let files = playlists.files
        #expect(files.map(\.name) == ["s0-0.vtt", "s0-1.vtt", "s0.m3u8"])
        #expect(
            files[0].text == """
                WEBVTT
                X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000

                00:00:01.500 --> 00:00:02.000
                first

                00:00:59.000 --> 00:01:01.000
                across

                """
        )
        #expect(files[1].text.contains("across") && !files[1].text.contains("first"))
        #expect(files[2].text.contains("#EXTINF:60.000,\ns0-0.vtt\n#EXTINF:40.500,\ns0-1.vtt\n#EXT-X-ENDLIST"))
        let listed = playlists.listed(in: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nm0.m3u8\n")
        #expect(
            listed == """
                #EXTM3U
                #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="German",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,\
                FORCED=NO,URI="s0.m3u8"
                #EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES="subtitles"
                m0.m3u8

                """
        )
    }

    @Test("a clock that jumps goes on, with all tracks on the same offset")
    func clock() {
        var clock = ClockRepair(mayJump: true)
        let (video, audio) = (TrackID(.video), TrackID(.audio))
        #expect(clock.offset(of: video, at: .milliseconds(1000)) == .zero)
        #expect(clock.offset(of: audio, at: .milliseconds(990)) == .zero)
        let offset = clock.offset(of: video, at: .milliseconds(500_000))
        #expect(offset == .milliseconds(1020 - 500_000))
        // The other track has something from before the jump, and then follows.
        #expect(clock.offset(of: audio, at: .milliseconds(1011)) == .zero)
        #expect(clock.offset(of: audio, at: .milliseconds(500_010)) == offset)
        #expect(clock.jumps == 1)
        var file = ClockRepair(mayJump: false)
        _ = file.offset(of: video, at: .zero)
        #expect(file.offset(of: video, at: .milliseconds(3_600_000)) == .zero)
    }
}
