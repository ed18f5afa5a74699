import MediaCore
import NIOCore
import Testing

@testable import Ingest

/// Each codec as a real encoder sends it over Enhanced RTMP, see fixtures/README.md.
@Suite("Recorded codecs")
struct RecordedCodecTests {
    /// What a track of a recording holds, counted by a reader of another kind.
    struct ExpectedTrack: Sendable {
        let id: TrackID
        let codec: String
        let units: Int
        /// Milliseconds; `nil` for sound, each of whose units is one.
        var syncTimes: [Int64]?

        static func video(_ codec: String, index: UInt8 = 0, sync: [Int64], units: Int = 30) -> ExpectedTrack {
            ExpectedTrack(id: TrackID(.video, index: index), codec: codec, units: units, syncTimes: sync)
        }

        static func audio(_ codec: String, index: UInt8 = 0, units: Int) -> ExpectedTrack {
            ExpectedTrack(id: TrackID(.audio, index: index), codec: codec, units: units)
        }
    }

    static let h264 = ExpectedTrack.video("avc1.640009", sync: [0, 1000])

    static let expectations: [(Fixture, [ExpectedTrack])] = [
        (.hevcAAC, [.video("hvc1.1.6.L30.90", sync: [0, 866]), .audio("mp4a.40.2", units: 95)]),
        (.av1Opus, [.video("av01.0.00M.08", sync: [7, 1007]), .audio("Opus", units: 101)]),
        (.vp9Opus, [.video("vp09.00.10.08", sync: [7, 1007]), .audio("Opus", units: 101)]),
        (.h264FLAC, [h264, .audio("fLaC", units: 94)]),
        (.h264AC3, [h264, .audio("ac-3", units: 63)]),
        (.h264EAC3, [h264, .audio("ec-3", units: 63)]),
        (.h264MP3, [h264, .audio("mp4a.6B", units: 85)]),
        (.twoAudio, [h264, .audio("mp4a.40.2", units: 95), .audio("mp4a.6B", index: 1, units: 85)]),
        (
            .twoVideo,
            [
                .video("avc1.42d00b", sync: [133, 1133]), .video("hvc1.1.6.L30.90", index: 1, sync: [0, 866]),
                .audio("mp4a.40.2", units: 95),
            ]
        ),
    ]

    @Test(
        "each track is announced once, and every access unit is there, however cut",
        arguments: expectations,
        Feed.allCases
    )
    func replay(expected: (fixture: Fixture, tracks: [ExpectedTrack]), feed: Feed) throws {
        var demuxer = FLVDemuxer()
        var outputs: [FLVDemuxer.Output] = []
        for message in try expected.fixture.messages(feed) {
            switch message.typeID {
            case RTMPMessage.TypeID.audio:
                outputs += try demuxer.receiveAudio(message.payload, timestamp: message.timestamp)
            case RTMPMessage.TypeID.video:
                outputs += try demuxer.receiveVideo(message.payload, timestamp: message.timestamp)
            default: break
            }
        }
        #expect(outputs.drops.isEmpty)
        #expect(outputs.tracks.count == expected.tracks.count)
        #expect(outputs.units.count == expected.tracks.reduce(0) { $0 + $1.units })
        for track in expected.tracks {
            #expect(outputs.tracks.first { $0.id == track.id }?.configuration.codecString == track.codec)
            let units = outputs.units.filter { $0.trackID == track.id }
            let times = units.map { $0.decodeTime.ticks(timescale: 1000) }
            #expect(units.count == track.units, "\(track.id)")
            #expect(times == times.sorted())
            let syncTimes = units.filter(\.isSync).map { $0.decodeTime.ticks(timescale: 1000) }
            #expect(syncTimes == track.syncTimes ?? times)
        }
    }
}
