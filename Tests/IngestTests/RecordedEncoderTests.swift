import MediaCore
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

/// Real encoders' bytes, see fixtures/README.md.
@Suite("Recorded encoders")
struct RecordedEncoderTests {
    /// What a recording holds, counted by a reader of another kind.
    struct Expectation: Sendable {
        let fixture: Fixture
        let commands: [String]
        let tracks: Set<String>
        let videoUnits: Int
        let audioUnits: Int
        let syncTimes: [Int64]
        let end: PublishEnd
    }

    private static let goodbye = ["FCUnpublish", "deleteStream"]
    private static let opening = ["connect", "releaseStream", "FCPublish", "createStream", "publish"]

    static let expectations = [
        Expectation(
            fixture: .ffmpeg,
            commands: opening + goodbye,
            tracks: ["avc1.64000c", "mp4a.40.2"],
            videoUnits: 60,
            audioUnits: 95,
            syncTimes: [0, 1000],
            end: .clean
        ),
        Expectation(
            fixture: .gstreamer,
            commands: opening + goodbye,
            tracks: ["avc1.42c00b", "mp4a.40.2"],
            videoUnits: 60,
            audioUnits: 95,
            syncTimes: [85, 1034],
            end: .clean
        ),
        Expectation(
            fixture: .librtmp,
            commands: opening + goodbye,
            tracks: ["avc1.42c00b", "mp4a.40.2"],
            videoUnits: 60,
            audioUnits: 95,
            syncTimes: [121, 1121],
            end: .clean
        ),
        // Interrupted while it streamed: no goodbye.
        Expectation(
            fixture: .obs,
            commands: opening,
            tracks: ["avc1.42c00d", "mp4a.40.2"],
            videoUnits: 114,
            audioUnits: 178,
            syncTimes: [0],
            end: .interrupted
        ),
    ]

    @Test(
        "the commands, tracks and access units of each are found, however cut",
        arguments: expectations,
        Feed.allCases
    )
    func replay(expected: Expectation, feed: Feed) throws {
        let bytes = try expected.fixture.bytes()
        let commands = try expected.fixture.messages(feed).filter { $0.typeID == RTMPMessage.TypeID.commandAMF0 }
        #expect(try commands.map { try RTMPCommand($0).name } == expected.commands)

        let recording = Recording()
        let loop = EmbeddedEventLoop()
        let connection = try EmbeddedConnection(.init(recording), loop: loop)
        try connection.send(bytes, feed: feed)
        connection.channel.close(promise: nil)
        loop.run()

        var tracks: Set<String> = []
        var videoTimes: [Int64] = []
        var audioTimes: [Int64] = []
        var syncTimes: [Int64] = []
        for event in recording.events {
            switch event {
            case .configure(let codec, _): #expect(tracks.insert(codec).inserted)
            case .unit(.video, let time, let isSync, _, _):
                videoTimes.append(time)
                if isSync { syncTimes.append(time) }
            case .unit(.audio, let time, _, _, _): audioTimes.append(time)
            case .begin, .finish, .metadata: break
            }
        }
        #expect(tracks == expected.tracks)
        #expect(videoTimes.count == expected.videoUnits)
        #expect(audioTimes.count == expected.audioUnits)
        #expect(syncTimes == expected.syncTimes)
        #expect(videoTimes == videoTimes.sorted() && audioTimes == audioTimes.sorted())
        #expect(recording.events.last == .finish(expected.end, publish: 1))
    }
}
